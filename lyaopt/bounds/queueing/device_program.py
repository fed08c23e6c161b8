"""LB4 of one device at given tolls, and its slope in them.

    sum_n lambda_n tau E[ m_n(X') | a task of n comes ] - E phi^l - E phi^t,

where m_n(x) is the least, over the cuts of a task born in state x, of U at its first stage and of the cost at
the edge. Everything is in waiting costs of a task in a slot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lyaopt._kernels.bounds.step_costs import Chain, Grid, Tolls
from lyaopt.arrays import Floats, Integers
from lyaopt.bounds.queueing.reference_chain import ReferenceChain, as_chain
from lyaopt.bounds.queueing.resources import Resource
from lyaopt.bounds.queueing.sub_solution import SubSolution, TaskProblem
from lyaopt.bounds.queueing.task_table import TaskTable


@dataclass(frozen=True)
class Prices:
    """Tolls that are wanted at both machines.

    Attributes
    ----------
    local : ndarray (Xl, 1)
        phi^l in each state of the chain at the CPU.
    transmit : ndarray (Xt, J)
        phi^t in each state of the chain at the radio and of the fading.
    """

    local: Floats
    transmit: Floats


@dataclass
class ServiceCosts:
    """m_n of one service, and what it is the least of.

    Attributes
    ----------
    least : ndarray (S,)
        m_n by state of the joint chain.
    cut : ndarray (S,)
        The cut it is of; -1 for one that was not looked into.
    staged : dict
        U of cuts with work at both machines, on the joint chain.
    """

    least: Floats
    cut: Integers
    staged: dict[int, SubSolution] = field(default_factory=dict)

    def offer(self, cut: int, cost: Floats) -> None:
        """Take a cut in the states (S,) in which its cost is less."""
        better = cost < self.least
        self.least[better], self.cut[better] = cost[better], cut


@dataclass(frozen=True)
class Evaluation:
    """LB4 of a device at tolls.

    Attributes
    ----------
    value : float
        The bound, or, without certification, nearly.
    residual : float
        Largest residual of the functions U.
    tolls : (Tolls, Tolls)
        Tolls that were charged.
    services : sequence of ServiceCosts
        Of each service.
    local, transmit : dict
        U of each machine by waiting cost.
    """

    value: float
    residual: float
    tolls: tuple[Tolls, Tolls]
    services: list[ServiceCosts]
    local: dict[float, SubSolution]
    transmit: dict[float, SubSolution]


class DeviceProgram:
    """LB4 of one device as a function of tolls.

    Parameters
    ----------
    resources : (Resource, Resource)
        CPU and radio.
    tasks : TaskTable
        Its tasks.
    chain : ReferenceChain
        What machine time is priced by.
    grids : callable
        Nodes of work, given the machine (0 or 1) and the waiting cost.
    """

    def __init__(
        self, resources: tuple[Resource, Resource], tasks: TaskTable, chain: ReferenceChain, grids: Any
    ) -> None:
        self.resources, self.tasks, self.chain = resources, tasks, chain
        self._sides = chain.local.chain, chain.transmit.chain
        self._joint: Chain = as_chain(chain.joint)
        self._holds = sorted({float(h) for h, kept in zip(tasks.hold, tasks.kept, strict=True) if kept.size})
        self._grids = {(i, hold): grids(i, hold) for i in (0, 1) for hold in self._holds}

    def evaluate(self, prices: Prices, passes: int = 0) -> Evaluation:
        """LB4 at tolls.

        Parameters
        ----------
        prices : Prices
            Tolls that are wanted.
        passes : int
            Rounds of certification; 0 for a value near the bound.
        """
        wanted = prices.local, prices.transmit
        tolls = self.resources[0].tolls(wanted[0]), self.resources[1].tolls(wanted[1])
        local, transmit = ({h: self._alone(i, h, tolls[i], passes) for h in self._holds} for i in (0, 1))
        value = -self._mean_toll(tolls)
        found = [*local.values(), *transmit.values()]
        services = []
        for n, born in enumerate(self.chain.born):
            costs = self._service(n, local, transmit, passes)
            if born.sum() > 0.0:
                value = value + born @ costs.least
            services.append(costs)
            found += costs.staged.values()
        run = self.chain.long_run
        mean = run.least_mean(value) if passes else float(run.law @ value)
        residual = max((one.residual for one in found), default=0.0)
        return Evaluation(mean, residual, tolls, services, local, transmit)

    def _alone(self, machine: int, hold: float, tolls: Tolls, passes: int) -> SubSolution:
        grid = Grid(self._grids[machine, hold], np.zeros(len(tolls.toll)))
        one = self.resources[machine].machine
        return TaskProblem(one, tolls, self._sides[machine], grid, hold).value(passes)

    def _mean_toll(self, tolls: tuple[Tolls, Tolls]) -> Floats:
        """Tolls in each state of the joint chain."""
        sides = self.chain.local, self.chain.transmit
        each = [
            (toll.toll @ one.machine.share)[side.of_joint]
            for toll, one, side in zip(tolls, self.resources, sides, strict=True)
        ]
        return np.asarray(each[0] + each[1])

    def _service(self, n: int, local: Any, transmit: Any, passes: int) -> ServiceCosts:
        """m_n, with U of two stages only for cuts that might be best."""
        tasks, chain, hold = self.tasks, self.chain, float(self.tasks.hold[n])
        states = chain.joint.shape[0]
        costs = ServiceCosts(np.full(states, tasks.least_of_others[n]), np.full(states, -1))
        both = []
        for k in tasks.kept[n]:
            cycles, bits, edge = tasks.local[n, k], tasks.transmit[n, k], tasks.edge[n, k]
            first = local[hold].at(cycles)[chain.local.of_joint] + edge
            then = transmit[hold].at(bits)
            if cycles > 0.0 and bits > 0.0:
                both.append((k, np.maximum(first + then.min(), tasks.alone[n, k])))
            else:
                costs.offer(k, first + then[chain.transmit.of_joint])
        for k, least in sorted(both, key=lambda pair: float(pair[1].min())):
            if (least < costs.least).any():
                costs.staged[k] = self.staged(n, k, local[hold], transmit[hold], passes)
                costs.offer(k, costs.staged[k].values[:, -1] + tasks.edge[n, k])
        return costs

    def staged(
        self, service: int, cut: int, local: SubSolution, transmit: SubSolution, passes: int
    ) -> SubSolution:
        """U of a task with work at both machines, on the joint chain, while it is at the CPU.

        Parameters
        ----------
        service, cut : int
            Whose task.
        local, transmit : SubSolution
            U of a task at the CPU alone, whose grid and tolls are used, and at the radio.
        passes : int
            Rounds of certification.
        """
        side, tasks = self.chain.local, self.tasks
        spread = Tolls(*(np.ascontiguousarray(table[side.of_joint]) for table in local.problem.tolls))
        work = local.problem.grid.work[: local.node(tasks.local[service, cut]) + 1].copy()
        after = self.chain.joint @ transmit.at(tasks.transmit[service, cut])[self.chain.transmit.of_joint]
        machine, hold = self.resources[0].machine, float(tasks.hold[service])
        return TaskProblem(machine, spread, self._joint, Grid(work, after), hold).value(passes)
