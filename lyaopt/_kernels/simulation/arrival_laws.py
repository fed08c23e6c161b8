"""Arrivals of services that have a law of their own: periodic, in batches, on and off, or replayed.

Times are in slots. Draws are keyed as in traffic.py, tasks of a period by their number. The number of tasks
in a slot does not depend on which slots are drawn together, so that blocks of slots may be of any length.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.numerics.elementary import log, log1p
from lyaopt._kernels.rng.numbered import numbered_pair
from lyaopt._kernels.rng.poisson import chance_of_any, poisson
from lyaopt._kernels.rng.uniforms import ARRIVALS, BATCH_SIZES, BURSTS, JITTER, PHASES, uniform_pair
from lyaopt._kernels.toolchain.jit import helper, inline

# Kinds
POISSON, PERIODIC, BATCHES, ON_OFF, REPLAYED = range(5)
KINDS = 5

# Numbers of a law, by its kind. A phase is DRAWN for each replication where that is not 0.
PERIOD, PHASE, DRAWN, LATEST = range(4)  # periodic: each task comes by up to LATEST later
BATCHES_A_SLOT, MEAN_SIZE, GEOMETRIC = range(3)
ON_MEAN, OFF_MEAN, ON_SHARE, ON_AFTER_ON, ON_AFTER_OFF = range(5)  # tasks a slot, and probabilities
LENGTH, _PHASE, _DRAWN, FIRST_TIME, TIMES_END = range(5)  # replayed: which of `times`, again after LENGTH
NUMBERS = 5

# Times this much before a slot, in slots, count as its beginning: in decimals they were meant to be there.
_EARLY = 2.0**-30


class Key(NamedTuple):
    """What keys the draws of one service of one replication."""

    seed: Any
    replication: Any
    device: Any
    service: Any


@inline
def _pair(key, index, stream):
    return uniform_pair(key.seed, index, key.replication, key.device, key.service, stream)


@inline
def _slot_of(time):
    return np.int64(math.floor(time + _EARLY))


@inline
def _poisson_at(key, slot, mean):
    """Return the Poisson count that traffic.py draws for this mean in a slot."""
    first, second = _pair(key, slot >> 1, ARRIVALS)
    u, chance = second if slot & 1 else first, chance_of_any(mean)
    if u >= chance:
        return 0
    return poisson(mean, u, chance, key.seed, slot, key.replication, key.device, key.service)


@helper
def _periodic(key, start, law, counts):
    """Task i comes at `phase` + i periods, or by a uniform time up to `latest` after it."""
    period, phase, latest = law[PERIOD], law[PHASE], law[LATEST]
    if not 0.0 < period < math.inf:
        return
    if law[DRAWN] != 0.0:
        phase = period * _pair(key, 0, PHASES)[0]
    stop = start + counts.size
    i = max(np.int64(math.floor((start - phase - latest) / period)) - 1, 0)
    while _slot_of(phase + i * period) < stop:
        late = latest * _pair(key, i, JITTER)[0] if latest > 0.0 else 0.0
        slot = _slot_of(phase + i * period + late)
        if start <= slot < stop:
            counts[slot - start] += 1
        i += 1


@inline
def _geometric(key, slot, number, quotient):
    """Return the size of a batch: 1 and as many more as its uniform is powers of the chance of another."""
    place = key.replication, key.device, key.service
    u = numbered_pair(key.seed, slot, place, BATCH_SIZES, number)[0]
    return 1 + np.int64(math.floor(log(u) * quotient))


@helper
def _batches(key, start, law, counts):
    """Poisson batches: of one size, or of geometric sizes."""
    size = law[MEAN_SIZE]
    quotient = 1.0 / log1p(-1.0 / size) if size > 1.0 else 0.0
    for t in range(counts.size):
        batches = _poisson_at(key, start + t, law[BATCHES_A_SLOT])
        if law[GEOMETRIC] == 0.0:
            counts[t] = batches * np.int64(size)
        else:
            for number in range(batches):
                counts[t] += _geometric(key, start + t, number, quotient)


@helper
def _on_off(key, start, law, was_on, counts):
    """Poisson arrivals of two means, between which a chain switches; return whether it is on at the end."""
    on = was_on
    for t in range(counts.size):
        slot = start + t
        first, second = _pair(key, slot >> 1, BURSTS)
        chance = law[ON_AFTER_ON] if on else law[ON_AFTER_OFF]
        on = (second if slot & 1 else first) < (chance if slot > 0 else law[ON_SHARE])
        counts[t] = _poisson_at(key, slot, law[ON_MEAN] if on else law[OFF_MEAN])
    return on


@inline
def _first_from(times, time, begin, end):
    """Return the first place from `begin` on whose time is not below this one, or `end`."""
    low, high = begin, end
    while low < high:
        middle = (low + high) >> 1
        if times[middle] < time:
            low = middle + 1
        else:
            high = middle
    return low


@helper
def _replayed(key, start, law, times, counts):
    """Tasks at `phase` + their times, again and again; a drawn phase begins within the recording."""
    length, phase = law[LENGTH], law[_PHASE]
    first, end = np.int64(law[FIRST_TIME]), min(np.int64(law[TIMES_END]), times.size)
    if not 0.0 < length < math.inf:
        return
    if law[_DRAWN] != 0.0:
        phase = -length * _pair(key, 0, PHASES)[0]
    stop = start + counts.size
    cycle = max(np.int64(math.floor((start - phase) / length)) - 1, 0)
    while _slot_of(phase + cycle * length) < stop:
        begin = phase + cycle * length
        for i in range(_first_from(times, start - begin - 1.0, first, end), end):
            slot = _slot_of(begin + times[i])
            if slot >= stop:
                break
            if slot >= start:
                counts[slot - start] += 1
        cycle += 1


@helper
def draw_by_laws(keys, start, laws, busy, arrivals):
    """Write the `arrivals` (count, N, L), 0 before, of services with laws of their own.

    `busy` is as in traffic.py. Services with Poisson arrivals are left as they are.
    """
    _, services, lanes = arrivals.shape
    width = lanes // laws.kind.shape[1]
    for n in range(services):
        for lane in range(lanes):
            m = lane // width
            kind, law, counts = laws.kind[n, m], laws.numbers[n, m], arrivals[:, n, lane]
            key = Key(keys.seed, keys.lane_replication[lane], keys.lane_device[lane], n)
            if kind == PERIODIC:
                _periodic(key, start, law, counts)
            elif kind == BATCHES:
                _batches(key, start, law, counts)
            elif kind == ON_OFF:
                busy[n, lane] = _on_off(key, start, law, busy[n, lane], counts)
            elif kind == REPLAYED:
                _replayed(key, start, law, laws.times, counts)


@helper
def restore_on_off(laws, kept, busy):
    """Take the states of services that are on and off from `kept` (N, L)."""
    width = busy.shape[1] // laws.kind.shape[1]
    for n in range(busy.shape[0]):
        for lane in range(busy.shape[1]):
            if laws.kind[n, lane // width] == ON_OFF:
                busy[n, lane] = kept[n, lane]
