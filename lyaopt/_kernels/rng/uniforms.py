"""Uniform numbers keyed by what they are for.

A draw is a function of (seed, replication, device, service, slot, stream) and of nothing else: it does not
depend on what else is drawn, in which order, or how a run is divided into calls. Counter words:

    0  low 32 bits of the index      1  replication      2  device
    3  service (16 bits), the next 8 bits of the index, stream (8 bits), from high to low

The index is the slot, or the slot halved where one counter gives two successive slots their uniforms.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.rng.philox import WORD, WORD_BITS, philox, uniform
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

MAX_SERVICES = 1 << 16  # of one device: their number has 16 bits of a counter
MAX_SLOTS = 1 << 40  # the index has 40

# Streams
FADING, CORRELATED_FADING, SHADOWS, STEPS, ARRIVALS, BURSTS, REJECTION = np.arange(7).astype(np.uint64)
ATTEMPTS = 240  # REJECTION and those after it, one for each attempt
JITTER, PHASES, BATCH_SIZES, TASK_SIZES = np.arange(246, 250).astype(np.uint64)  # after the attempts

_SERVICE_SHIFT = np.uint64(16)
_HIGH_SHIFT = np.uint64(8)
_HIGH_BITS = np.uint64(0xFF)


class Counters(NamedTuple):
    """Counters of L lanes for P successive indices, one after the other: however few lanes, vectors are full.

    `seed` is uint64; `replication`, `device` and `later` (P L,) are uint32: the last one is how many indices
    a counter comes after the first.
    """

    seed: Any
    replication: Any
    device: Any
    later: Any


@inline
def pairs_of(start, count):
    """Return how many pairs of slots there are in `count` slots from `start` on: each pair has one index."""
    return ((start + count + 1) >> 1) - (start >> 1)


@lane_loop
def _copy_keys(lane_replication, lane_device, pair, rows):
    replication, device, later = rows
    for lane in range(lane_replication.size):
        replication[lane], device[lane], later[lane] = lane_replication[lane], lane_device[lane], pair


@helper
def counters_of(keys, pairs):
    """Return the `Counters` of lanes with these StreamKeys for so many indices."""
    seed, lane_replication, lane_device = keys
    lanes = lane_replication.size
    replication = np.empty(pairs * lanes, np.uint32)
    device, later = np.empty_like(replication), np.empty_like(replication)
    for pair in range(pairs):
        row = slice(pair * lanes, pair * lanes + lanes)
        _copy_keys(lane_replication, lane_device, pair, (replication[row], device[row], later[row]))
    return Counters(seed, replication, device, later)


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
def fill_uniforms(counters, index, service, stream, uniforms):
    """Write the two uniforms of the first n `Counters` into the rows of `uniforms` (2, n)."""
    seed, replication, device, later = counters
    for t in range(uniforms.shape[1]):
        own = np.uint64(index) + np.uint64(later[t])
        first, second = uniform_pair(seed, own, replication[t], device[t], service, stream)
        uniforms[0, t] = first
        uniforms[1, t] = second
