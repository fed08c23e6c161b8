"""Weighted selection where weight and limit are two numbers: one lane with many items, in O(n).

The rounds are those of weighted_selection.py, which sums what it compares. Here the pool is two rows, the
weights that are compared and the limits that are summed; sums are compensated item by item.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.numerics.elementary import halfway
from lyaopt._kernels.slot.blocks import (
    ABOVE,
    EFFORT_ABOVE,
    FLOOR,
    INVERSE,
    LIMIT,
    NONE,
    ON_THRESHOLD,
    THRESHOLD,
    lane_at,
)
from lyaopt._kernels.slot.weighted_recovery import recover_weighted
from lyaopt._kernels.slot.weighted_selection import (
    SAMPLED_ROUNDS,
    SORT_BELOW,
    LaneCost,
    is_whole,
    sample_of,
)
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

_BLOCK = 256  # partial sums side by side: the loops vectorise
_CHUNK = 16 * _BLOCK  # items a partial sum takes: rounding does not grow with the number of items


class Pool(NamedTuple):
    """Weights and limits of the items that may lie on the threshold, the first `count` of two rows."""

    weights: Any
    limits: Any
    count: Any


@lane_loop
def _add_between(pool, start, count, low, high, total, least):
    """Add the limits of the items with low <= weight <= high, and keep the least of their weights."""
    for t in range(count):
        x = pool.weights[lane_at(start, t)]
        inside = (x >= low) & (x <= high)
        smallest = least[t]
        total[t] += pool.limits[lane_at(start, t)] if inside else 0.0
        least[t] = x if inside & (x < smallest) else smallest


@helper
def _sum_between(pool, low, high):
    """Return the sum of the limits of items with weights in [low, high], and the least such weight."""
    part, least = np.empty(_BLOCK), np.full(_BLOCK, np.inf)
    total = lost = 0.0
    for chunk in range(0, pool.count, _CHUNK):
        part[:] = 0.0
        for start in range(chunk, min(chunk + _CHUNK, pool.count), _BLOCK):
            _add_between(pool, start, min(_BLOCK, pool.count - start), low, high, part, least)
        for t in range(_BLOCK):
            total, error = two_sum(total, part[t])
            lost += error
    return total + lost, least.min()


@helper
def _keep(pool, low, high, to):
    """Gather the items with weights in [low, high] into `to`; works in place, as writes trail the reads."""
    kept = 0
    for i in range(pool.count):
        x = pool.weights[i]
        to.weights[kept] = x
        to.limits[kept] = pool.limits[i]
        kept += (x >= low) & (x <= high)
    return Pool(to.weights, to.limits, kept)


@helper
def _bracket(cost, lane, pool, above, round_number):
    """Return (low, high), likely to enclose the threshold; every other time a single value."""
    if round_number >= SAMPLED_ROUNDS:
        weights = pool.weights[: pool.count]
        middle = halfway(weights.min(), weights.max())
        return middle, middle
    size, margin = sample_of(pool.count)
    sample, amounts = np.empty(size), np.empty(size)
    for i in range(size):
        sample[i] = pool.weights[i * pool.count // size]
    order = np.argsort(sample)
    for i in range(size):
        amounts[i] = pool.limits[order[i] * pool.count // size]
    sample = sample[order]
    reached = above
    rank = size - 1
    while rank > 0:
        reached += pool.count / size * amounts[rank]
        if not is_whole(cost, lane, reached, sample[rank]):
            break
        rank -= 1
    if round_number % 2 == 1:
        return sample[rank], sample[rank]  # ends on ties, which no bracket can split
    low = sample[rank - margin] if rank > margin else 0.0
    high = sample[rank + margin] if rank + margin < size else np.inf
    return low, high


@helper
def _scan(cost, lane, pool, above, end):
    """Go down through the sorted rest, one group of equal weights at a time."""
    order = np.argsort(pool.weights[: pool.count])
    i = pool.count - 1
    lost = 0.0
    while i >= 0:
        weight = pool.weights[order[i]]
        group = group_lost = 0.0
        while i >= 0 and pool.weights[order[i]] == weight:
            group, error = two_sum(group, pool.limits[order[i]])
            group_lost += error
            i -= 1
        group += group_lost
        if not is_whole(cost, lane, above + lost + group, weight):
            return above + lost, weight, group
        above, error = two_sum(above, group)
        lost += error
    return above + lost, end, 0.0


@inline
def _below(value):
    return np.nextafter(value, -np.inf)


@helper
def _select(cost, lane, pool, scratch):
    """Return (sum of the limits above the threshold, threshold, sum of the limits on it)."""
    above = 0.0  # sum of the limits of the items known to be served whole
    end = NONE  # the threshold if all of the pool is whole after all: next below the last weight rejected
    round_number = 0
    while pool.count > SORT_BELOW:
        low, high = _bracket(cost, lane, pool, above, round_number)
        beyond = np.nextafter(high, np.inf)
        over, least_over = _sum_between(pool, beyond, np.inf)
        if least_over < np.inf and not is_whole(cost, lane, above + over, least_over):
            pool = _keep(pool, beyond, np.inf, scratch)
            end = _below(least_over)
        else:
            above += over
            inside, least_inside = _sum_between(pool, low, high)
            if least_inside < np.inf and not is_whole(cost, lane, above + inside, least_inside):
                if low == high:
                    return above, low, inside
                pool = _keep(pool, low, high, scratch)
                end = _below(least_inside)
            else:
                above += inside
                if low == 0.0:
                    return above, end, 0.0
                pool = _keep(pool, 0.0, _below(low), scratch)
        round_number += 1
    return _scan(cost, lane, pool, above, end)


@helper
def solve_weighted_by_selection(cost, items, lanes, block, parameters, rate):
    """Solve a block of one lane: set its rows, and write its rates (N, L)."""
    number, lane_count = items.weights.shape
    rows, costs, ranking = block.items, block.costs, block.ranking
    scratch = Pool(rows[2], rows[3], 0)
    if lane_count > 1:
        for k in range(number):
            rows[0, k] = items.weights[k, lanes.start]
            rows[1, k] = items.limits[k, lanes.start]
        pool = Pool(rows[0], rows[1], number)
    else:
        flat = number * lane_count
        pool = Pool(view_as(items.weights, (flat,)), view_as(items.limits, (flat,)), number)
    lane = LaneCost(costs[LIMIT, 0], costs[INVERSE, 0], costs[FLOOR, 0])
    above, threshold, on_threshold = _select(cost, lane, pool, scratch)
    ranking[THRESHOLD, 0] = threshold
    ranking[ABOVE, 0] = above
    ranking[EFFORT_ABOVE, 0] = cost.effort(above, costs[INVERSE, 0])
    ranking[ON_THRESHOLD, 0] = on_threshold
    recover_weighted(cost, items, lanes, block, parameters, rate)
