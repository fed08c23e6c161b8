"""Problem 5 with weights apart from limits: see general_problems.py. A lane is one slot, as in edge.py."""

import functools

from lyaopt._kernels.slot.blocks import (
    FLOOR,
    INVERSE,
    LIMIT,
    SCALE,
    THRESHOLD,
    LaneRange,
    fill,
    lane_at,
)
from lyaopt._kernels.slot.general_blocks import (
    TAU,
    Items,
    general_block_width,
    new_general_workspace,
    split_general_workspace,
    spread_lanes,
)
from lyaopt._kernels.slot.general_problems import GeneralEdgeProblem
from lyaopt._kernels.slot.marginal_costs import EDGE
from lyaopt._kernels.slot.parts import PART, WHOLE, PartKernel, lanes_of_part
from lyaopt._kernels.slot.problems import EdgeAllocation, solver_signature
from lyaopt._kernels.slot.weighted_bisection import solve_weighted_by_bisection
from lyaopt._kernels.slot.weighted_dispatch import solve_weighted_by_sorting
from lyaopt._kernels.slot.weighted_many import solve_weighted_by_selection
from lyaopt._kernels.slot.weighted_networks import EIGHT, FOUR
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

_CAPACITY = 1  # row of the parameters of a lane, after TAU


@inline
def _solve_by_sorting(cost, items, lanes, block, parameters, rate):
    solve_weighted_by_sorting(cost, (FOUR, FOUR, EIGHT), items, lanes, block, parameters, rate)


@lane_loop
def _set_limits(parameters, costs, count):
    for t in range(count):
        costs[LIMIT, t] = parameters[_CAPACITY, t] * parameters[TAU, t]


@lane_loop
def _report(start, count, thresholds, multiplier):
    for t in range(count):
        multiplier[lane_at(start, t)] = thresholds[t] if thresholds[t] > 0.0 else 0.0


@helper
def _solve(solve, one_by_one, problem, allocation, workspace, part):
    """Solve a part of the lanes, a block at a time."""
    items, lane_count = problem.limits.shape
    width = general_block_width(items, lane_count, one_by_one)
    block, parameters = split_general_workspace(workspace, items, width, one_by_one)
    fill(block.costs[SCALE], width, 1.0)
    fill(block.costs[INVERSE], width, 1.0)
    fill(block.costs[FLOOR], width, 0.0)
    first, last = lanes_of_part(lane_count, width, part)
    for start in range(first, last, width):
        lanes = LaneRange(start, min(width, last - start))
        spread_lanes(problem.tau, lane_count, lanes, parameters[TAU])
        spread_lanes(problem.capacity, lane_count, lanes, parameters[_CAPACITY])
        _set_limits(parameters, block.costs, lanes.count)
        solve(EDGE, Items(problem.weights, problem.limits), lanes, block, parameters, allocation.cpu)
        _report(start, lanes.count, block.ranking[THRESHOLD], allocation.multiplier)


@helper
def general_edge_lanes(problem, allocation, workspace):
    """Solve lanes of up to `NETWORK_ITEMS` items by sorting, within `general_workspace_size` doubles."""
    _solve(_solve_by_sorting, False, problem, allocation, workspace, WHOLE)


@helper
def general_edge_lanes_many(problem, allocation, workspace):
    """Solve lanes of any number of items by selection, one lane after the other."""
    _solve(solve_weighted_by_selection, True, problem, allocation, workspace, WHOLE)


def _exact(problem, allocation, part):
    workspace = new_general_workspace(problem.limits, False)
    _solve(_solve_by_sorting, False, problem, allocation, workspace, part)


def _bisection(problem, allocation, part):
    workspace = new_general_workspace(problem.limits, False)
    _solve(solve_weighted_by_bisection, False, problem, allocation, workspace, part)


def _many(problem, allocation, part):
    workspace = new_general_workspace(problem.limits, True)
    _solve(solve_weighted_by_selection, True, problem, allocation, workspace, part)


_SIGNATURE = functools.partial(solver_signature, GeneralEdgeProblem, EdgeAllocation, PART)
general_edge_exact = PartKernel("general_edge_exact", _SIGNATURE, _exact)
general_edge_bisection = PartKernel("general_edge_bisection", _SIGNATURE, _bisection)
general_edge_many = PartKernel("general_edge_many", _SIGNATURE, _many)
