"""Sums that keep what rounding drops."""

from lyaopt._kernels.toolchain.jit import inline


@inline
def two_sum(a, b):
    """Return a + b as rounded and what the rounding lost, exactly (Knuth, volume 2, 4.2.2, theorem B)."""
    total = a + b
    added = total - a
    return total, (a - (total - added)) + (b - added)
