"""Exact solver for lanes of some more items: the threshold by sorting, row by row through the cache.

The same steps as in sort_registers.py (sort, prefix sums, threshold), with the items in rows of the
workspace, since they do not fit into registers. Sums are compensated: hundreds of equal items round the same
way each time, and plain sums of them would exceed a capacity by 1e-14 of it.
"""

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.slot.blocks import (
    ABOVE,
    EFFORT_ABOVE,
    FLOOR,
    INVERSE,
    LIMIT,
    ON_THRESHOLD,
    THRESHOLD,
    lane_at,
)
from lyaopt._kernels.slot.weighted_selection import LaneCost, is_whole
from lyaopt._kernels.toolchain.jit import inline, lane_loop

# Rows of scratch: a compensated sum, and the number of items on the threshold
_SUM, _LOST, _MEMBERS = range(3)


@lane_loop
def load_rows(queue, start, count, rows):
    for k in range(queue.shape[0]):
        for t in range(count):
            rows[k, t] = queue[k, lane_at(start, t)]


@lane_loop
def _exchange(a, b, count):
    for t in range(count):
        x = a[t]
        y = b[t]
        a[t] = x if x > y else y
        b[t] = y if x > y else x


@inline
def exchange_rows(rows, i, j, count):
    _exchange(rows[i], rows[j], count)


@inline
def merge_exchange(exchange, rows, items, count):
    """Sort the items of every column, largest first, by merge exchange (Knuth, volume 3, 5.2.2, algorithm M).

    ``exchange(rows, i, j, count)`` puts the larger one of items i and j first, in all columns.
    """
    top = 1
    while 2 * top < items:
        top *= 2
    p = top
    while p > 0:
        q = top
        r = 0
        d = p
        while d > 0:
            for i in range(items - d):
                if (i & p) == r:
                    exchange(rows, i, i + d, count)
            d = q - p
            q //= 2
            r = p
        p //= 2


@lane_loop
def _add_compensated(backlogs, sums, total, lost, count):
    for t in range(count):
        total[t], error = two_sum(total[t], backlogs[t])
        lost[t] += error
        sums[t] = total[t] + lost[t]


@lane_loop
def _raise_threshold(cost, costs, backlogs, sums, thresholds, count):
    """Raise the threshold to the backlogs of a row that are not served whole."""
    for t in range(count):
        backlog = backlogs[t]
        highest = thresholds[t]
        lane = LaneCost(costs[LIMIT, t], costs[INVERSE, t], costs[FLOOR, t])
        whole = is_whole(cost, lane, sums[t], backlog)
        thresholds[t] = highest if whole | (backlog < highest) else backlog


@lane_loop
def _split(backlogs, sums, thresholds, above, members, count):
    """Keep the sum down to the last backlog above the threshold, and count those on it."""
    for t in range(count):
        backlog = backlogs[t]
        before = above[t]
        reached = sums[t]
        above[t] = reached if backlog > thresholds[t] else before
        members[t] += 1.0 if backlog == thresholds[t] else 0.0


@lane_loop
def _finish(cost, inverses, members, ranking, count):
    for t in range(count):
        ranking[ON_THRESHOLD, t] = members[t] * ranking[THRESHOLD, t]
        ranking[EFFORT_ABOVE, t] = cost.effort(ranking[ABOVE, t], inverses[t])


@inline
def rank_in_rows(cost, queue, lanes, block):
    """Set `block.ranking` for the lanes of the block, with any number of items."""
    items, count = queue.shape[0], lanes.count
    backlogs, sums = block.items[:items], block.items[items:]
    ranking, scratch = block.ranking, block.scratch
    load_rows(queue, lanes.start, count, backlogs)
    merge_exchange(exchange_rows, backlogs, items, count)
    ranking[:, :count] = 0.0
    scratch[:, :count] = 0.0
    for k in range(items):
        _add_compensated(backlogs[k], sums[k], scratch[_SUM], scratch[_LOST], count)
    for k in range(items):
        _raise_threshold(cost, block.costs, backlogs[k], sums[k], ranking[THRESHOLD], count)
    for k in range(items):
        _split(backlogs[k], sums[k], ranking[THRESHOLD], ranking[ABOVE], scratch[_MEMBERS], count)
    _finish(cost, block.costs[INVERSE], scratch[_MEMBERS], ranking, count)
