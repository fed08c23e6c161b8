"""The allocation rule by prices, as tables for the kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.simulation.priced_cuts import Cuts
from lyaopt._kernels.simulation.prices import Prices
from lyaopt._kernels.simulation.slow_channels import SlowChannels
from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation.layout import Layout


@dataclass(frozen=True, eq=False)
class CutChoice:
    """Partition points chosen by what a task would add to the cost of what waits.

    Attributes
    ----------
    alone : ndarray (X, S) of int
        Best point of a task alone, in each state of its channel.
    tried : ndarray (S, J) of int
        Points to choose from, then -1; a service with none keeps `alone`.
    edge_share : ndarray (S,)
        Of the capacity of the edge, what more urgent tasks to come leave.
    delay_cost : ndarray (S,)
        Cost of the delay of later tasks, in J per cycle^2 of a task's work and the work at the edge.
    """

    alone: Integers
    tried: Integers
    edge_share: Floats
    delay_cost: Floats

    @property
    def usual(self) -> Integers:
        """Points (S,) of tasks alone in the middle state of their channels."""
        middle: Integers = self.alone[len(self.alone) // 2]
        return middle


@dataclass(frozen=True, eq=False)
class ChannelFilter:
    """Estimate of the shadowing of each channel from the gains: a Kalman filter in its steady state.

    Attributes
    ----------
    mean_log : ndarray (M,)
        Mean natural logarithm of the gain.
    share : float
        Of the deviation from the estimate that it takes over in a slot.
    correlation : float
        Of the shadowing, from one slot to the next.
    per_nat : float
        States for a change of the logarithm by 1.
    states : int
        X, odd; the middle one is that of no deviation.
    """

    mean_log: Floats
    share: float
    correlation: float
    per_nat: float
    states: int


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
        Of CPUs and radios: cells of the tables for a holding cost of 1 W.
    row : ndarray (2, S) of int
        Table of each service on its CPU and its radio; of the X states of a slow channel the worst one's.
    price, integral : ndarray (T, C + 1)
        J per cycle or J per bit, at holding costs of (i / scale)^2 W, and its integral from 0.
    slope : ndarray (T,)
        Of the price beyond the table, by holding cost.
    cuts : CutChoice or None
        None where the policy chooses the partition points.
    slow : ChannelFilter or None
        Of slow channels.
    joint : bool
        Whether the queues of a resource are in one order, or each is priced as if it were alone.
    name : str
        In results.
    """

    holding: Floats
    by_work: bool
    scale: Floats
    row: Integers
    price: Floats
    integral: Floats
    slope: Floats
    cuts: CutChoice | None = None
    slow: ChannelFilter | None = None
    joint: bool = True
    name: str = "price"

    @property
    def states(self) -> int:
        """X, states of a channel."""
        return 1 if self.slow is None else self.slow.states

    @property
    def memory(self) -> int:
        """Tables (3, N, L) that the rule keeps from slot to slot: for the levels of slow channels."""
        return int(self.slow is not None)

    def weights(
        self,
        system: System,
        backlog: Floats,
        waiting: Integers,
        head_left: Floats,
        channel: Integers | None = None,
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
        channel : ndarray (M, ...) of int, optional
            State of each channel; the middle one by default.

        Returns
        -------
        local, transmit, edge : ndarray (S, ...)
            Prices in J per cycle and J per bit, and at the edge the fall of holding cost by work.
        """
        rates = self.holding.reshape(*self.holding.shape, *(1,) * (backlog.ndim - 2))
        busy = waiting > 0
        cost = rates * (backlog if self.by_work else waiting)
        urgency = np.where(busy, rates / (1.0 if self.by_work else np.where(busy, head_left, 1.0)), 0.0)
        states = np.full((len(system.devices), *backlog.shape[2:]), self.states // 2)
        states = states if channel is None else channel
        found = np.zeros(backlog.shape)
        for stage in (0, 1):
            for m in range(len(system.devices)):
                mine = system.services_of(m)
                for n in mine:
                    own = urgency[stage, n]
                    late = [urgency[stage, i] < own for i in mine[: n - mine.start]]
                    late += [urgency[stage, i] <= own for i in mine[n - mine.start :]]
                    if not self.joint:
                        late = [np.full(own.shape, i == n) for i in mine]
                    behind = (np.stack(late) * cost[stage, mine.start : mine.stop]).sum(axis=0)
                    row = self.row[stage, n] + states[m] * stage
                    found[stage, n] = busy[stage, n] * self._price(behind, self.scale[stage, m], row)
        return found[0], found[1], urgency[2]

    def _price(self, cost: Floats, scale: float, row: Integers) -> Floats:
        last = self.price.shape[1] - 1
        place = np.sqrt(cost) * scale
        cell = np.minimum(place.astype(np.int64), last - 1)
        low, high = self.price[row, cell], self.price[row, cell + 1]
        beyond = self.slope[row] * np.maximum(cost - (last / scale) ** 2, 0.0)
        return np.asarray(low + np.minimum(place - cell, 1.0) * (high - low) + beyond)

    def price_arrays(self, layout: Layout) -> Prices:
        """Return the tables as the kernels take them.

        Parameters
        ----------
        layout : Layout
            Places of the services.
        """
        return Prices(
            int(self.by_work),
            int(self.joint),
            np.ascontiguousarray(layout.spread(self.holding)),
            np.array(self.scale, np.float64, order="C"),
            np.ascontiguousarray(layout.spread(self.row, np.int64)),
            np.array(self.price, np.float64, order="C"),
            np.array(self.integral, np.float64, order="C"),
            np.array(self.slope, np.float64, order="C"),
            self.states,
        )

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
            return Cuts(0, np.zeros((1, *shape), np.int64), nothing, np.ones(shape), np.zeros(shape))
        tried = np.moveaxis(layout.spread(self.cuts.tried.T + 1, np.int64), 0, -1) - 1
        return Cuts(
            period,
            np.ascontiguousarray(layout.spread(self.cuts.alone, np.int64)),
            np.ascontiguousarray(tried),
            layout.spread(self.cuts.edge_share),
            layout.spread(self.cuts.delay_cost),
        )

    def channel_arrays(self, layout: Layout) -> SlowChannels:
        """Return the filter of slow channels as the kernels take it.

        Parameters
        ----------
        layout : Layout
            Places of the devices.
        """
        slow = self.slow
        if slow is None:
            return SlowChannels(np.zeros(layout.devices), 0.0, 0.0, 0.0, 1)
        numbers = (float(slow.share), float(slow.correlation), float(slow.per_nat), slow.states)
        return SlowChannels(np.array(slow.mean_log), *numbers)
