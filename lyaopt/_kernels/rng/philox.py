"""Philox4x32-10: a bijection that turns a counter into random bits (Salmon et al., SC 2011).

A draw depends on its counter and key alone, so draws need no order and no state. Words of 32 bits are held
in uint64, of which only the low half counts: products fit, so that interpreted code does not overflow, and
LLVM finds the vector instruction for 32 by 32 bits.
"""

import numpy as np

from lyaopt._kernels.numerics.elementary import float_of
from lyaopt._kernels.toolchain.jit import inline

WORD = np.uint64(0xFFFFFFFF)
WORD_BITS = np.uint64(32)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_BUMP_0 = np.uint64(0x9E3779B9)  # golden ratio
_BUMP_1 = np.uint64(0xBB67AE85)  # sqrt(3) - 1
_UPPER_WORD_SHIFT = np.uint64(20)
_LOWER_WORD_SHIFT = np.uint64(12)
_ONE_BITS = np.uint64(0x3FF0000000000000)
_BELOW_ONE = 1.0 - 2.0**-53


@inline
def _round(c0, c1, c2, c3, key0, key1):
    product0 = _MULTIPLIER_0 * (c0 & WORD)
    product1 = _MULTIPLIER_1 * (c2 & WORD)
    return (
        (product1 >> WORD_BITS) ^ c1 ^ key0,
        product1,
        (product0 >> WORD_BITS) ^ c3 ^ key1,
        product0,
    )


@inline
def philox(c0, c1, c2, c3, seed):
    """Return four uint64 whose low halves are the random words of a counter; `seed` (uint64) is the key."""
    key0 = seed & WORD
    key1 = seed >> WORD_BITS
    for _ in range(10):
        c0, c1, c2, c3 = _round(c0, c1, c2, c3, key0, key1)
        key0 = (key0 + _BUMP_0) & WORD
        key1 = (key1 + _BUMP_1) & WORD
    return c0, c1, c2, c3


@inline
def uniform(low, high):
    """Return (j + 1/2) / 2^52 for the 52 leading bits j of two random words.

    It lies in (0, 1) and so does one minus it, both exactly: its logarithm is neither -inf nor 0.
    """
    upper = (high & WORD) << _UPPER_WORD_SHIFT
    lower = (low & WORD) >> _LOWER_WORD_SHIFT
    return float_of(upper | lower | _ONE_BITS) - _BELOW_ONE
