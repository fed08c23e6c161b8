"""Problem 3 with weights apart from limits, and cubic or tabulated energy: see general_problems.py.

Cubic devices are solved as in local.py, many lanes side by side; devices with a table by staircase.py, which
both methods use.
"""

import functools
import math

from lyaopt._kernels.slot.blocks import (
    EFFORT,
    FLOOR,
    INVERSE,
    LIMIT,
    SCALE,
    THRESHOLD,
    TOTAL,
    LaneRange,
    lane_at,
)
from lyaopt._kernels.slot.general_blocks import (
    TAU,
    Items,
    general_block_width,
    new_general_workspace,
    run_of_equal,
    same_in_all_slots,
    split_general_workspace,
    spread_lanes,
)
from lyaopt._kernels.slot.general_problems import GeneralLocalProblem, of_lane
from lyaopt._kernels.slot.marginal_costs import LOCAL, local_marginal_cost
from lyaopt._kernels.slot.parts import PART, WHOLE, PartKernel, part_of_run
from lyaopt._kernels.slot.problems import LocalAllocation, solver_signature
from lyaopt._kernels.slot.staircase import Supply, solve_staircase
from lyaopt._kernels.slot.weighted_bisection import solve_weighted_by_bisection
from lyaopt._kernels.slot.weighted_dispatch import solve_weighted_by_sorting
from lyaopt._kernels.slot.weighted_many import solve_weighted_by_selection
from lyaopt._kernels.slot.weighted_networks import FOUR, TWO
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

# Rows of the parameters of a lane, after TAU; the rows of U and delta are read only to set the costs
_CAPACITY, _WEIGHT, _DELTA = range(1, 4)


@inline
def _solve_by_sorting(cost, items, lanes, block, parameters, rate):
    solve_weighted_by_sorting(cost, (TWO, TWO, FOUR), items, lanes, block, parameters, rate)


@lane_loop
def _set_costs(parameters, costs, count):
    """Set F tau and tau / sqrt(3 U delta), infinite where energy is free; U delta itself may underflow."""
    for t in range(count):
        tau = parameters[TAU, t]
        scale = tau / (math.sqrt(3.0) * math.sqrt(parameters[_WEIGHT, t]) * math.sqrt(parameters[_DELTA, t]))
        costs[LIMIT, t] = parameters[_CAPACITY, t] * tau
        costs[SCALE, t] = scale
        costs[INVERSE, t] = 1.0 / scale
        costs[FLOOR, t] = 0.0


@helper
def _spread(problem, lane_count, lanes, parameters):
    spread_lanes(problem.tau, lane_count, lanes, parameters[TAU])
    spread_lanes(problem.capacity, lane_count, lanes, parameters[_CAPACITY])
    spread_lanes(problem.energy_weight, lane_count, lanes, parameters[_WEIGHT])
    spread_lanes(problem.delta, lane_count, lanes, parameters[_DELTA])


@lane_loop
def _report(lanes, block, parameters, totals, multiplier):
    """Write the totals and multipliers of the lanes of a block."""
    for t in range(lanes.count):
        lane = lane_at(lanes.start, t)
        total = block.served[TOTAL, t]
        threshold = block.ranking[THRESHOLD, t]
        threshold = threshold if threshold > 0.0 else 0.0
        marginal = local_marginal_cost(
            block.served[EFFORT, t], block.costs[INVERSE, t], block.costs[FLOOR, t]
        )
        # a binding capacity is reported as given, not as (F tau) / tau
        full = total >= block.costs[LIMIT, t]
        totals[lane] = parameters[_CAPACITY, t] if full else total / parameters[TAU, t]
        multiplier[lane] = marginal if marginal > threshold else threshold


@helper
def _solve_cubic(solve, problem, allocation, run, block, parameters):
    """Solve the lanes of a run of devices with cubic energy, a block at a time."""
    lane_count = problem.limits.shape[1]
    per_device = lane_count // problem.curve.size
    width = parameters.shape[1]
    of_lanes = problem.tau, problem.capacity, problem.energy_weight, problem.delta
    shared = same_in_all_slots(of_lanes, problem.curve.size)
    set_for = -1
    for start in range(run.start, run.start + run.count, width):
        lanes = LaneRange(start, min(width, run.start + run.count - start))
        device = start // per_device
        one_device = device == (start + lanes.count - 1) // per_device
        if not (shared and one_device and device == set_for):
            _spread(problem, lane_count, lanes, parameters)
            _set_costs(parameters, block.costs, lanes.count)
        set_for = device if one_device else -1
        solve(LOCAL, Items(problem.weights, problem.limits), lanes, block, parameters, allocation.cpu)
        _report(lanes, block, parameters, allocation.total, allocation.multiplier)


@helper
def local_supply(problem, lane, device):
    """Return what the CPU of a device with a table offers in one lane."""
    lane_count, row = problem.limits.shape[1], problem.curve[device]
    ends, slopes = problem.curve_hz[row], problem.curve_slope[row]
    capacity = min(of_lane(problem.capacity, lane, lane_count), ends[ends.size - 1])
    tau = of_lane(problem.tau, lane, lane_count)
    return Supply(ends, slopes, capacity, tau, of_lane(problem.energy_weight, lane, lane_count))


@helper
def _solve_tables(problem, allocation, run, order):
    """Solve the lanes of a run of one device or more that have a table."""
    per_device = problem.limits.shape[1] // problem.curve.size
    items = Items(problem.weights, problem.limits)
    for lane in range(run.start, run.start + run.count):
        supply = local_supply(problem, lane, lane // per_device)
        total, multiplier = solve_staircase(supply, items, lane, order, allocation.cpu)
        allocation.total[lane] = total
        allocation.multiplier[lane] = multiplier


@helper
def _solve(solve, one_by_one, problem, allocation, workspace, part):
    """Solve a part of the lanes of each run of devices of the same kind."""
    items, lane_count = problem.limits.shape
    curve = problem.curve
    per_device = lane_count // curve.size
    width = general_block_width(items, lane_count, one_by_one)
    block, parameters = split_general_workspace(workspace, items, width, one_by_one)
    first = 0
    while first < curve.size:
        stop = run_of_equal(curve, first)
        of_kind = LaneRange(first * per_device, (stop - first) * per_device)
        run = part_of_run(of_kind, width, part)
        if curve[first] < 0:
            _solve_cubic(solve, problem, allocation, run, block, parameters)
        else:
            _solve_tables(problem, allocation, run, view_as(workspace[: 2 * items], (2, items)))
        first = stop


@helper
def general_local_lanes(problem, allocation, workspace):
    """Solve lanes of up to `NETWORK_ITEMS` items by sorting, within `general_workspace_size` doubles."""
    _solve(_solve_by_sorting, False, problem, allocation, workspace, WHOLE)


@helper
def general_local_lanes_many(problem, allocation, workspace):
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


_SIGNATURE = functools.partial(solver_signature, GeneralLocalProblem, LocalAllocation, PART)
general_local_exact = PartKernel("general_local_exact", _SIGNATURE, _exact)
general_local_bisection = PartKernel("general_local_bisection", _SIGNATURE, _bisection)
general_local_many = PartKernel("general_local_many", _SIGNATURE, _many)
