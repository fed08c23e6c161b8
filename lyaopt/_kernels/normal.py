"""Normal numbers from uniforms."""

import math

from lyaopt._kernels._jit import inline
from lyaopt._kernels.elementary import log


@inline
def normal_pair(u, v):
    """Return two independent standard normal numbers from two uniforms in (0, 1) (Box and Muller)."""
    radius = math.sqrt(-2.0 * log(u))
    angle = 2.0 * math.pi * v
    return radius * math.cos(angle), radius * math.sin(angle)
