"""Fields and checks that one slot and many slots share."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from lyaopt.arrays import Floats, Order, as_floats, as_scalar, check_array, check_choice
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
WEIGHT_FIELDS = ("local_weight", "transmit_weight", "edge_weight")
SPECTRA = ("split", "shared")
Inputs = TypeVar("Inputs", bound="SlotInputs")


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
    local_weight, transmit_weight, edge_weight : arrays, optional
        What one more unit of a service's work is worth, in units of the objective; the backlog if left out.
    cpu_points : tuple, optional
        For each device a table of operating points ((Hz, W), ...), or None for the cubic law.
    radio : tuple, optional
        For each device the measured (rate in bit/s, power in W) of its radio, or None for Shannon's rate.
    spectrum : {"split", "shared"}
        Whether each device keeps its own bandwidth, or all share the sum.
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
    local_weight: Floats | None = None
    transmit_weight: Floats | None = None
    edge_weight: Floats | None = None
    cpu_points: tuple[Any, ...] | None = None
    radio: tuple[Any, ...] | None = None
    spectrum: str = "split"

    def __getstate__(self) -> dict[str, Any]:
        return fields_of(self)

    def _take_scalars(self) -> None:
        """Check the numbers, and convert them to floats."""
        fields = vars(self)
        for name in SCALAR_FIELDS:
            fields[name] = as_scalar(fields[name], name, positive=name == "slot_duration_s")
        self._take_noise()

    def _take_noise(self) -> None:
        fields = vars(self)
        if type(self.noise_psd_dbm_per_hz) is not float:
            noise_w_per_hz(self.noise_psd_dbm_per_hz)  # raises for what is not a number
            fields["noise_psd_dbm_per_hz"] = float(self.noise_psd_dbm_per_hz)
        check_spectrum(self.spectrum)

    def _take_arrays(self, names: Iterable[str], shape: tuple[int, ...], order: Order) -> None:
        """Convert the named fields to float64 arrays of this shape in this memory order."""
        fields = vars(self)
        for name in names:
            fields[name] = as_floats(fields[name], name, shape, order)

    def _take_weights(self, shape: tuple[int, ...], order: Order) -> None:
        """Convert and check the weights that are given."""
        for name in WEIGHT_FIELDS:
            if getattr(self, name) is not None:
                self._take_arrays([name], shape, order)
                array = getattr(self, name)
                vars(self)[name] = check_array(array, functools.partial(self._path_of, name))

    def _path_of(self, name: str, index: tuple[int, ...]) -> str:
        """Path of an entry of an array with one number for each service."""
        return path_of_entry(name, index)


def path_of_entry(name: str, index: tuple[int, ...]) -> str:
    """Return the path of an entry of an array.

    Parameters
    ----------
    name : str
        Name of the field.
    index : tuple of int
        Of the entry.
    """
    return f"$.{name}[{', '.join(map(str, index))}]"


def check_spectrum(spectrum: str) -> None:
    """Raise `ProblemError` for a `spectrum` that is not one of `SPECTRA`."""
    check_choice(spectrum, SPECTRA, "spectrum")


def with_spectrum(instance: Inputs, spectrum: str | None) -> Inputs:
    """Return a problem or batch with another `spectrum`; the same one if it has it, or None is given.

    Parameters
    ----------
    instance : SlotProblem or SlotBatch
        Left as it is.
    spectrum : {"split", "shared"} or None
        The other one.

    Raises
    ------
    ProblemError
        If it is not one of these.
    """
    if spectrum is None:
        return instance
    check_spectrum(spectrum)
    if spectrum == instance.spectrum:
        return instance
    other = copy.copy(instance)
    vars(other).pop("is_general", None)  # which it has cached
    vars(other)["spectrum"] = spectrum
    return other


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
