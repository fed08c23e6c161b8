"""From the level to what is served: the last steps of the exact solvers.

Before them a block holds in `found`: LEVEL (0 where every item is whole), and in the rows TOTAL, EFFORT
and PART the sum of the backlogs above the level, the effort which that takes, and the sum of the
backlogs on it. The loops are kept short: the logarithm's chain of operations would hold up the divisions.
"""

from lyaopt._kernels.slot.block_rows import EFFORT, FLOOR, LEVEL, LIMIT, PART, SCALE, TOTAL
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop


@inline
def part_served(level, before, least, group, reach, supply):
    """Return (total, effort, what each item on the level is served) for one lane."""
    # energy may stop exactly at the items above the level: then nothing of it is served
    partly = (reach > least) & (level > 0.0)
    total = supply if supply < before + group else before + group
    total = total if partly & (total > before) else before
    # the quotient is exactly 1 for one item, which then gets the difference to the last digit;
    # beside a large `before` the difference can round to more than the group
    part = (total - before) * (level / (group if group > 0.0 else 1.0))
    return total, (reach if partly else least), (part if part < level else level)


@inline
def work_served(backlog, level, part):
    """Return y_i = Q_i clip((S* - A_i) / B_i, 0, 1), given the level and what each item on it is served."""
    part = part if backlog == level else 0.0
    return backlog if backlog > level else part


@lane_loop
def _settle(count, levels, reaches, supplies, totals, efforts, parts):
    for t in range(count):
        total, effort, part = part_served(levels[t], totals[t], efforts[t], parts[t], reaches[t], supplies[t])
        totals[t] = total
        efforts[t] = effort
        parts[t] = part


@lane_loop
def serve(q, start, count, level, part, tau, rate):
    """Write the rate of every item of the block."""
    for k in range(q.shape[0]):
        for t in range(count):
            rate[k, start + t] = work_served(q[k, start + t], level[t], part[t]) / tau


def lane_finisher(cost):
    """Return ``finish(q, start, count, given, found, scratch, tau, rate)`` for this problem."""
    _, _, worth, served = cost

    @lane_loop
    def find_supply(count, given, reaches, supplies):
        for t in range(count):
            supplies[t] = served(reaches[t], given[SCALE, t])

    @lane_loop
    def find_reach(count, given, levels, reaches):
        for t in range(count):
            limit = given[LIMIT, t]
            reach = worth(levels[t], given[SCALE, t], given[FLOOR, t])
            reaches[t] = reach if reach < limit else limit

    @helper
    def finish(q, start, count, given, found, scratch, tau, rate):
        levels, parts = found[LEVEL], found[PART]
        find_reach(count, given, levels, scratch[0])
        find_supply(count, given, scratch[0], scratch[1])
        _settle(count, levels, scratch[0], scratch[1], found[TOTAL], found[EFFORT], parts)
        serve(q, start, count, levels, parts, tau, rate)

    return finish
