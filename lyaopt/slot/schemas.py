"""The documents as strict pydantic models: many errors at once, and a JSON Schema.

Used for documents with errors and `lyaopt schema` only: building the models takes longer than solving a slot.
"""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from lyaopt.io.field_errors import errors_of
from lyaopt.io.fields import Expected, Finite, Id, NonNegative, Positive, Spectrum
from lyaopt.io.strict_json import MISSING_KEY, MOST_ERRORS, Path


def _without_default(schema: dict[str, Any]) -> None:
    # The default depends on the place in the document, which a schema cannot express.
    schema.pop("default", None)


def _optional() -> Any:
    """A field that may be left out; None stands for what the document then means."""
    return Field(default=None, json_schema_extra=_without_default)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)


class ServiceDocument(_Strict):
    """One service (DNN) of a device: the backlogs of its three queues."""

    id: Id = Field(default="", json_schema_extra=_without_default)
    """Name, unique on its device; ``service-0`` and so on by position by default."""
    local_queue_cycles: NonNegative
    """Backlog Q^l of the local queue, in cycles."""
    transmit_queue_bits: NonNegative
    """Backlog Q^t of the transmit queue, in bits."""
    edge_queue_cycles: NonNegative
    """Backlog Q^e of the edge queue, in cycles."""
    local_weight: NonNegative = _optional()
    """Worth of one more cycle of the local queue, in units of the objective; the backlog by default."""
    transmit_weight: NonNegative = _optional()
    """Worth of one more bit of the transmit queue, in units of the objective; the backlog by default."""
    edge_weight: NonNegative = _optional()
    """Worth of one more cycle of the edge queue, in units of the objective; the backlog by default."""


class OperatingPointDocument(_Strict):
    """One frequency of a CPU, at the voltage that belongs to it (DVFS)."""

    hz: Positive
    """Frequency, in cycles per second; above that of the point before."""
    power_w: NonNegative
    """Power at full load, in watts."""


class RadioDocument(_Strict):
    """A radio as measured in this slot. It may be silent for a part of the slot, at no power."""

    rate_bps: NonNegative
    """Largest rate of this slot, in bits per second."""
    power_w: NonNegative
    """Power while it sends, in watts."""


_Points = Annotated[
    list[OperatingPointDocument], Field(min_length=1), Expected("a list of objects, at least one")
]
_NEEDED = {
    "cpu_capacity_hz": "cpu_points",
    "max_power_w": "radio",
    "channel_gain": "radio",
}
"""Keys of a device that are required, unless another one makes them superfluous."""


class DeviceDocument(_Strict):
    """One device."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [{"anyOf": [{"required": [a]}, {"required": [b]}]} for a, b in _NEEDED.items()]
        }
    )

    id: Id = Field(default="", json_schema_extra=_without_default)
    """Name, unique in the document; ``device-0`` and so on by position by default."""
    cpu_capacity_hz: NonNegative = _optional()
    """F^l, in cycles per second; the last of the operating points, if there are any, bounds it too."""
    max_power_w: NonNegative = _optional()
    """p^max, in watts; without effect if the radio is measured."""
    channel_gain: NonNegative = _optional()
    """h of this slot; without effect if the radio is measured."""
    bandwidth_hz: Positive = _optional()
    """b_w, the device's own bandwidth, in hertz; by default an equal share of what the others leave."""
    cpu_points: _Points = _optional()
    """Operating points of the CPU by increasing frequency, in place of the cubic law of its energy."""
    radio: RadioDocument = _optional()
    """The radio as measured in this slot, in place of Shannon's rate."""
    services: list[ServiceDocument]
    """Services of the device; their number may differ between devices."""


class SlotDocument(_Strict):
    """State and parameters at the start of a slot."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["energy_coefficient"]},
                {"properties": {"devices": {"items": {"required": ["cpu_points"]}}}},
            ]
        }
    )

    slot_duration_s: Positive
    """tau, in seconds."""
    bandwidth_hz: Positive
    """B_w, in hertz; devices without a bandwidth of their own share equally what the others leave of it."""
    spectrum: Spectrum = "split"
    """``shared``: devices whose radios are not measured share the sum of their bandwidths as is best."""
    noise_psd_dbm_per_hz: Finite = -174.0
    """N_0, in dBm/Hz."""
    edge_capacity_hz: NonNegative
    """F^e, in cycles per second."""
    energy_coefficient: NonNegative = _optional()
    """delta of the CPU energy tau delta f^3, in W s^3; not needed if all devices have operating points."""
    energy_weight_local: NonNegative
    """Lyapunov weight U^l of local energy against backlog."""
    energy_weight_transmit: NonNegative
    """Lyapunov weight U^t of transmit energy against backlog."""
    devices: list[DeviceDocument]
    """The devices."""


class _DeviceUntilWrong(DeviceDocument):
    """A device of which checking ends at the first wrong item of each list."""

    cpu_points: Annotated[_Points, FailFast()] = _optional()
    services: Annotated[list[ServiceDocument], FailFast()]


class _SlotUntilWrong(SlotDocument):
    """A slot of which checking ends at the first wrong device."""

    devices: Annotated[list[_DeviceUntilWrong], FailFast()]  # type: ignore[assignment]


_LISTS = ("services", "cpu_points")
"""Keys of the lists of a device."""


class ServiceSolution(_Strict):
    """Allocation of one service in the slot."""

    id: Id
    """Name, as in the slot document."""
    local_cpu_hz: NonNegative
    """f^l, in cycles per second."""
    rate_bps: NonNegative
    """r, in bits per second."""
    edge_cpu_hz: NonNegative
    """f^e, in cycles per second."""


class DeviceSolution(_Strict):
    """Speed, power, energies and prices of one device in the slot."""

    id: Id
    """Name, as in the slot document."""
    cpu_hz: NonNegative
    """Sum of f^l over its services."""
    power_w: NonNegative
    """Transmit power p, in watts; the mean over the slot if the radio is measured."""
    bandwidth_hz: NonNegative = _optional()
    """What the device has of a shared spectrum, in hertz, 0 if its radio is measured; only there."""
    rate_bps: NonNegative
    """Sum of r over its services."""
    local_energy_j: NonNegative
    """tau delta (sum f^l)^3, or tau times the power that its operating points take for sum f^l."""
    transmit_energy_j: NonNegative
    """tau p."""
    local_price: NonNegative
    """Multiplier of sum f^l <= F^l: tau max(nu - U^l P'(F^l), 0) if the capacity binds, else 0; P' is the
    marginal power, 3 delta (F^l)^2 for the cubic law."""
    rate_price: NonNegative
    """Multiplier of sum r <= R(p): tau nu."""
    services: list[ServiceSolution]
    """Services, as in the slot document."""


class EdgeSolution(_Strict):
    """Speed and price of the edge server in the slot."""

    cpu_hz: NonNegative
    """Sum of f^e over all services."""
    price: NonNegative
    """Multiplier of sum f^e <= F^e: tau nu."""


class SpectrumSolution(_Strict):
    """The spectrum that devices share in the slot."""

    bandwidth_hz: NonNegative
    """B_w, the sum over the devices that share it, in hertz."""
    price: NonNegative
    """Multiplier of sum b <= B_w: what one more hertz is worth."""


class ObjectiveDocument(_Strict):
    """Drift-plus-penalty values as minimised (lower is better)."""

    local: Finite
    """Problem 3, summed over devices."""
    transmit: Finite
    """Problem 4, summed over devices."""
    edge: Finite
    """Problem 5: -tau sum f^e Q^e, with the weight in place of Q^e where it is given."""
    total: Finite
    """Sum of the three."""


class CertificateDocument(_Strict):
    """Proof of optimality."""

    relative_gap: NonNegative
    """Worst duality gap of the problems, each relative to its gross gain tau sum f w, where the weight w is
    the backlog if it is left out; of devices that share the spectrum as one problem."""
    max_violation: NonNegative
    """Worst constraint violation, each relative to its bound."""


class SolutionDocument(_Strict):
    """The optimal allocation of one slot."""

    status: Literal["optimal"]
    """Solved to optimality, as the certificate proves."""
    objective: ObjectiveDocument
    certificate: CertificateDocument
    edge: EdgeSolution
    spectrum: SpectrumSolution = _optional()
    """The shared spectrum; only where it is shared."""
    devices: list[DeviceSolution]
    """Devices, as in the slot document."""
    lyaopt: str
    """Version that computed it."""


DOCUMENTS: dict[str, type[BaseModel]] = {"slot": SlotDocument, "solution": SolutionDocument}


def json_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a document.

    Parameters
    ----------
    name : str
        A key of `DOCUMENTS`.
    """
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | DOCUMENTS[name].model_json_schema()


def slot_document_errors(data: Any) -> list[tuple[Path, str]]:
    """Return path and reason of the errors of a parsed slot document, at most `MOST_ERRORS`.

    Of a large document those of the first wrong device: all errors of many small objects would take hundreds
    of times the time and memory of a right document.

    Parameters
    ----------
    data : object
        The document as Python values.
    """
    try:
        (_SlotUntilWrong if _is_large(data) else SlotDocument).model_validate(_with_few_unknown(data))
        errors: list[tuple[Path, str]] = []
    except ValidationError as failure:
        errors = errors_of(SlotDocument, failure)
    return (errors + _missing(data))[:MOST_ERRORS]


def _with_few_unknown(data: Any) -> Any:
    """The document, without unknown keys beyond `MOST_ERRORS`."""
    if not isinstance(data, dict) or len(data) <= MOST_ERRORS:
        return data
    unknown = islice((key for key in data if key not in SlotDocument.model_fields), MOST_ERRORS)
    kept = {*SlotDocument.model_fields, *unknown}
    return {key: value for key, value in data.items() if key in kept}


def _is_large(data: Any) -> bool:
    """Whether it has more objects than could all be wrong and be told of."""
    devices = data.get("devices") if isinstance(data, dict) else None
    if not isinstance(devices, list):
        return False
    inner = [
        device.get(key) for device in devices[:MOST_ERRORS] if isinstance(device, dict) for key in _LISTS
    ]
    return (
        len(devices) > MOST_ERRORS
        or sum(len(items) for items in inner if isinstance(items, list)) > MOST_ERRORS
    )


def _missing(data: Any) -> list[tuple[Path, str]]:
    """Path and reason of each key that is missing, of those that are not always required."""
    devices = data.get("devices") if isinstance(data, dict) else None
    if not isinstance(devices, list):
        return []
    missing: list[Path] = []
    if "energy_coefficient" not in data and any(
        isinstance(device, dict) and "cpu_points" not in device for device in devices
    ):
        missing.append(("energy_coefficient",))
    for m, device in enumerate(devices):
        if len(missing) >= MOST_ERRORS:
            break
        if isinstance(device, dict):
            missing += [
                ("devices", m, key) for key, other in _NEEDED.items() if not device.keys() & {key, other}
            ]
    return [(path, MISSING_KEY) for path in missing]
