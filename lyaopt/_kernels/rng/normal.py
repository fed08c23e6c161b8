"""Normal numbers from uniforms."""

import math

from lyaopt._kernels.numerics.elementary import log
from lyaopt._kernels.toolchain.jit import inline


@inline
def normal_pair(u, v):
    """Return two independent standard normal numbers from two uniforms in (0, 1) (Box and Muller)."""
    radius = math.sqrt(-2.0 * log(u))
    angle = 2.0 * math.pi * v
    return radius * math.cos(angle), radius * math.sin(angle)
