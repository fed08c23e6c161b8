"""Many slots at once: `SlotBatch`, and views of its arrays for the kernels."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt._kernels.slot.general_problems import (
    GeneralEdgeProblem,
    GeneralLocalProblem,
    GeneralTransmitProblem,
)
from lyaopt._kernels.slot.problems import EdgeProblem, LocalProblem, TransmitProblem
from lyaopt.arrays import Floats, Integers, check_array, read_only, shape_of
from lyaopt.slot.batch_fields import as_parameter, check_counts, device_lanes, lane_parameter, slot_lanes
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS, SlotInputs, path_of_entry
from lyaopt.slot.limits import check_backlogs, check_signal, noise_w_per_hz
from lyaopt.slot.tables import checked_points, checked_radios, make_curves


@dataclass(frozen=True, eq=False)
class SlotBatch(SlotInputs):
    """B independent slots of the same M devices with up to N services each.

    Attributes
    ----------
    slot_duration_s, edge_capacity_hz : float or (B,) array
        tau and F^e, of all slots or of each.
    cpu_capacity_hz, max_power_w, bandwidth_hz : (M,) arrays, or arrays that broadcast to (B, M)
        Of every device in all slots, or in each.
    energy_coefficient, energy_weight_local, energy_weight_transmit : float, or broadcast to (B, M)
        delta, U^l and U^t; numbers are shared by all devices and slots.
    noise_psd_dbm_per_hz : float
        N_0 in dBm/Hz.
    channel_gain : (B, M) array
        h of every device in every slot.
    local_queue_cycles, transmit_queue_bits, edge_queue_cycles : (B, M, N) arrays
        Backlogs in cycles, bits and cycles; zeros where a device has fewer services.
    local_weight, transmit_weight, edge_weight : (B, M, N) arrays, optional
        As in `lyaopt.SlotProblem`; the backlogs by default.
    cpu_points : sequence, optional
        As in `lyaopt.SlotProblem`, the same in all slots.
    radio : sequence, optional
        As in `lyaopt.SlotProblem`; rate and power may be (B,) arrays.
    spectrum : {"split", "shared"}
        As in `lyaopt.SlotProblem`.
    service_counts : (M,) or (B, M) array of int, optional
        Numbers of services of the devices; what lies beyond them must be 0.

    Raises
    ------
    ProblemError
        If a value is not finite, is negative, or has the wrong shape; the error names the field.

    Notes
    -----
    Arrays broadcast as NumPy does it: (M,) is one number a device, (B, 1) one a slot, (B, M) one of each.

    The kernels run over slots that lie side by side in memory. A writeable float64 array in that
    order (Fortran's, ``order="F"``: the transposed array, (N, M, B), is C-contiguous) is used as it is. Any
    other array, and one that holds a -0.0, is copied once, by the constructor. The arrays of the batch,
    `batch.channel_gain` and so on, may be refilled for another call of `solve_slots`. New values are not
    checked. Energies, prices and certificate of an earlier solution are computed when first asked for: ask
    before you refill the arrays.
    """

    service_counts: Any = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for entry in self.radio or ():
            if entry is not None:
                read_only(entry)

    def __post_init__(self) -> None:
        shape = shape_of(self.local_queue_cycles, "local_queue_cycles", "BMN")
        self._take_parameters(shape)
        self._take_noise()
        self._take_arrays(QUEUE_FIELDS, shape, "F")
        self._take_arrays(["channel_gain"], shape[:2], "F")
        tau, fields = self.slot_duration_s, vars(self)
        for name in QUEUE_FIELDS:
            fields[name] = check_backlogs(fields[name], name, tau, functools.partial(path_of_entry, name))
        path = functools.partial(path_of_entry, "channel_gain")
        fields["channel_gain"] = check_array(self.channel_gain, path)
        self._take_weights(shape, "F")
        vars(self)["cpu_points"] = checked_points(self.cpu_points, shape[1])
        vars(self)["radio"] = checked_radios(self.radio, shape[1], shape[0])
        check_counts(self)
        check_signal(self.channel_gain, self.max_power_w, self.bandwidth_hz, self.noise_w_per_hz, tau)

    def _take_parameters(self, shape: tuple[int, ...]) -> None:
        """Convert and check what may be a number, or differ between devices and slots."""
        fields = vars(self)
        for name in ("slot_duration_s", "edge_capacity_hz"):
            fields[name] = as_parameter(fields[name], name, shape[:1])
        for name in ("energy_coefficient", "energy_weight_local", "energy_weight_transmit"):
            fields[name] = as_parameter(fields[name], name, shape[:2])
        for name in ("cpu_capacity_hz", "max_power_w", "bandwidth_hz"):
            fields[name] = np.atleast_1d(as_parameter(fields[name], name, shape[:2], per_device=True))

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

    @functools.cached_property
    def _general_local(self) -> GeneralLocalProblem:
        """Problem 3 with weights apart from limits, and parameters by lane."""
        limits, curves = device_lanes(self.local_queue_cycles), make_curves(self.cpu_points, self.shape[1])
        return GeneralLocalProblem(
            limits if self.local_weight is None else device_lanes(self.local_weight),
            limits,
            lane_parameter(self.cpu_capacity_hz),
            self._lane_duration,
            lane_parameter(self.energy_weight_local),
            lane_parameter(self.energy_coefficient),
            curves.row,
            curves.hz,
            curves.slope,
        )

    @functools.cached_property
    def _general_transmit(self) -> GeneralTransmitProblem:
        """Problem 4 with weights apart from limits, and parameters by lane."""
        limits, radio = device_lanes(self.transmit_queue_bits), self._measured_radio
        return GeneralTransmitProblem(
            limits if self.transmit_weight is None else device_lanes(self.transmit_weight),
            limits,
            device_lanes(self.channel_gain),
            lane_parameter(self.bandwidth_hz),
            lane_parameter(self.max_power_w),
            self._lane_duration,
            lane_parameter(self.energy_weight_transmit),
            self.noise_w_per_hz,
            *radio,
        )

    @functools.cached_property
    def _general_edge(self) -> GeneralEdgeProblem:
        """Problem 5 with weights apart from limits, and parameters by lane."""
        limits = slot_lanes(self.edge_queue_cycles)
        return GeneralEdgeProblem(
            limits if self.edge_weight is None else slot_lanes(self.edge_weight),
            limits,
            np.atleast_1d(self.edge_capacity_hz),
            np.atleast_1d(self.slot_duration_s),
        )

    @functools.cached_property
    def _lane_duration(self) -> Floats:
        """Slot length of every lane (M B,), or of all (1,); see `refill_lanes`."""
        duration = np.atleast_1d(self.slot_duration_s)
        return duration if duration.size == 1 else np.tile(duration, self.shape[1])

    def refill_lanes(self) -> None:
        """Copy slot lengths to the lanes once more, before a solve: their array may have been refilled."""
        lanes = vars(self).get("_lane_duration")
        if lanes is not None and lanes.size > 1:
            lanes.reshape(-1, self.shape[0])[:] = self.slot_duration_s

    @functools.cached_property
    def _measured_radio(self) -> tuple[Integers, Floats, Floats]:
        """Which radios are measured (M,); their rate and power in every lane, (M B,), or none (0,)."""
        slots, devices, _ = self.shape
        if self.radio is None:
            return np.zeros(devices, np.int64), np.empty(0), np.empty(0)
        measured = np.array([entry is not None for entry in self.radio], dtype=np.int64)
        rows = np.zeros((2, devices, slots))
        for m, entry in enumerate(self.radio):
            if entry is not None:
                rows[:, m] = entry
        return measured, rows[0].ravel(), rows[1].ravel()

    @functools.cached_property
    def _is_general(self) -> tuple[bool, bool, bool]:
        """Whether Problems 3, 4 and 5 need the general solvers: weights, tables, or parameters by slot."""
        local_coefficients = (self.energy_weight_local, self.energy_coefficient)
        in_slots = np.ndim(self.slot_duration_s) > 0
        local = in_slots or self.local_weight is not None or self.cpu_points is not None
        transmit = in_slots or self.transmit_weight is not None or self.radio is not None
        edge = in_slots or self.edge_weight is not None or np.ndim(self.edge_capacity_hz) > 0
        radio = max(np.ndim(self.max_power_w), np.ndim(self.bandwidth_hz))
        return (
            local or any(map(np.ndim, local_coefficients)) or np.ndim(self.cpu_capacity_hz) > 1,
            transmit or np.ndim(self.energy_weight_transmit) > 0 or radio > 1,
            edge,
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(B, M, N): slots, devices, services."""
        return self.local_queue_cycles.shape

    def __repr__(self) -> str:
        slots, devices, services = self.shape
        return f"SlotBatch({slots} slots, {devices} devices, up to {services} services each)"


def as_batch(problem: SlotInputs) -> SlotBatch:
    """Return a batch of one slot.

    Parameters
    ----------
    problem : SlotInputs
        The slot.
    """
    fields = {name: getattr(problem, name) for name in SlotInputs.__dataclass_fields__}
    for name in (*QUEUE_FIELDS, *WEIGHT_FIELDS, "channel_gain"):
        if fields[name] is not None:
            fields[name] = fields[name][np.newaxis]
    return SlotBatch(**fields)
