"""Exact solver for lanes of some items at the edge: the threshold by a search for its level, without a sort.

Serving costs nothing at the edge, so that the threshold is the least level v at which the backlogs above v
fit into the limit L: D(v) = sum of Q > v <= L. A pass over the items at a pivot p finds D(p) and the items on
either side, m = max Q <= p and u = min Q > p. The threshold is m if D <= L < D + m, and u if D - u <= L < D;
else p bounds it from one side. Pivots come by turns from interpolation of D, and from the middle of the bits,
which ends the search however far magnitudes are apart. The lanes of a block go side by side until the last of
them is done: two to seven passes, where a sort of N items takes log2(N)^2 / 4.

The passes add plainly, which may be wrong by 1e-14 with hundreds of items. level_check.py makes it exact.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.numerics.elementary import bits_of, float_of, halfway
from lyaopt._kernels.slot.blocks import (
    ABOVE,
    EFFORT,
    EFFORT_ABOVE,
    LIMIT,
    ON_THRESHOLD,
    PART,
    THRESHOLD,
    TOTAL,
    fill,
)
from lyaopt._kernels.slot.sort_blocked import load_rows
from lyaopt._kernels.slot.sorting_networks import EIGHT
from lyaopt._kernels.toolchain.jit import inline, lane_loop

_NOT_FOUND = -1.0
_TURNS = 4  # one pivot of so many halves the bits
_MOST_PASSES = 65 * _TURNS
_CLOSE = 1e-9  # of a total: far more than its rounding


class Search(NamedTuple):
    """Rows of a block that the search borrows; with `items`, the backlogs filled up with zeros.

    A pass writes sum D, `below` m and `over` u at the `pivot`. The threshold is in (`low`, `high`], with the
    sums above either. `unit` keeps the largest backlog. The check has other words for some of the rows.
    """

    items: Any
    limit: Any
    threshold: Any
    pivot: Any
    sum: Any
    below: Any
    over: Any
    low: Any
    high: Any
    sum_low: Any
    sum_high: Any
    lost: Any
    unit: Any


@inline
def search_room(items):
    """Return for how many items a block needs room: a search keeps no sums, and fills up the last eight."""
    return (items + EIGHT.size) // 2


@inline
def borrowed(block):
    """Return the `Search` in a block."""
    scratch, ranking, served = block.scratch, block.ranking, block.served
    found = scratch[0], scratch[1], scratch[2], scratch[3]
    bounds = ranking[ABOVE], ranking[EFFORT_ABOVE], ranking[ON_THRESHOLD], served[TOTAL]
    limit, threshold = block.costs[LIMIT], ranking[THRESHOLD]
    return Search(block.items, limit, threshold, *found, *bounds, served[EFFORT], served[PART])


@inline
def _eight_at(rows, k, t):
    """Return the items k to k + 7 of a lane."""
    first = rows[k, t], rows[k + 1, t], rows[k + 2, t], rows[k + 3, t]
    return (*first, rows[k + 4, t], rows[k + 5, t], rows[k + 6, t], rows[k + 7, t])


@inline
def _with_eight(look, state, items, level):
    """Return the state after ``look(state, item, level)`` of eight items."""
    state = look(look(state, items[0], level), items[1], level)
    state = look(look(state, items[2], level), items[3], level)
    state = look(look(state, items[4], level), items[5], level)
    return look(look(state, items[6], level), items[7], level)


@lane_loop
def _pass_eight(look, k, count, items, levels, state):
    first, second, third = state
    for t in range(count):
        found = _with_eight(look, (first[t], second[t], third[t]), _eight_at(items, k, t), levels[t])
        first[t], second[t], third[t] = found


@inline
def pass_over(look, items, count, search, levels, state):
    """Update three rows, the `state`, with ``look(state, item, level)`` of all items of every lane."""
    for k in range(0, items, EIGHT.size):
        _pass_eight(look, k, count, search.items, levels, state)


@inline
def take_items(queue, lanes, search):
    """Copy the items of a block, so that they lie together, and fill up the last eight."""
    load_rows(queue, lanes.start, lanes.count, search.items)
    for k in range(queue.shape[0], -(-queue.shape[0] // EIGHT.size) * EIGHT.size):
        fill(search.items[k], lanes.count, 0.0)


@inline
def _measure(state, x, level):
    """Add an item to (total, largest); the rest stays."""
    total, largest, rest = state
    return total + x, (x if x > largest else largest), rest


@inline
def _look(state, x, pivot):
    """Add an item to (D, m, u) at a pivot."""
    total, below, over = state
    is_over = x > pivot
    low = 0.0 if is_over else x
    high = x if is_over else np.inf
    more = x if is_over else 0.0
    return total + more, (low if low > below else below), (high if high < over else over)


@inline
def look_around(items, count, search):
    """Find sum, `below` and `over` of every lane at its pivot."""
    fill(search.sum, count, 0.0)
    fill(search.below, count, 0.0)
    fill(search.over, count, np.inf)
    pass_over(_look, items, count, search, search.pivot, (search.sum, search.below, search.over))


@inline
def _next_pivot(limit, low, high, sum_low, sum_high):
    """Return a pivot in [low, high) by interpolation of the sums."""
    pivot = low + (high - low) * ((sum_low - limit) / (sum_low - sum_high))
    return pivot if (pivot >= low) & (pivot < high) else halfway(low, high)


@lane_loop
def _begin(items, count, search):
    """Bound the threshold by total and largest backlog; return how many lanes are to be searched."""
    left = 0
    for t in range(count):
        total, largest, limit = search.sum_low[t], search.high[t], search.limit[t]
        beyond = total - limit
        # at most N backlogs of the threshold or less are not served whole
        low = beyond / items * (1.0 - _CLOSE) if beyond > _CLOSE * total else 0.0
        search.threshold[t] = _NOT_FOUND if beyond > 0.0 else 0.0
        search.low[t], search.sum_high[t], search.unit[t] = low, 0.0, largest
        search.pivot[t] = _next_pivot(limit, low, largest, total, 0.0)
        left += 1 if beyond > 0.0 else 0
    return left


@lane_loop
def _narrow(count, search):
    """Take what a pass has found; return how many lanes are left."""
    left = 0
    for t in range(count):
        total, below, over = search.sum[t], search.below[t], search.over[t]
        limit, threshold = search.limit[t], search.threshold[t]
        low, high = search.low[t], search.high[t]
        sum_low, sum_high = search.sum_low[t], search.sum_high[t]
        beyond = total > limit
        found = ((over >= high) | (total - over <= limit)) if beyond else (total + below > limit)
        candidate = over if beyond else below
        threshold = candidate if found & (threshold < 0.0) else threshold
        search.threshold[t] = threshold
        lower = float_of(bits_of(over) - 1)  # just below what is above the pivot
        search.low[t], search.sum_low[t] = (lower if beyond else low), (total if beyond else sum_low)
        search.high[t], search.sum_high[t] = (high if beyond else below), (sum_high if beyond else total)
        left += 1 if threshold < 0.0 else 0
    return left


@lane_loop
def _interpolate(count, search):
    for t in range(count):
        limit, low, high = search.limit[t], search.low[t], search.high[t]
        search.pivot[t] = _next_pivot(limit, low, high, search.sum_low[t], search.sum_high[t])


@lane_loop
def _halve(count, search):
    for t in range(count):
        search.pivot[t] = halfway(search.low[t], search.high[t])


@inline
def find_levels(items, count, search):
    """Find the thresholds of a block, but for rounding."""
    fill(search.sum_low, count, 0.0)
    fill(search.high, count, 0.0)
    pass_over(_measure, items, count, search, search.limit, (search.sum_low, search.high, search.over))
    left = _begin(items, count, search)
    for number in range(_MOST_PASSES):
        if left == 0:
            return
        if number % _TURNS == _TURNS - 1:
            _halve(count, search)
        elif number > 0:
            _interpolate(count, search)
        look_around(items, count, search)
        left = _narrow(count, search)
