"""The document of a benchmark, which `lyaopt benchmark --out` writes and a submission holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lyaopt.errors import DocumentError
from lyaopt.io import strict_json
from lyaopt.io.field_errors import errors_of
from lyaopt.io.fields import Count, Expected, Finite, Flag, FromZeroToOne, Id, NonNegative, Whole

SCHEMA_VERSION: Literal[1] = 1

_Hash = Annotated[str, Field(strict=True, pattern="^[0-9a-f]{64}$"), Expected("a SHA-256 in hexadecimal")]
_Seed = Annotated[int, Field(strict=True, ge=0, lt=2**64), Expected("a whole number from 0 to 2^64 - 1")]
_Values = Annotated[list[Finite], Expected("a list of finite numbers")]
_Version = Annotated[Literal[1], Expected("1")]
_Text = Annotated[str, Field(strict=True), Expected("a string")]
_BudgetName = Annotated[Literal["full", "quick", "other"], Expected('"full", "quick" or "other"')]


class _Strict(BaseModel):
    # Figures come from NumPy, documents from files: both are checked alike.
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Interval(_Strict):
    """A mean over the replications and its interval at 95 %; null without data."""

    value: Finite | None
    """The mean."""
    low: Finite | None
    """Lower end."""
    high: Finite | None
    """Upper end."""


class Seconds(_Strict):
    """Wall time of one process."""

    prepare: NonNegative
    """Making the policy, searches and training in it included."""
    decide_per_slot: NonNegative
    """In `decide`, per slot and replication."""
    run_per_slot: NonNegative
    """The whole simulation, decisions and compiled rules included, per slot and replication."""


class PolicyFigures(_Strict):
    """Figures of one policy on one instance; means are per slot, summed over devices and services."""

    policy: Id
    """Name of a shipped policy, or where the policy came from, as in ``module:Class``."""
    name: _Text
    """What the policy calls itself."""
    objective_j: Interval
    """Energy plus theta tau (tasks in the system), in J."""
    over_bound: Interval
    """The objective over the bound; nulls without a bound above 0."""
    energy_j: Interval
    """Energy, in J."""
    cost: Interval
    """Cost (34), with the weights of the instance."""
    latency_s: Interval
    """Mean latency of the tasks completed."""
    latency_p99_s: Interval
    """Its 99th percentile in a replication."""
    born: Whole
    """Tasks born, from the first slot on."""
    completed: Whole
    """Tasks completed."""
    done_share: FromZeroToOne
    """Completed over born."""
    seconds: Seconds
    """Time that it took; differs from run to run."""
    objective_j_by_replication: _Values
    """The objective in each replication, for paired comparisons."""


class InstanceFigures(_Strict):
    """Policies on one instance."""

    instance: Id
    """Name of the instance."""
    sha256: _Hash
    """Of its content."""
    waiting_cost_j_per_s: _Values
    """theta of each service."""
    bound_j: NonNegative | None
    """LB3, in J per slot; null where there is none."""
    policies: list[PolicyFigures]
    """In the order in which they ran."""


class BudgetDocument(_Strict):
    """What was simulated."""

    replications: Count
    """B."""
    slots: Count
    """Measured slots of each replication."""
    warmup: Whole
    """Slots before them."""
    seed: _Seed
    """Of arrivals and channels."""
    search_slots: Count
    """Largest number of slots in the preparation of a shipped policy."""


class Versions(_Strict):
    """What computed a document."""

    lyaopt: _Text
    """Version of lyaopt."""
    python: _Text
    """Version of Python."""
    numpy: _Text
    """Version of NumPy."""
    core: _Text
    """``aot``, ``jit`` or ``python``."""
    numba: _Text | None = None
    """Version of Numba; null with the core ``python``."""


class BenchmarkDocument(_Strict):
    """Figures of a run of the benchmark."""

    schema_version: _Version = SCHEMA_VERSION
    """Of this document."""
    suite: Id
    """Version of the instances."""
    budget_name: _BudgetName
    """``full`` for figures to submit, ``quick`` for a first look."""
    complete: Flag
    """Whether all policies are done on all instances that were asked for."""
    confidence: FromZeroToOne
    """Of the intervals."""
    budget: BudgetDocument
    """What was simulated."""
    instances: list[InstanceFigures]
    """In the order of the suite."""
    versions: Versions
    """What computed it."""

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return self.model_dump()


def parse_benchmark(text: bytes | str) -> BenchmarkDocument:
    """Read a document.

    Parameters
    ----------
    text : bytes or str
        JSON.

    Returns
    -------
    BenchmarkDocument

    Raises
    ------
    DocumentError
        If it is not one; with path and line of the first error.
    """
    with strict_json.document_errors():
        decoded = strict_json.decode(text)
        data = strict_json.parse(decoded)
    errors = strict_json.duplicate_keys(data)
    if not errors:
        try:
            document = BenchmarkDocument.model_validate(data)
        except ValidationError as failure:
            errors = errors_of(BenchmarkDocument, failure)
        else:
            errors = list(_wrong_lengths(document))
            if not errors:
                return document
    line = strict_json.line_of(decoded, errors[0][0])
    raise DocumentError([(strict_json.show_path(path), reason) for path, reason in errors], line)


def _wrong_lengths(document: BenchmarkDocument) -> Iterator[tuple[strict_json.Path, str]]:
    expected = document.budget.replications
    for i, found in enumerate(document.instances):
        for p, policy in enumerate(found.policies):
            got = len(policy.objective_j_by_replication)
            if got != expected:
                path = ("instances", i, "policies", p, "objective_j_by_replication")
                yield path, f"expected one number for each of {expected} replications, got {got}"


def benchmark_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the document."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | BenchmarkDocument.model_json_schema()
