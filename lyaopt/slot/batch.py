"""Many slots at once: `SlotBatch`, and views of its arrays for the kernels."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.slot.problems import EdgeProblem, LocalProblem, TransmitProblem
from lyaopt.arrays import Floats, check_array, shape_of
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS, SlotInputs
from lyaopt.slot.limits import check_signal, check_total_rate, noise_w_per_hz


@dataclass(frozen=True, eq=False)
class SlotBatch(SlotInputs):
    """B independent slots of the same M devices with up to N services each.

    Attributes
    ----------
    slot_duration_s, energy_coefficient, energy_weight_local, energy_weight_transmit, edge_capacity_hz,
    noise_psd_dbm_per_hz : float
        As in `lyaopt.SlotProblem`, shared by all slots.
    cpu_capacity_hz, max_power_w, bandwidth_hz : (M,) arrays
        Shared by all slots.
    channel_gain : (B, M) array
        h of every device in every slot.
    local_queue_cycles, transmit_queue_bits, edge_queue_cycles : (B, M, N) arrays
        Backlogs in cycles, bits and cycles; zeros where a device has fewer services.

    Raises
    ------
    ProblemError
        If a value is not finite, is negative, or has the wrong shape; the error names the field.

    Notes ----- The kernels run over slots that lie side by side in memory. A writeable float64 array in that
    order (Fortran's, ``order="F"``: the transposed array, (N, M, B), is C-contiguous) is used as it is. Any
    other array is copied once, by the constructor. The arrays of the batch, `batch.channel_gain` and so on,
    may be refilled for another call of `solve_slots`. New values are not checked. Energies, prices and
    certificate of an earlier solution are computed when first asked for: ask before you refill the arrays.
    """

    def __post_init__(self) -> None:
        shape = shape_of(self.local_queue_cycles, "local_queue_cycles", "BMN")
        self._take_scalars()
        self._take_arrays(QUEUE_FIELDS, shape, "F")
        for name in DEVICE_FIELDS:
            self._take_arrays([name], shape[:2] if name == "channel_gain" else shape[1:2], "F")
        for name in (*QUEUE_FIELDS, *DEVICE_FIELDS):
            check_array(
                getattr(self, name),
                lambda index, name=name: f"$.{name}[{', '.join(map(str, index))}]",
                positive=name == "bandwidth_hz",
            )
        # Sums and ratios must also stay within double precision.
        for name in QUEUE_FIELDS:
            check_total_rate(getattr(self, name), name, self.slot_duration_s)
        check_signal(self.channel_gain, self.max_power_w, self.bandwidth_hz, self.noise_w_per_hz)

    @functools.cached_property
    def noise_w_per_hz(self) -> float:
        """N_0 in W/Hz."""
        return noise_w_per_hz(self.noise_psd_dbm_per_hz)

    @functools.cached_property
    def _local_problem(self) -> LocalProblem:
        """Problem 3 of all devices and slots, for the kernels."""
        return LocalProblem(
            device_lanes(self.local_queue_cycles),
            self.cpu_capacity_hz,
            self.slot_duration_s,
            self.energy_weight_local,
            self.energy_coefficient,
        )

    @functools.cached_property
    def _transmit_problem(self) -> TransmitProblem:
        """Problem 4 of all devices and slots, for the kernels."""
        return TransmitProblem(
            device_lanes(self.transmit_queue_bits),
            device_lanes(self.channel_gain),
            self.bandwidth_hz,
            self.max_power_w,
            self.slot_duration_s,
            self.energy_weight_transmit,
            self.noise_w_per_hz,
        )

    @functools.cached_property
    def _edge_problem(self) -> EdgeProblem:
        """Problem 5 of all slots, for the kernels."""
        return EdgeProblem(slot_lanes(self.edge_queue_cycles), self.edge_capacity_hz, self.slot_duration_s)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(B, M, N): slots, devices, services."""
        return self.local_queue_cycles.shape

    def __repr__(self) -> str:
        slots, devices, services = self.shape
        return f"SlotBatch({slots} slots, {devices} devices, up to {services} services each)"


def device_lanes(values: Floats) -> Floats:
    """View an array of a batch for the kernels, with one lane for each device and slot.

    Parameters
    ----------
    values : (B, M, N) or (B, M) array
        In Fortran's order; an array in another order is copied.

    Returns
    -------
    ndarray (N, M B) or (M B,)
        Lane m B + b belongs to device m in slot b.
    """
    return np.ascontiguousarray(values.T).reshape(*values.shape[2:], -1)


def slot_lanes(queues: Floats) -> Floats:
    """View an array of a batch for the kernel of the edge, with one lane for each slot.

    Parameters
    ----------
    queues : (B, M, N) array
        In Fortran's order; an array in another order is copied.

    Returns
    -------
    ndarray (N M, B)
    """
    return np.ascontiguousarray(queues.T).reshape(-1, queues.shape[0])
