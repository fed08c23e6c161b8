"""One time slot: the problem, its solution with a certificate, and `solve_slot`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class ProblemError(ValueError):
    """A problem that cannot be solved as given.

    Attributes
    ----------
    path : str
        Where in the problem, as a JSON path such as ``$.devices[2].channel_gain``.
    reason : str
        What is wrong there.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, eq=False)
class SlotProblem:
    """Everything that is observed at the start of a slot (M devices, N = most services on one).

    Attributes
    ----------
    slot_duration_s : float
        Slot length tau, in seconds; positive.
    energy_coefficient : float
        delta of the CPU energy tau delta f^3, in W s^3.
    energy_weight_local, energy_weight_transmit : float
        Lyapunov weights U^l, U^t of energy against backlog.
    edge_capacity_hz : float
        F^e, in cycles per second.
    noise_psd_dbm_per_hz : float
        N_0 in dBm/Hz, -174 by default.
    cpu_capacity_hz, max_power_w, channel_gain, bandwidth_hz : (M,) arrays
        F^l_m (cycles/s), p^max_m (W), h_m and b_w (Hz, the device's own share) of every device.
    local_queue_cycles, transmit_queue_bits, edge_queue_cycles : (M, N) arrays
        Backlogs Q^l (cycles), Q^t (bits), Q^e (cycles). Devices with fewer services have zeros at the end.
    service_counts : tuple of int, optional
        N_m of every device; all N when left out.
    device_ids, service_ids : optional
        Names for reports, one a device and one a service.
    """

    slot_duration_s: float
    energy_coefficient: float
    energy_weight_local: float
    energy_weight_transmit: float
    edge_capacity_hz: float
    cpu_capacity_hz: Floats
    max_power_w: Floats
    channel_gain: Floats
    bandwidth_hz: Floats
    local_queue_cycles: Floats
    transmit_queue_bits: Floats
    edge_queue_cycles: Floats
    noise_psd_dbm_per_hz: float = -174.0
    service_counts: tuple[int, ...] | None = None
    device_ids: tuple[str, ...] | None = None
    service_ids: tuple[tuple[str, ...], ...] | None = None


@dataclass(frozen=True)
class Objective:
    """Drift-plus-penalty value of each problem at the solution, as minimised (lower is better)."""

    local: float
    transmit: float
    edge: float

    @property
    def total(self) -> float:
        """Sum of the three."""
        return self.local + self.transmit + self.edge


@dataclass(frozen=True)
class Certificate:
    """Proof of optimality: no feasible point is better by more than the gap.

    Attributes
    ----------
    relative_gap : float
        Worst duality gap of the 2 M + 1 problems, each relative to its gross gain tau sum f Q.
    max_violation : float
        Worst constraint violation, each relative to its bound.
    """

    relative_gap: float
    max_violation: float


@dataclass(frozen=True, eq=False)
class SlotSolution:
    """Optimal allocation of one slot; arrays are shaped like the problem's, (M, N) and (M,)."""

    problem: SlotProblem
    objective: Objective
    certificate: Certificate
    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: Floats
    power_w: Floats
    local_energy_j: Floats
    transmit_energy_j: Floats
    local_price: Floats
    rate_price: Floats
    edge_price: float
    status: str = "optimal"


def solve_slot(problem: SlotProblem, method: str = "exact") -> SlotSolution:
    """Solve Problems 3, 4 and 5 of one slot (`method` is "exact" or "bisection")."""
    raise NotImplementedError
