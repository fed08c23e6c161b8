"""The documents as strict pydantic models: every error at once, and a JSON Schema.

Only documents with errors and `lyaopt schema` come here: building the models takes longer than a slot.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from .problem import ProblemError
from .strict_json import Path, parse_path, show_value


@dataclass(frozen=True)
class Expected:
    """What a type accepts, in the words of an error; stands among the arguments of `Annotated`."""

    words: str


# Strict one by one, not by their model: models of Python objects take lists for tuples but no "3" for 3.
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False), Expected("a finite number")]
NonNegative = Annotated[
    float, Field(strict=True, ge=0, allow_inf_nan=False), Expected("a finite number >= 0")
]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False), Expected("a finite number > 0")]
Id = Annotated[str, Field(strict=True, min_length=1), Expected("a string of Unicode text that is not empty")]


def _without_default(schema: dict[str, Any]) -> None:
    # The default depends on the place in the document, which a schema cannot say.
    del schema["default"]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)


class ServiceDocument(_Strict):
    """One service (DNN) of a device: what waits in its three queues."""

    id: Id = Field(default="", json_schema_extra=_without_default)
    """Name, unique on its device; ``service-0`` and so on by position when left out."""
    local_queue_cycles: NonNegative
    """Backlog Q^l of the local queue, in cycles."""
    transmit_queue_bits: NonNegative
    """Backlog Q^t of the transmission queue, in bits."""
    edge_queue_cycles: NonNegative
    """Backlog Q^e of the edge queue, in cycles."""


class DeviceDocument(_Strict):
    """One device."""

    id: Id = Field(default="", json_schema_extra=_without_default)
    """Name, unique in the document; ``device-0`` and so on by position when left out."""
    cpu_capacity_hz: NonNegative
    """F^l, in cycles per second."""
    max_power_w: NonNegative
    """p^max, in watts."""
    channel_gain: NonNegative
    """h of this slot."""
    bandwidth_hz: Positive = Field(default=0.0, json_schema_extra=_without_default)
    """b_w, the device's own share of the spectrum, in hertz; an equal share of B_w when left out."""
    services: list[ServiceDocument]
    """Services of the device; devices may run different numbers of them."""


class SlotDocument(_Strict):
    """Everything that is observed at the start of a slot."""

    slot_duration_s: Positive
    """tau, in seconds."""
    bandwidth_hz: Positive
    """B_w, in hertz, shared equally by the devices that give no bandwidth of their own."""
    noise_psd_dbm_per_hz: Finite = -174.0
    """N_0, in dBm/Hz."""
    edge_capacity_hz: NonNegative
    """F^e, in cycles per second."""
    energy_coefficient: NonNegative
    """delta of the CPU energy tau delta f^3, in W s^3."""
    energy_weight_local: NonNegative
    """Lyapunov weight U^l of local energy against backlog."""
    energy_weight_transmit: NonNegative
    """Lyapunov weight U^t of transmission energy against backlog."""
    devices: list[DeviceDocument]
    """The devices."""


class ServiceSolution(_Strict):
    """What one service is given in the slot."""

    id: Id
    """Name, as in the slot document."""
    local_cpu_hz: NonNegative
    """f^l, in cycles per second."""
    rate_bps: NonNegative
    """r, in bits per second."""
    edge_cpu_hz: NonNegative
    """f^e, in cycles per second."""


class DeviceSolution(_Strict):
    """What one device does in the slot."""

    id: Id
    """Name, as in the slot document."""
    cpu_hz: NonNegative
    """Sum of f^l over its services."""
    power_w: NonNegative
    """Transmit power p."""
    rate_bps: NonNegative
    """Sum of r over its services."""
    local_energy_j: NonNegative
    """tau delta (sum f^l)^3."""
    transmit_energy_j: NonNegative
    """tau p."""
    local_price: NonNegative
    """Multiplier of sum f^l <= F^l: tau max(nu - 3 U^l delta (F^l)^2, 0) if the capacity binds, else 0."""
    rate_price: NonNegative
    """Multiplier of sum r <= R(p): tau nu."""
    services: list[ServiceSolution]
    """Services, as in the slot document."""


class EdgeSolution(_Strict):
    """What the edge server does in the slot."""

    cpu_hz: NonNegative
    """Sum of f^e over all services."""
    price: NonNegative
    """Multiplier of sum f^e <= F^e: tau nu."""


class ObjectiveDocument(_Strict):
    """Drift-plus-penalty values as minimised (lower is better)."""

    local: Finite
    """Problem 3, summed over devices."""
    transmit: Finite
    """Problem 4, summed over devices."""
    edge: Finite
    """Problem 5: -tau sum f^e Q^e."""
    total: Finite
    """Sum of the three."""


class CertificateDocument(_Strict):
    """Proof of optimality."""

    relative_gap: NonNegative
    """Worst duality gap of the problems, each relative to its gross gain tau sum f Q."""
    max_violation: NonNegative
    """Worst constraint violation, each relative to its bound."""


class SolutionDocument(_Strict):
    """The optimal allocation of one slot."""

    status: Literal["optimal"]
    """Solved to optimality, as the certificate proves."""
    objective: ObjectiveDocument
    certificate: CertificateDocument
    edge: EdgeSolution
    devices: list[DeviceSolution]
    """Devices, as in the slot document."""
    lyaopt: str
    """Version that computed it."""


DOCUMENTS: dict[str, type[BaseModel]] = {"slot": SlotDocument, "solution": SolutionDocument}


def json_schema(name: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the document called `name`, a key of `DOCUMENTS`."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | DOCUMENTS[name].model_json_schema()


def slot_document_errors(data: Any) -> list[tuple[Path, str]]:
    """Path and reason of everything that is wrong with a parsed slot document."""
    try:
        SlotDocument.model_validate(data)
    except ValidationError as failure:
        return errors_of(SlotDocument, failure)
    return []


def errors_of(model: type, failure: ValidationError) -> list[tuple[Path, str]]:
    """Path and reason of every error of a model or pydantic dataclass.

    Unknown keys come first: a misspelled key is unknown here and missing there.
    """
    details = failure.errors(include_url=False)
    details.sort(key=lambda detail: detail["type"] not in _UNKNOWN)
    return [error for detail in details for error in _errors(model, detail)]


_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument", "invalid_key")


def _errors(model: type, detail: ErrorDetails) -> list[tuple[Path, str]]:
    path: Path = tuple(detail["loc"])
    if detail["type"] in _UNKNOWN:
        return [(path, unknown_key(path[-1], _keys(_annotation(model, path[:-1]))))]
    raised = detail.get("ctx", {}).get("error")
    if isinstance(raised, ProblemError):
        # Objects that check themselves write paths from themselves on.
        inner = getattr(raised, "errors", ((raised.path, raised.reason),))
        return [((*path, *parse_path(place)), reason) for place, reason in inner]
    got = "nothing" if detail["type"] == "missing" else show_value(detail["input"])
    return [(path, f"expected {_words(_annotation(model, path))}, got {got}")]


def unknown_key(key: str | int, known: Collection[str]) -> str:
    """Reason why a key is refused, with the known one that comes near it."""
    near = get_close_matches(str(key)[:100], known, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"expected one of the keys {', '.join(known)}, got an unknown key{hint}"


def _keys(model: Any) -> list[str]:
    return list(model.__pydantic_fields__)


def _annotation(model: Any, path: Path) -> Any:
    """The annotated type at a path, under models, pydantic dataclasses, lists and tuples."""
    for step in path:
        if isinstance(step, int):
            model = get_args(model)[0]
        else:
            field = model.__pydantic_fields__[step]
            model = field.annotation
            if field.metadata:
                model = Annotated[model, *field.metadata]
    return model


def _words(annotation: Any) -> str:
    arguments = get_args(annotation)
    for argument in arguments:
        if isinstance(argument, Expected):
            return argument.words
    if get_origin(annotation) in (list, tuple):
        return "a list of objects"
    # All that is left is objects, and what may be None beside its own type.
    return _words(arguments[0]) if arguments else "an object"
