"""Whole slots as a differentiable function: the three problems of every slot."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from lyaopt.arrays import check_choice
from lyaopt.errors import ProblemError
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS, SPECTRA, WEIGHT_FIELDS
from lyaopt.slot.limits import noise_w_per_hz
from lyaopt.torch.inputs import Number, broadcast, check_types, renamed
from lyaopt.torch.problems import (
    EdgeSolution,
    LocalSolution,
    TransmitSolution,
    solve_edge,
    solve_local,
    solve_transmit,
)


class SlotsSolution(NamedTuple):
    """Solution of `solve_slots`.

    Attributes
    ----------
    local_cpu_hz, rate_bps, edge_cpu_hz : Tensor (..., M, N)
        Allocation of every service: f^l (Hz), r (bit/s), f^e (Hz).
    cpu_hz, power_w : Tensor (..., M)
        Total CPU speed and transmit power of every device.
    objective : Tensor (...)
        V of every slot, the sum of its problems as minimised.
    relative_gap : Tensor (...)
        Worst relative duality gap of the slot's problems, without derivatives; NaN unless asked for.
    """

    local_cpu_hz: Tensor
    rate_bps: Tensor
    edge_cpu_hz: Tensor
    cpu_hz: Tensor
    power_w: Tensor
    objective: Tensor
    relative_gap: Tensor


def solve_slots(
    *,
    slot_duration_s: Number,
    energy_coefficient: Number,
    energy_weight_local: Number,
    energy_weight_transmit: Number,
    edge_capacity_hz: Number,
    cpu_capacity_hz: Number,
    max_power_w: Number,
    channel_gain: Number,
    bandwidth_hz: Number,
    local_queue_cycles: Tensor,
    transmit_queue_bits: Tensor,
    edge_queue_cycles: Tensor,
    noise_psd_dbm_per_hz: float = -174.0,
    local_weight: Tensor | None = None,
    transmit_weight: Tensor | None = None,
    edge_weight: Tensor | None = None,
    spectrum: str = "split",
    method: str = "auto",
    certify: bool = False,
) -> SlotsSolution:
    """Solve Problems 3, 4 and 5 of many slots, differentiable by every tensor that is given.

    Parameters
    ----------
    slot_duration_s, edge_capacity_hz : Tensor or float
        tau in s and F^e in Hz; they broadcast to the leading axes (...) of the slots. Leading axes that only
        one argument has are those of the solution, too.
    energy_coefficient, energy_weight_local, energy_weight_transmit : Tensor or float
        delta, U^l and U^t; they broadcast to (..., M).
    cpu_capacity_hz, max_power_w, channel_gain, bandwidth_hz : Tensor or float
        F^l, p^max, h and b_w of every device; they broadcast to (..., M).
    local_queue_cycles, transmit_queue_bits, edge_queue_cycles : Tensor (..., M, N)
        Backlogs.
    noise_psd_dbm_per_hz : float
        N_0 in dBm/Hz, a number.
    local_weight, transmit_weight, edge_weight : Tensor (..., M, N), optional
        Weights; the backlogs where left out.
    spectrum : {"split"}
        Shared spectrum has no derivatives here.
    method, certify : optional
        As in `lyaopt.torch.solve_local`.

    Returns
    -------
    SlotsSolution

    Raises
    ------
    ProblemError
        As `lyaopt.torch.solve_local`; and for shared spectrum.
    """
    given = dict(locals())
    check_choice(spectrum, SPECTRA, "spectrum")
    if spectrum != "split":
        raise ProblemError("$.spectrum", f"only split spectrum is differentiable, got {spectrum!r}")
    given |= _expanded(given)
    noise = noise_w_per_hz(noise_psd_dbm_per_hz)
    local = _solve(solve_local, _LOCAL, given, tau=_per_device(slot_duration_s))
    transmit = _solve(solve_transmit, _TRANSMIT, given, tau=_per_device(slot_duration_s), noise=noise)
    given |= {name: _pooled(given[name]) for name in ("edge_queue_cycles", "edge_weight")}
    edge = _solve(solve_edge, _EDGE, given, tau=slot_duration_s)
    return _together(local, transmit, edge)


_LOCAL = {
    "limits": "local_queue_cycles",
    "weights": "local_weight",
    "capacity": "cpu_capacity_hz",
    "energy_weight": "energy_weight_local",
    "delta": "energy_coefficient",
}
_TRANSMIT = {
    "limits": "transmit_queue_bits",
    "weights": "transmit_weight",
    "gain": "channel_gain",
    "bandwidth": "bandwidth_hz",
    "max_power": "max_power_w",
    "energy_weight": "energy_weight_transmit",
}
_EDGE = {"limits": "edge_queue_cycles", "weights": "edge_weight", "capacity": "edge_capacity_hz"}
"""Arguments of each problem, and the names that they have here."""
_OF_SERVICES = (*QUEUE_FIELDS, *WEIGHT_FIELDS)
_OF_SLOTS = ("slot_duration_s", "edge_capacity_hz")
_OF_DEVICES = (*DEVICE_FIELDS, "energy_coefficient", "energy_weight_local", "energy_weight_transmit")


def _expanded(given: dict[str, Any]) -> dict[str, Any]:
    """Return queues and weights expanded to (..., M, N), with the leading axes that any argument has."""
    check_types({name: given[name] for name in (*_OF_SERVICES, *_OF_SLOTS, *_OF_DEVICES)}, _OF_SERVICES)
    ones = dict.fromkeys(_OF_SLOTS, (1, 1)) | dict.fromkeys(_OF_DEVICES, (1,))
    shapes = []
    for name in (*_OF_SERVICES, *_OF_SLOTS, *_OF_DEVICES):
        value = given[name]
        if name in QUEUE_FIELDS and (value is None or value.ndim < 2):
            raise ProblemError(f"$.{name}", f"expected a tensor of shape (..., M, N), got {_told(value)}")
        if isinstance(value, Tensor) and (value.ndim or name in _OF_SERVICES):
            shapes.append((*value.shape, *ones.get(name, ())))
    whole = broadcast(*shapes)
    return {name: given[name].expand(whole) for name in _OF_SERVICES if given[name] is not None}


def _told(value: Tensor | None) -> str:
    return "None" if value is None else f"shape {tuple(value.shape)}"


def _solve(solver: Any, names: dict[str, str], given: dict[str, Any], **others: Any) -> Any:
    """Solve one of the problems with the arguments that it takes; errors name those of the slots."""
    named = {name: given[own] for name, own in names.items()}
    with renamed(names | {"tau": "slot_duration_s"}):
        return solver(
            named.pop("limits"), method=given["method"], certify=given["certify"], **named, **others
        )


def _together(local: LocalSolution, transmit: TransmitSolution, edge: EdgeSolution) -> SlotsSolution:
    """The solution of slots from those of their problems."""
    gaps = [local.relative_gap, transmit.relative_gap, edge.relative_gap.unsqueeze(-1)]
    return SlotsSolution(
        local.cpu_hz,
        transmit.rate_bps,
        _unpooled(edge.cpu_hz, local.cpu_hz.shape),
        local.total_hz,
        transmit.power_w,
        local.objective.sum(-1) + transmit.objective.sum(-1) + edge.objective,
        torch.cat(gaps, -1).amax(-1),
    )


def _per_device(values: Number) -> Number:
    """Numbers of slots (...), as numbers of their devices."""
    return values.unsqueeze(-1) if isinstance(values, Tensor) and values.ndim else values


def _pooled(queues: Tensor | None) -> Tensor | None:
    """Items of all devices as those of one lane: (..., M, N) to (..., N M), a view in Fortran's order."""
    return None if queues is None else queues.transpose(-1, -2).flatten(-2)


def _unpooled(items: Tensor, shape: torch.Size) -> Tensor:
    return items.unflatten(-1, (shape[-1], shape[-2])).transpose(-1, -2)
