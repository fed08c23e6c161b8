"""Many slots at once: `SlotBatch`, `solve_slots` and `BatchSolution`.

Arrays are laid out for the compiled loops: (service, device, slot), the slots contiguous. From arrays
with the slots first, pass ``queue.transpose(2, 1, 0)``; it is copied once.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from lyaopt._kernels.slot.problems import EdgeProblem, LocalProblem, TransmitProblem
from lyaopt.arrays import Floats, as_floats, check_array, check_scalar, shape_of
from lyaopt.slot.limits import check_signal, check_total_rate, noise_w_per_hz

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
    def _local_problem(self) -> LocalProblem:
        """Problem 3 of all devices and slots, as the kernels take it."""
        return LocalProblem(
            _lanes(self.local_queue_cycles),
            self.cpu_capacity_hz,
            float(self.slot_duration_s),
            float(self.energy_weight_local),
            float(self.energy_coefficient),
        )

    @property
    def _transmit_problem(self) -> TransmitProblem:
        """Problem 4 of all devices and slots, as the kernels take it."""
        return TransmitProblem(
            _lanes(self.transmit_queue_bits),
            self.channel_gain.reshape(-1),
            self.bandwidth_hz,
            self.max_power_w,
            float(self.slot_duration_s),
            float(self.energy_weight_transmit),
            self.noise_w_per_hz,
        )

    @property
    def _edge_problem(self) -> EdgeProblem:
        """Problem 5 of all slots, as the kernels take it."""
        return EdgeProblem(
            _slots(self.edge_queue_cycles), float(self.edge_capacity_hz), float(self.slot_duration_s)
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, M, B): services, devices, slots."""
        return self.local_queue_cycles.shape

    def __repr__(self) -> str:
        services, devices, slots = self.shape
        return f"SlotBatch({slots} slots, {devices} devices, up to {services} services each)"


def _lanes(queue: Floats) -> Floats:
    """View (N, M, B) as (N, M B): a lane a device and slot."""
    return queue.reshape(queue.shape[0], -1)


def _slots(queue: Floats) -> Floats:
    """View (N, M, B) as (N M, B): a lane a slot."""
    return queue.reshape(-1, queue.shape[2])
