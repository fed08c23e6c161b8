"""From the level to the share: the last step of the exact solvers."""

from lyaopt._kernels._jit import helper, lanes
from lyaopt._kernels.rows import EFFORT, FLOOR, LEVEL, LIMIT, SCALE, SHARE, TOTAL


@lanes
def _share(count, levels, reaches, supplies, totals, efforts, shares):
    for t in range(count):
        before = totals[t]
        least = efforts[t]
        group = shares[t]
        reach = reaches[t]
        supply = supplies[t]
        # energy may stop exactly at the items above the level: then nothing of it is served
        partly = (reach > least) & (levels[t] > 0.0)
        total = supply if supply < before + group else before + group
        total = total if partly & (total > before) else before
        totals[t] = total
        efforts[t] = reach if partly else least
        # beside a large `before` the difference can round to more than the group
        share = (total - before) / group
        share = share if share < 1.0 else 1.0
        shares[t] = share if group > 0.0 else 0.0


def lane_finisher(cost):
    """Return ``finish(count, given, found, scratch)`` for the problem with this cost.

    On entry found[LEVEL] is set (0 where every item is whole), and TOTAL, EFFORT and SHARE hold the sum
    of the backlogs above the level, the effort which that takes, and the sum of the backlogs on it.
    Three short loops rather than one: the logarithm's chain of operations would hold up the divisions.
    """
    _, _, worth, served = cost

    @lanes
    def reach_level(count, given, levels, reaches):
        for t in range(count):
            limit = given[LIMIT, t]
            reach = worth(levels[t], given[SCALE, t], given[FLOOR, t])
            reaches[t] = reach if reach < limit else limit

    @lanes
    def supply_of(count, given, reaches, supplies):
        for t in range(count):
            supplies[t] = served(reaches[t], given[SCALE, t])

    @helper
    def finish(count, given, found, scratch):
        reach_level(count, given, found[LEVEL], scratch[0])
        supply_of(count, given, scratch[0], scratch[1])
        _share(count, found[LEVEL], scratch[0], scratch[1], found[TOTAL], found[EFFORT], found[SHARE])

    return finish
