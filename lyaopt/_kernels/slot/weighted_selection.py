"""Exact solver for one lane with many items: weighted selection in O(n), without sorting.

It finds the threshold: the largest backlog v that is not served whole (marginal_costs.py says when it is). A
sorted sample brackets it; one pass adds up what lies above and inside the bracket, one more keeps the part
that holds the threshold; then the same on the kept part. A bracket that misses costs a pass and never changes
the answer. Neither does rounding, which depends on the order of a sum: where a capacity ends exactly at the
least kept value, that value was not whole in one sum and may be in the next.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.numerics.elementary import halfway
from lyaopt._kernels.slot.blocks import lane_at
from lyaopt._kernels.toolchain.jit import inline, lane_loop

SORT_BELOW = 256
_BLOCK = 256  # partial sums side by side: the loops vectorise
_CHUNK = 16 * _BLOCK  # items a partial sum takes: rounding does not grow with the number of items
SAMPLED_ROUNDS = 12  # then pivots halve the bit patterns, which takes 64 rounds at most


@inline
def sample_of(count):
    """Return how many items to sample, and a margin of ranks: three standard deviations of a quantile.

    To sort a larger sample would take longer than the passes that it saves.
    """
    if count < 2048:
        return 64, 12
    return (256, 24) if count < 32768 else (1024, 48)


@lane_loop
def _add_above(pool, start, count, high, total, least):
    for t in range(count):
        x = pool[lane_at(start, t)]
        smallest = least[t]
        total[t] += x if x > high else 0.0
        least[t] = x if (x > high) & (x < smallest) else smallest


@lane_loop
def _add_inside(pool, start, count, low, high, total, least):
    for t in range(count):
        x = pool[lane_at(start, t)]
        smallest = least[t]
        inside = (x >= low) & (x <= high)
        total[t] += x if inside else 0.0
        least[t] = x if inside & (x < smallest) else smallest


@inline
def _pairwise_sum(part):
    half = part.size // 2
    while half > 0:
        for t in range(half):
            part[t] += part[half + t]
        half //= 2
    return part[0]


@inline
def _sums(pool, count, low, high):
    """Return the sums above and inside [low, high], and the least value of either (inf if none)."""
    sums = np.empty((2, _BLOCK))
    least = np.full((2, _BLOCK), np.inf)
    over = inside = lost_over = lost_inside = 0.0
    for chunk in range(0, count, _CHUNK):
        sums[:] = 0.0
        for start in range(chunk, min(chunk + _CHUNK, count), _BLOCK):
            width = min(_BLOCK, count - start)
            _add_above(pool, start, width, high, sums[0], least[0])
            _add_inside(pool, start, width, low, high, sums[1], least[1])
        over, error = two_sum(over, _pairwise_sum(sums[0]))
        lost_over += error
        inside, error = two_sum(inside, _pairwise_sum(sums[1]))
        lost_inside += error
    return over + lost_over, inside + lost_inside, least[0].min(), least[1].min()


@inline
def _keep(pool, count, low, high, to):
    """Gather the values in [low, high] and return their number; works in place, as writes trail the reads."""
    kept = 0
    for i in range(count):
        x = pool[i]
        to[kept] = x
        kept += (x >= low) & (x <= high)
    return kept


@inline
def _sorted_sample(pool, count, size):
    sample = np.empty(size)
    for i in range(size):
        sample[i] = pool[i * count // size]
    return np.sort(sample)


class LaneCost(NamedTuple):
    """What serving costs in one lane, see marginal_costs.py."""

    limit: Any
    inverse: Any
    floor: Any


@inline
def is_whole(cost, lane, work, backlog):
    """Return whether the last of `work`, items of this backlog, is served whole."""
    effort = cost.effort(work, lane.inverse)
    return (effort <= lane.limit) & (cost.marginal_cost(effort, lane.inverse, lane.floor) <= backlog)


@inline
def _bracket(cost, lane, pool, count, above, round_number):
    """Return (low, high), likely to enclose the threshold; every other time a single value."""
    if round_number >= SAMPLED_ROUNDS:
        middle = halfway(pool[:count].min(), pool[:count].max())
        return middle, middle
    size, margin = sample_of(count)
    sample = _sorted_sample(pool, count, size)
    reached = above
    rank = size - 1
    while rank > 0:
        reached += count / size * sample[rank]
        if not is_whole(cost, lane, reached, sample[rank]):
            break
        rank -= 1
    if round_number % 2 == 1:
        return sample[rank], sample[rank]  # ends on ties, which no bracket can split
    low = sample[rank - margin] if rank > margin else 0.0
    high = sample[rank + margin] if rank + margin < size else np.inf
    return low, high


@inline
def _scan(cost, lane, ascending, above, end):
    """Go down through the sorted rest, one group of equal backlogs at a time."""
    i = ascending.size - 1
    lost = 0.0
    while i >= 0:
        backlog = ascending[i]
        first = i
        while i >= 0 and ascending[i] == backlog:
            i -= 1
        group = (first - i) * backlog
        if not is_whole(cost, lane, above + lost + group, backlog):
            return above + lost, backlog, group
        above, error = two_sum(above, group)
        lost += error
    return above + lost, end, 0.0


@inline
def select_threshold(cost, lane, backlogs, scratch):
    """Return (sum of the backlogs above the threshold, threshold, sum of the backlogs on it).

    `lane` is a `LaneCost`. `scratch` has as many places as there are backlogs; only those needed are touched.
    """
    above = 0.0  # sum of the backlogs known to be served whole
    end = 0.0  # the threshold if all of the pool is whole after all: next below the last value rejected
    pool = backlogs
    count = backlogs.size
    round_number = 0
    while count > SORT_BELOW:
        low, high = _bracket(cost, lane, pool, count, above, round_number)
        over, inside, least_over, least_inside = _sums(pool, count, low, high)
        if over > 0.0 and not is_whole(cost, lane, above + over, least_over):
            count = _keep(pool, count, np.nextafter(high, np.inf), np.inf, scratch)
            end = np.nextafter(least_over, 0.0)
        else:
            above += over
            if inside > 0.0 and not is_whole(cost, lane, above + inside, least_inside):
                if low == high:
                    return above, low, inside
                count = _keep(pool, count, low, high, scratch)
                end = np.nextafter(least_inside, 0.0)
            else:
                above += inside
                if low == 0.0:
                    return above, end, 0.0
                count = _keep(pool, count, 0.0, np.nextafter(low, 0.0), scratch)
        pool = scratch
        round_number += 1
    return _scan(cost, lane, np.sort(pool[:count]), above, end)
