"""The state of B copies of a system, and the kernel call that takes it forward."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from lyaopt._kernels import fifo, period
from lyaopt._kernels.grouped import Chance, Model, Record, Systems, Tasks, Trace
from lyaopt._kernels.levels import NETWORK_ITEMS
from lyaopt._kernels.stream_options import CHANNEL_ROWS
from lyaopt.problem import Floats
from lyaopt.simulate.layout import Layout
from lyaopt.simulate.traces import Trace as Recorded
from lyaopt.streams import make_streams
from lyaopt.system import Integers, System

_FIRST_ROOM = 1024
"""Tasks and finished tasks that there is room for at first; both tables grow."""


def _kernel_for(layout: Layout) -> Any:
    if layout.rows > NETWORK_ITEMS:
        return period.advance_many
    return period.advance_some if layout.rows * layout.devices > NETWORK_ITEMS else period.advance_few


class State:
    """Queues, tasks, ledgers and sums; arrays as lyaopt/_kernels/period.py lays them out.

    Attributes
    ----------
    system : System
    layout : Layout
    slot : int
        The slot to be taken next.
    """

    def __init__(
        self, system: System, systems: int, seed: int, trace: Recorded | None, replications: int
    ) -> None:
        self.system = system
        self.layout = layout = Layout.of(system, systems)
        self.slot = 0
        self._kernel = _kernel_for(layout)
        self._systems = _empty_systems(system, layout)
        self._tasks = Tasks(
            np.zeros((_FIRST_ROOM, fifo.TASK_COLUMNS), np.int64),
            np.array([-1, 0, 0, 0]),
            np.zeros((_FIRST_ROOM, fifo.LOG_COLUMNS), np.int64),
        )
        self._model = Model(self._scalars, self._devices, self._amounts)
        self._chance = _chance(system, layout, seed, replications)
        self._trace = _spread_trace(layout, trace)

    @cached_property
    def _scalars(self) -> Floats:
        system = self.system
        values = np.empty(6)
        values[period.TAU] = system.slot_duration_s
        values[period.DELTA] = system.energy_coefficient
        values[period.WEIGHT_LOCAL] = system.energy_weight_local
        values[period.WEIGHT_TRANSMIT] = system.energy_weight_transmit
        values[period.EDGE_CAPACITY] = system.edge_capacity_hz
        values[period.NOISE] = system.noise_w_per_hz
        return values

    @cached_property
    def _devices(self) -> Floats:
        rows = np.empty((3, self.layout.devices))
        rows[period.CPU_CAPACITY] = self.system.cpu_capacity_hz
        rows[period.MAX_POWER] = self.system.max_power_w
        rows[period.BANDWIDTH] = self.system.device_bandwidth_hz
        return rows

    @cached_property
    def _amounts(self) -> Floats:
        tables = (self.system.local_cycles, self.system.transmit_bits, self.system.edge_cycles)
        spread = self.layout.spread([table.T for table in tables])
        return np.ascontiguousarray(np.moveaxis(spread, 1, -1))

    def advance(self, slots: int, plan: Integers, recording: bool) -> tuple[Floats, Floats]:
        """Take all systems `slots` further under a plan (P, blocks, N, L); return what was recorded.

        The records are (slots, rows, S, B) and (slots, rows, M, B), of no slots unless `recording`.
        """
        layout, kept = self.layout, slots if recording else 0
        record = Record(
            np.empty((layout.blocks, kept, period.SERVICE_RECORDS, layout.rows, layout.lanes)),
            np.empty((layout.blocks, kept, period.DEVICE_RECORDS, layout.lanes)),
        )
        table, log = self._kernel(
            self.slot,
            self.slot + slots,
            self.system.slots_per_period,
            layout.width,
            self._model,
            self._chance,
            self._trace,
            plan,
            self._systems,
            self._tasks,
            record,
        )
        self._tasks = self._tasks._replace(table=table, log=log)
        self.slot += slots
        return layout.by_service(record.services), layout.by_device(record.devices)

    def take_finished(self) -> Integers:
        """Tasks finished since the last call (D, 4): system, service, slot of birth, slot when done."""
        pool, log = self._tasks.pool, self._tasks.log
        lines = log[: pool[fifo.LOGGED]]
        system = lines[:, fifo.SYSTEM]
        service = self.layout.service_at[lines[:, fifo.ROW], lines[:, fifo.DEVICE]]
        finished = np.stack([system, service, lines[:, fifo.BORN], lines[:, fifo.DONE]], axis=1)
        pool[fifo.LOGGED] = 0
        return finished[system < self.layout.systems]

    def take_sums(self) -> tuple[Floats, Floats]:
        """Sums over the whole periods since the last call: (rows, S, B) and (rows, M, B)."""
        services = self.layout.by_service(self._systems.service_sums[:, period.PAST])
        devices = self.layout.by_device(self._systems.device_sums[:, period.PAST])
        self._systems.service_sums[:, period.PAST] = 0.0
        self._systems.device_sums[:, period.PAST] = 0.0
        return services, devices

    def present_sums(self) -> tuple[Floats, Floats]:
        """The same over the slots of the period that is not over, or of the last one if it is."""
        services = self.layout.by_service(self._systems.service_sums[:, period.PRESENT])
        return services, self.layout.by_device(self._systems.device_sums[:, period.PRESENT])

    def present_means(self) -> tuple[Floats, Floats, Floats]:
        """Means over the last period of backlogs and rates (3, S, B), and of the power (M, B)."""
        slots = self.system.slots_per_period
        services, devices = self.present_sums()
        backlogs = services[period.BACKLOGS : period.BACKLOGS + fifo.STAGES] / slots
        rates = services[period.RATES : period.RATES + fifo.STAGES] / slots
        return backlogs, rates, devices[period.POWER] / slots

    def backlog(self) -> Floats:
        """Q^l, Q^t, Q^e (3, S, B)."""
        return self.layout.by_service(self._systems.work[:, fifo.BACKLOG])

    def last_gain(self) -> Floats:
        """h in the last slot (M, B); the mean gain before the first one."""
        return self.layout.by_device(self._systems.seen)

    def points(self) -> Integers:
        """Partition points in force (S, B)."""
        return self.layout.by_service(self._systems.cuts)

    def ledger(self) -> tuple[Integers, Integers, Integers]:
        """Tasks born, completed, and in the queues, each (S, B)."""
        counts = self.layout.by_service(self._systems.ledger)
        waiting = self.layout.by_service(self._systems.links[:, fifo.WAITING])
        return counts[period.BORN], counts[period.COMPLETED], waiting.sum(axis=0)


def _empty_systems(system: System, layout: Layout) -> Systems:
    blocks, shape = layout.blocks, (layout.rows, layout.lanes)
    work = np.zeros((blocks, fifo.WORK_ROWS, fifo.STAGES, *shape))
    work[:, fifo.HEAD] = np.inf
    links = np.zeros((blocks, fifo.LINK_ROWS, fifo.STAGES, *shape), np.int64)
    links[:, [fifo.FIRST, fifo.LAST]] = -1
    return Systems(
        work=work,
        links=links,
        cuts=np.zeros((blocks, *shape), np.int64),
        ledger=np.zeros((blocks, 2, *shape), np.int64),
        service_sums=np.zeros((blocks, 2, period.SERVICE_SUMS, *shape)),
        device_sums=np.zeros((blocks, 2, period.DEVICE_SUMS, layout.lanes)),
        seen=np.tile(np.repeat(system.mean_channel_gain(), layout.width), (blocks, 1)),
        channel=np.zeros((blocks, CHANNEL_ROWS, layout.lanes)),
        busy=np.zeros((blocks, *shape), np.bool_),
    )


def _chance(system: System, layout: Layout, seed: int, replications: int) -> Chance:
    """What draws channels and arrivals; those of one block of systems, but for their numbers.

    System b draws as system b mod `replications`.
    """
    streams = make_streams(system, seed, range(layout.width))
    first = np.arange(layout.blocks, dtype=np.uint32)[:, None] * np.uint32(layout.width)
    return Chance(
        streams.seed,
        streams.options,
        (first + streams.lane_system) % np.uint32(replications),
        streams.lane_device,
        streams.lane_gain,
        streams.lane_distance,
        streams.mean,
    )


def _spread_trace(layout: Layout, trace: Recorded | None) -> Trace:
    if trace is None:
        return Trace(np.empty((0, layout.devices)), np.empty((0, layout.rows, layout.devices), np.int64))
    return Trace(np.array(trace.channel_gain), layout.spread(trace.arrivals, np.int64))
