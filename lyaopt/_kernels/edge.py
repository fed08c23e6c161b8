"""Problem 5, edge CPU: maximise tau sum f_n Q_n over all services of all devices.

Subject to sum f <= F and 0 <= f <= Q / tau. Shapes: `queue` and `cpu` are (S, B), one lane a slot.
Units: cycles, Hz, s.
"""

import numpy as np

from lyaopt._kernels._jit import Kernel, helper
from lyaopt._kernels.costs import EDGE
from lyaopt._kernels.levels import (
    SCRATCH_ROWS,
    block_rows,
    block_width,
    exact_solver,
    fill,
    many_solver,
    multiplier_solver,
)
from lyaopt._kernels.rows import FLOOR, FOUND_ROWS, GIVEN_ROWS, INVERSE, LEVEL, LIMIT, SCALE


def _batch(solve, one_by_one):
    def batch(queue, capacity, tau, cpu, multiplier):
        """Write `cpu` (S, B) in Hz, and `multiplier` (B,) nu in cycles (0 if all is served)."""
        items, lanes = queue.shape
        width = block_width(items, lanes, one_by_one)
        given = np.empty((GIVEN_ROWS, width))
        found = np.empty((FOUND_ROWS, width))
        scratch = np.empty((SCRATCH_ROWS, width))
        rows = block_rows(items, width, one_by_one)
        fill(given[LIMIT], width, capacity * tau)
        fill(given[SCALE], width, 1.0)
        fill(given[INVERSE], width, 1.0)
        fill(given[FLOOR], width, 0.0)
        for start in range(0, lanes, width):
            count = min(width, lanes - start)
            solve(queue, start, count, given, found, scratch, rows, tau, cpu)
            for t in range(count):
                multiplier[start + t] = found[LEVEL, t]

    return batch


_SIGNATURE = "void(f8[:,::1], f8, f8, f8[:,::1], f8[::1])"
_exact = _batch(exact_solver(EDGE, (4, 8), at_once=True), False)
edge_lanes = helper(_exact)  # for kernels that solve several problems
edge_exact = Kernel("edge_exact", _SIGNATURE, _exact)
edge_bisection = Kernel("edge_bisection", _SIGNATURE, _batch(multiplier_solver(EDGE), False))
_many = _batch(many_solver(EDGE), True)
edge_lanes_many = helper(_many)
edge_many = Kernel("edge_many", _SIGNATURE, _many)
