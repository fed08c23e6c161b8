"""The allocation rule by prices, as tables for the kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.simulation.priced_cuts import Cuts
from lyaopt._kernels.simulation.prices import Prices
from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation.layout import Layout


@dataclass(frozen=True, eq=False)
class CutChoice:
    """Partition points chosen by what a task would add to the cost of what waits.

    Attributes
    ----------
    alone : ndarray (S,) of int
        Best point of a task alone.
    tried : ndarray (S, J) of int
        Points to choose from, then -1; a service with none keeps `alone`.
    edge_price : float
        Of the capacity of the edge, in J per cycle.
    delay_cost : ndarray (S,)
        Cost of the delay of later tasks, in J per cycle^2 of a task's work and the work at the edge.
    """

    alone: Integers
    tried: Integers
    edge_price: float
    delay_cost: Floats


@dataclass(frozen=True, eq=False)
class PriceRule:
    """What waiting costs, and what work on a CPU or radio costs while so much waits there.

    `lyaopt.policies.price_rule` makes one. It replaces U^l and U^t, and the backlogs as weights.

    Attributes
    ----------
    holding : ndarray (3, S)
        W per waiting task in each stage, or per cycle, bit, cycle.
    by_work : bool
        Whether each unit of work costs `holding`, or each waiting task.
    scale : ndarray (2, M)
        Of CPUs and radios: cells of the table for a holding cost of 1 W.
    price, integral : ndarray (2, M, C + 1)
        J per cycle and J per bit, at holding costs of (i / scale)^2 W, and its integral from 0.
    slope : ndarray (2, M)
        Of the price beyond the table, by holding cost.
    cuts : CutChoice or None
        None where the policy chooses the partition points.
    name : str
        In results.
    """

    holding: Floats
    by_work: bool
    scale: Floats
    price: Floats
    integral: Floats
    slope: Floats
    cuts: CutChoice | None = None
    name: str = "price"

    def weights(
        self, system: System, backlog: Floats, waiting: Integers, head_left: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Weigh services, for slot problems whose weights of energy are 1.

        Parameters
        ----------
        system : System
            Tells which device runs a service.
        backlog, head_left : ndarray (3, S, ...)
            Cycles, bits, cycles in each queue, and what is left of its first task.
        waiting : ndarray (3, S, ...) of int
            Tasks in each queue.

        Returns
        -------
        local, transmit, edge : ndarray (S, ...)
            Prices in J per cycle and J per bit, and at the edge the fall of holding cost by work.
        """
        rates = self.holding.reshape(*self.holding.shape, *(1,) * (backlog.ndim - 2))
        busy = waiting > 0
        cost = rates * (backlog if self.by_work else waiting)
        urgency = np.where(busy, rates / (1.0 if self.by_work else np.where(busy, head_left, 1.0)), 0.0)
        found = np.zeros(backlog.shape)
        for m in range(len(system.devices)):
            mine = system.services_of(m)
            for stage in (0, 1):
                for n in mine:
                    own = urgency[stage, n]
                    late = [urgency[stage, i] < own for i in mine[: n - mine.start]]
                    late += [urgency[stage, i] <= own for i in mine[n - mine.start :]]
                    behind = (np.stack(late) * cost[stage, mine.start : mine.stop]).sum(axis=0)
                    found[stage, n] = np.where(busy[stage, n], self._price(stage, m, behind), 0.0)
        return found[0], found[1], urgency[2]

    def _price(self, stage: int, device: int, cost: Floats) -> Floats:
        price, scale = self.price[stage, device], self.scale[stage, device]
        most = ((price.size - 1) / scale) ** 2
        beyond = self.slope[stage, device] * np.maximum(cost - most, 0.0)
        return np.asarray(np.interp(np.sqrt(cost) * scale, np.arange(price.size), price) + beyond)

    def price_arrays(self, layout: Layout) -> Prices:
        """Return the tables as the kernels take them.

        Parameters
        ----------
        layout : Layout
            Places of the services.
        """
        holding = np.ascontiguousarray(layout.spread(self.holding))
        tables = (self.scale, self.price, self.integral, self.slope)
        return Prices(int(self.by_work), holding, *(np.array(part, np.float64, order="C") for part in tables))

    def cut_arrays(self, layout: Layout, period: int) -> Cuts:
        """Return how points are chosen as the kernels take it.

        Parameters
        ----------
        layout : Layout
            Places of the services.
        period : int
            Slots between two choices.
        """
        shape = layout.rows, layout.devices
        if self.cuts is None:
            nothing = np.full((*shape, 1), -1)
            return Cuts(0, np.zeros(shape, np.int64), nothing, 0.0, np.zeros(shape))
        tried = np.moveaxis(layout.spread(self.cuts.tried.T + 1, np.int64), 0, -1) - 1
        return Cuts(
            period,
            layout.spread(self.cuts.alone, np.int64),
            np.ascontiguousarray(tried),
            float(self.cuts.edge_price),
            layout.spread(self.cuts.delay_cost),
        )
