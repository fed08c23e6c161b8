"""Bisection on the Lagrange multiplier, for lanes.

The multiplier nu is found where the demand D(nu), the sum of the backlogs above nu, no longer exceeds
the supply served(min(limit, worth(nu))). The search halves the bit pattern of nu, which is monotone
in nu for nu >= 0, so 63 steps end at two neighbouring floats whatever the magnitudes. D jumps at every
backlog: there nu alone does not give the primal, and the items on the jump are served by the share
that makes the total right.
"""

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.numerics.elementary import halfway
from lyaopt._kernels.slot.block_rows import EFFORT, FLOOR, INVERSE, LEVEL, LIMIT, PART, SCALE, TOTAL
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

_STEPS = 63
_FEW = 64  # items whose plain sum is as good as a compensated one


@lane_loop
def _add(q, start, count, nu, demand):
    for k in range(q.shape[0]):
        for t in range(count):
            backlog = q[k, start + t]
            demand[t] += backlog if backlog > nu[t] else 0.0


@lane_loop
def _add_compensated(q, start, count, nu, demand, lost):
    for k in range(q.shape[0]):
        for t in range(count):
            backlog = q[k, start + t]
            demand[t], error = two_sum(demand[t], backlog if backlog > nu[t] else 0.0)
            lost[t] += error
    for t in range(count):
        demand[t] += lost[t]


@helper
def _demand(q, start, count, nu, demand, lost):
    demand[:count] = 0.0
    if q.shape[0] <= _FEW:
        _add(q, start, count, nu, demand)
    else:
        lost[:count] = 0.0
        _add_compensated(q, start, count, nu, demand, lost)


@lane_loop
def _largest(q, start, count, out):
    for t in range(count):
        out[t] = 0.0
    for k in range(q.shape[0]):
        for t in range(count):
            backlog = q[k, start + t]
            best = out[t]
            out[t] = backlog if backlog > best else best


def bisection_solver(cost):
    """Return ``solve(q, start, count, given, found, scratch)`` for the problem with this cost.

    Sets every row of `found`; `scratch` has four rows. LEVEL is the upper end of the last interval.
    """
    effort_of, _, worth, served = cost

    @inline
    def reach_of(nu, limit, scale, floor):
        reach = worth(nu, scale, floor)
        return reach if reach < limit else limit  # a NaN (free energy at nu = 0) gives the limit

    @lane_loop
    def narrow(given, trial, demand, lower, upper, count):
        for t in range(count):
            nu = trial[t]
            below = lower[t]
            above = upper[t]
            reach = reach_of(nu, given[LIMIT, t], given[SCALE, t], given[FLOOR, t])
            enough = demand[t] <= served(reach, given[SCALE, t])
            upper[t] = nu if enough else above
            lower[t] = below if enough else nu
        for t in range(count):
            trial[t] = halfway(lower[t], upper[t])

    @lane_loop
    def mix(given, level, below, above, total, parts, effort, count):
        """Serve what lies above the level, and of the jump on it the part that fills the total."""
        for t in range(count):
            reach = reach_of(level[t], given[LIMIT, t], given[SCALE, t], given[FLOOR, t])
            supply = served(reach, given[SCALE, t])
            most = below[t]
            total[t] = supply if supply < most else most
            effort[t] = reach if supply < most else effort_of(most, given[INVERSE, t])
        for t in range(count):
            height = below[t] - above[t]
            part = (total[t] - above[t]) * (level[t] / height)
            part = part if part > 0.0 else 0.0
            part = part if part < level[t] else level[t]
            parts[t] = part if height > 0.0 else 0.0

    @helper
    def solve(q, start, count, given, found, scratch):
        lower, demand, trial, lost = scratch[0], scratch[1], scratch[2], scratch[3]
        _largest(q, start, count, found[LEVEL])
        for t in range(count):
            lower[t] = 0.0
            trial[t] = 0.0  # the first step tries nu = 0: with capacity to spare all is served
        for _ in range(_STEPS + 1):
            _demand(q, start, count, trial, demand, lost)
            narrow(given, trial, demand, lower, found[LEVEL], count)
        _demand(q, start, count, lower, trial, lost)
        _demand(q, start, count, found[LEVEL], demand, lost)
        mix(given, found[LEVEL], trial, demand, found[TOTAL], found[PART], found[EFFORT], count)

    return solve
