"""Spectral efficiency y = ln(1 + snr), in nats per second and Hz, at a price of spectrum or at a full power.

Whoever sends y on a band b spends the power b N_0 (e^y - 1) / h. Everything that shared spectrum needs to
know about y is said with g(y) = y - 1 + e^-y and with (e^y - 1) / y, which both increase;
docs/explanation/shared-spectrum.md derives it. The functions are branchless, so that loops over lanes
vectorise, and hold relative accuracy down to y = 1e-150.
"""

import math

from lyaopt._kernels.numerics.elementary import expm1, log, log1p
from lyaopt._kernels.toolchain.jit import fused, inline

LARGEST = 709.0  # no signal-to-noise ratio beyond e^709 is used: e^y is finite
LN2 = math.log(2.0)
_SERIES_BELOW = 0.25
_ONE_BEYOND = 40.0  # 1 - e^-y rounds to 1
HUGE = 1e307  # larger ratios are taken for this one
_NEAR_ZERO = 1e-4
LEAST = 1e-300  # and smaller prices for this one


@fused
def _surplus(y, slope):
    """Return g(y) where 1 - e^-y is known; the series has no cancellation near 0."""
    z = y * y
    low = (1 / 2 - y * (1 / 6)) + z * ((1 / 24 - y * (1 / 120)) + z * (1 / 720 - y * (1 / 5040)))
    high = (1 / 40320 - y * (1 / 362880)) + z * (1 / 3628800 - y * (1 / 39916800))
    series = z * (low + z * (z * z) * high)
    return series if y < _SERIES_BELOW else y - slope


@fused
def surplus(y):
    """Return g(y) = y - 1 + e^-y and its slope 1 - e^-y for 0 <= y <= `LARGEST`.

    g is what a band earns beyond the power on it, over nu / ln 2.
    """
    slope = -expm1(-(y if y < _ONE_BEYOND else _ONE_BEYOND))
    return _surplus(y, slope), slope


@fused
def growth(y):
    """Return e^y - 1 and g(y) for 0 <= y <= `LARGEST`."""
    grown = expm1(y)
    return grown, _surplus(y, grown / (1.0 + grown))


@fused
def price_start(flexible, x):
    """Return a y within a hundredth of that of `efficiency_at_price`; the fractions are fitted."""
    rough = log1p(math.sqrt(2.0 * x) + x * (1 / 3))
    square = rough * rough
    free = rough - log1p(rough * square / (70.8 + 22.2 * rough + 3.0 * square))
    bound = math.sqrt(x * (x + 2.0)) + x / (3.0 * (1.0 + x) * (1.0 + x))
    return free if flexible > 0.0 else bound


@fused
def price_step(flexible, inverse, y):
    """Return y after one of Halley's steps, and g and its slope before it; `inverse` is 1 / x."""
    gain, slope = surplus(y)
    away = flexible * y + log(gain * inverse)
    speed = flexible * gain + slope
    bend = (1.0 - slope) * gain - slope * slope
    return y - away * gain * speed / (speed * speed - 0.5 * away * bend), gain, slope


@fused
def efficiency_at_price(flexible, x):
    """Return y with e^(flexible y) g(y) = x for 1e-300 <= x <= `HUGE`; `flexible` is 0.0 or 1.0.

    The equation is solved as flexible y + ln g(y) = ln x by two of Halley's steps, which treble the digits.
    Loops over lanes take the start and the steps in loops of their own: a processor overlaps short ones.
    """
    y = price_start(flexible, x)
    y, _, _ = price_step(flexible, 1.0 / x, y)
    y, _, _ = price_step(flexible, 1.0 / x, y)
    return y


@inline
def efficiency_of(mu, density):
    """Return the y of at most `LARGEST` with g(y) = mu / density, where density is nu / ln 2; 0 at mu = 0."""
    ratio = mu / density
    y = LARGEST if ratio > LARGEST else efficiency_at_price(0.0, largest(ratio, LEAST))
    return smallest(y, LARGEST) if mu > 0.0 else 0.0


@fused
def ratio_start(ratio):
    """Return a y within a seventh of that with (e^y - 1) / y = ratio > 1."""
    exponent = log(ratio)
    return exponent + log1p(exponent)


@fused
def ratio_step(ratio, y):
    """Return y after one of Halley's steps for ln((e^y - 1) / (ratio y)) = 0; two of them suffice.

    A Pade approximant serves as the logarithm, since its argument is near 1.
    """
    grown = expm1(y)
    scaled = ratio * y
    away = (grown - scaled) / scaled
    away = away * (6.0 + away) / (6.0 + 4.0 * away)
    inverse, step = 1.0 / y, 1.0 / grown
    slope = 1.0 + (step - inverse)
    bend = (inverse - step) * (inverse + step) - step
    # next to y = 0 digits cancel: these are the values there
    slope = slope if y > _NEAR_ZERO else 0.5
    bend = bend if y > _NEAR_ZERO else 1 / 12
    return y - away * slope / (slope * slope - 0.5 * away * bend)


@inline
def largest(a, b):
    """Return the larger of two numbers, none of which is NaN."""
    return a if a > b else b


@inline
def smallest(a, b):
    """Return the smaller of two numbers, none of which is NaN."""
    return a if a < b else b
