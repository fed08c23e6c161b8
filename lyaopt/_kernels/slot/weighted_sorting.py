"""Ranking of up to eight weighted items by sorting in registers.

The steps are those of sort_registers.py; the limits go along with the weights.
"""

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
    lane_at,
)
from lyaopt._kernels.slot.general_blocks import TAU
from lyaopt._kernels.slot.primal_recovery import total_served
from lyaopt._kernels.toolchain.jit import inline, lane_loop


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
        lane = lane_at(lanes.start, t)
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
        lane = lane_at(lanes.start, t)
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
