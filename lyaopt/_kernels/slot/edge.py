"""Problem 5, edge CPU: maximise tau sum f_n Q_n over all services of all devices.

Subject to sum f_n <= F^e and 0 <= f_n <= Q_n / tau (Problem 5 of the paper, solved by its Theorem 1, equation
(24), as corrected in docs/explanation/errata.md). Shapes and units are those of `EdgeProblem` and
`EdgeAllocation` (problems.py): cycles, Hz, s. A lane is one slot. In the terms of marginal_costs.py the
effort is the work itself, limit = F^e tau, and energy costs nothing.
"""

import functools

from lyaopt._kernels.slot.blocks import (
    FLOOR,
    INVERSE,
    LIMIT,
    SCALE,
    THRESHOLD,
    LaneRange,
    block_width,
    fill,
    lane_at,
    new_workspace,
    split_workspace,
)
from lyaopt._kernels.slot.dispatch import rank_by_sorting, solve_by_selection
from lyaopt._kernels.slot.dual_bisection import solve_by_bisection
from lyaopt._kernels.slot.level_check import rank_by_level
from lyaopt._kernels.slot.level_search import search_room
from lyaopt._kernels.slot.marginal_costs import EDGE
from lyaopt._kernels.slot.parts import PART, WHOLE, PartKernel, lanes_of_part
from lyaopt._kernels.slot.primal_recovery import recover_primal
from lyaopt._kernels.slot.problems import EdgeAllocation, EdgeProblem, solver_signature
from lyaopt._kernels.slot.sort_registers import serve_in_registers
from lyaopt._kernels.slot.sorting_networks import EIGHT, FOUR
from lyaopt._kernels.toolchain.jit import helper, inline

_SORTED_ITEMS = 12  # beyond, a search for the level is faster than a sort


@inline
def _solve_by_sorting(cost, queue, lanes, block, tau, rate):
    if queue.shape[0] == FOUR.size:
        serve_in_registers(cost, FOUR, queue, lanes, block, tau, rate)
        return
    if queue.shape[0] > _SORTED_ITEMS:
        rank_by_level(queue, lanes, block)
    else:
        rank_by_sorting(cost, FOUR, EIGHT, queue, lanes, block)
    recover_primal(cost, queue, lanes, block, tau, rate)


@inline
def edge_items_room(items):
    """Return for how many items `solve_edge_lanes` lays out its workspace."""
    return items if items <= _SORTED_ITEMS else search_room(items)


@inline
def _solve_blocks(solve, one_by_one, problem, allocation, workspace, part):
    """Solve a part of the lanes, a block at a time, with ``solve(cost, queue, lanes, block, tau, rate)``."""
    queue, tau = problem.queue, problem.tau
    items, lane_count = queue.shape
    room = items if one_by_one else edge_items_room(items)
    width = block_width(room, lane_count, one_by_one)
    block, _ = split_workspace(workspace, room, width, one_by_one)
    fill(block.costs[LIMIT], width, problem.capacity * tau)
    fill(block.costs[SCALE], width, 1.0)
    fill(block.costs[INVERSE], width, 1.0)
    fill(block.costs[FLOOR], width, 0.0)
    first, last = lanes_of_part(lane_count, width, part)
    for start in range(first, last, width):
        lanes = LaneRange(start, min(width, last - start))
        solve(EDGE, queue, lanes, block, tau, allocation.cpu)
        for t in range(lanes.count):
            allocation.multiplier[lane_at(start, t)] = block.ranking[THRESHOLD, t]


@inline
def solve_edge_lanes(problem, allocation, workspace):
    """Solve lanes of up to `NETWORK_ITEMS` items by sorting, in a workspace of `workspace_size` doubles."""
    _solve_blocks(_solve_by_sorting, False, problem, allocation, workspace, WHOLE)


@helper
def edge_lanes(problem, allocation, workspace):
    """Call `solve_edge_lanes`: for kernels in which a call costs little beside what it does."""
    solve_edge_lanes(problem, allocation, workspace)


@helper
def edge_lanes_many(problem, allocation, workspace):
    """Solve lanes of any number of items by selection, one lane after the other."""
    _solve_blocks(solve_by_selection, True, problem, allocation, workspace, WHOLE)


def _edge_exact(problem, allocation, part):
    _solve_blocks(_solve_by_sorting, False, problem, allocation, new_workspace(problem.queue, False), part)


def _edge_bisection(problem, allocation, part):
    _solve_blocks(solve_by_bisection, False, problem, allocation, new_workspace(problem.queue, False), part)


def _edge_many(problem, allocation, part):
    _solve_blocks(solve_by_selection, True, problem, allocation, new_workspace(problem.queue, True), part)


_SIGNATURE = functools.partial(solver_signature, EdgeProblem, EdgeAllocation, PART)
edge_exact = PartKernel("edge_exact", _SIGNATURE, _edge_exact)
edge_bisection = PartKernel("edge_bisection", _SIGNATURE, _edge_bisection)
edge_many = PartKernel("edge_many", _SIGNATURE, _edge_many)
