"""Uniform numbers keyed by what they are for.

A draw is a function of (seed, replication, device, service, slot, stream) and of nothing else: it does not
depend on what else is drawn, in which order, or how a run is divided into calls. Counter words:

    0  low 32 bits of the index      1  replication      2  device
    3  service (16 bits), the next 8 bits of the index, stream (8 bits), from high to low

The index is the slot, or the slot halved where one counter gives two successive slots their uniforms.
"""

import numpy as np

from lyaopt._kernels.rng.philox import WORD, WORD_BITS, philox, uniform
from lyaopt._kernels.toolchain.jit import inline, lane_loop

MAX_SERVICES = 1 << 16  # of one device: their number has 16 bits of a counter
MAX_SLOTS = 1 << 40  # the index has 40

# Streams
FADING, CORRELATED_FADING, SHADOWS, STEPS, ARRIVALS, BURSTS, REJECTION = np.arange(7).astype(np.uint64)
ATTEMPTS = 240  # REJECTION and those after it, one for each attempt

_SERVICE_SHIFT = np.uint64(16)
_HIGH_SHIFT = np.uint64(8)
_HIGH_BITS = np.uint64(0xFF)


@inline
def last_word(index, service, stream):
    """Return counter word 3; `index` is uint64."""
    high = (index >> WORD_BITS) & _HIGH_BITS
    return (np.uint64(service) << _SERVICE_SHIFT) | (high << _HIGH_SHIFT) | stream


@inline
def uniform_pair(seed, index, replication, device, service, stream):
    """Return the two uniforms of one counter."""
    word = last_word(np.uint64(index), service, stream)
    w0, w1, w2, w3 = philox(np.uint64(index) & WORD, np.uint64(replication), np.uint64(device), word, seed)
    return uniform(w0, w1), uniform(w2, w3)


@lane_loop
def fill_uniforms(keys, index, service, stream, uniforms):
    """Write the two uniforms of each lane's counter into the rows of `uniforms` (2, L).

    `keys` has the `seed` (uint64), and `lane_replication` and `lane_device` (L,), see StreamKeys.
    """
    lane_replication, lane_device = keys.lane_replication, keys.lane_device
    word = last_word(np.uint64(index), service, stream)
    low, seed = np.uint64(index) & WORD, keys.seed
    for t in range(lane_replication.size):
        w0, w1, w2, w3 = philox(low, np.uint64(lane_replication[t]), np.uint64(lane_device[t]), word, seed)
        uniforms[0, t] = uniform(w0, w1)
        uniforms[1, t] = uniform(w2, w3)
