"""From the threshold to what each weighted item is served: the last step of the general exact solvers.

As in primal_recovery.py, with weights w_i apart from limits Q_i: with A the sum of the limits of the items
above the threshold v, B that of the items on it, and S the work that the resource can do at the marginal cost
v,

    S* = clip(S, A, A + B),   y_i = Q_i above v, (S* - A) Q_i / B on v, 0 below.

Where all are served whole, the threshold is `NONE`, below every weight.
"""

from lyaopt._kernels.slot.blocks import (
    ABOVE,
    EFFORT,
    EFFORT_ABOVE,
    FLOOR,
    LIMIT,
    ON_THRESHOLD,
    PART,
    SCALE,
    THRESHOLD,
    TOTAL,
    lane_at,
)
from lyaopt._kernels.slot.general_blocks import TAU
from lyaopt._kernels.slot.primal_recovery import find_supply, total_served
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

_REACH, _SUPPLY = range(2)  # rows of scratch: largest effort worth the threshold, and the work that it does


@inline
def work_served(weight, limit, threshold, rest, on_threshold):
    """Return y_i of an item; `rest` is what the items on the threshold, of that sum, are served together."""
    # the quotient is exactly 1 for one item, which then gets the difference to the last digit;
    # beside a large sum above, the difference can round to more than the sum on the threshold
    part = rest * (limit / (on_threshold if on_threshold > 0.0 else 1.0))
    part = part if part < limit else limit
    part = part if weight == threshold else 0.0
    return limit if weight > threshold else part


@lane_loop
def _find_reach(cost, costs, thresholds, reaches, count):
    for t in range(count):
        limit = costs[LIMIT, t]
        threshold = thresholds[t]
        reach = cost.worth(threshold if threshold > 0.0 else 0.0, costs[SCALE, t], costs[FLOOR, t])
        reaches[t] = reach if reach < limit else limit


@lane_loop
def _find_totals(cost, ranking, reaches, supplies, served, count):
    for t in range(count):
        above = ranking[ABOVE, t]
        total, effort = total_served(
            cost,
            ranking[THRESHOLD, t] >= 0.0,
            above,
            ranking[EFFORT_ABOVE, t],
            ranking[ON_THRESHOLD, t],
            reaches[t],
            supplies[t],
        )
        served[TOTAL, t] = total
        served[EFFORT, t] = effort
        served[PART, t] = total - above


@lane_loop
def serve_weighted(items, lanes, block, parameters, rate):
    """Write the rate of every item of the block, from its rows THRESHOLD, ON_THRESHOLD and PART."""
    for k in range(rate.shape[0]):
        for t in range(lanes.count):
            lane = lane_at(lanes.start, t)
            work = work_served(
                items.weights[k, lane],
                items.limits[k, lane],
                block.ranking[THRESHOLD, t],
                block.served[PART, t],
                block.ranking[ON_THRESHOLD, t],
            )
            rate[k, lane] = work / parameters[TAU, t]


@helper
def recover_weighted(cost, items, lanes, block, parameters, rate):
    """Set `block.served` from `block.ranking`, and write the rates (N, L)."""
    reaches, supplies = block.scratch[_REACH], block.scratch[_SUPPLY]
    _find_reach(cost, block.costs, block.ranking[THRESHOLD], reaches, lanes.count)
    find_supply(cost, block.costs[SCALE], reaches, supplies, lanes.count)
    _find_totals(cost, block.ranking, reaches, supplies, block.served, lanes.count)
    serve_weighted(items, lanes, block, parameters, rate)
