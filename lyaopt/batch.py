"""Many slots at once: `SlotBatch`, `solve_slots` and `BatchSolution`.

Arrays are laid out for the compiled loops: (service, device, slot), the slots contiguous. From arrays
with the slots first, pass ``queue.transpose(2, 1, 0)``; it is copied once.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.certificate import edge_certificate, local_certificate, transmit_certificate
from lyaopt._kernels.edge import edge_bisection, edge_exact, edge_many
from lyaopt._kernels.levels import NETWORK_ITEMS
from lyaopt._kernels.local import local_bisection, local_exact, local_many
from lyaopt._kernels.transmit import transmit_bisection, transmit_exact, transmit_many
from lyaopt.problem import (
    Floats,
    as_floats,
    check_array,
    check_method,
    check_scalar,
    check_signal,
    check_total_rate,
    noise_w_per_hz,
    shape_of,
)

_QUEUES = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
_DEVICE_FIELDS = ("cpu_capacity_hz", "max_power_w", "bandwidth_hz")


@dataclass(frozen=True, eq=False)
class SlotBatch:
    """B independent slots of the same M devices with up to N services each.

    Attributes
    ----------
    slot_duration_s, energy_coefficient, energy_weight_local, energy_weight_transmit, edge_capacity_hz,
    noise_psd_dbm_per_hz : float
        As in `lyaopt.SlotProblem`, shared by all slots.
    cpu_capacity_hz, max_power_w, bandwidth_hz : (M,) arrays
        Shared by all slots.
    channel_gain : (M, B) array
    local_queue_cycles, transmit_queue_bits, edge_queue_cycles : (N, M, B) arrays
        Backlogs; zeros where a device has fewer services.

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

    def __post_init__(self) -> None:
        shape = shape_of(self.local_queue_cycles, "local_queue_cycles", "NMB")
        for name in (
            "energy_coefficient",
            "energy_weight_local",
            "energy_weight_transmit",
            "edge_capacity_hz",
        ):
            check_scalar(getattr(self, name), name)
        check_scalar(self.slot_duration_s, "slot_duration_s", positive=True)
        shapes = dict.fromkeys(_QUEUES, shape) | dict.fromkeys(_DEVICE_FIELDS, shape[1:2])
        for name, wanted in (shapes | {"channel_gain": shape[1:]}).items():
            array = as_floats(getattr(self, name), name, wanted)
            object.__setattr__(self, name, array)
            check_array(
                array,
                lambda index, name=name: f"$.{name}[{', '.join(map(str, index))}]",
                positive=name == "bandwidth_hz",
            )
        self._check_range()

    def _check_range(self) -> None:
        """Refuse magnitudes whose sums or ratios leave the range of double precision."""
        for name in _QUEUES:
            check_total_rate(getattr(self, name), name, self.slot_duration_s)
        check_signal(self.channel_gain, self.max_power_w, self.bandwidth_hz, self.noise_w_per_hz)

    @functools.cached_property
    def noise_w_per_hz(self) -> float:
        """N_0 in W/Hz."""
        return noise_w_per_hz(self.noise_psd_dbm_per_hz)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, M, B): services, devices, slots."""
        return self.local_queue_cycles.shape

    def __repr__(self) -> str:
        services, devices, slots = self.shape
        return f"SlotBatch({slots} slots, {devices} devices, up to {services} services each)"


@dataclass(frozen=True, eq=False)
class BatchCertificate:
    """Proof of optimality of every slot.

    Attributes
    ----------
    relative_gap : (B,) array
        Worst duality gap of the slot's 2 M + 1 problems, each relative to its gross gain tau sum f Q
        (where nothing is served: to the gain of serving everything).
    max_violation : (B,) array
        Worst constraint violation of the slot, each relative to its bound.
    """

    relative_gap: Floats
    max_violation: Floats


@dataclass(frozen=True, eq=False)
class BatchSolution:
    """Optimal allocation of every slot of a batch.

    What follows from the allocation (energies, prices, certificate) is worked out when first asked for.

    Attributes
    ----------
    batch : SlotBatch
    local_cpu_hz, rate_bps, edge_cpu_hz : (N, M, B) arrays
    cpu_hz : (M, B) array
        Total CPU speed of every device.
    power_w : (M, B) array
    local_multiplier, transmit_multiplier : (M, B) arrays
        nu of Problems 3 and 4, in cycles and bits: the backlog at which serving stops being worth it.
    edge_multiplier : (B,) array
        nu of Problem 5, in cycles.
    """

    batch: SlotBatch
    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: Floats
    cpu_hz: Floats
    power_w: Floats
    local_multiplier: Floats
    transmit_multiplier: Floats
    edge_multiplier: Floats

    @functools.cached_property
    def local_energy_j(self) -> Floats:
        """Energy of every device's CPU (M, B): tau delta (sum f)^3, equation (5)."""
        return local_energy(self.batch.slot_duration_s, self.batch.energy_coefficient, self.cpu_hz)

    @functools.cached_property
    def transmit_energy_j(self) -> Floats:
        """Energy of every device's radio (M, B): tau p, equation (6)."""
        return self.batch.slot_duration_s * self.power_w

    @functools.cached_property
    def local_price(self) -> Floats:
        """Multiplier of C.4 (M, B), -dV/dF^l: what one more hertz of device CPU is worth."""
        batch = self.batch
        weight = batch.energy_weight_local * batch.energy_coefficient
        capacity = batch.cpu_capacity_hz[:, None]
        return local_price(batch.slot_duration_s, weight, capacity, self.cpu_hz, self.local_multiplier)

    @functools.cached_property
    def rate_price(self) -> Floats:
        """Multiplier of C.6 (M, B): tau nu, what one more bit/s of rate is worth."""
        return self.batch.slot_duration_s * self.transmit_multiplier

    @functools.cached_property
    def edge_price(self) -> Floats:
        """Multiplier of C.7 (B,), -dV/dF^e: what one more hertz at the edge is worth."""
        return self.batch.slot_duration_s * self.edge_multiplier

    @functools.cached_property
    def _reports(self) -> tuple[Floats, Floats, Floats]:
        """Relative gap, gross gain and violation (3, ...) of the local, transmit and edge problems."""
        batch = self.batch
        services, devices, slots = batch.shape
        tau = batch.slot_duration_s
        local = np.zeros((3, devices * slots))
        transmit = np.zeros((3, devices * slots))
        edge = np.zeros((3, slots))
        if services and devices and slots:
            local_certificate(
                _lanes(batch.local_queue_cycles),
                batch.cpu_capacity_hz,
                tau,
                batch.energy_weight_local,
                batch.energy_coefficient,
                _lanes(self.local_cpu_hz),
                self.local_multiplier.reshape(-1),
                local,
            )
            transmit_certificate(
                _lanes(batch.transmit_queue_bits),
                batch.channel_gain.reshape(-1),
                batch.bandwidth_hz,
                batch.max_power_w,
                tau,
                batch.energy_weight_transmit,
                batch.noise_w_per_hz,
                _lanes(self.rate_bps),
                self.power_w.reshape(-1),
                self.transmit_multiplier.reshape(-1),
                transmit,
            )
            edge_certificate(
                _slots(batch.edge_queue_cycles),
                batch.edge_capacity_hz,
                tau,
                _slots(self.edge_cpu_hz),
                self.edge_multiplier,
                edge,
            )
        per_device = (3, devices, slots)
        return local.reshape(per_device), transmit.reshape(per_device), edge

    @functools.cached_property
    def certificate(self) -> BatchCertificate:
        """Duality gap and largest violation of every slot."""
        local, transmit, edge = self._reports
        reports = np.concatenate([local, transmit, edge[:, None]], axis=1)
        return BatchCertificate(reports[0].max(axis=0, initial=0.0), reports[2].max(axis=0, initial=0.0))

    @functools.cached_property
    def objective(self) -> Floats:
        """Drift-plus-penalty (3, B) of the local, transmission and edge problems, as minimised."""
        local, transmit, edge = self._reports
        return np.stack(
            [
                (self.batch.energy_weight_local * self.local_energy_j - local[1]).sum(axis=0),
                (self.batch.energy_weight_transmit * self.transmit_energy_j - transmit[1]).sum(axis=0),
                -edge[1],
            ]
        )

    def __repr__(self) -> str:
        services, devices, slots = self.batch.shape
        return f"BatchSolution({slots} slots, {devices} devices, up to {services} services each)"


def local_energy(tau: float, delta: float, total: Floats) -> Floats:
    """Return tau delta (sum f)^3; from the left, so that free energy stays free at any speed."""
    return tau * delta * total * total * total


def local_price(tau: float, weight: float, capacity: Floats, total: Floats, multiplier: Floats) -> Floats:
    """Return tau max(nu - 3 U delta F^2, 0) where the capacity F binds, else 0."""
    return tau * np.where(
        total >= capacity, np.maximum(multiplier - 3.0 * weight * capacity * capacity, 0.0), 0.0
    )


def _lanes(queue: Floats) -> Floats:
    """View (N, M, B) as (N, M B): a lane a device and slot."""
    return queue.reshape(queue.shape[0], -1)


def _slots(queue: Floats) -> Floats:
    """View (N, M, B) as (N M, B): a lane a slot."""
    return queue.reshape(-1, queue.shape[2])


def solve_slots(batch: SlotBatch, method: str = "exact", out: BatchSolution | None = None) -> BatchSolution:
    """Solve Problems 3, 4 and 5 of every slot of a batch.

    Parameters
    ----------
    batch : SlotBatch
    method : {"exact", "bisection"}
        Closed form by sorting or selection, or bisection on the Lagrange multiplier.
    out : BatchSolution, optional
        An earlier solution of a batch of the same shape: its arrays are overwritten, none are allocated,
        and it is returned as the solution of this batch.

    Returns
    -------
    BatchSolution
        Certificates are worked out when asked for: nothing is refused here for a weak one, as `solve_slot`
        does where magnitudes leave double precision.

    Raises
    ------
    ValueError
        For an unknown method, or an `out` of another shape.
    """
    check_method(method)
    solution = _empty_solution(batch) if out is None else _taken_over(out, batch)
    if 0 not in batch.shape:
        _fill(solution, method)
    return solution


def _solution_shapes(batch: SlotBatch) -> dict[str, tuple[int, ...]]:
    shape = batch.shape
    per_service = dict.fromkeys(("local_cpu_hz", "rate_bps", "edge_cpu_hz"), shape)
    per_device = ("cpu_hz", "power_w", "local_multiplier", "transmit_multiplier")
    return {**per_service, **dict.fromkeys(per_device, shape[1:]), "edge_multiplier": shape[2:]}


def _empty_solution(batch: SlotBatch) -> BatchSolution:
    empty = np.zeros if 0 in batch.shape else np.empty
    return BatchSolution(batch, **{name: empty(shape) for name, shape in _solution_shapes(batch).items()})


def _taken_over(out: BatchSolution, batch: SlotBatch) -> BatchSolution:
    """Make an earlier solution one of this batch: what had been worked out from it is forgotten."""
    arrays = {}
    for name, shape in _solution_shapes(batch).items():
        arrays[name] = array = getattr(out, name)
        if array.shape != shape or not (array.flags.carray and array.dtype == np.float64):
            expected = f"expected a writeable, contiguous float64 array of shape {shape}"
            raise ValueError(f"out.{name}: {expected}, got {array.dtype} of shape {array.shape}")
    vars(out).clear()
    vars(out).update(arrays, batch=batch)
    return out


def _fill(solution: BatchSolution, method: str) -> None:
    batch = solution.batch
    tau = batch.slot_duration_s
    services, devices, _ = batch.shape
    bisection = method == "bisection"
    many = services > NETWORK_ITEMS
    local = local_bisection if bisection else local_many if many else local_exact
    local(
        _lanes(batch.local_queue_cycles),
        batch.cpu_capacity_hz,
        tau,
        batch.energy_weight_local,
        batch.energy_coefficient,
        _lanes(solution.local_cpu_hz),
        solution.cpu_hz.reshape(-1),
        solution.local_multiplier.reshape(-1),
    )
    transmit = transmit_bisection if bisection else transmit_many if many else transmit_exact
    transmit(
        _lanes(batch.transmit_queue_bits),
        batch.channel_gain.reshape(-1),
        batch.bandwidth_hz,
        batch.max_power_w,
        tau,
        batch.energy_weight_transmit,
        batch.noise_w_per_hz,
        _lanes(solution.rate_bps),
        solution.power_w.reshape(-1),
        solution.transmit_multiplier.reshape(-1),
    )
    edge_many_items = services * devices > NETWORK_ITEMS
    edge = edge_bisection if bisection else edge_many if edge_many_items else edge_exact
    edge(
        _slots(batch.edge_queue_cycles),
        batch.edge_capacity_hz,
        tau,
        _slots(solution.edge_cpu_hz),
        solution.edge_multiplier,
    )
