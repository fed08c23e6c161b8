"""Workspace that begins where a line of the cache does.

Numba allocates at multiples of 32 bytes. Every second workspace would lie across the lines, and so would each
vector of eight doubles in its rows: loads and stores take two lines, and loops over lanes a fifth longer.
"""

import numpy as np

from lyaopt._kernels.toolchain.jit import inline

_DOUBLES = 8  # in a line of 64 bytes


@inline
def aligned_room(size):
    """Return `size` doubles, not set, in one line after the other."""
    room = np.empty(size + _DOUBLES)
    start = (-(room.ctypes.data // room.itemsize)) % _DOUBLES
    return room[start : start + size]
