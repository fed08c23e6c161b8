"""The problem of one slot: state and parameters at its start."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.arrays import (
    Floats,
    check_array,
    is_whole,
    least_bits,
    read_only,
    restore_read_only,
    shape_of,
)
from lyaopt.errors import ProblemError
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS, SCALAR_FIELDS, WEIGHT_FIELDS, SlotInputs
from lyaopt.slot.limits import (
    backlogs_fit,
    check_backlogs,
    check_signal,
    noise_w_per_hz,
    rows_of,
    signals_fit,
)
from lyaopt.slot.names import checked_ids

_NUMBERS = (*SCALAR_FIELDS, *DEVICE_FIELDS, *QUEUE_FIELDS)


@dataclass(frozen=True, eq=False)
class SlotProblem(SlotInputs):
    """State and parameters at the start of a slot (M devices, N = most services on one).

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
    local_weight, transmit_weight, edge_weight : (M, N) arrays, optional
        w of every service: what one more cycle or bit of its work is worth, in units of the objective. The
        backlogs by default; they remain the limits of what can be served.
    cpu_points : sequence, optional
        For every device a table of operating points ((Hz, W), ...), in place of delta, or None. A slot may be
        shared between two points, or a point and standstill. The speed ends at the last point.
    radio : sequence, optional
        For every device (rate in bit/s, power in W) as measured in this slot, in place of Shannon's rate, or
        None. A slot may be shared with silence.
    spectrum : {"split", "shared"}
        "shared": the devices whose radios are not measured share the sum of their bandwidths as is best.
    service_counts : tuple of int, optional
        N_m of every device; by default all N.
    device_ids, service_ids : optional
        Names for reports, one for each device and one for each service.

    Raises
    ------
    ProblemError
        If a value is not finite, is negative, or has the wrong shape; the error names the field.
    """

    service_counts: tuple[int, ...] | None = None
    device_ids: tuple[str, ...] | None = None
    service_ids: tuple[tuple[str, ...], ...] | None = None

    def __post_init__(self) -> None:
        shape = shape_of(self.local_queue_cycles, "local_queue_cycles", "MN")
        self._take_scalars()
        self._take_arrays(QUEUE_FIELDS, shape, "C")
        self._take_arrays(DEVICE_FIELDS, shape[:1], "C")
        if self.is_general:
            from lyaopt.slot.tables import checked_points, checked_radios

            self._take_weights(shape, "C")
            vars(self)["cpu_points"] = checked_points(self.cpu_points, shape[0])
            vars(self)["radio"] = checked_radios(self.radio, shape[0], None)
            del vars(self)["is_general"]  # as tables of nothing but None are none
        if not self._looks_valid():
            self._explain()
            for array in self._packed:
                array += 0.0  # of -0.0, which is no error
        self._keep_own_arrays()
        self._check_counts()
        self._check_ids()

    def __setstate__(self, state: dict[str, Any]) -> None:
        restore_read_only(self, state)
        self._keep_own_arrays()

    def _looks_valid(self) -> bool:
        """Return whether all numbers are certainly in range; a few reductions for the common case."""
        queues, devices, scalars = self._packed
        if queues.size == 0 or least_bits(devices) < 0:
            return False
        tau = self.slot_duration_s
        (fastest, power, gain, band), noise = rows_of(devices), float(scalars[-1])
        return (
            fastest[1] < math.inf
            and backlogs_fit(queues, (tau, tau))
            and signals_fit(gain, power, band, devices.shape[1], noise, (tau, tau))
        )

    def _path_of(self, name: str, index: tuple[int, ...]) -> str:
        return f"$.devices[{index[0]}].services[{index[1]}].{name}"

    def _explain(self) -> None:
        """Check the fields in order, and raise for the first that is out of range."""
        for name in QUEUE_FIELDS:
            queue = getattr(self, name)
            check_backlogs(queue, name, self.slot_duration_s, functools.partial(self._path_of, name))
        for name in DEVICE_FIELDS:
            check_array(
                getattr(self, name),
                lambda i, name=name: f"$.devices[{i[0]}].{name}",
                positive=name == "bandwidth_hz",
            )
        noise = noise_w_per_hz(self.noise_psd_dbm_per_hz)
        tau = self.slot_duration_s
        check_signal(self.channel_gain, self.max_power_w, self.bandwidth_hz, noise, tau)

    def _keep_own_arrays(self) -> None:
        """Use the arrays of `_packed`, so that later changes of the arguments have no effect."""
        queues, devices, _ = self._packed
        vars(self).update(zip((*DEVICE_FIELDS, *QUEUE_FIELDS), _read_only_rows(devices, queues), strict=True))
        if self.is_general and self._packed_weights is not None:
            self._keep_weights(self._packed_weights, [getattr(self, name) for name in WEIGHT_FIELDS])

    def _keep_weights(self, packed: Floats, given: Sequence[Any]) -> None:
        """Use the rows of `packed`, (3, N, M), as the weights that are `given`, which means not None."""
        packed += 0.0  # no -0.0
        vars(self)["_packed_weights"] = packed
        rows = read_only(packed.transpose(0, 2, 1))
        for name, row, values in zip(WEIGHT_FIELDS, rows, given, strict=True):
            vars(self)[name] = None if values is None else row

    def _check_ids(self) -> None:
        if self.device_ids is not None or self.service_ids is not None:
            devices, services = checked_ids(self.device_ids, self.service_ids, self.service_counts)
            vars(self).update(device_ids=devices, service_ids=services)

    def _check_counts(self) -> None:
        devices, services = self.local_queue_cycles.shape
        counts = self.service_counts
        if counts is None:
            counts = (services,) * devices
        whole = isinstance(counts, (tuple, list)) and all(map(is_whole, counts))
        if not whole or len(counts) != devices or not all(0 <= count <= services for count in counts):
            raise ProblemError("$.service_counts", f"expected {devices} numbers in 0..{services}")
        counts = vars(self)["service_counts"] = tuple(map(int, counts))
        for m, count in enumerate(counts):
            if count < services and self._is_used(m, count):
                raise ProblemError(f"$.devices[{m}].services[{count}]", f"beyond the device's {count}")

    def _is_used(self, device: int, first: int) -> bool:
        """Whether a device has a backlog or weight from its service `first` on."""
        arrays = [getattr(self, name) for name in (*QUEUE_FIELDS, *WEIGHT_FIELDS)]
        return any(array is not None and array[device, first:].any() for array in arrays)

    @functools.cached_property
    def is_general(self) -> bool:
        """Whether it has weights, tables or a shared spectrum, beyond Problems 3 to 5 of the paper."""
        return not (
            self.local_weight is None
            and self.transmit_weight is None
            and self.edge_weight is None
            and self.cpu_points is None
            and self.radio is None
            and self.spectrum == "split"
        )

    @property
    def shared_bandwidth_hz(self) -> float:
        """Bandwidth in Hz of the devices whose radios are not measured, which they may share."""
        measured = [entry is not None for entry in self.radio or (None,) * self.bandwidth_hz.size]
        return float(self.bandwidth_hz[~np.array(measured, dtype=bool)].sum())

    @functools.cached_property
    def _packed(self) -> tuple[Floats, Floats, Floats]:
        """The arguments of `lyaopt._kernels.slot.one_slot`."""
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

    @functools.cached_property
    def _packed_weights(self) -> Floats | None:
        """The weights in the order of `_packed`, the backlogs where they are not given; None without any."""
        weights = [getattr(self, name) for name in WEIGHT_FIELDS]
        if all(weight is None for weight in weights):
            return None
        queues = [getattr(self, name) for name in QUEUE_FIELDS]
        rows = [(q if w is None else w).T for w, q in zip(weights, queues, strict=True)]
        return np.array(rows, order="C")

    @property
    def _has_weights_only(self) -> bool:
        """Whether there are weights at most, beyond Problems 3 to 5 of the paper."""
        return self.cpu_points is None and self.radio is None and self.spectrum == "split"

    @classmethod
    def _from_packed(cls, packed: tuple[Floats, Floats, Floats], noise: float, **names: Any) -> SlotProblem:
        """Build a problem from the arrays of `_packed` without checks, in a fraction of the time.

        For `lyaopt.slot.documents`, which checks them itself. `noise` is in dBm/Hz, `names` are the other
        fields but the weights, see `_keep_weights`.
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
    return (*read_only(devices[:]), *read_only(queues.transpose(0, 2, 1)))
