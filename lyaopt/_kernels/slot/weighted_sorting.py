"""Ranking of weighted items by sorting: in registers up to eight items, row by row through the cache beyond.

The steps are those of sort_registers.py and sort_blocked.py; the limits go along with the weights.
"""

import numpy as np

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.slot.blocks import (
    ABOVE,
    EFFORT,
    EFFORT_ABOVE,
    FLOOR,
    INVERSE,
    LIMIT,
    NONE,
    ON_THRESHOLD,
    SCALE,
    THRESHOLD,
    TOTAL,
)
from lyaopt._kernels.slot.general_blocks import TAU
from lyaopt._kernels.slot.primal_recovery import total_served
from lyaopt._kernels.slot.sort_blocked import add_compensated, merge_exchange, raise_threshold
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

# Rows of scratch: a compensated sum of all limits down to an item, and one of those on the threshold
_SUM, _LOST, _ON, _ON_LOST = range(4)


@inline
def _rank(cost, network, items, lane, lane_cost):
    """Return (threshold, sum above it, effort of that sum, sum on the threshold) of one lane."""
    weights, limits = network.load(items, 0, lane)
    weights, limits = network.sort(weights, limits)
    sums = network.prefix(limits, 0.0)
    efforts = network.efforts(cost, sums, lane_cost[1])
    threshold = network.threshold(cost, lane_cost, efforts, weights)
    above = network.largest_above(sums, weights, threshold)
    effort_above = network.largest_above(efforts, weights, threshold)
    return threshold, above, effort_above, network.sum_on(weights, limits, threshold)


@lane_loop
def rank_weighted_in_registers(cost, network, items, lanes, block):
    """Set `block.ranking` for the lanes of the block, with up to `network.size` items."""
    for t in range(lanes.count):
        lane = np.uint64(lanes.start + t)
        lane_cost = block.costs[LIMIT, t], block.costs[INVERSE, t], block.costs[FLOOR, t], NONE
        threshold, above, effort_above, on_threshold = _rank(cost, network, items, lane, lane_cost)
        block.ranking[THRESHOLD, t] = threshold
        block.ranking[ABOVE, t] = above
        block.ranking[EFFORT_ABOVE, t] = effort_above
        block.ranking[ON_THRESHOLD, t] = on_threshold


@lane_loop
def serve_weighted_in_registers(cost, network, items, lanes, block, parameters, rate):
    """Solve lanes of exactly `network.size` items, served in the same loop: see `serve_in_registers`."""
    for t in range(lanes.count):
        lane = np.uint64(lanes.start + t)
        limit = block.costs[LIMIT, t]
        scale = block.costs[SCALE, t]
        floor = block.costs[FLOOR, t]
        lane_cost = limit, block.costs[INVERSE, t], floor, NONE
        threshold, above, effort_above, on_threshold = _rank(cost, network, items, lane, lane_cost)
        reach = cost.worth(threshold if threshold > 0.0 else 0.0, scale, floor)
        reach = reach if reach < limit else limit
        supply = cost.served(reach, scale)
        total, effort = total_served(cost, threshold >= 0.0, above, effort_above, on_threshold, reach, supply)
        block.ranking[THRESHOLD, t] = threshold
        block.served[TOTAL, t] = total
        block.served[EFFORT, t] = effort
        served = threshold, total - above, on_threshold, parameters[TAU, t]
        network.store(network.load(items, 0, lane), served, 0, lane, rate)


@lane_loop
def _load(items, start, count, weights, limits):
    for k in range(weights.shape[0]):
        for t in range(count):
            weights[k, t] = items.weights[k, start + t]
            limits[k, t] = items.limits[k, start + t]


@lane_loop
def _exchange(a, b, limit_a, limit_b, count):
    for t in range(count):
        x = a[t]
        y = b[t]
        u = limit_a[t]
        v = limit_b[t]
        a[t] = x if x >= y else y
        b[t] = y if x >= y else x
        limit_a[t] = u if x >= y else v
        limit_b[t] = v if x >= y else u


@helper
def _exchange_items(pairs, i, j, count):
    weights, limits = pairs
    _exchange(weights[i], weights[j], limits[i], limits[j], count)


@lane_loop
def _split(weights, limits, sums, ranking, scratch, count):
    """Keep the sum down to the last item above the threshold, and add up those on it."""
    for t in range(count):
        weight = weights[t]
        threshold = ranking[THRESHOLD, t]
        before = ranking[ABOVE, t]
        reached = sums[t]
        ranking[ABOVE, t] = reached if weight > threshold else before
        total, error = two_sum(scratch[_ON, t], limits[t] if weight == threshold else 0.0)
        scratch[_ON, t] = total
        scratch[_ON_LOST, t] += error


@lane_loop
def _finish(cost, inverses, scratch, ranking, count):
    for t in range(count):
        ranking[ON_THRESHOLD, t] = scratch[_ON, t] + scratch[_ON_LOST, t]
        ranking[EFFORT_ABOVE, t] = cost.effort(ranking[ABOVE, t], inverses[t])


@helper
def rank_weighted_in_rows(cost, items, lanes, block):
    """Set `block.ranking` for the lanes of the block, with any number of items."""
    number, count = items.weights.shape[0], lanes.count
    weights, limits = block.items[:number], block.items[number : 2 * number]
    sums = block.items[2 * number : 3 * number]
    ranking, scratch = block.ranking, block.scratch
    _load(items, lanes.start, count, weights, limits)
    merge_exchange(_exchange_items, (weights, limits), number, count)
    ranking[:, :count] = 0.0
    ranking[THRESHOLD, :count] = NONE
    scratch[:, :count] = 0.0
    for k in range(number):
        add_compensated(limits[k], sums[k], scratch[_SUM], scratch[_LOST], count)
    for k in range(number):
        raise_threshold(cost, block.costs, weights[k], sums[k], ranking[THRESHOLD], count)
    for k in range(number):
        _split(weights[k], limits[k], sums[k], ranking, scratch, count)
    _finish(cost, block.costs[INVERSE], scratch, ranking, count)
