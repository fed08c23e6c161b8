"""From the level to the share: the last steps of the exact solvers.

Before them a block holds in `found`: LEVEL (0 where every item is whole), and in the rows TOTAL, EFFORT
and SHARE the sum of the backlogs above the level, the effort which that takes, and the sum of the
backlogs on it. The loops are kept short: the logarithm's chain of operations would hold up the divisions.
"""

from lyaopt._kernels._jit import helper, inline, lanes
from lyaopt._kernels.rows import EFFORT, FLOOR, LEVEL, LIMIT, SCALE, SHARE, TOTAL


@inline
def part_served(level, before, least, group, reach, supply):
    """Return (total, effort, share of the items on the level) for one lane."""
    # energy may stop exactly at the items above the level: then nothing of it is served
    partly = (reach > least) & (level > 0.0)
    total = supply if supply < before + group else before + group
    total = total if partly & (total > before) else before
    # beside a large `before` the difference can round to more than the group
    share = (total - before) / group
    share = share if share < 1.0 else 1.0
    return total, (reach if partly else least), (share if group > 0.0 else 0.0)


@inline
def work_served(backlog, level, share):
    """Return y_i = Q_i clip((S* - A_i) / B_i, 0, 1), given the level and the share of the items on it."""
    part = backlog * share
    part = part if backlog == level else 0.0
    return backlog if backlog > level else part


@lanes
def _settle(count, levels, reaches, supplies, totals, efforts, shares):
    for t in range(count):
        total, effort, share = part_served(
            levels[t], totals[t], efforts[t], shares[t], reaches[t], supplies[t]
        )
        totals[t] = total
        efforts[t] = effort
        shares[t] = share


@lanes
def serve(q, start, count, level, share, tau, rate):
    """Write the rate of every item of the block."""
    for k in range(q.shape[0]):
        for t in range(count):
            rate[k, start + t] = work_served(q[k, start + t], level[t], share[t]) / tau


def lane_finisher(cost):
    """Return ``finish(q, start, count, given, found, scratch, tau, rate)`` for this problem."""
    _, _, worth, served = cost

    @lanes
    def find_supply(count, given, reaches, supplies):
        for t in range(count):
            supplies[t] = served(reaches[t], given[SCALE, t])

    @lanes
    def find_reach(count, given, levels, reaches):
        for t in range(count):
            limit = given[LIMIT, t]
            reach = worth(levels[t], given[SCALE, t], given[FLOOR, t])
            reaches[t] = reach if reach < limit else limit

    @helper
    def finish(q, start, count, given, found, scratch, tau, rate):
        levels, shares = found[LEVEL], found[SHARE]
        find_reach(count, given, levels, scratch[0])
        find_supply(count, given, scratch[0], scratch[1])
        _settle(count, levels, scratch[0], scratch[1], found[TOTAL], found[EFFORT], shares)
        serve(q, start, count, levels, shares, tau, rate)

    return finish
