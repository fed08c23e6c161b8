"""How far an allocation of shared spectrum can be from the optimum, as a sum of non-negative terms.

For multipliers nu of the rates and a price mu of the spectrum, and any y* >= 0 of each device, the tangent of
b ln(1 + s / b) at ln(1 + s / b) = y* bounds what any powers and bands can carry. Every term below is one
deviation from what the bound takes for best; docs/explanation/shared-spectrum.md derives them. Several values
of y* are tried: the one that mu asks for, the one that the price of energy asks for and, where nu is the
marginal cost up to its rounding, that of the device itself. All bounds hold, so the smallest gap does.

`report` (3, L) receives in every lane that takes part the relative gap of the whole slot, the lane's own
gross gain tau sum r w, and the larger of its own relative violation and that of the pool. The gap is the
slot's, since a share of the pool is worth something only beside the others'; as every lane has the same, it
is also the mean of the lanes by their gains. Lanes of measured devices are left alone.
"""

import functools
import math

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.slot.certificate import exp_remainder, is_marginal, outside, queue_terms, worse
from lyaopt._kernels.slot.general_problems import GeneralTransmitProblem, SpectrumAllocation, of_lane
from lyaopt._kernels.slot.parts import PART, PartKernel, lanes_of_part
from lyaopt._kernels.slot.problems import solver_signature
from lyaopt._kernels.slot.spectral_efficiency import LARGEST, LN2, efficiency_of, surplus
from lyaopt._kernels.toolchain.jit import helper, inline

_ROUNDING = 5e-16  # of the logarithm of four factors, and of each unit of it


@inline
def _efficiency(power, per_hz, band):
    """Return ln(1 + p h / (b N_0)), where the ratio overflows too; `per_hz` is h / N_0."""
    signal = power * per_hz / band
    if signal < math.inf:
        return math.log1p(signal)
    return math.log(power) + math.log(per_hz) - math.log(band)


@inline
def _bound_gap(radio, point, prices, best):
    """Return the gap of power and band of one device at y* = `best`.

    `radio` is (h / N_0, U, pmax, B_w), `point` (p, b, y), `prices` (nu / ln 2, mu, known): the last is
    ln(h k / (U N_0)) where it is known to be at most 0, else infinite.
    """
    per_hz, energy_weight, most, pool = radio
    power, band, y = point
    density, mu, known = prices
    gain, _ = surplus(best)
    over = mu - density * gain
    gap = band * over if over > 0.0 else (pool - band) * -over
    if known <= 0.0:
        gap += power * energy_weight * -math.expm1(known)
    else:
        worth = per_hz * density * math.exp(-best)
        slack = energy_weight - worth
        gap += power * slack if slack > 0.0 else (most - power) * -slack
    if band > 0.0:
        return gap + band * density * exp_remainder(y - best)
    return gap + (power * per_hz * density * math.exp(-best) if power > 0.0 else 0.0)


@helper
def _band_gap(radio, point, nu, mu):
    """Return the smaller gap of the two values of y* that the prices ask for."""
    per_hz, energy_weight, _, _ = radio
    density = nu / LN2
    if nu <= 0.0:
        return point[0] * energy_weight + point[1] * mu
    gap = _bound_gap(radio, point, (density, mu, math.inf), efficiency_of(mu, density))
    ratio = density * (per_hz / energy_weight) if energy_weight > 0.0 else 0.0
    if 0.0 < ratio < math.inf:
        exact = math.log(ratio)
        # rounded up, so that power is surely not worth more than it costs, however small exact is
        best = max(exact, 0.0) + _ROUNDING * (1.0 + abs(exact))
        if best < LARGEST:
            gap = min(gap, _bound_gap(radio, point, (density, mu, exact - best), best))
    return gap


@inline
def _own_gap(radio, point, nu, mu):
    """Return the gap at y* = y where nu is the marginal cost U N_0 ln 2 e^y / h: power costs its worth.

    Whatever y is found from nu has lost the digits of a y far below an ulp of 1.
    """
    _, _, _, pool = radio
    _, band, y = point
    gain, _ = surplus(y)
    over = mu - nu / LN2 * gain
    return band * over if over > 0.0 else (pool - band) * -over


@helper
def _device(problem, allocation, lane, slot, pool):
    """Return (gap, gross gain, gain of serving all, violation) of one lane; gains per second."""
    count = problem.gain.size
    tau = of_lane(problem.tau, lane, count)
    nu, mu = allocation.multiplier[lane], allocation.price[slot]
    power, band = allocation.power[lane], allocation.bandwidth[lane]
    most, per_hz = of_lane(problem.max_power, lane, count), problem.gain[lane] / problem.noise
    terms = queue_terms(problem.weights, problem.limits, allocation.rate, lane, tau, nu)
    total = terms.total
    y = _efficiency(power, per_hz, band) if (band > 0.0) & (power > 0.0) & (per_hz > 0.0) else 0.0
    carried = band / LN2 * y
    violation = worse(terms.violation, worse(outside(power, most), outside(band, pool)))
    if total > carried:
        violation = worse(violation, outside(total, carried))
    energy_weight = of_lane(problem.energy_weight, lane, count)
    radio, point = (per_hz, energy_weight, most, pool), (power, band, y)
    gap = _band_gap(radio, point, nu, mu)
    if 0.0 < y < LARGEST:
        marginal = energy_weight / per_hz * LN2 * math.exp(y)
        if is_marginal(terms.largest_open, nu, marginal):
            gap = min(gap, _own_gap(radio, point, nu, mu))
    return terms.gap + nu * max(carried - total, 0.0) + gap, terms.gross, terms.serving_all, violation


@helper
def _pool(problem, allocation, slot, slots):
    """Return (B_w, sum of the bands) of a slot."""
    pool, used, lost = 0.0, 0.0, 0.0
    for m in range(problem.measured.size):
        if not problem.measured[m]:
            lane = m * slots + slot
            pool += of_lane(problem.bandwidth, lane, problem.gain.size)
            used, error = two_sum(used, allocation.bandwidth[lane])
            lost += error
    return pool, used + lost


@inline
def _relative(gap, gross, serving_all):
    """Return the gap relative to the gross gain or, where nothing is served, to serving everything."""
    scale = gross if gross > 0.0 else serving_all
    if scale == 0.0:
        return math.inf if gap > 0.0 else 0.0
    return gap / scale if scale < math.inf else math.nan


def _spectrum_certificate(problem, allocation, report, part):
    devices, slots = problem.measured.size, allocation.price.size
    first, last = lanes_of_part(slots, 1, part)
    for slot in range(first, last):
        pool, used = _pool(problem, allocation, slot, slots)
        gap = allocation.price[slot] * max(pool - used, 0.0)
        gross, serving_all = 0.0, 0.0
        for m in range(devices):
            lane = m * slots + slot
            if not problem.measured[m]:
                own, gain, most, violation = _device(problem, allocation, lane, slot, pool)
                gap += own
                gross += gain
                serving_all += most
                report[1, lane] = gain * of_lane(problem.tau, lane, problem.gain.size)
                report[2, lane] = worse(violation, outside(used, pool))
        for m in range(devices):
            if not problem.measured[m]:
                report[0, m * slots + slot] = _relative(gap, gross, serving_all)


spectrum_certificate = PartKernel(
    "spectrum_certificate",
    functools.partial(solver_signature, GeneralTransmitProblem, SpectrumAllocation, "f8[:,::1]", PART),
    _spectrum_certificate,
)
