"""Whole slots as a differentiable function: the three problems of every slot."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from lyaopt.errors import ProblemError
from lyaopt.slot.limits import noise_w_per_hz
from lyaopt.torch.problems import (
    EdgeSolution,
    LocalSolution,
    Number,
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
        tau in s and F^e in Hz; they broadcast to the leading axes (...) of the slots.
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
    if spectrum != "split":
        raise ProblemError("$.spectrum", f"only split spectrum is differentiable, got {spectrum!r:.60}")
    of_device: Any = {"tau": _per_device(slot_duration_s), "method": method, "certify": certify}
    cpu: Any = {"capacity": cpu_capacity_hz, "energy_weight": energy_weight_local}
    cpu |= {"delta": energy_coefficient}
    local = solve_local(local_queue_cycles, weights=local_weight, **cpu, **of_device)
    radio: Any = {"gain": channel_gain, "bandwidth": bandwidth_hz, "max_power": max_power_w}
    radio |= {"energy_weight": energy_weight_transmit, "noise": noise_w_per_hz(noise_psd_dbm_per_hz)}
    transmit = solve_transmit(transmit_queue_bits, weights=transmit_weight, **radio, **of_device)
    of_slot = of_device | {"tau": slot_duration_s, "capacity": edge_capacity_hz}
    edge = _solve_pool(edge_queue_cycles, edge_weight, of_slot)
    return _together(local, transmit, edge, edge_queue_cycles.shape)


def _together(
    local: LocalSolution, transmit: TransmitSolution, edge: EdgeSolution, shape: torch.Size
) -> SlotsSolution:
    """The solution of slots from those of their problems."""
    gaps = torch.stack([local.relative_gap.amax(-1), transmit.relative_gap.amax(-1), edge.relative_gap])
    return SlotsSolution(
        local.cpu_hz,
        transmit.rate_bps,
        _unpooled(edge.cpu_hz, shape),
        local.total_hz,
        transmit.power_w,
        local.objective.sum(-1) + transmit.objective.sum(-1) + edge.objective,
        gaps.amax(0),
    )


def _per_device(values: Number) -> Number:
    """Numbers of slots (...), as numbers of their devices."""
    return values.unsqueeze(-1) if isinstance(values, Tensor) and values.ndim else values


def _solve_pool(queues: Tensor, weights: Tensor | None, others: dict[str, Any]) -> EdgeSolution:
    """Solve Problem 5 for the items of all devices."""
    return solve_edge(_pooled(queues), weights=None if weights is None else _pooled(weights), **others)


def _pooled(queues: Tensor) -> Tensor:
    """Items of all devices as those of one lane: (..., M, N) to (..., N M), a view in Fortran's order."""
    return queues.transpose(-1, -2).flatten(-2)


def _unpooled(items: Tensor, shape: torch.Size) -> Tensor:
    return items.unflatten(-1, (shape[-1], shape[-2])).transpose(-1, -2)
