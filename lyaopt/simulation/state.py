"""The state of B copies of a system, and the kernel call that takes it forward."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.simulation import (
    exact_allocation,
    share_allocation,
    slot_loop,
    task_injection,
    task_queues,
)
from lyaopt._kernels.simulation.state_types import Chance, Model, Record, SharedModel, Systems, Tasks, Trace
from lyaopt._kernels.simulation.stream_options import CHANNEL_ROWS
from lyaopt._kernels.slot.dispatch import NETWORK_ITEMS
from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation.copies import copy_systems, copy_tasks
from lyaopt.simulation.layout import Layout
from lyaopt.simulation.shares import SharesInForce
from lyaopt.simulation.streams import make_streams
from lyaopt.simulation.traces import Trace as Recorded

_FIRST_ROOM = 1024
"""Tasks and finished tasks that there is room for at first; both tables grow."""
_NO_TASKS = (-1, 0, 0, 0)
"""The pool at first: no free task, none used or alive, nothing logged."""


def _kernel_for(layout: Layout) -> Any:
    if layout.rows > NETWORK_ITEMS:
        return slot_loop.advance_many
    return slot_loop.advance_some if layout.rows * layout.devices > NETWORK_ITEMS else slot_loop.advance_few


class State:
    """Queues, tasks, ledgers and sums; arrays as lyaopt/_kernels/simulation/slot_loop.py lays them out.

    Attributes
    ----------
    system : System
    layout : Layout
    slot : int
        The slot to be taken next.
    kernel_systems : lyaopt._kernels.simulation.state_types.Systems
        The kernels' arrays, which stay where they are from one slot, and one run, to the next.
    """

    def __init__(
        self, system: System, replications: int, seed: int, trace: Recorded | None, distinct_streams: int
    ) -> None:
        self.system = system
        self.layout = layout = Layout.of(system, replications)
        self.slot = 0
        self._kernel = _kernel_for(layout)
        self.kernel_systems = _new_systems(layout)
        self._tasks = Tasks(
            np.zeros((_FIRST_ROOM, task_queues.TASK_COLUMNS), np.int64),
            np.array(_NO_TASKS),
            np.zeros((_FIRST_ROOM, task_queues.LOG_COLUMNS), np.int64),
        )
        self._no_record = _new_record(layout, 0)
        self._model: Model | SharedModel = Model(self._scalars, self._devices, self.amounts)
        self._chance = _chance(system, layout, seed)
        self._trace = _spread_trace(layout, trace)
        self.restart(seed, np.arange(replications) % distinct_streams)

    @cached_property
    def _scalars(self) -> Floats:
        system = self.system
        values = np.empty(6)
        values[exact_allocation.TAU] = system.slot_duration_s
        values[exact_allocation.DELTA] = system.energy_coefficient
        values[exact_allocation.WEIGHT_LOCAL] = system.energy_weight_local
        values[exact_allocation.WEIGHT_TRANSMIT] = system.energy_weight_transmit
        values[exact_allocation.EDGE_CAPACITY] = system.edge_capacity_hz
        values[exact_allocation.NOISE] = system.noise_w_per_hz
        return values

    @cached_property
    def _devices(self) -> Floats:
        rows = np.empty((3, self.layout.devices))
        rows[exact_allocation.CPU_CAPACITY] = self.system.cpu_capacity_hz
        rows[exact_allocation.MAX_POWER] = self.system.max_power_w
        rows[exact_allocation.BANDWIDTH] = self.system.device_bandwidth_hz
        return rows

    @cached_property
    def amounts(self) -> Floats:
        """Work of a task by cut in each stage (3, N, M, K + 1)."""
        tables = (self.system.local_cycles, self.system.transmit_bits, self.system.edge_cycles)
        spread = self.layout.spread([table.T for table in tables])
        return np.ascontiguousarray(np.moveaxis(spread, 1, -1))

    @cached_property
    def _shares(self) -> SharesInForce:
        return SharesInForce(self.layout)

    def use_shares(self) -> None:
        """Allocate by shares from now on: those told last, or all of everything in equal shares."""
        self._kernel = share_allocation.advance_shares
        told = self._shares.lane_levels, self._shares.lane_shares
        self._model = SharedModel(self._scalars, self._devices, self.amounts, *told)

    def share(self, told: tuple[Floats, Floats] | None) -> None:
        """Allocate by levels (B, 2, M) and shares (B, 3, S) from now on, or exactly if there are none."""
        if told is not None:
            self._shares.adopt(*told)
            self.use_shares()
        elif isinstance(self._model, SharedModel):
            self._kernel = _kernel_for(self.layout)
            self._model = Model(self._scalars, self._devices, self.amounts)

    def restart(self, seed: int, numbers: Integers) -> None:
        """Go back to slot 0 with empty queues, and draw by another seed.

        Parameters
        ----------
        seed : int
            From 0 to 2^64 - 1.
        numbers : ndarray (B,) of int
            The number, from 0 to 2^32 - 1, by which each system draws: equal numbers draw the same.
        """
        self.slot = 0
        _empty_systems(self.kernel_systems, self.system, self.layout)
        self._tasks.pool[:] = _NO_TASKS
        self._draw_by(seed, numbers)

    def _draw_by(self, seed: int, numbers: Integers) -> None:
        layout = self.layout
        filled = np.zeros(layout.blocks * layout.width, np.uint32)
        filled[: layout.replications] = numbers
        lane_system = np.tile(filled.reshape(layout.blocks, layout.width), layout.devices)
        self._chance = self._chance._replace(seed=np.uint64(seed), lane_system=lane_system)

    def copies(self, of: int, numbers: Integers, seed: int) -> State:
        """Systems that go on from the present state of one of these, each by its own chance.

        A copy has the tasks, backlogs, points in force, means of the last period, slow channels and busy
        services of the original; its sums of past periods start from nothing. Drawing by the seed and number
        of the original it meets exactly what the original will. Copies of systems that replay a trace draw:
        from channels and services that are in their ordinary state, as a trace does not tell it.

        Parameters
        ----------
        of : int
            Which system.
        numbers : ndarray (B,) of int
            See `restart`.
        seed : int
        """
        copy = State(self.system, len(numbers), seed, None, 1)
        copy._draw_by(seed, numbers)
        copy.slot = self.slot
        copy_systems(self.kernel_systems, self.layout, of, copy.kernel_systems, copy.layout)
        copy._tasks = copy_tasks(self._tasks, _FIRST_ROOM, copy.kernel_systems, copy.layout)
        copy.take_sums()
        return copy

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that the next slot depends on, but for the system and what it draws by, as copies."""
        table, pool, log = self._tasks
        tasks = {
            "tasks": table[: pool[task_queues.USED]],
            "pool": pool,
            "log": log[: pool[task_queues.LOGGED]],
        }
        named = {**self.kernel_systems._asdict(), **tasks, "slot": np.array(self.slot)}
        return {name: array.copy() for name, array in named.items()}

    def take_over(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from `arrays` of a state of the same system, copies and chance."""
        for name, array in self.kernel_systems._asdict().items():
            array[:] = arrays[name]
        grown = []
        for present, name in ((self._tasks.table, "tasks"), (self._tasks.log, "log")):
            lines = arrays[name]
            room = np.zeros((max(len(present), len(lines)), present.shape[1]), np.int64)
            room[: len(lines)] = lines
            grown.append(room)
        self._tasks = Tasks(grown[0], arrays["pool"].copy(), grown[1])
        self.slot = int(arrays["slot"])

    def add_tasks(self, tasks: Integers, points: Integers) -> None:
        """Let tasks (S, B) join before the next slot that chance does not bring, cut at points (S, B)."""
        table, log = task_injection.bear(
            self.slot,
            self.layout.width,
            self.layout.to_lanes(tasks, np.int64),
            self.layout.to_lanes(points, np.int64),
            self.amounts,
            self.kernel_systems,
            self._tasks,
        )
        self._tasks = self._tasks._replace(table=table, log=log)

    @property
    def replays(self) -> bool:
        """Whether a trace is replayed."""
        return len(self._trace.gain) > 0

    def advance_recorded(self, slots: int, plan: Integers) -> tuple[Floats, Floats]:
        """As `advance`; return everything of every slot, (slots, rows, S, B) and (slots, rows, M, B)."""
        record = _new_record(self.layout, slots)
        self.advance(slots, plan, record)
        return self.layout.by_service(record.services), self.layout.by_device(record.devices)

    def advance(self, slots: int, plan: Integers, record: Record | None = None) -> None:
        """Take all systems `slots` further under a plan (P, blocks, N, L)."""
        table, log = self._kernel(
            self.slot,
            self.slot + slots,
            self.system.slots_per_period,
            self.layout.width,
            self._model,
            self._chance,
            self._trace,
            plan,
            self.kernel_systems,
            self._tasks,
            self._no_record if record is None else record,
        )
        self._tasks = self._tasks._replace(table=table, log=log)
        self.slot += slots

    @property
    def room(self) -> tuple[int, int]:
        """Tasks alive, and tasks finished and not yet taken, that fit without growing."""
        return len(self._tasks.table), len(self._tasks.log)

    def forget_finished(self) -> None:
        """Forget the tasks finished so far, which `take_finished` would give."""
        self._tasks.pool[task_queues.LOGGED] = 0

    def take_finished(self) -> Integers:
        """Tasks finished since the last call (D, 4): system, service, slot of birth, slot when done."""
        pool, log = self._tasks.pool, self._tasks.log
        lines = log[: pool[task_queues.LOGGED]]
        system = lines[:, task_queues.SYSTEM]
        service = self.layout.service_at[lines[:, task_queues.ROW], lines[:, task_queues.DEVICE]]
        finished = np.stack([system, service, lines[:, task_queues.BORN], lines[:, task_queues.DONE]], axis=1)
        self.forget_finished()
        return finished[system < self.layout.replications]

    def take_sums(self) -> tuple[Floats, Floats]:
        """Sums over the whole periods since the last call: (rows, S, B) and (rows, M, B)."""
        services = self.layout.by_service(self.kernel_systems.service_sums[:, slot_loop.PAST])
        devices = self.layout.by_device(self.kernel_systems.device_sums[:, slot_loop.PAST])
        self.kernel_systems.service_sums[:, slot_loop.PAST] = 0.0
        self.kernel_systems.device_sums[:, slot_loop.PAST] = 0.0
        return services, devices

    def present_sums(self) -> tuple[Floats, Floats]:
        """The same over the slots of the period that is not over, or of the last one if it is."""
        services = self.layout.by_service(self.kernel_systems.service_sums[:, slot_loop.PRESENT])
        return services, self.layout.by_device(self.kernel_systems.device_sums[:, slot_loop.PRESENT])

    def present_means(self) -> tuple[Floats, Floats, Floats]:
        """Means over the last period of backlogs and rates (3, S, B), and of the power (M, B)."""
        slots = self.system.slots_per_period
        services, devices = self.present_sums()
        backlogs = services[slot_loop.BACKLOGS : slot_loop.BACKLOGS + task_queues.STAGES] / slots
        rates = services[slot_loop.RATES : slot_loop.RATES + task_queues.STAGES] / slots
        return backlogs, rates, devices[slot_loop.POWER] / slots

    def backlog(self) -> Floats:
        """Q^l, Q^t, Q^e (3, S, B)."""
        return self.layout.by_service(self.kernel_systems.work[:, task_queues.BACKLOG])

    def last_gain(self) -> Floats:
        """h in the last slot (M, B); the mean gain before the first one."""
        return self.layout.by_device(self.kernel_systems.seen)

    def mean_gain(self) -> Floats:
        """Mean of h over the last period (M, B); the mean gain before the first one."""
        return self.present_sums()[1][slot_loop.GAIN] / self.system.slots_per_period

    def points(self) -> Integers:
        """Partition points in force (S, B)."""
        return self.layout.by_service(self.kernel_systems.cuts)

    def ledger(self) -> tuple[Integers, Integers, Integers]:
        """Tasks born, completed, and in the queues, each (S, B)."""
        counts = self.layout.by_service(self.kernel_systems.ledger)
        waiting = self.layout.by_service(self.kernel_systems.links[:, task_queues.WAITING])
        return counts[slot_loop.BORN], counts[slot_loop.COMPLETED], waiting.sum(axis=0)


def _new_record(layout: Layout, slots: int) -> Record:
    return Record(
        np.empty((layout.blocks, slots, slot_loop.SERVICE_RECORDS, layout.rows, layout.lanes)),
        np.empty((layout.blocks, slots, slot_loop.DEVICE_RECORDS, layout.lanes)),
    )


def _new_systems(layout: Layout) -> Systems:
    blocks, shape = layout.blocks, (layout.rows, layout.lanes)
    return Systems(
        work=np.empty((blocks, task_queues.WORK_ROWS, task_queues.STAGES, *shape)),
        links=np.empty((blocks, task_queues.LINK_ROWS, task_queues.STAGES, *shape), np.int64),
        cuts=np.empty((blocks, *shape), np.int64),
        ledger=np.empty((blocks, 2, *shape), np.int64),
        service_sums=np.empty((blocks, 2, slot_loop.SERVICE_SUMS, *shape)),
        device_sums=np.empty((blocks, 2, slot_loop.DEVICE_SUMS, layout.lanes)),
        seen=np.empty((blocks, layout.lanes)),
        channel=np.empty((blocks, CHANNEL_ROWS, layout.lanes)),
        busy=np.empty((blocks, *shape), np.bool_),
    )


def _empty_systems(systems: Systems, system: System, layout: Layout) -> None:
    """Set the state of slot 0."""
    for array in systems:
        array.fill(0)
    systems.work[:, task_queues.HEAD] = np.inf
    systems.links[:, [task_queues.FIRST, task_queues.LAST]] = -1
    usual = np.repeat(system.mean_channel_gain(), layout.width)
    systems.seen[:] = usual
    # What is seen before the first period is an ordinary channel, not one of no gain.
    systems.device_sums[:, slot_loop.PRESENT, slot_loop.GAIN] = system.slots_per_period * usual


def _chance(system: System, layout: Layout, seed: int) -> Chance:
    """What draws channels and arrivals; those of one block of systems, but for their numbers."""
    streams = make_streams(system, seed, range(layout.width))
    return Chance(
        streams.seed,
        streams.options,
        np.tile(streams.lane_system, (layout.blocks, 1)),
        streams.lane_device,
        streams.lane_gain,
        streams.lane_distance,
        streams.mean,
    )


def _spread_trace(layout: Layout, trace: Recorded | None) -> Trace:
    if trace is None:
        return Trace(np.empty((0, layout.devices)), np.empty((0, layout.rows, layout.devices), np.int64))
    return Trace(np.array(trace.channel_gain), layout.spread(trace.arrivals, np.int64))
