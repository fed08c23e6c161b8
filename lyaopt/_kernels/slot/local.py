"""Problem 3, local CPU: minimise -tau sum f_n Q_n + U tau delta (sum f_n)^3.

Subject to sum f_n <= F and 0 <= f_n <= Q_n / tau (Problem 3 of the paper; proofs in
docs/explanation/solvers.md). Shapes and units are those of `LocalProblem` and `LocalAllocation`
(problems.py): cycles, Hz, s. A lane is one device in one slot. In the terms of marginal_costs.py the effort
is the work itself, and

    limit = F tau,  scale = tau / sqrt(3 U delta),  marginal_cost(C) = 3 U delta (C / tau)^2.
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
    block_width,
    fill,
    lane_at,
    new_workspace,
    only_device,
    split_workspace,
    spread,
)
from lyaopt._kernels.slot.dispatch import rank_by_sorting, solve_by_selection
from lyaopt._kernels.slot.dual_bisection import solve_by_bisection
from lyaopt._kernels.slot.marginal_costs import LOCAL, local_marginal_cost
from lyaopt._kernels.slot.parts import PART, WHOLE, PartKernel, lanes_of_part
from lyaopt._kernels.slot.primal_recovery import recover_primal
from lyaopt._kernels.slot.problems import LocalAllocation, LocalProblem, solver_signature
from lyaopt._kernels.slot.sort_registers import serve_in_registers
from lyaopt._kernels.slot.sorting_networks import FOUR, TWO
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

_CAPACITY = 0  # row of what lanes have of their devices


@inline
def _solve_by_sorting(cost, queue, lanes, block, tau, rate):
    if queue.shape[0] == TWO.size:
        serve_in_registers(cost, TWO, queue, lanes, block, tau, rate)
    else:
        rank_by_sorting(cost, TWO, FOUR, queue, lanes, block)
        recover_primal(cost, queue, lanes, block, tau, rate)


@inline
def local_scale(tau, weight, delta):
    """Return tau / sqrt(3 U delta), infinite where energy is free; roots first: U delta may underflow."""
    return tau / (math.sqrt(3.0) * math.sqrt(weight) * math.sqrt(delta))


@lane_loop
def _set_limits(capacities, count, tau, costs):
    for t in range(count):
        costs[LIMIT, t] = capacities[t] * tau


@inline
def speed_and_multiplier(served, lane_cost, capacity, tau):
    """Return the speed of a lane and nu; `served` is (threshold, total, effort) of it.

    A binding capacity is reported as given, not as (F tau) / tau.
    """
    threshold, total, effort = served
    limit, inverse, floor, _ = lane_cost
    marginal = local_marginal_cost(effort, inverse, floor)
    return (capacity if total >= limit else total / tau), (marginal if marginal > threshold else threshold)


@lane_loop
def _report(lanes, block, capacities, tau, totals, multiplier):
    """Write the totals and multipliers of the lanes of a block."""
    for t in range(lanes.count):
        lane = lane_at(lanes.start, t)
        served = block.ranking[THRESHOLD, t], block.served[TOTAL, t], block.served[EFFORT, t]
        lane_cost = block.costs[LIMIT, t], block.costs[INVERSE, t], block.costs[FLOOR, t], 0.0
        totals[lane], multiplier[lane] = speed_and_multiplier(served, lane_cost, capacities[t], tau)


@inline
def _solve_blocks(solve, one_by_one, problem, allocation, workspace, part):
    """Solve a part of the lanes, a block at a time, with ``solve(cost, queue, lanes, block, tau, rate)``."""
    queue, capacity, tau = problem.queue, problem.capacity, problem.tau
    items, lane_count = queue.shape
    width = block_width(items, lane_count, one_by_one)
    block, devices = split_workspace(workspace, items, width, one_by_one)
    scale = local_scale(tau, problem.weight, problem.delta)
    fill(block.costs[SCALE], width, scale)
    fill(block.costs[INVERSE], width, 1.0 / scale)
    fill(block.costs[FLOOR], width, 0.0)
    spread_for = -1
    first, last = lanes_of_part(lane_count, width, part)
    for start in range(first, last, width):
        lanes = LaneRange(start, min(width, last - start))
        device = only_device(lane_count, capacity.size, lanes)
        if device == -1 or device != spread_for:
            spread(capacity, lane_count, lanes, devices[_CAPACITY])
            _set_limits(devices[_CAPACITY], lanes.count, tau, block.costs)
        spread_for = device
        solve(LOCAL, queue, lanes, block, tau, allocation.cpu)
        _report(lanes, block, devices[_CAPACITY], tau, allocation.total, allocation.multiplier)


@inline
def solve_local_lanes(problem, allocation, workspace):
    """Solve lanes of up to `NETWORK_ITEMS` items by sorting, in a workspace of `workspace_size` doubles."""
    _solve_blocks(_solve_by_sorting, False, problem, allocation, workspace, WHOLE)


@helper
def local_lanes(problem, allocation, workspace):
    """Call `solve_local_lanes`: for kernels in which a call costs little beside what it does."""
    solve_local_lanes(problem, allocation, workspace)


@helper
def local_lanes_many(problem, allocation, workspace):
    """Solve lanes of any number of items by selection, one lane after the other."""
    _solve_blocks(solve_by_selection, True, problem, allocation, workspace, WHOLE)


def _local_exact(problem, allocation, part):
    _solve_blocks(_solve_by_sorting, False, problem, allocation, new_workspace(problem.queue, False), part)


def _local_bisection(problem, allocation, part):
    _solve_blocks(solve_by_bisection, False, problem, allocation, new_workspace(problem.queue, False), part)


def _local_many(problem, allocation, part):
    _solve_blocks(solve_by_selection, True, problem, allocation, new_workspace(problem.queue, True), part)


_SIGNATURE = functools.partial(solver_signature, LocalProblem, LocalAllocation, PART)
local_exact = PartKernel("local_exact", _SIGNATURE, _local_exact)
local_bisection = PartKernel("local_bisection", _SIGNATURE, _local_bisection)
local_many = PartKernel("local_many", _SIGNATURE, _local_many)
