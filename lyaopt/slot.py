"""One time slot: the problem, its solution with a certificate, and `solve_slot`."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt._kernels import slot as kernels
from lyaopt._kernels.levels import NETWORK_ITEMS
from lyaopt.batch import SlotBatch, solve_slots
from lyaopt.problem import (
    LARGEST_SIGNAL,
    Floats,
    ProblemError,
    as_floats,
    check_array,
    check_method,
    check_scalar,
    check_signal,
    check_total_rate,
    noise_w_per_hz,
    shape_of,
)

__all__ = ["Certificate", "Objective", "ProblemError", "SlotProblem", "SlotSolution", "solve_slot"]

# What a certificate may say at most; within sixty orders of magnitude it says 1e-14 or less.
LARGEST_GAP = 1e-9

_SCALARS = (
    "slot_duration_s",
    "energy_coefficient",
    "energy_weight_local",
    "energy_weight_transmit",
    "edge_capacity_hz",
)
_DEVICES = ("cpu_capacity_hz", "max_power_w", "channel_gain", "bandwidth_hz")
_QUEUES = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
_NUMBERS = (*_SCALARS, *_DEVICES, *_QUEUES)


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
    cpu_capacity_hz, max_power_w, channel_gain, bandwidth_hz : (M,) arrays
        F^l_m (cycles/s), p^max_m (W), h_m and b_w (Hz, the device's own share) of every device.
    local_queue_cycles, transmit_queue_bits, edge_queue_cycles : (M, N) arrays
        Backlogs Q^l (cycles), Q^t (bits), Q^e (cycles). Devices with fewer services have zeros at the end.
    noise_psd_dbm_per_hz : float
        N_0 in dBm/Hz, -174 by default.
    service_counts : tuple of int, optional
        N_m of every device; all N when left out.
    device_ids, service_ids : optional
        Names for reports, one a device and one a service.

    Raises
    ------
    ProblemError
        If a value is not finite, is negative, or has the wrong shape; the error names the field.
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

    def __post_init__(self) -> None:
        shape = shape_of(self.local_queue_cycles, "local_queue_cycles", "MN")
        for name in _SCALARS:
            check_scalar(getattr(self, name), name, positive=name == "slot_duration_s")
        for names, wanted in ((_QUEUES, shape), (_DEVICES, shape[:1])):
            for name in names:
                object.__setattr__(self, name, as_floats(getattr(self, name), name, wanted))
        if not self._looks_valid():
            self._explain()
        self._keep_own_arrays()
        self._check_counts()
        self._check_ids()

    def _looks_valid(self) -> bool:
        """Return whether all numbers are certainly in range; three reductions for the common case."""
        queues, devices, scalars = self._packed
        if queues.size == 0 or not devices[3].min() > 0.0:
            return False
        # Python floats: an overflow gives inf here, not a warning
        largest, noise = float(queues.max()), float(scalars[-1])
        power, gain, bandwidth = float(devices[1].max()), float(devices[2].max()), float(devices[3].min())
        return bool(
            queues.min() >= 0.0
            and devices.min() >= 0.0
            and devices.max() < math.inf
            and largest * queues.size / self.slot_duration_s < math.inf
            and bandwidth * noise > 0.0
            and power * (gain / (bandwidth * noise)) <= LARGEST_SIGNAL
        )

    def _explain(self) -> None:
        """Check field by field, and refuse the first that is out of range."""
        for name in _QUEUES:
            queue = getattr(self, name)
            check_array(queue, lambda i, name=name: f"$.devices[{i[0]}].services[{i[1]}].{name}")
            check_total_rate(queue, name, self.slot_duration_s)
        for name in _DEVICES:
            check_array(
                getattr(self, name),
                lambda i, name=name: f"$.devices[{i[0]}].{name}",
                positive=name == "bandwidth_hz",
            )
        noise = noise_w_per_hz(self.noise_psd_dbm_per_hz)
        check_signal(self.channel_gain, self.max_power_w, self.bandwidth_hz, noise)

    def _keep_own_arrays(self) -> None:
        """Let the arrays be those of `_packed`: what the caller does to the given ones changes nothing."""
        queues, devices, _ = self._packed
        vars(self).update(zip((*_DEVICES, *_QUEUES), _read_only_rows(devices, queues), strict=True))

    def _check_ids(self) -> None:
        counts = self.service_counts or ()
        if self.device_ids is not None and len(self.device_ids) != len(counts):
            raise ProblemError("$.device_ids", f"expected {len(counts)} ids, got {len(self.device_ids)}")
        if self.service_ids is not None and tuple(map(len, self.service_ids)) != tuple(counts):
            raise ProblemError("$.service_ids", "expected one id for each service of each device")
        if len(set(self.device_ids or ())) != len(self.device_ids or ()):
            raise ProblemError("$.device_ids", "expected an id that no other device has, got one again")
        for m, ids in enumerate(self.service_ids or ()):
            if len(set(ids)) != len(ids):
                reason = "expected an id that no other service has, got one again"
                raise ProblemError(f"$.service_ids[{m}]", reason)

    def _check_counts(self) -> None:
        devices, services = self.local_queue_cycles.shape
        counts = self.service_counts
        if counts is None:
            counts = (services,) * devices
            object.__setattr__(self, "service_counts", counts)
        whole = isinstance(counts, (tuple, list)) and all(isinstance(n, (int, np.integer)) for n in counts)
        if not whole or len(counts) != devices or not all(0 <= count <= services for count in counts):
            raise ProblemError("$.service_counts", f"expected {devices} numbers in 0..{services}")
        for m, count in enumerate(counts):
            if count < services and any(getattr(self, name)[m, count:].any() for name in _QUEUES):
                raise ProblemError(f"$.devices[{m}].services[{count}]", f"beyond the device's {count}")

    @functools.cached_property
    def _packed(self) -> tuple[Floats, Floats, Floats]:
        """The problem as `lyaopt._kernels.slot` takes it."""
        queues = np.array(
            (self.local_queue_cycles.T, self.transmit_queue_bits.T, self.edge_queue_cycles.T), order="C"
        )
        devices = np.array((self.cpu_capacity_hz, self.max_power_w, self.channel_gain, self.bandwidth_hz))
        scalars = (
            self.slot_duration_s,
            self.energy_coefficient,
            self.energy_weight_local,
            self.energy_weight_transmit,
            self.edge_capacity_hz,
            noise_w_per_hz(self.noise_psd_dbm_per_hz),
        )
        return queues, devices, np.array(scalars, dtype=np.float64)

    @classmethod
    def _from_packed(cls, packed: tuple[Floats, Floats, Floats], noise: float, **names: Any) -> SlotProblem:
        """Build a problem from the arrays of `_packed` in a fraction of the time, without any check.

        For `lyaopt.documents`, which has made the checks. `noise` is in dBm/Hz, `names` are the other fields.
        """
        problem = object.__new__(cls)
        queues, devices, scalars = packed
        numbers = (*scalars.tolist()[:-1], *_read_only_rows(devices, queues))
        vars(problem).update(zip(_NUMBERS, numbers, strict=True))
        vars(problem).update(names, noise_psd_dbm_per_hz=noise, _packed=packed)
        return problem

    def __repr__(self) -> str:
        return f"SlotProblem({self.channel_gain.size} devices, {sum(self.service_counts or ())} services)"


def _read_only_rows(devices: Floats, queues: Floats) -> tuple[Floats, ...]:
    """Views of the packed arrays by field; the kernels are compiled for arrays that can be written."""
    fixed_devices, fixed_queues = devices[:], queues.transpose(0, 2, 1)
    fixed_devices.flags.writeable = fixed_queues.flags.writeable = False
    return (*fixed_devices, *fixed_queues)


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
        Worst duality gap of the 2 M + 1 problems, each relative to its gross gain tau sum f Q
        (where nothing is served: to the gain of serving everything).
    max_violation : float
        Worst constraint violation, each relative to its bound.
    """

    relative_gap: float
    max_violation: float


@dataclass(frozen=True, eq=False)
class SlotSolution:
    """Optimal allocation of one slot, with its certificate and prices.

    Attributes
    ----------
    problem : SlotProblem
    objective : Objective
    certificate : Certificate
    local_cpu_hz, rate_bps, edge_cpu_hz : (M, N) arrays
        What every service is given: f^l (Hz), r (bit/s), f^e (Hz).
    cpu_hz, power_w : (M,) arrays
        Total CPU speed and transmit power of every device.
    local_multiplier, transmit_multiplier : (M,) arrays
        nu of Problems 3 and 4, in cycles and bits: the backlog at which serving stops being worth it.
    edge_multiplier : float
        nu of Problem 5, in cycles.
    local_energy_j, transmit_energy_j : (M,) arrays
        Energy of every device's CPU, tau delta (sum f)^3, and radio, tau p; equations (5) and (6).
    local_price, rate_price : (M,) arrays
        Multipliers of C.4 and C.6: what one more hertz of device CPU is worth, -dV/dF^l, and one more bit/s
        of rate, tau nu.
    status : str
        Always "optimal": every valid problem has a solution.
    """

    problem: SlotProblem
    objective: Objective
    certificate: Certificate
    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: Floats
    cpu_hz: Floats
    power_w: Floats
    local_multiplier: Floats
    transmit_multiplier: Floats
    edge_multiplier: float
    local_energy_j: Floats
    transmit_energy_j: Floats
    local_price: Floats
    rate_price: Floats
    status: str = "optimal"

    @property
    def edge_price(self) -> float:
        """Multiplier of C.7, -dV/dF^e: what one more hertz at the edge is worth."""
        return self.problem.slot_duration_s * self.edge_multiplier

    def __repr__(self) -> str:
        return (
            f"SlotSolution({self.status}, objective={self.objective.total:.6g}, "
            f"relative_gap={self.certificate.relative_gap:.1e}, "
            f"energy={float((self.local_energy_j + self.transmit_energy_j).sum()):.3g} J)"
        )


def solve_slot(problem: SlotProblem, method: str = "exact") -> SlotSolution:
    """Solve Problems 3, 4 and 5 of one slot.

    Parameters
    ----------
    problem : SlotProblem
    method : {"exact", "bisection"}
        Closed form by sorting or selection, or bisection on the Lagrange multiplier.

    Returns
    -------
    SlotSolution

    Raises
    ------
    ProblemError
        If magnitudes are so extreme that the optimum overflows, or cannot be certified to LARGEST_GAP.
    """
    check_method(method)
    devices, services = problem.local_queue_cycles.shape
    if method == "exact" and 0 < devices * services <= NETWORK_ITEMS:
        solution = _solve_in_one_call(problem)
    else:
        solution = _solve_as_batch(problem, method)
    _refuse_unproved(solution)
    return solution


def _refuse_unproved(solution: SlotSolution) -> None:
    """Refuse to call optimal what magnitudes beyond double precision leave without a proof."""
    certificate = solution.certificate
    if not math.isfinite(solution.objective.total):
        raise ProblemError("$", "the optimal objective is not finite in double precision")
    if not (certificate.relative_gap <= LARGEST_GAP and certificate.max_violation <= LARGEST_GAP):
        reason = (
            f"no solution can be certified in double precision: relative gap "
            f"{certificate.relative_gap:.1e}, violation {certificate.max_violation:.1e}"
        )
        raise ProblemError("$", reason)


def _solve_in_one_call(problem: SlotProblem) -> SlotSolution:
    queues, devices, scalars = problem._packed
    rates = np.empty(queues.shape)
    lanes = np.empty((kernels.LANE_ROWS, queues.shape[2]))
    summary = np.empty(kernels.SUMMARY_PLACES)
    kernels.slot_exact(queues, devices, scalars, rates, lanes, summary)
    edge_nu, local, transmit, edge, gap, violation = summary.tolist()
    return SlotSolution(
        problem,
        Objective(local, transmit, edge),
        Certificate(gap, violation),
        rates[0].T,
        rates[1].T,
        rates[2].T,
        lanes[kernels.CPU],
        lanes[kernels.POWER],
        lanes[kernels.LOCAL_NU],
        lanes[kernels.TRANSMIT_NU],
        edge_nu,
        lanes[kernels.LOCAL_ENERGY],
        lanes[kernels.TRANSMIT_ENERGY],
        lanes[kernels.LOCAL_PRICE],
        lanes[kernels.RATE_PRICE],
    )


# Energies and prices may overflow where the allocation does not; they are infinite then, without a warning.
@np.errstate(over="ignore", invalid="ignore")
def _solve_as_batch(problem: SlotProblem, method: str) -> SlotSolution:
    queues = {name: getattr(problem, name).T[:, :, None] for name in _QUEUES}
    shared = {name: getattr(problem, name) for name in (*_SCALARS, *_DEVICES, "noise_psd_dbm_per_hz")}
    shared["channel_gain"] = problem.channel_gain[:, None]
    many = solve_slots(SlotBatch(**shared, **queues), method)
    local, transmit, edge = many.objective[:, 0].tolist()
    certificate = many.certificate
    return SlotSolution(
        problem,
        Objective(local, transmit, edge),
        Certificate(float(certificate.relative_gap[0]), float(certificate.max_violation[0])),
        many.local_cpu_hz[:, :, 0].T,
        many.rate_bps[:, :, 0].T,
        many.edge_cpu_hz[:, :, 0].T,
        many.cpu_hz[:, 0],
        many.power_w[:, 0],
        many.local_multiplier[:, 0],
        many.transmit_multiplier[:, 0],
        float(many.edge_multiplier[0]),
        many.local_energy_j[:, 0],
        many.transmit_energy_j[:, 0],
        many.local_price[:, 0],
        many.rate_price[:, 0],
    )
