"""Bisection on the Lagrange multiplier nu for weighted items, for lanes of any number of them.

As in dual_bisection.py: the demand D(nu) is the sum of the limits of the items of weight above nu. It jumps
at every weight; the items on the jump share what fills the total, in proportion to their limits.
"""

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.slot.blocks import (
    ABOVE,
    EFFORT,
    FLOOR,
    INVERSE,
    LIMIT,
    NONE,
    ON_THRESHOLD,
    PART,
    SCALE,
    THRESHOLD,
    TOTAL,
    lane_at,
)
from lyaopt._kernels.slot.dual_bisection import STEPS, narrow, reach_of
from lyaopt._kernels.slot.weighted_recovery import serve_weighted
from lyaopt._kernels.toolchain.jit import helper, lane_loop

_LOWER, _TRIAL, _DEMAND, _LOST = range(4)  # rows of scratch


@lane_loop
def _add(items, start, count, nu, demand, lost):
    for k in range(items.weights.shape[0]):
        for t in range(count):
            limit = items.limits[k, lane_at(start, t)] if items.weights[k, lane_at(start, t)] > nu[t] else 0.0
            demand[t], error = two_sum(demand[t], limit)
            lost[t] += error
    for t in range(count):
        demand[t] += lost[t]


@helper
def _find_demand(items, lanes, lost, nu, demand):
    """Set the sums of the limits of the items above nu."""
    demand[: lanes.count] = 0.0
    lost[: lanes.count] = 0.0
    _add(items, lanes.start, lanes.count, nu, demand, lost)


@lane_loop
def _find_largest(weights, start, count, largest):
    for t in range(count):
        largest[t] = 0.0
    for k in range(weights.shape[0]):
        for t in range(count):
            weight = weights[k, lane_at(start, t)]
            best = largest[t]
            largest[t] = weight if weight > best else best


@lane_loop
def _include_weightless(thresholds, lower, count):
    """Where nu is 0, items of weight 0 lie on the jump."""
    for t in range(count):
        below = lower[t]
        lower[t] = below if thresholds[t] > 0.0 else NONE


@lane_loop
def _find_totals(cost, costs, ranking, down_to, served, count):
    """Find the total: what is above the threshold, and what of the jump on it can be served."""
    for t in range(count):
        reach = reach_of(cost, ranking[THRESHOLD, t], costs[LIMIT, t], costs[SCALE, t], costs[FLOOR, t])
        supply = cost.served(reach, costs[SCALE, t])
        most = down_to[t]
        above = ranking[ABOVE, t]
        total = supply if supply < most else most
        served[TOTAL, t] = total
        served[EFFORT, t] = reach if supply < most else cost.effort(most, costs[INVERSE, t])
        served[PART, t] = total - above if total > above else 0.0
        ranking[ON_THRESHOLD, t] = most - above


@helper
def solve_weighted_by_bisection(cost, items, lanes, block, parameters, rate):
    """Solve the lanes of a block: set THRESHOLD and `block.served`, and write the rates (N, L)."""
    count, thresholds = lanes.count, block.ranking[THRESHOLD]
    lower, trial = block.scratch[_LOWER], block.scratch[_TRIAL]
    demand, lost = block.scratch[_DEMAND], block.scratch[_LOST]
    _find_largest(items.weights, lanes.start, count, thresholds)
    for t in range(count):
        lower[t] = 0.0
        trial[t] = 0.0  # the first step tries nu = 0: with capacity to spare all is served
    for _ in range(STEPS + 1):
        _find_demand(items, lanes, lost, trial, demand)
        narrow(cost, block.costs, trial, demand, lower, thresholds, count)
    _include_weightless(thresholds, lower, count)
    _find_demand(items, lanes, lost, lower, demand)
    _find_demand(items, lanes, lost, thresholds, block.ranking[ABOVE])
    _find_totals(cost, block.costs, block.ranking, demand, block.served, count)
    serve_weighted(items, lanes, block, parameters, rate)
