"""Derivatives through Problem 3, local CPU: a loss of the allocation and of the optimal value.

In the terms of active_set.py the supply is S = F where the capacity binds, and else
S = sqrt(v / (3 U delta)), or the end of a segment of the device's table, which does not move. With the power
P and nu >= U P'(S) the envelope theorem gives

    dV/dF = -tau max(nu - U P'(F), 0) if S = F, else 0       dV/dU = tau P(S)
    dV/dtau = U P(S) - nu S                                  dV/ddelta = U tau S^3
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.slot.active_set import (
    BLOCK_WIDTH,
    block_range,
    find_active_set,
    new_rows,
    write_items,
)
from lyaopt._kernels.slot.blocks import lane_at
from lyaopt._kernels.slot.general_blocks import spread_lanes
from lyaopt._kernels.slot.general_problems import GeneralLocalProblem, of_lane
from lyaopt._kernels.slot.gradient_types import (
    LocalGradient,
    gradient_signature,
    write_parameter,
)
from lyaopt._kernels.slot.problems import LocalAllocation
from lyaopt._kernels.slot.staircase import hull_power, marginal_power
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline, lane_loop


class _Lane(NamedTuple):
    """Parameters of the lanes of a block, and the derivatives by them; (W,) each."""

    capacity: Any
    energy_weight: Any
    delta: Any
    by_capacity: Any
    by_energy_weight: Any
    by_delta: Any


@inline
def _new_lane(width):
    rows = np.empty((6, width))
    return _Lane(rows[0], rows[1], rows[2], rows[3], rows[4], rows[5])


@inline
def _at_capacity(total, capacity):
    # solvers report a capacity that binds as it is given
    return total >= capacity


@lane_loop
def _supply_cubic(rows, lane, count):
    """Set the derivatives by parameters for the cubic law, and complete the rows of the active set."""
    for t in range(count):
        capacity, weight, delta = lane.capacity[t], lane.energy_weight[t], lane.delta[t]
        total, tau, value, threshold = rows.total[t], rows.tau[t], rows.value[t], rows.threshold[t]
        partly, bound = threshold >= 0.0, _at_capacity(total, capacity)
        supplied = rows.mean[t] + rows.lane[t]  # by S
        # S = sqrt(v / (3 U delta)): by the logarithm of v, and minus that of U and of delta
        energy = 0.5 * supplied * total if partly & (threshold > 0.0) & (not bound) else 0.0
        rows.per_weight[t] = energy / (
            (threshold if threshold > 0.0 else 1.0) * (rows.group[t] if partly else 1.0)
        )
        # every f_i counts in the total; beside the mean of the group it cancels
        rows.mean[t] = rows.mean[t] if partly else -rows.lane[t]
        power = delta * total * total * total
        worth = rows.multiplier[t] - 3.0 * weight * delta * capacity * capacity
        worth = worth if bound & (worth > 0.0) else 0.0
        lane.by_capacity[t] = (supplied if partly & bound else 0.0) - value * tau * worth
        lane.by_energy_weight[t] = value * tau * power - energy / (weight if weight > 0.0 else 1.0)
        lane.by_delta[t] = value * tau * weight * total * total * total - energy / (
            delta if delta > 0.0 else 1.0
        )
        # U P - nu S with nu = U P'(S) + worth
        rows.by_tau[t] = value * (-2.0 * weight * power - worth * total)


@lane_loop
def _price_first_cycle(rows, lane, count):
    """Raise nu to infinity where there is no capacity: one more cycle of a limit gains nothing."""
    for t in range(count):
        nu = rows.multiplier[t]
        rows.multiplier[t] = nu if lane.capacity[t] > 0.0 else math.inf


@helper
def _supply_tables(problem, multiplier, lanes, rows, lane):
    """Put right what `_supply_cubic` set for devices with a table of operating points."""
    lane_count = problem.weights.shape[1]
    for t in range(lanes.count):
        curve = of_lane(problem.curve, lanes.start + t, lane_count)
        if curve < 0:
            continue
        total, tau, value = rows.total[t], rows.tau[t], rows.value[t]
        weight, capacity = lane.energy_weight[t], lane.capacity[t]
        ends, slopes = problem.curve_hz[curve], problem.curve_slope[curve]
        power = hull_power(ends, slopes, total)
        nu, bound = multiplier[lane_at(lanes.start, t)], _at_capacity(total, capacity)
        worth = max(nu - weight * marginal_power(ends, slopes, total), 0.0) if bound else 0.0
        supplied = rows.mean[t] + rows.lane[t]
        lane.by_capacity[t] = (supplied if bound & (rows.threshold[t] >= 0.0) else 0.0) - value * tau * worth
        lane.by_energy_weight[t] = value * tau * power
        lane.by_delta[t] = 0.0
        rows.per_weight[t] = 0.0
        rows.by_tau[t] = value * (weight * power - nu * total)
        if total == 0.0 and capacity > 0.0:
            rows.multiplier[t] = max(nu, weight * slopes[0])


def _local_gradient(problem, allocation, cotangents, gradient):
    lane_count = problem.weights.shape[1]
    width = min(BLOCK_WIDTH, lane_count)
    rows, lane = new_rows(width), _new_lane(width)
    for start in range(0, lane_count, BLOCK_WIDTH):
        lanes = block_range(start, lane_count)
        find_active_set(problem, allocation.cpu, allocation.multiplier, cotangents, lanes, rows)
        spread_lanes(allocation.total, lane_count, lanes, rows.total)
        spread_lanes(problem.capacity, lane_count, lanes, lane.capacity)
        spread_lanes(problem.energy_weight, lane_count, lanes, lane.energy_weight)
        spread_lanes(problem.delta, lane_count, lanes, lane.delta)
        _supply_cubic(rows, lane, lanes.count)
        _price_first_cycle(rows, lane, lanes.count)
        if problem.curve_hz.size > 0:
            _supply_tables(problem, allocation.multiplier, lanes, rows, lane)
        write_items(problem, allocation.cpu, cotangents, gradient, lanes, rows)
        write_parameter(lane.by_capacity, lanes, gradient.capacity)
        write_parameter(lane.by_energy_weight, lanes, gradient.energy_weight)
        write_parameter(lane.by_delta, lanes, gradient.delta)
        write_parameter(rows.by_tau, lanes, gradient.tau)


local_gradient = Kernel(
    "local_gradient",
    functools.partial(gradient_signature, GeneralLocalProblem, LocalAllocation, LocalGradient),
    _local_gradient,
)
