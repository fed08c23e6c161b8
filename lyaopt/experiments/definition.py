"""Definition of a sweep, and its strict parser for TOML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from itertools import product
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.experiments.learners import LEARNERS, Learner
from lyaopt.experiments.variations import MORE_MODELS, SETTINGS, varied
from lyaopt.experiments.waiting import BOUND, Waiting
from lyaopt.io import strict_json, toml_text
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.field_errors import unknown_key
from lyaopt.io.fields import Count, Expected, Id, Whole
from lyaopt.model.system import System

_MOST_POINTS = 10_000
_TABLES = ("vary", "evaluation", "learners", "waiting")
_Names = Annotated[tuple[Id, ...], Field(min_length=1), Expected("a list of names, at least one")]
_Models = Annotated[tuple[tuple[Id, ...], ...], Expected("a list of lists of networks, one for each device")]


@checked
@dataclass(frozen=True, config=STRICT)
class Measuring:
    """Evaluation of policies: all on the same arrivals and channels."""

    seed: Whole = 77
    """Seed of the replications; trainings and searches draw from other streams."""
    slots: Count = 20_000
    """Measured slots of each replication."""
    warmup: Whole = 2_000
    """Slots before those."""
    replications: Count = 20
    """Independent replications of the system."""
    search_seed: Whole = 0
    """Seed of searched policies."""


@checked
@dataclass(frozen=True, config=STRICT)
class Sweep:
    """Policies at the points of a grid of settings."""

    policies: _Names
    """Names of policies and learners, fixed points as text, or `bound`."""
    name: Id = "sweep"
    """Name in tables and figures."""
    scenario: Id = "default"
    """Name of a shipped scenario, or path of a scenario."""
    training_seeds: Count = 5
    """Number of training seeds, from 1."""
    more_models: _Models = MORE_MODELS
    """Networks of additional services, for `services_per_device`."""
    vary: dict[str, Any] = Field(default_factory=dict)
    """Values of settings; several settings form a grid."""
    evaluation: Measuring = Field(default_factory=Measuring)
    """Replications and slots on which policies are evaluated."""
    learners: dict[str, Any] = Field(default_factory=dict)
    """Learners to add, or to redefine by name."""
    waiting: dict[str, Any] = Field(default_factory=dict)
    """Policies by prices, and bounds, with a waiting cost or a mean latency of their own, by name."""
    trace: Id | None = None
    """Path of a trace: policies are searched and trained on its first part, and judged on the rest."""
    search_slots: Count | None = None
    """Slots of the first part, as of `lyaopt.simulation.divide`."""

    def __post_init__(self) -> None:
        if self.search_slots is not None and self.trace is None:
            raise ProblemError("$.search_slots", "expected a trace too, of which these slots are searched")
        for name, values in self.vary.items():
            if name not in SETTINGS:
                raise ProblemError(f"$.vary.{name}", unknown_key(name, SETTINGS))
            if not isinstance(values, list | tuple) or not values:
                shown = strict_json.show_value(values)
                raise ProblemError(f"$.vary.{name}", f"expected a list of values, at least one; got {shown}")
        for number, policy in enumerate(self.policies):
            if policy in self.policies[:number]:
                place = f"$.policies[{number}]"
                raise ProblemError(place, f"expected every policy once, got {policy!r} again")
        count = 1
        for values in self.vary.values():
            count *= len(values)
        if count > _MOST_POINTS:
            raise ProblemError("$.vary", f"expected a grid of at most {_MOST_POINTS} points, got {count}")

    @property
    def points(self) -> tuple[dict[str, Any], ...]:
        """Values of the settings at each point of the grid; the last setting varies fastest."""
        return tuple(dict(zip(self.vary, values, strict=True)) for values in product(*self.vary.values()))

    def learner(self, policy: str) -> Learner | None:
        """Return the learner called `policy`, or None for a policy without training."""
        return self.learners.get(policy) or LEARNERS.get(policy)

    def waits(self, policy: str) -> Waiting | None:
        """Return what the definition says of waiting for the policy called `policy`, or None."""
        return self.waiting.get(policy)

    def is_bound(self, policy: str) -> bool:
        """Tell whether the name `policy` stands for a bound."""
        waits = self.waits(policy)
        return policy == BOUND if waits is None else waits.policy == BOUND

    def systems(self, system: System) -> tuple[System, ...]:
        """Make the system of each point.

        Parameters
        ----------
        system : System
            The scenario to vary.

        Returns
        -------
        tuple of System

        Raises
        ------
        ProblemError
            If a value does not suit its setting, with its path in the file.
        """
        for name, values in self.vary.items():
            for number, value in enumerate(values):
                try:
                    varied(system, {name: value}, self.more_models)
                except ProblemError as error:
                    raise ProblemError(f"$.vary.{name}[{number}]", error.reason) from None
        return tuple(varied(system, point, self.more_models) for point in self.points)


def parse_sweep(text: bytes | str) -> Sweep:
    """Parse the definition of a sweep.

    Parameters
    ----------
    text : bytes or str
        TOML.

    Returns
    -------
    Sweep

    Raises
    ------
    DocumentError
        If the text does not follow docs/reference/formats.md.
    """
    with strict_json.document_errors():
        decoded = strict_json.decode(text)
        data = toml_text.parse(decoded)
    try:
        return _sweep(data)
    except ProblemError as error:
        raise placed(error, decoded) from None


def placed(error: ProblemError, text: str) -> DocumentError:
    """Add a line number to an error.

    Parameters
    ----------
    error : ProblemError
        Its path names a field of the definition.
    text : str
        The definition.

    Returns
    -------
    DocumentError
        With the line of the error's path.
    """
    line = toml_text.line_of(text, strict_json.parse_path(error.path))
    return DocumentError([(error.path, error.reason)], line)


def _sweep(data: dict[str, Any]) -> Sweep:
    for key in data:
        known = [item.name for item in fields(Sweep)]
        if key not in known:
            raise ProblemError(strict_json.show_path((key,)), unknown_key(key, known))
    tables = {name: _table(data, name) for name in _TABLES if name in data}
    vary = dict(_flat(tables.get("vary", {})))
    evaluation = _construct(Measuring, tables.get("evaluation", {}), "$.evaluation")
    learners = {name: _learner(tables["learners"], name) for name in tables.get("learners", {})}
    waiting = {
        name: _construct(Waiting, _table(tables["waiting"], name, "$.waiting"), f"$.waiting.{name}")
        for name in tables.get("waiting", {})
    }
    rest = {name: value for name, value in data.items() if name not in tables}
    made = {"vary": vary, "evaluation": evaluation, "learners": learners, "waiting": waiting}
    return _construct(Sweep, {**rest, **made}, "$")


def _table(data: Mapping[str, Any], name: str, path: str = "$") -> dict[str, Any]:
    value = data[name]
    if not isinstance(value, dict):
        shown = strict_json.show_value(value)
        raise ProblemError(f"{path}.{name}", f"expected a table, got {shown}")
    return value


def _learner(learners: Mapping[str, Any], name: str) -> Learner:
    document = dict(_table(learners, name, "$.learners"))
    if isinstance(document.get("at"), dict):
        document["at"] = dict(_flat(document["at"]))
    return _construct(Learner, document, f"$.learners.{name}")


def _construct(kind: Any, values: Mapping[str, Any], path: str) -> Any:
    known = [item.name for item in fields(kind)]
    for key in values:
        if key not in known:
            raise ProblemError(f"{path}.{key}", unknown_key(key, known))
    try:
        return kind(**values)
    except TypeError:  # a key is missing
        missing = next(
            name for name in ("policies", "algorithm", "policy") if name in known and name not in values
        )
        raise ProblemError(f"{path}.{missing}", strict_json.MISSING_KEY) from None
    except ProblemError as error:
        raise ProblemError(path + error.path.removeprefix("$"), error.reason) from None


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted names of nested tables, such as ``channel.shadowing_std_db``."""
    items: list[tuple[str, Any]] = []
    for name, value in table.items():
        items += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(f"{prefix}{name}", value)]
    return items
