"""Bisection on the Lagrange multiplier nu, for lanes of any number of items.

The least nu is found at which the demand D(nu), the sum of the backlogs above nu, does not exceed the supply
served(min(limit, worth(nu))). The search halves the bit pattern of nu, which is monotone in nu for nu >= 0:
63 steps end at two neighbouring floats whatever the magnitudes. D jumps at every backlog: there nu alone does
not give the primal solution, and the items on the jump are served the part that makes the total right.
"""

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.numerics.elementary import halfway
from lyaopt._kernels.slot.blocks import (
    ABOVE,
    EFFORT,
    FLOOR,
    INVERSE,
    LIMIT,
    PART,
    SCALE,
    THRESHOLD,
    TOTAL,
    lane_at,
)
from lyaopt._kernels.slot.primal_recovery import serve
from lyaopt._kernels.toolchain.jit import inline, lane_loop

STEPS = 63
_PLAIN_ITEMS = 64  # up to here a plain sum is as good as a compensated one
_LOWER, _TRIAL, _DEMAND, _LOST = range(4)  # rows of scratch


@lane_loop
def _add(queue, start, count, nu, demand):
    for k in range(queue.shape[0]):
        for t in range(count):
            backlog = queue[k, lane_at(start, t)]
            demand[t] += backlog if backlog > nu[t] else 0.0


@lane_loop
def _add_compensated(queue, start, count, nu, demand, lost):
    for k in range(queue.shape[0]):
        for t in range(count):
            backlog = queue[k, lane_at(start, t)]
            demand[t], error = two_sum(demand[t], backlog if backlog > nu[t] else 0.0)
            lost[t] += error
    for t in range(count):
        demand[t] += lost[t]


@inline
def _find_demand(queue, lanes, lost, nu, demand):
    """Set the sums of the backlogs above nu."""
    start, count = lanes.start, lanes.count
    demand[:count] = 0.0
    if queue.shape[0] <= _PLAIN_ITEMS:
        _add(queue, start, count, nu, demand)
    else:
        lost[:count] = 0.0
        _add_compensated(queue, start, count, nu, demand, lost)


@lane_loop
def _find_largest(queue, start, count, largest):
    for t in range(count):
        largest[t] = 0.0
    for k in range(queue.shape[0]):
        for t in range(count):
            backlog = queue[k, lane_at(start, t)]
            best = largest[t]
            largest[t] = backlog if backlog > best else best


@inline
def reach_of(cost, nu, limit, scale, floor):
    reach = cost.worth(nu, scale, floor)
    return reach if reach < limit else limit  # a NaN (free energy at nu = 0) gives the limit


@lane_loop
def narrow(cost, costs, trial, demand, lower, upper, count):
    """Keep the half of each interval that holds the multiplier, and set the next trial."""
    for t in range(count):
        nu = trial[t]
        below = lower[t]
        above = upper[t]
        reach = reach_of(cost, nu, costs[LIMIT, t], costs[SCALE, t], costs[FLOOR, t])
        enough = demand[t] <= cost.served(reach, costs[SCALE, t])
        upper[t] = nu if enough else above
        lower[t] = below if enough else nu
    for t in range(count):
        trial[t] = halfway(lower[t], upper[t])


@lane_loop
def _find_parts(cost, costs, thresholds, above, down_to, served, count):
    """Serve what lies above the threshold, and the part of the jump on it that fills the total.

    `above` and `down_to` are the demands on both sides of the jump.
    """
    for t in range(count):
        reach = reach_of(cost, thresholds[t], costs[LIMIT, t], costs[SCALE, t], costs[FLOOR, t])
        supply = cost.served(reach, costs[SCALE, t])
        most = down_to[t]
        served[TOTAL, t] = supply if supply < most else most
        served[EFFORT, t] = reach if supply < most else cost.effort(most, costs[INVERSE, t])
    for t in range(count):
        threshold = thresholds[t]
        height = down_to[t] - above[t]
        part = (served[TOTAL, t] - above[t]) * (threshold / height)
        part = part if part > 0.0 else 0.0
        part = part if part < threshold else threshold
        served[PART, t] = part if height > 0.0 else 0.0


@inline
def solve_by_bisection(cost, queue, lanes, block, tau, rate):
    """Solve the lanes of a block: set THRESHOLD and `block.served`, and write the rates (N, L).

    The threshold is the upper end of the last interval.
    """
    count, thresholds = lanes.count, block.ranking[THRESHOLD]
    lower, trial = block.scratch[_LOWER], block.scratch[_TRIAL]
    demand, lost = block.scratch[_DEMAND], block.scratch[_LOST]
    _find_largest(queue, lanes.start, count, thresholds)
    for t in range(count):
        lower[t] = 0.0
        trial[t] = 0.0  # the first step tries nu = 0: with capacity to spare all is served
    for _ in range(STEPS + 1):
        _find_demand(queue, lanes, lost, trial, demand)
        narrow(cost, block.costs, trial, demand, lower, thresholds, count)
    above = block.ranking[ABOVE]
    _find_demand(queue, lanes, lost, lower, demand)
    _find_demand(queue, lanes, lost, thresholds, above)
    _find_parts(cost, block.costs, thresholds, above, demand, block.served, count)
    serve(queue, lanes, block, tau, rate)
