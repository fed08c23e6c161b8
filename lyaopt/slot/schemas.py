"""The documents as strict pydantic models: every error at once, and a JSON Schema.

Used for documents with errors and `lyaopt schema` only: building the models takes longer than solving a slot.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lyaopt.io.field_errors import errors_of
from lyaopt.io.fields import Finite, Id, NonNegative, Positive
from lyaopt.io.strict_json import Path


def _without_default(schema: dict[str, Any]) -> None:
    # The default depends on the place in the document, which a schema cannot express.
    del schema["default"]


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


class DeviceDocument(_Strict):
    """One device."""

    id: Id = Field(default="", json_schema_extra=_without_default)
    """Name, unique in the document; ``device-0`` and so on by position by default."""
    cpu_capacity_hz: NonNegative
    """F^l, in cycles per second."""
    max_power_w: NonNegative
    """p^max, in watts."""
    channel_gain: NonNegative
    """h of this slot."""
    bandwidth_hz: Positive = Field(default=0.0, json_schema_extra=_without_default)
    """b_w, the device's own share of the spectrum, in hertz; an equal share of B_w by default."""
    services: list[ServiceDocument]
    """Services of the device; their number may differ between devices."""


class SlotDocument(_Strict):
    """State and parameters at the start of a slot."""

    slot_duration_s: Positive
    """tau, in seconds."""
    bandwidth_hz: Positive
    """B_w, in hertz, shared equally by the devices without a bandwidth of their own."""
    noise_psd_dbm_per_hz: Finite = -174.0
    """N_0, in dBm/Hz."""
    edge_capacity_hz: NonNegative
    """F^e, in cycles per second."""
    energy_coefficient: NonNegative
    """delta of the CPU energy tau delta f^3, in W s^3."""
    energy_weight_local: NonNegative
    """Lyapunov weight U^l of local energy against backlog."""
    energy_weight_transmit: NonNegative
    """Lyapunov weight U^t of transmit energy against backlog."""
    devices: list[DeviceDocument]
    """The devices."""


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
    """Speed and price of the edge server in the slot."""

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
    """Return the JSON Schema (draft 2020-12) of a document.

    Parameters
    ----------
    name : str
        A key of `DOCUMENTS`.
    """
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | DOCUMENTS[name].model_json_schema()


def slot_document_errors(data: Any) -> list[tuple[Path, str]]:
    """Return path and reason of every error of a parsed slot document.

    Parameters
    ----------
    data : object
        The document as Python values.
    """
    try:
        SlotDocument.model_validate(data)
    except ValidationError as failure:
        return errors_of(SlotDocument, failure)
    return []
