"""log, log1p and expm1 written out, so that loops over lanes vectorise.

The library calls do not vectorise without a vector math library, which Numba's wheels lack. The
functions here are branchless, stay within two units in the last place, and keep full relative
accuracy near zero.
"""

import numpy as np

from lyaopt._kernels.toolchain.jit import fused, inline

_LN2_HIGH = 6.93147180369123816490e-01  # ln 2 with 32 trailing zero bits: k * _LN2_HIGH is exact
_LN2_LOW = 1.90821492927058770002e-10
_LOG2_E = 1.4426950408889634
_ROUND = 6755399441055744.0  # 1.5 * 2^52: adding it rounds to an integer, held in the low bits
_SQRT_HALF_BITS = np.int64(0x3FE6A09E667F3BCD)
_ONE_BITS = np.int64(0x3FF0000000000000)
_MANTISSA = np.int64(0x000FFFFFFFFFFFFF)
_TWO_52_BITS = np.int64(0x4330000000000000)
_BIASED_TWO_52 = 4503599627370496.0 + 1023.0
_SHIFT = np.int64(52)
_EXPONENT = np.int64(0x7FF0000000000000)
_TWICE_BIAS = np.int64(0x7FE0000000000000)  # of 2^k, less the exponent bits of it: of 2^-k
_HALF_BIAS = np.int64(1022)


@inline
def bits_of(x):
    """Return the bit pattern of a float; for x >= 0 it is monotone in x."""
    return np.float64(x).view(np.int64)


@inline
def float_of(bits):
    """Return the float with this bit pattern."""
    return np.int64(bits).view(np.float64)


@inline
def halfway(a, b):
    """Return the float in the middle of 0 <= a <= b by bit pattern."""
    low = bits_of(a)
    return float_of(low + ((bits_of(b) - low) >> 1))


@inline
def _shifted(u):
    """Return the bits of u, moved so that the exponent changes at sqrt(1/2) rather than at 1."""
    return bits_of(u) + (_ONE_BITS - _SQRT_HALF_BITS)


@fused
def _less_than(f):
    """Return f - ln(1 + f) >= 0 for 1 + f in [sqrt(1/2), sqrt(2)) as two terms, the first less the second.

    ln(1 + f) = 2 atanh(s), s = f / (2 + f).
    """
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    ww = w * w
    # in pairs rather than one after the other: a loop over lanes waits for this chain
    odd = z * ((2 / 3 + w * (2 / 7)) + ww * ((2 / 11 + w * (2 / 15)) + ww * (2 / 19)))
    even = w * ((2 / 5 + w * (2 / 9)) + ww * ((2 / 13 + w * (2 / 17)) + ww * (2 / 21)))
    half_square = 0.5 * f * f
    return half_square, s * (half_square + (odd + even))


@inline
def _exponent_of(shifted):
    """Return k of u = 2^k m with m in [sqrt(1/2), sqrt(2)), given `_shifted` of u."""
    return float_of((shifted >> _SHIFT) | _TWO_52_BITS) - _BIASED_TWO_52


@inline
def _mantissa_of(shifted):
    """Return m of u = 2^k m, as above."""
    return float_of((shifted & _MANTISSA) + _SQRT_HALF_BITS)


@fused
def _corrected_log(u, correction):
    """Return ln(u) + correction for finite normal u > 0 and a correction in the last place."""
    shifted = _shifted(u)
    k = _exponent_of(shifted)
    f = _mantissa_of(shifted) - 1.0
    half_square, rest = _less_than(f)
    tail = rest + (k * _LN2_LOW + correction)
    return k * _LN2_HIGH - ((half_square - tail) - f)


@fused
def log_and_less(ratio, change):
    """Return ln(1 + change), and what it is less than `change` by, with all digits; `ratio` is 1 + change.

    The ratio is finite, normal and positive. Near 1 only the change has its digits, far below 1 only the
    ratio. A NaN in `change` makes the second NaN.
    """
    near = (change > -0.25) & (change < 0.375)
    shifted = _shifted(ratio)
    k = 0.0 if near else _exponent_of(shifted)
    f = change if near else _mantissa_of(shifted) - 1.0
    half_square, rest = _less_than(f)
    less = half_square - rest
    logarithm = k * _LN2_HIGH - ((less - k * _LN2_LOW) - f)
    return logarithm, (less if near else change - logarithm)


@fused
def log(x):
    """Return ln(x) for finite normal x > 0."""
    return _corrected_log(x, 0.0)


@fused
def log1p(x):
    """Return ln(1 + x) for finite x >= 0."""
    u = 1.0 + x
    lost = (x - (u - 1.0)) if x < 1.0 else (1.0 - (u - x))  # what rounding 1 + x dropped
    # lost / u, to a third part at worst: it is below half a unit in the last place of u
    return _corrected_log(u, lost * float_of(_TWICE_BIAS - (_shifted(u) & _EXPONENT)))


@fused
def expm1(x):
    """Return e^x - 1 for |x| <= 709.78.

    x = k ln 2 + r with |r| <= ln(2) / 2; 2^(k-1) is used so that k = 1024 does not overflow.
    """
    rounded = x * _LOG2_E + _ROUND
    k = rounded - _ROUND
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    z = r * r
    w = z * z
    even = (1 / 2 + z * (1 / 24)) + w * (
        (1 / 720 + z * (1 / 40320)) + w * (1 / 3628800 + z * (1 / 479001600))
    )
    odd = (1 / 6 + z * (1 / 120)) + w * (
        (1 / 5040 + z * (1 / 362880)) + w * (1 / 39916800 + z * (1 / 6227020800))
    )
    p = r + z * (even + r * odd)
    half = float_of((bits_of(rounded) + _HALF_BIAS) << _SHIFT)
    return 2.0 * (half * p + (half - 0.5))
