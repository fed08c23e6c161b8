"""What an allocation rule in Python sees of a slot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lyaopt._kernels.simulation.state_types import FIRST, HEAD, POWER, SPEED, WAITING
from lyaopt._kernels.simulation.task_queues import BIRTH, CUT, SIZE
from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System

if TYPE_CHECKING:
    from lyaopt.simulation.state import State


class SlotObservation:
    """State of B replications in a slot, before anything is served.

    Arrays are computed on access. The axis of length 3 is the stage: local (cycles), transmit (bits), edge
    (cycles).

    Attributes
    ----------
    system : System
        Its constants: capacities, slot length, weights of energy.
    replications : int
        B.
    seed : int
        Seed of the run, for rules that draw random numbers themselves.
    slot : int
        Number of the slot, from 0.
    state : State
        The simulator's own state; rules need not use it.
    """

    def __init__(self, state: State, seed: int) -> None:
        self.state = state
        self.system: System = state.system
        self.replications = state.layout.replications
        self.seed = seed
        self.slot = state.slot

    @property
    def time_s(self) -> float:
        """Time at the start of the slot."""
        return self.slot * self.system.slot_duration_s

    @property
    def backlog(self) -> Floats:
        """Q^l, Q^t, Q^e (3, S, B)."""
        return self.state.backlog()

    @property
    def channel_gain(self) -> Floats:
        """h in this slot (M, B); of a measured radio the share of its rate that it can carry."""
        return self.state.next_gain()

    @property
    def waiting(self) -> Integers:
        """Tasks in each queue (3, S, B)."""
        waiting: Integers = self._by_service(self.state.kernel_state.queue_links[:, WAITING])
        return waiting

    @property
    def head_left(self) -> Floats:
        """What is left of the first task of each queue (3, S, B); infinite where the queue is empty."""
        left: Floats = self._by_service(self.state.kernel_state.queue_amounts[:, HEAD])
        return left

    @property
    def head_work(self) -> Floats:
        """Work of the first task of each queue in this stage, done or not (3, S, B); 0 where it is empty."""
        first = self._first
        b, stage, row, lane = np.nonzero(first >= 0)
        device = lane // self.state.layout.width
        task = self._task_table[first[b, stage, row, lane]]
        size = task[:, SIZE].view(np.float64) if task.size else 1.0
        work = np.zeros(first.shape)
        work[b, stage, row, lane] = self.state.amounts[stage, row, device, task[:, CUT]] * size
        found: Floats = self._by_service(work)
        return found

    @property
    def head_age_slots(self) -> Integers:
        """Slots since the birth of the first task of each queue (3, S, B); 0 where the queue is empty."""
        first = self._first
        ages = np.where(first >= 0, self.slot - self._task_table[first, BIRTH], 0)
        found: Integers = self._by_service(ages)
        return found

    @property
    def head_age_s(self) -> Floats:
        """The same in seconds (3, S, B)."""
        return self.head_age_slots * np.float64(self.system.slot_duration_s)

    @property
    def last_rates(self) -> Floats:
        """f^l in Hz, r in bit/s and f^e in Hz of the slot before (3, S, B); 0 in slot 0."""
        rates: Floats = self._by_service(self.state.kernel_state.rates)
        return rates

    @property
    def last_cpu_hz(self) -> Floats:
        """Speed of each device in the slot before (M, B); 0 in slot 0."""
        return self._last_effort(SPEED)

    @property
    def last_power_w(self) -> Floats:
        """Transmit power of each device in the slot before (M, B); 0 in slot 0."""
        return self._last_effort(POWER)

    @property
    def _task_table(self) -> Integers:
        """What is known of each task, see task_queues.py; a row for each number of a task."""
        (part,) = self.state.parts  # rules in Python take one worker
        return np.asarray(part.tasks.table)

    @property
    def _first(self) -> Integers:
        """Number of the first task of each queue (blocks, 3, N, L), -1 where it is empty."""
        links: Integers = self.state.kernel_state.queue_links
        return links[:, FIRST]

    @property
    def _by_service(self) -> Callable[[Any], Any]:
        return self.state.layout.by_service

    def _last_effort(self, row: int) -> Floats:
        effort: Floats = self.state.layout.by_device(self.state.kernel_state.efforts[:, row])
        return effort
