"""The state of B replications of a system, and the kernel call that advances it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.simulation import exact_allocation, sums, task_queues
from lyaopt._kernels.simulation.rules import RuleEntry
from lyaopt._kernels.simulation.slot_loop import advance, advance_by_weights
from lyaopt._kernels.simulation.state_types import BACKLOG, BORN, COMPLETED, WAITING, Record, Span
from lyaopt._kernels.simulation.task_injection import inject_tasks
from lyaopt._kernels.toolchain.function_pointers import built_with_this_numba
from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation.copies import copy_replication, copy_tasks
from lyaopt.simulation.kernel_arrays import (
    FIRST_ROOM,
    empty_state,
    exact_method,
    make_model,
    make_stream_model,
    named_arrays,
    new_record,
    new_state,
    spread_trace,
)
from lyaopt.simulation.linked_layout import layout_of
from lyaopt.simulation.next_gains import drawn_gains
from lyaopt.simulation.price_rule import PriceRule
from lyaopt.simulation.priced_model import advance_by_prices, priced_model
from lyaopt.simulation.rule_failures import failures_of
from lyaopt.simulation.shares import SharesInForce
from lyaopt.simulation.state_parts import Part, SlotArrays, advance_parts, new_parts, part_with
from lyaopt.simulation.traces import Trace


class State:
    """Queues, tasks and sums of B replications, in the arrays that the kernels take.

    Parameters
    ----------
    system : System
    replications : int
        B.
    seed : int
        From 0 to 2^64 - 1.
    trace : Trace or None
        Replayed in place of drawn arrivals and channels.
    distinct_streams : int
        R: replication b draws by number b mod R.
    memory : int
        Tables (3, N, L) that a compiled rule keeps.
    workers : int
        Threads that simulate at once.

    Attributes
    ----------
    system : System
    layout : Layout
    slot : int
        The slot to be simulated next.
    kernel_state : lyaopt._kernels.simulation.state_types.ReplicationState
        The kernels' arrays, which stay in place from one slot, and one run, to the next.
    parts : tuple of Part
        Ranges of blocks with their tasks, one for each worker.
    """

    def __init__(
        self,
        system: System,
        replications: int,
        seed: int,
        trace: Trace | None,
        distinct_streams: int,
        memory: int = 0,
        workers: int = 1,
    ) -> None:
        self.system = system
        self.layout = layout = layout_of(system, replications, workers)
        self.kernel_state = new_state(layout, memory)
        self.parts = new_parts(layout, workers)
        self._no_record = new_record(layout, 0)
        self._model: Any = make_model(system, layout, trace is not None)
        self._streams = make_stream_model(system, layout, seed)
        self._trace = spread_trace(layout, trace)
        self._extend(trace)
        self._advance: Callable[..., Any] = self._without_weights
        self._rule: RuleEntry | PriceRule | None = None
        self.restart(seed, np.arange(replications) % distinct_streams)

    def _extend(self, trace: Trace | None) -> None:
        """Add what a system of several edge servers has more of."""

    @property
    def amounts(self) -> Floats:
        """Cycles, bits, cycles of a task in each stage, by partition point (3, N, M, K + 1)."""
        return np.asarray(self._model.amounts)

    @cached_property
    def _shares(self) -> SharesInForce:
        return SharesInForce.of(self.system, self.layout)

    def use_shares(self) -> None:
        """Allocate by shares from now on: those set last, or by default whole capacities in equal shares."""
        self._model = self._model._replace(
            method=exact_allocation.BY_SHARES,
            fractions=self._shares.lane_fractions,
            shares=self._shares.lane_shares,
        )

    def set_shares(self, values: tuple[Floats, Floats] | None) -> None:
        """Allocate by shares from now on, or exactly.

        Parameters
        ----------
        values : (ndarray (B, 2, M), ndarray (B, 3, S)) or None
            Fractions in use of CPU and power, and shares of the services; None to allocate exactly.

        Raises
        ------
        ProblemError
            If an array has the wrong shape or type, or a value outside [0, 1].
        """
        if values is not None:
            self._shares.set(*values)
            self.use_shares()
        elif self._model.method == exact_allocation.BY_SHARES:
            self._model = self._model._replace(method=exact_method(self.layout))

    @property
    def by_shares(self) -> bool:
        """Whether the next slots are allocated by shares."""
        return bool(self._model.method == exact_allocation.BY_SHARES)

    def use_rule(self, rule: RuleEntry | PriceRule) -> None:
        """Let a compiled rule, or prices, weigh the services from now on, where no shares are in force.

        Parameters
        ----------
        rule : RuleEntry or PriceRule
            For a state with the memory of the rule.
        """
        self._rule = rule  # its address is valid as long as it lives
        model = self._model._replace(weights=np.zeros(self.kernel_state.rates.shape))
        if isinstance(rule, PriceRule):
            self._model = priced_model(model, rule, self.layout, self.system.slots_per_period)
            self._advance = advance_by_prices
        else:
            self._model = model._replace(rule=rule.address)
            self._advance = advance_by_weights if built_with_this_numba() else advance_by_weights.compiled

    @property
    def _without_weights(self) -> Callable[..., Any]:
        """The kernel where backlogs weigh the services; that of the paper knows no tables or shared bands."""
        general = self.system.spectrum == "shared" or self.system.is_measured
        return advance_by_weights if general else advance

    def set_weights(self, weights: Floats | None) -> None:
        """Let the next slots be allocated by weights, or as they would be without.

        Parameters
        ----------
        weights : ndarray (3, S, B) or None
            Of each stage; finite and >= 0.
        """
        self._advance = self._without_weights if weights is None else advance_by_weights
        lanes = np.empty((0, 0, 0, 0))
        if weights is not None:
            lanes = np.ascontiguousarray(np.moveaxis(self.layout.to_lanes(weights), 0, 1))
        self._model = self._model._replace(weights=lanes)

    def restart(self, seed: int, numbers: Integers) -> None:
        """Restart at slot 0 with empty queues and another seed.

        Parameters
        ----------
        seed : int
            From 0 to 2^64 - 1.
        numbers : ndarray (B,) of int
            The number, from 0 to 2^32 - 1, by which each replication draws: equal numbers draw the same.
        """
        self.slot = 0
        empty_state(self.kernel_state, self._streams.lane_gain, self.system.slots_per_period)
        for part in self.parts:
            part.remove_tasks()
        self._draw_by(seed, numbers)

    def start_trace_at(self, starts: Integers) -> None:
        """Let replications replay the trace from other slots on.

        Parameters
        ----------
        starts : ndarray (B,) of int
            Slot of the trace that each replication has in slot 0, below T.
        """
        self._trace = self._trace._replace(starts=self.layout.in_blocks(starts, np.int64))

    def _draw_by(self, seed: int, numbers: Integers) -> None:
        once = self.layout.in_blocks(numbers, np.uint32)
        lane_replication = np.tile(once, self.layout.lanes // self.layout.width)
        self._streams = self._streams._replace(seed=np.uint64(seed), lane_replication=lane_replication)
        sizes = self._model.sizes._replace(seed=np.uint64(seed), replication=lane_replication)
        self._model = self._model._replace(sizes=sizes)

    def copies(self, of: int, numbers: Integers, seed: int) -> State:
        """Replications that all continue from the present state of one of these, each with its own draws.

        A copy has the tasks, backlogs, points in force, means of the last period, slow channels and busy
        services of the original; its sums of past periods start from zero. With the seed and number of the
        original it draws the same numbers. Copies of replications that replay a trace draw arrivals and
        channels from the initial states of channels and services, which a trace does not hold. A compiled
        rule weighs their services, too; a rule in Python does not.

        Parameters
        ----------
        of : int
            Number of the replication to copy.
        numbers : ndarray (B,) of int
            As of `restart`.
        seed : int
            As of `restart`.

        Returns
        -------
        State
        """
        copy = State(self.system, len(numbers), seed, None, 1, self.kernel_state.memory.shape[1])
        if self._rule is not None:
            copy.use_rule(self._rule)
        copy._draw_by(seed, numbers)
        copy.slot = self.slot
        copy_replication(self.kernel_state, self.layout, of, copy.kernel_state, copy.layout)
        tasks = part_with(self.parts, of // self.layout.width).tasks
        copy._part.tasks = copy_tasks(tasks, FIRST_ROOM, copy.kernel_state.queue_links, copy.layout)
        copy.take_sums()
        return copy

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copy the arrays that determine the next slots, except the system and the keys of the streams."""
        named = {**named_arrays(self.kernel_state), **self._part.task_arrays(), "slot": np.array(self.slot)}
        return {name: array.copy() for name, array in named.items()}

    def take_over(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Continue from another state of the same system, replications, seed and numbers.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            As `State.arrays` returns them.
        """
        for name, array in named_arrays(self.kernel_state).items():
            array[:] = arrays[name]
        self._part.take_over_tasks(arrays)
        self.slot = int(arrays["slot"])

    def add_tasks(self, tasks: Integers, points: Integers) -> None:
        """Add tasks before the next slot, in addition to the arrivals.

        Parameters
        ----------
        tasks : ndarray (S, B) of int
            New tasks of each service.
        points : ndarray (S, B) of int
            Their partition points.
        """
        table, log = inject_tasks(
            self.slot,
            self.layout.to_lanes(tasks, np.int64),
            self.layout.to_lanes(points, np.int64),
            self.amounts,
            self.kernel_state,
            self._part.tasks,
        )
        self._part.tasks = self._part.tasks._replace(table=table, log=log)

    @property
    def replays(self) -> bool:
        """Whether a trace is replayed."""
        return len(self._trace.gain) > 0

    def advance_recorded(self, slots: int, plan: Integers) -> tuple[Floats, Floats]:
        """Simulate and record slots.

        Parameters
        ----------
        slots : int
            Number of slots.
        plan : ndarray (P, blocks, N, L) of int
            As of `advance`.

        Returns
        -------
        services : ndarray (slots, rows, S, B)
            Rows are named in `lyaopt._kernels.simulation.sums`.
        devices : ndarray (slots, rows, M, B)
        """
        record = new_record(self.layout, slots)
        self.advance(slots, plan, record)
        return self.layout.by_service(record.services), self.layout.by_device(record.devices)

    def advance(self, slots: int, plan: Integers, record: Record | None = None) -> None:
        """Simulate slots.

        Parameters
        ----------
        slots : int
            Number of slots.
        plan : ndarray (P, blocks, N, L) of int
            Partition points of the periods from the present one on; the last ones stay in force.
        record : Record, optional
            Written.

        Raises
        ------
        RuleError, ProblemError
            As `lyaopt.simulation.rule_failures.failures_of`.
        """
        with nullcontext() if self._rule is None else failures_of(self._rule.name, self._model.failed):
            written = record or self._no_record
            arrays = SlotArrays(self._model, self._streams, self._trace, plan, self.kernel_state, written)
            span = Span(self.slot, self.slot + slots, self.system.slots_per_period)
            advance_parts(self._advance, self.parts, span, arrays, self.layout)
        self.slot += slots

    @property
    def _part(self) -> Part:
        """The only part: rules in Python, snapshots and tasks from outside take one worker."""
        (part,) = self.parts
        return part

    @property
    def room(self) -> tuple[int, int]:
        """Numbers of tasks alive, and of finished tasks not yet taken, that fit without growing a table."""
        return len(self._part.tasks.table), len(self._part.tasks.log)

    def forget_finished(self) -> None:
        """Discard the tasks that `take_finished` would return."""
        for part in self.parts:
            part.forget_finished()

    def take_finished(self) -> Integers:
        """Tasks finished since the last call (D, 4): replication, service, slot of birth, slot when done."""
        return np.concatenate([part.take_finished(self.layout) for part in self.parts])

    def take_sums(self) -> tuple[Floats, Floats]:
        """Sums over the whole periods since the last call: (rows, S, B) and (rows, M, B)."""
        services = self.layout.by_service(self.kernel_state.sums.services[:, sums.PAST])
        devices = self.layout.by_device(self.kernel_state.sums.devices[:, sums.PAST])
        self.kernel_state.sums.services[:, sums.PAST] = 0.0
        self.kernel_state.sums.devices[:, sums.PAST] = 0.0
        return services, devices

    def present_sums(self) -> tuple[Floats, Floats]:
        """The same over the slots of the present period, or of the last one if none has begun."""
        services = self.layout.by_service(self.kernel_state.sums.services[:, sums.PRESENT])
        return services, self.layout.by_device(self.kernel_state.sums.devices[:, sums.PRESENT])

    def present_means(self) -> tuple[Floats, Floats, Floats]:
        """Means over the last period of backlogs and rates (3, S, B), and of the power (M, B)."""
        slots = self.system.slots_per_period
        services, devices = self.present_sums()
        backlogs, rates = (services[k : k + task_queues.STAGES] / slots for k in (sums.BACKLOGS, sums.RATES))
        return backlogs, rates, devices[sums.POWER] / slots

    def backlog(self) -> Floats:
        """Q^l, Q^t, Q^e (3, S, B)."""
        return self.layout.by_service(self.kernel_state.queue_amounts[:, BACKLOG])

    def next_gain(self) -> Floats:
        """h in the next slot (M, B), of the trace or drawn as the slot itself will draw it."""
        if self.replays:
            starts = self._trace.starts.reshape(-1)[: self.layout.replications]
            return np.asarray(self._trace.gain[(self.slot + starts) % len(self._trace.gain)].T)
        drawn = drawn_gains(self._streams, self.kernel_state.channel, self.slot, self.layout)
        drawn[self._model.laws.measured != 0] = 1.0
        return drawn

    def last_gain(self) -> Floats:
        """h in the last slot (M, B); the mean gain before the first one."""
        return self.layout.by_device(self.kernel_state.last_gain)

    def mean_gain(self) -> Floats:
        """Mean of h over the last period (M, B); the mean gain before the first one."""
        return self.present_sums()[1][sums.GAIN] / self.system.slots_per_period

    def points(self) -> Integers:
        """Partition points in force (S, B)."""
        return self.layout.by_service(self.kernel_state.points)

    def task_counts(self) -> tuple[Integers, Integers, Integers]:
        """Tasks born, completed, and in the queues, each (S, B)."""
        counts = self.layout.by_service(self.kernel_state.task_counts)
        waiting = self.layout.by_service(self.kernel_state.queue_links[:, WAITING])
        return counts[BORN], counts[COMPLETED], waiting.sum(axis=0)
