"""From the threshold to what each item is served: the last step of the exact solvers.

With A the sum of the backlogs above the threshold v, B the sum of those on it, and S = served(min(limit,
worth(v))) the work that the resource can do at the marginal cost v,

    S* = clip(S, A, A + B),   y_i = Q_i above v, Q_i (S* - A) / B on v, 0 below.

The loops are kept short: the logarithm's chain of operations would hold up the divisions.
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
from lyaopt._kernels.toolchain.jit import inline, lane_loop

_REACH, _SUPPLY = range(2)  # rows of scratch: largest effort worth the threshold, and the work that it does


@inline
def total_served(cost, some, above, effort_above, on_threshold, reach, supply):
    """Return (total, effort) of one lane; `some` says whether there are items on the threshold."""
    # energy may stop exactly at the items above the threshold: then nothing on it is served
    partly = (reach > effort_above) & some
    whole = above + on_threshold
    total = supply if supply < whole else whole
    total = total if partly & (total > above) else above
    return total, (cost.within(reach, supply, whole) if partly else effort_above)


@inline
def part_served(cost, threshold, above, effort_above, on_threshold, reach, supply):
    """Return (total, effort, what each item on the threshold is served) for one lane."""
    total, effort = total_served(cost, threshold > 0.0, above, effort_above, on_threshold, reach, supply)
    # the quotient is exactly 1 for one item, which then gets the difference to the last digit;
    # beside a large sum above, the difference can round to more than the sum on the threshold
    part = (total - above) * (threshold / (on_threshold if on_threshold > 0.0 else 1.0))
    return total, effort, (part if part < threshold else threshold)


@inline
def work_served(backlog, threshold, part):
    """Return y_i of an item, given what each item on the threshold is served."""
    part = part if backlog == threshold else 0.0
    return backlog if backlog > threshold else part


@lane_loop
def _find_reach(cost, costs, thresholds, reaches, count):
    for t in range(count):
        limit = costs[LIMIT, t]
        reach = cost.worth(thresholds[t], costs[SCALE, t], costs[FLOOR, t])
        reaches[t] = reach if reach < limit else limit


@lane_loop
def find_supply(cost, scales, reaches, supplies, count):
    for t in range(count):
        supplies[t] = cost.served(reaches[t], scales[t])


@lane_loop
def _find_parts(cost, ranking, reaches, supplies, served, count):
    for t in range(count):
        total, effort, part = part_served(
            cost,
            ranking[THRESHOLD, t],
            ranking[ABOVE, t],
            ranking[EFFORT_ABOVE, t],
            ranking[ON_THRESHOLD, t],
            reaches[t],
            supplies[t],
        )
        served[TOTAL, t] = total
        served[EFFORT, t] = effort
        served[PART, t] = part


@lane_loop
def serve(queue, lanes, block, tau, rate):
    """Write the rate of every item of the block, from its rows THRESHOLD and PART."""
    for k in range(queue.shape[0]):
        for t in range(lanes.count):
            lane = lane_at(lanes.start, t)
            work = work_served(queue[k, lane], block.ranking[THRESHOLD, t], block.served[PART, t])
            rate[k, lane] = work / tau


@inline
def recover_primal(cost, queue, lanes, block, tau, rate):
    """Set `block.served` from `block.ranking`, and write the rates (N, L)."""
    reaches, supplies = block.scratch[_REACH], block.scratch[_SUPPLY]
    _find_reach(cost, block.costs, block.ranking[THRESHOLD], reaches, lanes.count)
    find_supply(cost, block.costs[SCALE], reaches, supplies, lanes.count)
    _find_parts(cost, block.ranking, reaches, supplies, block.served, lanes.count)
    serve(queue, lanes, block, tau, rate)
