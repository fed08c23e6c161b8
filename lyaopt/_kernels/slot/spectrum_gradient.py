"""Derivatives of the optimal value by what a device is that a shared spectrum leaves without a band.

The efficiency y of a device that sends nothing is not known from its band. On a first band it would be that
of the price: with nu the largest weight of any work, the signal s = p h / N_0 is worth tau nu k / ln 2 with
k = e^-y, g(y) = mu ln 2 / nu (docs/explanation/shared-spectrum.md), so that

    dV/dpmax = -tau max(nu k h / (N_0 ln 2) - U, 0)     dV/dh = -tau nu k pmax / (N_0 ln 2) if U = 0, else 0

and the first bit costs kappa = (ln 2 U N_0 / h) e^y_0, e^y_0 g(y_0) = mu h / (U N_0), which a limit is worth
less: dV/dQ = -max(w - max(nu, kappa), 0). Other devices have the derivatives of their band.
"""

import functools
import math

from lyaopt._kernels.slot.general_problems import GeneralTransmitProblem, SpectrumAllocation, of_lane
from lyaopt._kernels.slot.problems import solver_signature
from lyaopt._kernels.slot.spectral_efficiency import (
    HUGE,
    LARGEST,
    LEAST,
    LN2,
    efficiency_at_price,
    efficiency_of,
)
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline


@inline
def _signal_worth(nu, mu):
    """Return nu k / ln 2, what a signal of 1 Hz is worth to a device without a band."""
    density = nu / LN2
    return density * math.exp(-efficiency_of(mu, density)) if density > 0.0 else 0.0


@inline
def _first_bit(per_hz, energy_weight, most, mu):
    """Return kappa, what the first bit costs at the price mu; `per_hz` is h / N_0."""
    if per_hz * most <= 0.0:
        return math.inf
    if energy_weight == 0.0:
        return 0.0
    joule = energy_weight / per_hz
    y = efficiency_at_price(1.0, min(max(mu / joule, LEAST), HUGE))
    return LN2 * joule * math.exp(min(y, LARGEST))


@helper
def _write_lane(problem, allocation, lane, mu, by):
    by_limit, by_power, by_gain = by
    count = problem.gain.size
    tau, energy_weight = of_lane(problem.tau, lane, count), of_lane(problem.energy_weight, lane, count)
    per_hz, most = problem.gain[lane] / problem.noise, of_lane(problem.max_power, lane, count)
    nu = allocation.multiplier[lane]
    worth = _signal_worth(nu, mu)
    by_power[lane] = 0.0 - tau * max(worth * per_hz - energy_weight, 0.0)
    by_gain[lane] = 0.0 - tau * worth * most / problem.noise if energy_weight == 0.0 else 0.0
    least = max(nu, _first_bit(per_hz, energy_weight, most, mu))
    for k in range(problem.weights.shape[0]):
        by_limit[k, lane] = 0.0 - max(problem.weights[k, lane] - least, 0.0)


def _spectrum_gradient(problem, allocation, by_limit, by_power, by_gain):
    devices, slots = problem.measured.size, allocation.price.size
    for m in range(devices):
        if problem.measured[m]:
            continue
        for slot in range(slots):
            lane = m * slots + slot
            if allocation.bandwidth[lane] == 0.0:
                by = by_limit, by_power, by_gain
                _write_lane(problem, allocation, lane, allocation.price[slot], by)


# writes into the derivatives by limits (N, L), pmax (L,) and h (L,) where a device has no band
spectrum_gradient = Kernel(
    "spectrum_gradient",
    functools.partial(
        solver_signature, GeneralTransmitProblem, SpectrumAllocation, "f8[:,::1]", "f8[::1]", "f8[::1]"
    ),
    _spectrum_gradient,
)
