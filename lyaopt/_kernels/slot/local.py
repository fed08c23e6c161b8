"""Problem 3, local CPU: minimise -tau sum f_n Q_n + U tau delta (sum f)^3.

Subject to sum f <= F and 0 <= f <= Q / tau. Shapes: `queue` and `cpu` are (N, L), one lane a device in
a slot; `capacity` is (M,), and lane l belongs to device l // (L // M). Units: cycles, Hz, s.
"""

import math

import numpy as np

from lyaopt._kernels.slot.block_rows import (
    EFFORT,
    FLOOR,
    INVERSE,
    LEVEL,
    LIMIT,
    SCALE,
    TOTAL,
)
from lyaopt._kernels.slot.dispatch import (
    SOLVER_ROWS,
    block_arrays,
    block_width,
    exact_solver,
    fill,
    many_solver,
    multiplier_solver,
    only_device,
    spread,
    workspace,
)
from lyaopt._kernels.slot.marginal_costs import LOCAL, local_price
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline, lane_loop


@inline
def local_scale(tau, weight, delta):
    """Return tau / sqrt(3 U delta), infinite where energy is free; roots first: U delta may vanish."""
    return tau / (math.sqrt(3.0) * math.sqrt(weight) * math.sqrt(delta))


@lane_loop
def _report(given, found, capacity, tau, start, count, total, multiplier):
    for t in range(count):
        served = found[TOTAL, t]
        level = found[LEVEL, t]
        full = capacity[t]
        marginal = local_price(found[EFFORT, t], given[INVERSE, t], given[FLOOR, t])
        # a binding capacity is reported as given, not as (F tau) / tau
        total[start + t] = full if served >= given[LIMIT, t] else served / tau
        multiplier[start + t] = marginal if marginal > level else level


@lane_loop
def _limit(capacity, count, tau, given):
    for t in range(count):
        given[LIMIT, t] = capacity[t] * tau


def _solver(solve, one_by_one):
    @helper
    def within(queue, capacity, tau, weight, delta, cpu, total, multiplier, work):
        """Write `cpu` (N, L) in Hz, `total` (L,) = sum f in Hz, and `multiplier` (L,) nu in cycles.

        `work` are as many doubles as `workspace` says.
        """
        items, lanes = queue.shape
        width = block_width(items, lanes, one_by_one)
        given, found, scratch, rows = block_arrays(work, items, width, one_by_one)
        device_capacity = scratch[SOLVER_ROWS]
        scale = local_scale(tau, weight, delta)
        fill(given[SCALE], width, scale)
        fill(given[INVERSE], width, 1.0 / scale)
        fill(given[FLOOR], width, 0.0)
        spread_for = -1
        for start in range(0, lanes, width):
            count = min(width, lanes - start)
            device = only_device(lanes, capacity.size, start, count)
            if device == -1 or device != spread_for:
                spread(capacity, lanes, start, count, device_capacity)
                _limit(device_capacity, count, tau, given)
            spread_for = device
            solve(queue, start, count, given, found, scratch, rows, tau, cpu)
            _report(given, found, device_capacity, tau, start, count, total, multiplier)

    return within


def _allocating(within, one_by_one):
    def batch(queue, capacity, tau, weight, delta, cpu, total, multiplier):
        work = np.empty(workspace(queue.shape[0], queue.shape[1], one_by_one))
        within(queue, capacity, tau, weight, delta, cpu, total, multiplier, work)

    return batch


_SIGNATURE = "void(f8[:,::1], f8[::1], f8, f8, f8, f8[:,::1], f8[::1], f8[::1])"
# for kernels that solve several problems, and have a workspace
local_lanes = _solver(exact_solver(LOCAL, (2, 4), at_once=True), False)
local_lanes_many = _solver(many_solver(LOCAL), True)
_bisection = _solver(multiplier_solver(LOCAL), False)
local_exact = Kernel("local_exact", _SIGNATURE, _allocating(local_lanes, False))
local_bisection = Kernel("local_bisection", _SIGNATURE, _allocating(_bisection, False))
local_many = Kernel("local_many", _SIGNATURE, _allocating(local_lanes_many, True))
