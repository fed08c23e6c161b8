"""LB4 of a device whose channel is slow: prices of CPU time, and costs after the CPU by state of the channel.

    sum_n lambda_n tau E[ m_n(X', Z) | a task of n comes ] - E phi(X),
    m_n(x, z) = min_k max_o [ W(x, c_k; hold_o) + T_ko(z) ].

X, the chain, and Z, the channel at birth, know nothing of each other. The mean of W at two waiting costs h
and h' is a W at their mean. On a cell of z one way o is taken, so that costs are concave there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt._kernels.bounds.step_costs import Grid, Tolls
from lyaopt.arrays import Floats, Integers
from lyaopt.bounds.queueing.arrivals import ArrivalStates
from lyaopt.bounds.queueing.price_ascent import local_starts, toll_step
from lyaopt.bounds.queueing.reference_chain import ReferenceChain, reference_chain
from lyaopt.bounds.queueing.resources import Resource
from lyaopt.bounds.queueing.slow_tasks import SlowCut, SlowTasks
from lyaopt.bounds.queueing.sub_solution import SubSolution, TaskProblem
from lyaopt.bounds.queueing.work_grid import work_grid

_LEVELS = np.array([0.0, 0.3, 0.6, 0.85, 0.97, 1.0])
"""Waiting costs at the CPU, over those of the service, at which W is solved."""
_RARE = 0.01
"""Share of a service's tasks below which a cut is left out of the chain."""


@dataclass(frozen=True)
class SlowEvaluation:
    """LB4 of a device at tolls.

    Attributes
    ----------
    value : float
        The bound, or, without certification, nearly.
    residual : float
        Largest residual of the functions W.
    used : ndarray (X, 1)
        Mean CPU time that tasks use in a slot in each state; 0 with certification.
    """

    value: float
    residual: float
    used: Floats


class SlowProgram:
    """LB4 of one device as a function of the tolls of its CPU.

    Parameters
    ----------
    resources : (Resource, Resource)
        CPU, and the radio on the median channel, which only the chain's form needs.
    tasks : SlowTasks
        Its tasks.
    arrivals : ArrivalStates
        Arrivals at the device.
    chain_steps : int
        Steps of the chain.
    grid : (float, float)
        Distance of nodes of work near 0, in slots, and ratio of neighbouring distances.
    """

    def __init__(
        self,
        resources: tuple[Resource, Resource],
        tasks: SlowTasks,
        arrivals: ArrivalStates,
        chain_steps: int,
        grid: tuple[float, float],
    ) -> None:
        self.cpu, self.tasks = resources[0], tasks
        self.chain, self._born = _chain(resources, tasks, arrivals, chain_steps)
        self._side = self.chain.local.chain
        self._work = {}
        for hold in np.unique(tasks.hold):
            amounts = [cut.cycles for n in np.flatnonzero(tasks.hold == hold) for cut in tasks.cuts[n]]
            self._work[float(hold)] = work_grid(np.array([a for a in amounts if a > 0.0]), 1.0, *grid)

    def starts(self) -> Iterator[Floats]:
        """Tolls to start from."""
        return local_starts(self.cpu, self.chain.local.tasks)

    def moved(self, found: SlowEvaluation, prices: Floats, step: float) -> Floats:
        """Tolls that are higher where tasks use more time than there is.

        Parameters
        ----------
        found : SlowEvaluation
            What `evaluate` found.
        prices : ndarray (X, 1)
            Tolls it was at.
        step : float
            Size of the step.
        """
        return toll_step(prices, found.used, self.chain.long_run.law[:, None], step)

    def evaluate(self, prices: Floats, passes: int = 0) -> SlowEvaluation:
        """LB4 at tolls.

        Parameters
        ----------
        prices : ndarray (X, 1)
            Tolls that are wanted.
        passes : int
            Rounds of certification; 0 for a value near the bound.
        """
        tolls = self.cpu.tolls(prices)
        value = -tolls.toll[:, 0] - self.tasks.penalty
        used, residual = np.zeros(prices.shape), 0.0
        solved = {hold: self._solved(hold, tolls, passes) for hold in self._work}
        for n, hold in enumerate(self.tasks.hold):
            if self._born[n].sum() > 0.0:
                levels = solved[float(hold)]
                least, choice = self._least(n, levels)
                value = value + self._born[n] @ least
                if not passes:
                    self._use(n, levels, choice, used)
                residual = max([residual, *(one.residual for one in levels)])
        run = self.chain.long_run
        return SlowEvaluation(run.least_mean(value) if passes else float(run.law @ value), residual, used)

    def _solved(self, hold: float, tolls: Tolls, passes: int) -> list[SubSolution]:
        """W at the levels of waiting cost above 0, at which it is 0."""
        grid = Grid(self._work[hold], np.zeros(len(tolls.toll)))
        if hold == 0.0 or len(grid.work) < 2:
            return []
        problems = (TaskProblem(self.cpu.machine, tolls, self._side, grid, hold * f) for f in _LEVELS[1:])
        return [problem.value(passes) for problem in problems]

    def _local(self, cut: SlowCut, hold: float, levels: list[SubSolution]) -> Floats:
        """W of a cut in all states for each way (X, O)."""
        if cut.cycles == 0.0:
            return np.zeros((len(self.chain.local.tasks), len(cut.hold)))
        table = np.stack([np.zeros(len(levels[0].values)), *(one.at(cut.cycles) for one in levels)], axis=1)
        below, share = _between(cut.hold / hold)
        return table[:, below] * (1.0 - share) + table[:, below + 1] * share

    def _least(self, n: int, levels: list[SubSolution]) -> tuple[Floats, list[Floats]]:
        """Mean of m_n over the channel (X,), and how often each way of each cut is the least: (X, O) each."""
        tasks, states = self.tasks, len(self.chain.local.tasks)
        least = np.repeat(tasks.others[n][None], states, axis=0)
        cut_of, ways = np.full(least.shape, -1), []
        for number, cut in enumerate(tasks.cuts[n]):
            local = self._local(cut, float(tasks.hold[n]), levels)
            total = 2.0 * local[:, :, None] + cut.after.sum(axis=1)
            way = total.argmax(axis=1)
            cost = np.take_along_axis(local, way, axis=1)[:, None] + _of_ways(cut.after, way)
            better = cost < least
            least, cut_of = np.where(better, cost, least), np.where(better, number, cut_of)
            ways.append(way)
        counted = np.where(tasks.weight > 0.0, least, 0.0) * tasks.weight
        return counted.sum(axis=(1, 2)), self._choices(n, cut_of, ways)

    def _choices(self, n: int, cut_of: Integers, ways: list[Integers]) -> list[Floats]:
        """Probability (X, O) of each cut and way."""
        found = []
        for number, (cut, way) in enumerate(zip(self.tasks.cuts[n], ways, strict=True)):
            often = ((cut_of == number) * self.tasks.weight).sum(axis=1)
            found.append(np.stack([(often * (way == o)).sum(axis=1) for o in range(len(cut.hold))], axis=1))
        return found

    def _use(self, n: int, levels: list[SubSolution], choice: list[Floats], used: Floats) -> None:
        """Add the CPU time that tasks of a service use (X, 1)."""
        born = self.chain.long_run.law @ self._born[n]
        starting = [np.zeros(one.values.shape) for one in levels]
        for cut, often in zip(self.tasks.cuts[n], choice, strict=True):
            if cut.cycles == 0.0:
                continue
            below, share = _between(cut.hold / float(self.tasks.hold[n]))
            for o, (level, upper) in enumerate(zip(below, share, strict=True)):
                for i, part in ((level - 1, 1.0 - upper), (level, upper)):
                    if i >= 0 and part > 0.0:
                        starting[i][:, levels[i].node(cut.cycles)] += born * often[:, o] * part
        for one, mass in zip(levels, starting, strict=True):
            if mass.sum() > 0.0:
                used += one.follow(mass)[0]


def _between(shares: Floats) -> tuple[Integers, Floats]:
    """Level below each share of the waiting cost, and how far it is to the next."""
    below = np.clip(np.searchsorted(_LEVELS, shares, side="right") - 1, 0, len(_LEVELS) - 2)
    return below, np.clip((shares - _LEVELS[below]) / (_LEVELS[below + 1] - _LEVELS[below]), 0.0, 1.0)


def _of_ways(after: Floats, way: Integers) -> Floats:
    """The chosen way's (X, 2, C) of (O, 2, C), by state and cell (X, C)."""
    cells = np.arange(after.shape[2])
    return np.moveaxis(after[way, :, cells], 2, 1)


def _chain(
    resources: tuple[Resource, Resource], tasks: SlowTasks, arrivals: ArrivalStates, steps: int
) -> tuple[ReferenceChain, list[Any]]:
    """A chain at the CPU, and births by service.

    Tasks of a service are cut at random, as often in each way as is best for a task alone. Such a kind of
    tasks is like a service of its own.
    """
    kinds = [
        (n, cycles, share)
        for n, (amounts, shares) in enumerate(tasks.usual)
        for cycles, share in zip(amounts, shares, strict=True)
        if share > _RARE
    ]
    of = np.array([n for n, _, _ in kinds])
    share = np.array([kind[2] for kind in kinds])
    total = np.bincount(of, share, len(tasks.hold))
    mean = arrivals.tasks[of] * (share / total[of])[:, None]
    cycles = np.array([kind[1] for kind in kinds])
    split = ArrivalStates(arrivals.matrix, mean)
    chain = reference_chain(resources, (cycles, np.zeros(len(kinds))), split, steps)
    born: list[Any] = []
    for n in range(len(tasks.hold)):
        born.append(sum(chain.born[int(i)] for i in np.flatnonzero(of == n)))
    return chain, born
