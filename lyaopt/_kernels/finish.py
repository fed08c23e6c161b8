"""From the level to the share: the last step of the exact solvers."""

from lyaopt._kernels._jit import lanes
from lyaopt._kernels.rows import EFFORT, FLOOR, LEVEL, LIMIT, SCALE, SHARE, TOTAL


def lane_finisher(cost):
    """Return ``finish(count, given, found)`` for the problem with this cost.

    On entry found[LEVEL] is set (0 where every item is whole), and TOTAL, EFFORT and SHARE hold the sum
    of the backlogs above the level, the effort which that takes, and the sum of the backlogs on it.
    """
    _, _, worth, served = cost

    @lanes
    def finish(count, given, found):
        for t in range(count):
            level = found[LEVEL, t]
            before = found[TOTAL, t]
            least = found[EFFORT, t]
            group = found[SHARE, t]
            limit = given[LIMIT, t]
            reach = worth(level, given[SCALE, t], given[FLOOR, t])
            reach = reach if reach < limit else limit
            # energy may stop exactly at the items above the level: then nothing of it is served
            partly = (reach > least) & (level > 0.0)
            total = served(reach, given[SCALE, t])
            total = total if total < before + group else before + group
            total = total if partly & (total > before) else before
            found[TOTAL, t] = total
            found[EFFORT, t] = reach if partly else least
            # beside a large `before` the difference can round to more than the group
            share = (total - before) / group
            share = share if share < 1.0 else 1.0
            found[SHARE, t] = share if group > 0.0 else 0.0

    return finish
