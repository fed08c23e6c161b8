"""exp and tanh in single precision, so that loops over lanes vectorise, as those of elementary.py in double.

Every constant is a single, too: one double among them would make the whole expression double. NaN stays NaN.
"""

import numpy as np

from lyaopt._kernels.toolchain.jit import fused, inline

_ONE, _TWO = np.float32(1.0), np.float32(2.0)
_LOG2_E = np.float32(1.4426950408889634)
_LN2_HIGH = np.float32(0.693359375)  # ln 2 with 15 trailing zero bits: k * _LN2_HIGH is exact
_LN2_LOW = np.float32(-2.12194440054690583e-4)
_ROUND = np.float32(12582912.0)  # 1.5 * 2^23: adding it rounds to an integer, held in the low bits
_BIAS, _SHIFT = np.int32(127), np.int32(23)
_C2, _C3, _C4, _C5, _C6, _C7 = (np.float32(1.0 / n) for n in (2, 6, 24, 120, 720, 5040))
_LEAST_EXPONENT = np.float32(-87.0)  # e^-87 is just normal
_LARGEST = np.float32(9.1)  # from here on tanh rounds to 1


@inline
def _power_of_two(rounded):
    """Return 2^k, where `rounded` is k + _ROUND."""
    return np.int32((np.float32(rounded).view(np.int32) + _BIAS) << _SHIFT).view(np.float32)


@fused
def _reduced(x):
    """Return 2^k and e^r - 1, where x = k ln 2 + r and |r| <= ln(2) / 2."""
    rounded = x * _LOG2_E + _ROUND
    k = rounded - _ROUND
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    z = r * r
    series = (_C2 + r * _C3) + z * ((_C4 + r * _C5) + z * (_C6 + r * _C7))
    return _power_of_two(rounded), r + z * series


@fused
def exp_single(x):
    """Return e^x in single precision for x <= 88; e^-87 below -87."""
    scale, more = _reduced(_LEAST_EXPONENT if x < _LEAST_EXPONENT else x)
    return scale + scale * more


@fused
def tanh_single(x):
    """Return tanh(x) = e / (e + 2) in single precision, with e = e^2x - 1."""
    x = _LARGEST if x > _LARGEST else x
    x = -_LARGEST if x < -_LARGEST else x
    scale, more = _reduced(_TWO * x)
    e = scale * more + (scale - _ONE)
    return e / (e + _TWO)
