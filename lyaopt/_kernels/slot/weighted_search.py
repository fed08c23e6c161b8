"""Ranking of many weighted items: the weights are sorted, and the threshold is searched for among them.

A sort that carries limits along moves twice the data and takes more than twice the time. Only the weights are
sorted here (sort_blocked.py). The threshold is the largest weight w at which the sum of the limits of all
items with weight >= w is not served whole. Those sums grow as w falls, so a binary search finds it: some
log2(N) passes over the items as they are, many lanes side by side.
"""

import math

from lyaopt._kernels.numerics.compensated import two_sum
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
from lyaopt._kernels.slot.sort_blocked import exchange_rows, load_rows, merge_exchange
from lyaopt._kernels.slot.weighted_selection import LaneCost, is_whole
from lyaopt._kernels.toolchain.jit import inline, lane_loop

# Rows of scratch. The search: the threshold is one of the sorted weights from place `_FIRST` to before
# `_LAST`, or the one found last; the weight that is tried, and the sum down to it.
_FIRST, _LAST, _TRIED, _SUM = range(4)
_ABOVE_LOST, _ON_LOST = range(2)  # what the final sums lost in rounding


@inline
def _middle(first, last):
    return math.floor(0.5 * (first + last))


@lane_loop
def _begin(scratch, thresholds, items, count):
    for t in range(count):
        scratch[_FIRST, t] = 0.0
        scratch[_LAST, t] = items
        thresholds[t] = NONE


@lane_loop
def _try_middle(weights, scratch, count):
    """Try the weight in the middle of what is left; lanes that are done try any."""
    last_row = weights.shape[0] - 1.0
    for t in range(count):
        place = min(_middle(scratch[_FIRST, t], scratch[_LAST, t]), last_row)
        scratch[_TRIED, t] = weights[int(place), t]
        scratch[_SUM, t] = 0.0


@inline
def _limit_from(items, k, lane, tried):
    return items.limits[k, lane] if items.weights[k, lane] >= tried else 0.0


@lane_loop
def _add_limits(items, start, count, tried, total):
    """Add the limits of all items whose weight is at least the one that is tried."""
    number = items.weights.shape[0]
    fours = number - number % 4
    for k in range(0, fours, 4):
        for t in range(count):
            lane, weight = lane_at(start, t), tried[t]
            one = _limit_from(items, k, lane, weight) + _limit_from(items, k + 1, lane, weight)
            two = _limit_from(items, k + 2, lane, weight) + _limit_from(items, k + 3, lane, weight)
            total[t] += one + two
    for k in range(fours, number):
        for t in range(count):
            total[t] += _limit_from(items, k, lane_at(start, t), tried[t])


@lane_loop
def _narrow(cost, costs, scratch, thresholds, count):
    """Go on above the weight that was tried if it is not served whole, else below."""
    for t in range(count):
        first, last = scratch[_FIRST, t], scratch[_LAST, t]
        tried, threshold = scratch[_TRIED, t], thresholds[t]
        middle = _middle(first, last)
        lane = LaneCost(costs[LIMIT, t], costs[INVERSE, t], costs[FLOOR, t])
        whole = is_whole(cost, lane, scratch[_SUM, t], tried)
        searching = first < last
        scratch[_FIRST, t] = middle + 1.0 if searching & whole else first
        scratch[_LAST, t] = last if whole else middle
        thresholds[t] = threshold if whole | (not searching) else tried


@lane_loop
def _split(items, start, ranking, scratch, count):
    """Add up the limits above the threshold and those on it."""
    for t in range(count):
        ranking[ABOVE, t] = 0.0
        ranking[ON_THRESHOLD, t] = 0.0
        scratch[_ABOVE_LOST, t] = 0.0
        scratch[_ON_LOST, t] = 0.0
    for k in range(items.weights.shape[0]):
        for t in range(count):
            lane, threshold = lane_at(start, t), ranking[THRESHOLD, t]
            weight, limit = items.weights[k, lane], items.limits[k, lane]
            above, error = two_sum(ranking[ABOVE, t], limit if weight > threshold else 0.0)
            ranking[ABOVE, t] = above
            scratch[_ABOVE_LOST, t] += error
            on, error = two_sum(ranking[ON_THRESHOLD, t], limit if weight == threshold else 0.0)
            ranking[ON_THRESHOLD, t] = on
            scratch[_ON_LOST, t] += error


@lane_loop
def _finish(cost, inverses, scratch, ranking, count):
    for t in range(count):
        above = ranking[ABOVE, t] + scratch[_ABOVE_LOST, t]
        ranking[ABOVE, t] = above
        ranking[ON_THRESHOLD, t] += scratch[_ON_LOST, t]
        ranking[EFFORT_ABOVE, t] = cost.effort(above, inverses[t])


@inline
def rank_weighted_in_rows(cost, items, lanes, block):
    """Set `block.ranking` for the lanes of the block, with any number of items."""
    number, count = items.weights.shape[0], lanes.count
    weights, ranking, scratch = block.items[:number], block.ranking, block.scratch
    load_rows(items.weights, lanes.start, count, weights)
    merge_exchange(exchange_rows, weights, number, count)
    _begin(scratch, ranking[THRESHOLD], number, count)
    left = number
    while left > 0:
        _try_middle(weights, scratch, count)
        _add_limits(items, lanes.start, count, scratch[_TRIED], scratch[_SUM])
        _narrow(cost, block.costs, scratch, ranking[THRESHOLD], count)
        left //= 2
    _split(items, lanes.start, ranking, scratch, count)
    _finish(cost, block.costs[INVERSE], scratch, ranking, count)
