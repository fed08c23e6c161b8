"""Thresholds that a search has found with plain sums, made exact: see level_search.py.

Each lane adds up the backlogs above its threshold so that nothing is lost: to a power of two as large as any
backlog, so that the rounding of every addition is what two more give back. If they do not fit into the limit,
or those on the threshold do as well, the threshold moves to the next backlog.
"""

import numpy as np

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.numerics.elementary import bits_of, float_of
from lyaopt._kernels.slot.blocks import fill
from lyaopt._kernels.slot.level_search import borrowed, find_levels, look_around, pass_over, take_items
from lyaopt._kernels.toolchain.jit import inline, lane_loop

_EXPONENT = np.int64(0x7FF0000000000000)
_LARGEST_UNIT = np.int64(0x7E70000000000000)  # 2^1000: a sum of backlogs that fits into doubles fits on top
_COARSE = np.int64(-4096)  # all but the last twelve bits of a number


@lane_loop
def _make_units(count, search):
    """Replace the largest backlog of each lane by the power of two to which its backlogs are added."""
    for t in range(count):
        exponent = bits_of(search.unit[t]) & _EXPONENT
        search.unit[t] = float_of(exponent if exponent < _LARGEST_UNIT else _LARGEST_UNIT)


@lane_loop
def _copy(values, count, row):
    for t in range(count):
        row[t] = values[t]


@inline
def _add(state, x, threshold):
    """Add an item to (sum above, what it lost, members on the threshold)."""
    total, lost, members = state
    more = x if x > threshold else 0.0
    reached = total + more
    return reached, lost + (more - (reached - total)), members + (1.0 if x == threshold else 0.0)


@inline
def _add_up(items, count, search):
    _copy(search.unit, count, search.sum)
    fill(search.lost, count, 0.0)
    fill(search.below, count, 0.0)
    pass_over(_add, items, count, search, search.threshold, (search.sum, search.lost, search.below))


@inline
def _whole(above, lost, members, threshold):
    """Return the sum of what lies above and on a threshold, rounded once."""
    coarse = float_of(bits_of(threshold) & _COARSE)
    reached, error = two_sum(above, members * coarse)  # both products are exact, with up to 4096 members
    return reached + (error + lost + members * (threshold - coarse))


@lane_loop
def _judge(count, search):
    """Leave what lies above and on the thresholds; return how many of these are not the right ones."""
    wrong = 0
    for t in range(count):
        threshold, limit, members = search.threshold[t], search.limit[t], search.below[t]
        most, lost = search.sum[t] - search.unit[t], search.lost[t]
        above = most + lost
        too_low = above > limit
        too_high = (threshold > 0.0) & (_whole(most, lost, members, threshold) <= limit)
        wrong += 1 if too_low | too_high else 0
        search.pivot[t] = float_of(bits_of(threshold) - 1) if too_high else threshold
        search.sum_high[t] = 1.0 if too_low else (-1.0 if too_high else 0.0)
        search.low[t], search.high[t], search.sum_low[t] = above, above, members * threshold
    return wrong


@lane_loop
def _move(count, search):
    """Move thresholds to the next backlog, up or down, as `_judge` has left it in `sum_high`."""
    for t in range(count):
        move, threshold = search.sum_high[t], search.threshold[t]
        lower = search.below[t] if move < 0.0 else threshold
        search.threshold[t] = search.over[t] if move > 0.0 else lower


@inline
def _settle(items, count, search):
    """Make the thresholds of a block exact; every step moves those that are not by one backlog."""
    _make_units(count, search)
    for _ in range(items + 1):
        _add_up(items, count, search)
        if _judge(count, search) == 0:
            return
        look_around(items, count, search)
        _move(count, search)


@inline
def rank_by_level(queue, lanes, block):
    """Set `block.ranking` for lanes of more than eight items that cost nothing to serve."""
    items, search = queue.shape[0], borrowed(block)
    take_items(queue, lanes, search)
    find_levels(items, lanes.count, search)
    _settle(items, lanes.count, search)
