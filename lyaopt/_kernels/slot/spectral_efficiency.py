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
_LEAST = 1e-300  # and smaller prices for this one


@fused
def surplus(y):
    """Return g(y) = y - 1 + e^-y and its slope 1 - e^-y for 0 <= y <= `LARGEST`.

    g is what a band earns beyond the power on it, over nu / ln 2; the series has no cancellation near 0.
    """
    slope = -expm1(-(y if y < _ONE_BEYOND else _ONE_BEYOND))
    z = y * y
    low = (1 / 2 - y * (1 / 6)) + z * ((1 / 24 - y * (1 / 120)) + z * (1 / 720 - y * (1 / 5040)))
    high = (1 / 40320 - y * (1 / 362880)) + z * (1 / 3628800 - y * (1 / 39916800))
    series = z * (low + z * (z * z) * high)
    return series if y < _SERIES_BELOW else y - slope, slope


@fused
def efficiency_at_price(flexible, x):
    """Return y with e^(flexible y) g(y) = x, and (g, slope) next to it; `flexible` is 0.0 or 1.0.

    The equation is solved as flexible y + ln g(y) = ln x by three of Halley's steps, which treble the
    digits, from a start within a tenth.
    """
    x = x if x > _LEAST else _LEAST
    x = x if x < HUGE else HUGE
    free = log1p(math.sqrt(2.0 * x) + x * (1 / 3))
    bound = math.sqrt(x * (x + 2.0)) + x / (3.0 * (1.0 + x) * (1.0 + x))
    y = free if flexible > 0.0 else bound
    inverse = 1.0 / x
    gain, slope = surplus(y)
    for _ in range(3):
        gain, slope = surplus(y)
        away = flexible * y + log(gain * inverse)
        speed = flexible * gain + slope
        bend = (1.0 - slope) * gain - slope * slope
        y -= away * gain * speed / (speed * speed - 0.5 * away * bend)
    return y, gain, slope


@fused
def efficiency_of_ratio(ratio):
    """Return y with (e^y - 1) / y = ratio, 0 where the ratio is at most 1 and `LARGEST` beyond that.

    It is solved as ln((e^y - 1) / (ratio y)) = 0 by Newton's steps; a Pade approximant serves as the
    logarithm, since its argument is near 1.
    """
    ratio = ratio if ratio < HUGE else HUGE
    within = ratio if ratio > 1.0 else 2.0
    exponent = log(within)
    y = exponent + log1p(exponent)
    for _ in range(3):
        grown = expm1(y)
        away = (grown - within * y) / (within * y)
        slope = (1.0 + grown) / grown - 1.0 / y
        slope = slope if slope > 0.5 else 0.5  # its value at y = 0, next to which digits cancel
        y -= away * (6.0 + away) / ((6.0 + 4.0 * away) * slope)
    y = y if y < LARGEST else LARGEST
    return y if ratio > 1.0 else 0.0


@inline
def largest(a, b):
    """Return the larger of two numbers, none of which is NaN."""
    return a if a > b else b


@inline
def smallest(a, b):
    """Return the smaller of two numbers, none of which is NaN."""
    return a if a < b else b
