"""By how much a function is not below what a task pays at least: the certificate of task_values.py.

For U linear between the nodes of its grid, with M_j(b) the cost of the best step from b in state j of the
machine, every b > 0 must have U(x, b) <= hold + E_j M_j(b). M_j is the least of C(b - b') + W(b') over b'.
In a pair of cells, of b and of b', this is convex, and less a linear function it is least at an edge:

- at the nodes b it is M_j, which `cheapest_step` finds exactly;
- at nodes b', with b anywhere in its cell, it is compared with the chord of M_j over the cell. The least
  difference is where C has the chord's slope, or at an end.

So E_j M_j is at least its chord less what was found, and U, linear in the cell, is compared at its ends.
"""

import numpy as np

from lyaopt._kernels.bounds.cheapest_step import cheapest_step
from lyaopt._kernels.bounds.step_costs import (
    Chain,
    Grid,
    Machine,
    Tolls,
    fill_means,
    marginal_cost,
    step_cost,
    terms_of,
    work_at,
)
from lyaopt._kernels.simulation.state_types import compiled_signature
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline


@inline
def _below_chord(terms, cell, chord, base, later):
    """Return by how much steps from the cell (low, high] down to `base` are cheaper than the chord, at most.

    `later` is what such a step leaves to pay, `chord` the value at `low` and the slope.
    """
    low, high = cell
    value, slope = chord
    least, greatest = low - base, min(high - base, terms[2])
    done = least
    if slope > marginal_cost(terms, least):
        done = min(max(work_at(terms, slope), least), greatest)
    return value + slope * (done - least) - (step_cost(terms, done) + later)


@helper
def _cell_gap(terms, grid, x, i, chord, rows):
    """Return by how much the best steps from the cell above node i are cheaper than the chord of M_j."""
    work = grid.work
    means, steepest = rows
    cell = work[i], work[i + 1]
    gap = 0.0
    if cell[0] <= terms[2]:
        gap = max(gap, _below_chord(terms, cell, chord, 0.0, grid.after[x]))
    for c in range(i, -1, -1):
        least = work[i] - work[c]
        if least > terms[2]:
            break
        gap = max(gap, _below_chord(terms, cell, chord, work[c], means[x, c]))
        if marginal_cost(terms, least) >= steepest[x, c]:
            break
    return gap


def _task_residuals(machine, tolls, chain, grid, hold, values, residuals):
    """Write what U exceeds its limit by into `residuals` (2, X, I).

    Parameters
    ----------
    machine, tolls, chain, grid : Machine, Tolls, Chain, Grid
        See step_costs.py.
    hold : float
        Cost of waiting for a slot.
    values : (X, I) array
        U at the nodes.
    residuals : (2, X, I) array
        In row 0 at the nodes, negative where there is room; in row 1 what is to be added to the larger one
        of both ends in the cell above each node, never negative.
    """
    means, steepest = np.empty(values.shape), np.empty(values.shape)
    fill_means(chain, grid.work, values, means, steepest)
    rows = means, steepest
    residuals[0] = values - hold
    residuals[1] = 0.0
    for x in range(values.shape[0]):
        for j in range(machine.share.size):
            terms = terms_of(machine, tolls, x, j)
            before = cheapest_step(terms, grid, x, (0, 0), means, steepest)[0]
            residuals[0, x, 0] -= machine.share[j] * before
            for i in range(grid.work.size - 1):
                then = cheapest_step(terms, grid, x, (i + 1, i + 1), means, steepest)[0]
                residuals[0, x, i + 1] -= machine.share[j] * then
                slope = (then - before) / (grid.work[i + 1] - grid.work[i])
                gap = _cell_gap(terms, grid, x, i, (before, slope), rows)
                residuals[1, x, i] += machine.share[j] * gap
                before = then


def _signature():
    tuples = Machine, Tolls, Chain, Grid
    return compiled_signature("void", *tuples, "f8", "f8[:,::1]", "f8[:,:,::1]")


task_residuals = Kernel("task_residuals", _signature, _task_residuals)
