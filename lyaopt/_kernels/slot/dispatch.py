"""Which method ranks the items of a block of lanes.

- Up to `NETWORK_ITEMS` items: sorting, many lanes side by side (sort_registers.py, sort_blocked.py); at the
  edge, up to `SEARCHED_ITEMS`, a search instead of the longer sorts (level_search.py, level_check.py).
- More: weighted selection, one lane after the other (weighted_selection.py).

Both find the threshold; primal_recovery.py goes on from it. Bisection on the multiplier (dual_bisection.py)
solves any number of items by itself. `cost` is one of the three of marginal_costs.py.
"""

from lyaopt._kernels.slot.blocks import (
    ABOVE,
    EFFORT_ABOVE,
    FLOOR,
    INVERSE,
    LIMIT,
    ON_THRESHOLD,
    THRESHOLD,
)
from lyaopt._kernels.slot.primal_recovery import recover_primal
from lyaopt._kernels.slot.sort_blocked import rank_in_rows
from lyaopt._kernels.slot.sort_registers import rank_in_registers
from lyaopt._kernels.slot.weighted_selection import LaneCost, select_threshold
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import inline

# Up to here sorting networks over lanes beat selection in one lane after the other.
NETWORK_ITEMS = 256
# The same of the search at the edge, whose sums are exact with up to so many items.
SEARCHED_ITEMS = 4096


@inline
def rank_by_sorting(cost, small, large, queue, lanes, block):
    """Set `block.ranking`; `small` and `large` are the networks whose sizes go through registers."""
    items = queue.shape[0]
    if items <= small.size:
        rank_in_registers(cost, small, queue, lanes, block)
    elif items <= large.size:
        rank_in_registers(cost, large, queue, lanes, block)
    else:
        rank_in_rows(cost, queue, lanes, block)


@inline
def solve_by_selection(cost, queue, lanes, block, tau, rate):
    """Solve a block of one lane: set its rows, and write its rates (N, L)."""
    items, lane_count = queue.shape
    backlogs = view_as(queue, (items * lane_count,))
    if lane_count > 1:
        backlogs = block.items[1]
        for k in range(items):
            backlogs[k] = queue[k, lanes.start]
    costs, ranking = block.costs, block.ranking
    lane = LaneCost(costs[LIMIT, 0], costs[INVERSE, 0], costs[FLOOR, 0])
    above, threshold, on_threshold = select_threshold(cost, lane, backlogs, block.items[0])
    ranking[THRESHOLD, 0] = threshold
    ranking[ABOVE, 0] = above
    ranking[EFFORT_ABOVE, 0] = cost.effort(above, costs[INVERSE, 0])
    ranking[ON_THRESHOLD, 0] = on_threshold
    recover_primal(cost, queue, lanes, block, tau, rate)
