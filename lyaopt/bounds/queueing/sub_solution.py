"""Functions below what a task pays at least, with the proof: a residual over every cell of work.

U is solved at the nodes of a grid. Between them it is a chord, which exceeds the least cost where that is
convex; so where the certificate finds U too high, it is solved again with a little less to pay for a slot.
What remains, at most r in units of the cost of waiting for a slot, is removed by dividing U by 1 + r: if
U <= (1 + r) hold + E min [C + E U'], the same holds of U / (1 + r) without r, as C >= 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.bounds.step_costs import Chain, Grid, Machine, Tolls
from lyaopt._kernels.bounds.task_residuals import task_residuals
from lyaopt._kernels.bounds.task_values import task_values
from lyaopt._kernels.bounds.task_visits import task_visits
from lyaopt.arrays import Floats
from lyaopt.bounds.queueing.long_run_mean import rounding

_TOLERANCE = 1e-7
_ENOUGH = 1e-5
"""A residual that is not worth another round."""
_MARGIN = 1.05
"""What is taken off the cost of a slot, over what was found too much."""


@dataclass(frozen=True)
class TaskProblem:
    """A task at one machine.

    Attributes
    ----------
    machine, tolls, chain, grid : Machine, Tolls, Chain, Grid
        As the kernels take them.
    hold : float
        Cost of waiting for a slot.
    """

    machine: Machine
    tolls: Tolls
    chain: Chain
    grid: Grid
    hold: float

    def value(self, passes: int = 0) -> SubSolution:
        """Solve it.

        Parameters
        ----------
        passes : int
            Most rounds of certification; without any, U is what the task pays but for the grid's error.
        """
        shape = len(self.grid.after), len(self.grid.work)
        values, paid = np.empty(shape), np.full(shape, self.hold)
        arguments = self.machine, self.tolls, self.chain, self.grid
        task_values(*arguments, paid, _TOLERANCE, values)
        excess = 0.0
        for done in range(passes):
            node, cell = residuals = np.empty((2, *shape))
            task_residuals(*arguments, self.hold, values, residuals)
            excess = self._excess(node, cell, values)
            if excess <= _ENOUGH * self.hold or done == passes - 1:
                break
            paid = np.minimum(paid, self.hold - _MARGIN * _both_sides(cell))
            task_values(*arguments, paid, _TOLERANCE, values)
        factor = 1.0 + excess / self.hold
        return SubSolution(self, values / factor, excess / self.hold)

    def _excess(self, node: Floats, cell: Floats, values: Floats) -> float:
        """Largest residual of all cells, and what rounding may hide."""
        worst = float(node.max())
        if cell.shape[1] > 1:
            ends = np.maximum(node[:, :-1], node[:, 1:])
            worst = max(worst, float((ends + cell[:, :-1]).max()))
        terms = int(np.diff(self.chain.first).max()) + len(self.machine.share)
        return max(worst, 0.0) + rounding(terms, float(values.max() + self.grid.after.max() + self.hold))


def _both_sides(cell: Floats) -> Floats:
    """For each node the larger residual of the cells above and below it."""
    before = np.zeros_like(cell)
    before[:, 1:] = cell[:, :-1]
    return np.maximum(before, cell)


@dataclass(frozen=True)
class SubSolution:
    """U of a task.

    Attributes
    ----------
    problem : TaskProblem
        What it is of.
    values : ndarray (X, I)
        U at the nodes.
    residual : float
        r, by which it was too high; 0 where it is not certified.
    """

    problem: TaskProblem
    values: Floats
    residual: float

    def at(self, work: float) -> Floats:
        """U at a node's work (X,), 0 where there is none.

        Parameters
        ----------
        work : float
            Work of a node of the grid, or 0.
        """
        if work == 0.0:
            return np.zeros(len(self.values))
        return self.values[:, self.node(work)]

    def node(self, work: float) -> int:
        """Position of the node with this work."""
        return int(np.searchsorted(self.problem.grid.work, work))

    def follow(self, starting: Floats) -> tuple[Floats, Floats]:
        """Machine time that tasks use (X, J), in slots, and the states in which they are done (X,).

        Parameters
        ----------
        starting : ndarray (X, I)
            How many tasks start at each node.
        """
        problem = self.problem
        used, finished = np.zeros(problem.tolls.toll.shape), np.zeros(len(self.values))
        arguments = problem.machine, problem.tolls, problem.chain, problem.grid
        task_visits(*arguments, self.values, starting.copy(), used, finished)
        return used, finished
