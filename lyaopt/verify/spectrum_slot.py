"""One slot of shared spectrum as the references take it: plain arrays, one row a device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.inputs import SlotInputs
from lyaopt.slot.limits import noise_w_per_hz
from lyaopt.verify.single_slots import of_device, radio_of, weights_of


@dataclass(frozen=True, eq=False)
class SpectrumSlot:
    """Minimise sum_m (-tau sum_n w_mn r_mn + U_m tau p_m) over rates, powers and bands b.

    Subject to sum_n r_mn <= b_m log2(1 + p_m h_m / (b_m N_0)), 0 <= r <= Q / tau, 0 <= p <= pmax, b >= 0 and
    sum_m b_m <= B_w.

    Attributes
    ----------
    weights, limits : (M, N) arrays
        w in units of the objective a bit, and Q in bits.
    gain, max_power, energy_weight : (M,) arrays
        h, pmax in W, and U.
    pool_hz : float
        B_w.
    slot_duration_s : float
        tau.
    noise_w_per_hz : float
        N_0.
    """

    weights: Floats
    limits: Floats
    gain: Floats
    max_power: Floats
    energy_weight: Floats
    pool_hz: float
    slot_duration_s: float
    noise_w_per_hz: float


def sharing_devices(problem: SlotInputs) -> list[int]:
    """Return the devices that share the spectrum: none where it is split, else those of Shannon's rate.

    Parameters
    ----------
    problem : SlotInputs
        The slot; a `SlotProblem` is one.
    """
    if problem.spectrum != "shared":
        return []
    return [m for m in range(len(problem.channel_gain)) if radio_of(problem, m) is None]


def spectrum_slot(problem: SlotInputs) -> SpectrumSlot:
    """Return Problem 4 of the devices that share the spectrum of a slot.

    Parameters
    ----------
    problem : SlotInputs
        The slot, of shared spectrum.
    """
    own = sharing_devices(problem)
    return SpectrumSlot(
        weights=weights_of(problem, "transmit")[own],
        limits=problem.transmit_queue_bits[own],
        gain=problem.channel_gain[own],
        max_power=problem.max_power_w[own],
        energy_weight=np.array([of_device(problem.energy_weight_transmit, m) for m in own]),
        pool_hz=math.fsum(problem.bandwidth_hz[own]),
        slot_duration_s=problem.slot_duration_s,
        noise_w_per_hz=noise_w_per_hz(problem.noise_psd_dbm_per_hz),
    )
