"""One slot of shared spectrum as the references take it: plain arrays, one row a device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.limits import noise_w_per_hz
from lyaopt.slot.problem import SlotProblem


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


def spectrum_slot(problem: SlotProblem) -> SpectrumSlot:
    """Return Problem 4 of a slot with the bandwidths of its devices pooled; weights are the backlogs.

    Parameters
    ----------
    problem : SlotProblem
        The slot.
    """
    queues = problem.transmit_queue_bits
    return SpectrumSlot(
        weights=queues,
        limits=queues,
        gain=problem.channel_gain,
        max_power=problem.max_power_w,
        energy_weight=np.full(len(queues), problem.energy_weight_transmit),
        pool_hz=float(problem.bandwidth_hz.sum()),
        slot_duration_s=problem.slot_duration_s,
        noise_w_per_hz=noise_w_per_hz(problem.noise_psd_dbm_per_hz),
    )
