"""Fields and checks that one slot and many slots share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lyaopt.arrays import Floats, Order, as_floats, check_scalar
from lyaopt.slot.limits import noise_w_per_hz

SCALAR_FIELDS = (
    "slot_duration_s",
    "energy_coefficient",
    "energy_weight_local",
    "energy_weight_transmit",
    "edge_capacity_hz",
)
DEVICE_FIELDS = ("cpu_capacity_hz", "max_power_w", "channel_gain", "bandwidth_hz")
QUEUE_FIELDS = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")


@dataclass(frozen=True, eq=False)
class SlotInputs:
    """Fields that `SlotProblem` and `SlotBatch` share; their docstrings give shapes and units.

    Attributes
    ----------
    slot_duration_s, energy_coefficient, energy_weight_local, energy_weight_transmit, edge_capacity_hz,
    noise_psd_dbm_per_hz : float
    cpu_capacity_hz, max_power_w, channel_gain, bandwidth_hz : arrays
        One number for each device.
    local_queue_cycles, transmit_queue_bits, edge_queue_cycles : arrays
        One number for each service.
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

    def __getstate__(self) -> dict[str, Any]:
        return fields_of(self)

    def _take_scalars(self) -> None:
        """Check the numbers, and convert them to floats: NumPy's would compute in their own precision."""
        fields = vars(self)
        for name in SCALAR_FIELDS:
            check_scalar(fields[name], name, positive=name == "slot_duration_s")
            fields[name] = float(fields[name])
        if type(self.noise_psd_dbm_per_hz) is not float:
            noise_w_per_hz(self.noise_psd_dbm_per_hz)  # raises for what is not a number
            fields["noise_psd_dbm_per_hz"] = float(self.noise_psd_dbm_per_hz)

    def _take_arrays(self, names: Iterable[str], shape: tuple[int, ...], order: Order) -> None:
        """Convert the named fields to float64 arrays of this shape in this memory order."""
        fields = vars(self)
        for name in names:
            fields[name] = as_floats(fields[name], name, shape, order)


def fields_of(instance: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name, without what it has cached.

    Only these are pickled and copied: a cached view would become an array of its own, apart from the field
    that it views, and kernels would read or write that array instead.

    Parameters
    ----------
    instance : object
        Of a dataclass.
    """
    return {name: getattr(instance, name) for name in instance.__dataclass_fields__}
