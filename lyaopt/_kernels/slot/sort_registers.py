"""Exact solver for lanes of up to eight items: the threshold by sorting, everything in registers.

Sort the backlogs of a lane, largest first; take prefix sums C and their efforts; the threshold is the largest
backlog v that fails effort(C) <= limit and marginal_cost(effort(C)) <= v (marginal_costs.py).
"""

from lyaopt._kernels.slot.blocks import (
    ABOVE,
    EFFORT,
    EFFORT_ABOVE,
    FLOOR,
    INVERSE,
    LIMIT,
    ON_THRESHOLD,
    SCALE,
    THRESHOLD,
    TOTAL,
    lane_at,
)
from lyaopt._kernels.slot.primal_recovery import part_served
from lyaopt._kernels.toolchain.jit import inline, lane_loop


@inline
def rank(cost, network, queued, lane_cost):
    """Return (threshold, sum above it, effort of that sum, sum on the threshold) of one lane.

    `queued` are its backlogs in any order. `lane_cost` is (limit, inverse, floor, none) of the lane: an empty
    queue stands for all being whole.
    """
    backlogs = network.sort(queued)
    sums = network.prefix(backlogs, 0.0)
    efforts = network.efforts(cost, sums, lane_cost[1])
    threshold = network.threshold(cost, lane_cost, efforts, backlogs)
    above = network.largest_above(sums, backlogs, threshold)
    effort_above = network.largest_above(efforts, backlogs, threshold)
    return threshold, above, effort_above, network.sum_on(backlogs, backlogs, threshold)


@lane_loop
def rank_in_registers(cost, network, queue, lanes, block):
    """Set `block.ranking` for the lanes of the block, with up to `network.size` items."""
    for t in range(lanes.count):
        lane_cost = block.costs[LIMIT, t], block.costs[INVERSE, t], block.costs[FLOOR, t], 0.0
        backlogs = network.load(queue, 0, lane_at(lanes.start, t))
        threshold, above, effort_above, on_threshold = rank(cost, network, backlogs, lane_cost)
        block.ranking[THRESHOLD, t] = threshold
        block.ranking[ABOVE, t] = above
        block.ranking[EFFORT_ABOVE, t] = effort_above
        block.ranking[ON_THRESHOLD, t] = on_threshold


@lane_loop
def serve_in_registers(cost, network, queue, lanes, block, tau, rate):
    """Solve lanes of exactly `network.size` items (2 or 4), and serve them in the same loop.

    It pays where nothing in the loop takes long; a logarithm is better kept in a loop of its own. Sets
    THRESHOLD, TOTAL and EFFORT, and writes the rates.
    """
    for t in range(lanes.count):
        lane = lane_at(lanes.start, t)
        limit = block.costs[LIMIT, t]
        scale = block.costs[SCALE, t]
        floor = block.costs[FLOOR, t]
        lane_cost = limit, block.costs[INVERSE, t], floor, 0.0
        backlogs = network.load(queue, 0, lane)
        threshold, above, effort_above, on_threshold = rank(cost, network, backlogs, lane_cost)
        reach = cost.worth(threshold, scale, floor)
        reach = reach if reach < limit else limit
        supply = cost.served(reach, scale)
        total, effort, part = part_served(cost, threshold, above, effort_above, on_threshold, reach, supply)
        block.ranking[THRESHOLD, t] = threshold
        block.served[TOTAL, t] = total
        block.served[EFFORT, t] = effort
        network.store(backlogs, threshold, part, tau, 0, lane, rate)
