"""Problem 5, edge CPU: maximise tau sum f_n Q_n over all services of all devices.

Subject to sum f <= F and 0 <= f <= Q / tau. Shapes: `queue` and `cpu` are (S, B), one lane a slot.
Units: cycles, Hz, s.
"""

import numpy as np

from lyaopt._kernels.slot.block_rows import FLOOR, INVERSE, LEVEL, LIMIT, SCALE
from lyaopt._kernels.slot.dispatch import (
    block_arrays,
    block_width,
    exact_solver,
    fill,
    many_solver,
    multiplier_solver,
    workspace,
)
from lyaopt._kernels.slot.marginal_costs import EDGE
from lyaopt._kernels.toolchain.jit import Kernel, helper


def _solver(solve, one_by_one):
    @helper
    def within(queue, capacity, tau, cpu, multiplier, work):
        """Write `cpu` (S, B) in Hz, and `multiplier` (B,) nu in cycles (0 if all is served).

        `work` are as many doubles as `workspace` says.
        """
        items, lanes = queue.shape
        width = block_width(items, lanes, one_by_one)
        given, found, scratch, rows = block_arrays(work, items, width, one_by_one)
        fill(given[LIMIT], width, capacity * tau)
        fill(given[SCALE], width, 1.0)
        fill(given[INVERSE], width, 1.0)
        fill(given[FLOOR], width, 0.0)
        for start in range(0, lanes, width):
            count = min(width, lanes - start)
            solve(queue, start, count, given, found, scratch, rows, tau, cpu)
            for t in range(count):
                multiplier[start + t] = found[LEVEL, t]

    return within


def _allocating(within, one_by_one):
    def batch(queue, capacity, tau, cpu, multiplier):
        work = np.empty(workspace(queue.shape[0], queue.shape[1], one_by_one))
        within(queue, capacity, tau, cpu, multiplier, work)

    return batch


_SIGNATURE = "void(f8[:,::1], f8, f8, f8[:,::1], f8[::1])"
# for kernels that solve several problems, and have a workspace
edge_lanes = _solver(exact_solver(EDGE, (4, 8), at_once=True), False)
edge_lanes_many = _solver(many_solver(EDGE), True)
_bisection = _solver(multiplier_solver(EDGE), False)
edge_exact = Kernel("edge_exact", _SIGNATURE, _allocating(edge_lanes, False))
edge_bisection = Kernel("edge_bisection", _SIGNATURE, _allocating(_bisection, False))
edge_many = Kernel("edge_many", _SIGNATURE, _allocating(edge_lanes_many, True))
