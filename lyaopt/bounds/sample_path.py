"""LB2: the least energy that does the work of a finite sample path."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import Floats, as_floats, check_array, shape_of
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.task_costs import refuse_tables
from lyaopt.model.system import System
from lyaopt.slot.inputs import path_of_entry


@dataclass(frozen=True)
class RealisedBound:
    """LB2: lower bounds on the energy of a finite sample path, over all its slots.

    Attributes
    ----------
    local_energy_j, transmit_energy_j : ndarray (M,)
        For each device, in joules.
    """

    local_energy_j: Floats
    transmit_energy_j: Floats


def realised_bound(
    system: System, local_cycles: ArrayLike, transmit_bits: ArrayLike, channel_gain: ArrayLike
) -> RealisedBound:
    """LB2 (docs/explanation/bounds.md): the least energy that does the work of a sample path of T slots.

    E^l >= delta tau T (sum y / (T tau))^3, since the cube is convex; E^t >= the water-filling of the sent
    bits over the realised channels. The latter holds by weak duality for any price nu, rounded or not:
    tau sum_t min_{0<=p<=pmax} (p - nu R_t(p)) + nu bits, at the nu at which the bits are sent.

    Parameters
    ----------
    system : System
        The system.
    local_cycles, transmit_bits : array_like (M,)
        Cycles done and bits sent by each device in all T slots.
    channel_gain : array_like (T, M)
        h of every slot, T at least 1.

    Raises
    ------
    ProblemError
        If a shape or a number is wrong, or a device has operating points or a measured radio.
    """
    refuse_tables(system, "LB2")
    cycles, bits, gain = _path(system, local_cycles, transmit_bits, channel_gain)
    span = len(gain) * system.slot_duration_s
    local = system.energy_coefficient * span * (cycles / span) ** 3
    with np.errstate(divide="ignore"):
        noise = (system.most_bandwidth_hz * system.noise_w_per_hz)[:, None] / gain.T
    radio = Radio(
        system.most_bandwidth_hz,
        system.max_power_w,
        noise,
        np.full(len(gain), 1.0 / len(gain)),
        rayleigh=False,
    )
    return RealisedBound(local, span * np.maximum(radio.price_of(bits / span)[1], 0.0))


def _path(system: System, local: ArrayLike, transmit: ArrayLike, gain: ArrayLike) -> tuple[Floats, ...]:
    """The arguments of `realised_bound` as arrays, checked."""
    count, slots = len(system.devices), shape_of(gain, "channel_gain", "TM")[0]
    expected = {
        "local_cycles": (local, (count,)),
        "transmit_bits": (transmit, (count,)),
        "channel_gain": (gain, (max(slots, 1), count)),
    }
    arrays = []
    for name, (values, shape) in expected.items():
        array = as_floats(values, name, shape)
        arrays.append(check_array(array, functools.partial(path_of_entry, name)))
    return tuple(arrays)
