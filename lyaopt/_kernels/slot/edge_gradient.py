"""Derivatives through Problem 5, edge CPU: a loss of the allocation and of the optimal value.

In the terms of active_set.py the supply is S = F^e wherever an item is served in part. The envelope theorem
gives dV/dF^e = -tau nu and dV/dtau = -nu S (nu is 0 where all is served).
"""

import functools
import math

import numpy as np

from lyaopt._kernels.slot.active_set import (
    BLOCK_WIDTH,
    block_range,
    find_active_set,
    new_rows,
    write_items,
)
from lyaopt._kernels.slot.general_blocks import spread_lanes
from lyaopt._kernels.slot.general_problems import GeneralEdgeProblem
from lyaopt._kernels.slot.gradient_types import EdgeGradient, gradient_signature, write_parameter
from lyaopt._kernels.slot.problems import EdgeAllocation
from lyaopt._kernels.toolchain.jit import Kernel, lane_loop


@lane_loop
def _supply(rows, capacity, by_capacity, count):
    """Set the derivatives by the capacity; without any, one more cycle of a limit gains nothing."""
    for t in range(count):
        worth = rows.value[t] * rows.multiplier[t]
        supplied = rows.mean[t] if rows.threshold[t] >= 0.0 else 0.0
        by_capacity[t] = supplied - worth * rows.tau[t]
        rows.by_tau[t] = -worth * rows.total[t]
        nu = rows.multiplier[t]
        rows.multiplier[t] = nu if capacity[t] > 0.0 else math.inf


def _edge_gradient(problem, allocation, cotangents, gradient):
    lane_count = problem.weights.shape[1]
    width = min(BLOCK_WIDTH, lane_count)
    rows, capacity, by_capacity = new_rows(width), np.empty(width), np.empty(width)
    for start in range(0, lane_count, BLOCK_WIDTH):
        lanes = block_range(start, lane_count)
        find_active_set(problem, allocation.cpu, allocation.multiplier, cotangents, lanes, rows)
        spread_lanes(problem.capacity, lane_count, lanes, capacity)
        _supply(rows, capacity, by_capacity, lanes.count)
        write_items(problem, allocation.cpu, cotangents, gradient, lanes, rows)
        write_parameter(by_capacity, lanes, gradient.capacity)
        write_parameter(rows.by_tau, lanes, gradient.tau)


edge_gradient = Kernel(
    "edge_gradient",
    functools.partial(gradient_signature, GeneralEdgeProblem, EdgeAllocation, EdgeGradient),
    _edge_gradient,
)
