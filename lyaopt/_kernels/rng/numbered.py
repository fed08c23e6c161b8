"""Uniform numbers of several things of one kind in a slot: batches, tasks."""

import numpy as np

from lyaopt._kernels.rng.philox import WORD, WORD_BITS, philox, uniform
from lyaopt._kernels.rng.uniforms import last_word
from lyaopt._kernels.toolchain.jit import inline

_ZERO = np.uint64(0)


@inline
def numbered_pair(seed, slot, place, stream, number):
    """Return two uniforms of the thing with this `number` in a slot.

    `place` is (replication, device, service). The counter of the slot gives the key by which numbers are
    counters, so that there may be as many as there are.
    """
    replication, device, service = place
    index = np.uint64(slot)
    word = last_word(index, service, stream)
    low, high, _, _ = philox(index & WORD, np.uint64(replication), np.uint64(device), word, seed)
    own = (low & WORD) | ((high & WORD) << WORD_BITS)
    w0, w1, w2, w3 = philox(np.uint64(number), _ZERO, _ZERO, _ZERO, own)
    return uniform(w0, w1), uniform(w2, w3)
