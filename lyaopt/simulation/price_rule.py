"""The allocation rule by prices, as tables for the kernels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lyaopt._kernels.simulation.price_function import PricedCuts, PricedQueues, price_cuts, price_weights
from lyaopt._kernels.simulation.priced_cuts import Cuts
from lyaopt._kernels.simulation.prices import Prices
from lyaopt._kernels.simulation.slow_channels import SlowChannels
from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation.kernel_arrays import make_model
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
    links : int
        E, edge servers: of several, `row` is the table of the radio of the link to the first one, and those
        to the others come next.
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
    links: int = 1

    @property
    def states(self) -> int:
        """X, states of a channel, or the links of a radio."""
        return self.links if self.slow is None else self.slow.states

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
        layout, queues, states = self._as_lanes(system, backlog, waiting, head_left, channel)
        found = np.empty(queues.backlog.shape)
        price_weights(queues, states, self.price_arrays(layout), found)
        local, transmit, edge = layout.by_service(found[None]).reshape(backlog.shape)
        return local, transmit, edge

    def points(
        self,
        system: System,
        backlog: Floats,
        waiting: Integers,
        head_left: Floats,
        channel: Integers | None = None,
    ) -> Integers:
        """Choose the best partition points of the next tasks.

        Parameters
        ----------
        system : System
            Gives tasks and capacities.
        backlog, waiting, head_left, channel : ndarray
            As of `weights`.

        Returns
        -------
        ndarray (S, ...)

        Raises
        ------
        ProblemError
            If the rule has no `cuts`.
        """
        if self.cuts is None or self.links > 1:
            raise ProblemError("$.cuts", "expected a rule that chooses partition points, for one edge server")
        layout, queues, states = self._as_lanes(system, backlog, waiting, head_left, channel)
        model = make_model(system, layout)
        priced = PricedCuts(
            model.amounts,
            model.scalars,
            self.price_arrays(layout),
            self.cut_arrays(layout, system.slots_per_period),
        )
        found = np.empty(queues.backlog.shape[1:], np.int64)
        price_cuts(queues, states, priced, found)
        return np.asarray(layout.by_service(found[None]).reshape(backlog.shape[1:]))

    def _as_lanes(
        self,
        system: System,
        backlog: Floats,
        waiting: Integers,
        head_left: Floats,
        channel: Integers | None,
    ) -> tuple[Layout, PricedQueues, Integers]:
        """A state of any shape (3, S, ...) as one block of lanes, with the states (L,) of its channels."""
        count, lead = backlog[0, 0].size, (3, backlog.shape[1])
        layout = replace(Layout.of(system, max(count, 1)), replications=count, width=count, blocks=1)

        def lanes(values: Any, dtype: Any) -> Any:
            spread = layout.to_lanes(np.reshape(values, (*lead, count)), dtype)
            return np.ascontiguousarray(spread[:, 0])

        queues = PricedQueues(
            lanes(backlog, np.float64), lanes(head_left, np.float64), lanes(waiting, np.int64)
        )
        if channel is None:
            return layout, queues, np.full(layout.lanes, self.states // 2)
        return layout, queues, np.array(channel, np.int64, order="C").reshape(-1)

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
