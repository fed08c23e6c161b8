"""The controller of a run: it asks what waits, lets a policy choose the cuts, and collects the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.live.decisions import Decisions
from lyaopt.live.flows import Flows
from lyaopt.live.measured_state import Backlogs, backlogs_of
from lyaopt.live.processes import EDGE, ProcessDiedError, Processes
from lyaopt.live.task_log import TaskLog
from lyaopt.model.system import System

_LEAD_S = 0.3
"""Between the messages that start a run and its start."""
_STEP_S = 0.05
"""Between two looks at tasks that are still in flight at the end."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be run.

    Attributes
    ----------
    births : list of list of (float, int, int or None)
        For each device, by time: seconds after the start, number of the service on the device, and cut, or
        None for that in force.
    rates_bps, gains : ndarray (T, M)
        Of the radios, slot by slot; behind the last slot comes the first one.
    slot_s : float
        Of the rates.
    seconds : float
        In which tasks are born.
    drain_s : float
        Longest wait for the tasks that are then in flight.
    """

    births: list[list[tuple[float, int, int | None]]]
    rates_bps: Floats
    gains: Floats
    slot_s: float
    seconds: float
    drain_s: float


@dataclass
class Outcome:
    """What came of a run.

    Attributes
    ----------
    log : TaskLog
    seconds : float
        That it took, until the last look.
    backlogs : list of Backlogs
        As they were measured, period by period.
    points : list of ndarray (S,)
        That were chosen.
    failure : ProcessDiedError or None
        What ended it early.
    """

    log: TaskLog = field(default_factory=TaskLog)
    seconds: float = 0.0
    backlogs: list[Backlogs] = field(default_factory=list)
    points: list[Integers] = field(default_factory=list)
    failure: ProcessDiedError | None = None


class Controller:
    """Runs a system in its processes.

    Parameters
    ----------
    processes : Processes
        Started, and ready.
    system : System
        With the profiles that were measured, or those of the scenario before.
    head_s, tail_s : list of list of float (S,)
        Seconds of the halves of each service, by cut.
    stopped : callable
        Whether the user wants to stop.
    """

    def __init__(
        self,
        processes: Processes,
        system: System,
        head_s: Sequence[Sequence[float]],
        tail_s: Sequence[Sequence[float]],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._processes, self._system, self._stopped = processes, system, stopped
        self._head_s = [list(row) for row in head_s]
        self._tail_s = [list(row) for row in tail_s]
        self._devices = range(len(system.devices))
        self._flows: Flows | None = None

    def run(self, plan: Plan, decisions: Decisions | None) -> Outcome:
        """Run a plan.

        Parameters
        ----------
        plan : Plan
            Tasks and rates.
        decisions : Decisions or None
            Choose the cuts of each period; None where all tasks have cuts of their own.

        Returns
        -------
        Outcome
            What there is of it, if a process died or the user stopped it.
        """
        outcome = Outcome()
        self._flows = None if decisions is None else Flows(self._system)
        points = np.zeros(len(self._system.services), np.int64)
        start_s = time.monotonic() + _LEAD_S
        try:
            self._begin(plan, start_s)
            self._periods(plan, decisions, start_s, points, outcome)
            self._drain(plan, start_s, outcome)
        except ProcessDiedError as failure:
            outcome.failure = failure
        outcome.seconds = time.monotonic() - start_s
        return outcome

    def _begin(self, plan: Plan, start_s: float) -> None:
        cuts: dict[str, Any] = {"cuts": None}
        edge = {"do": "begin", "start_s": start_s, "tail_s": self._by_device(self._tail_s)}
        messages = {EDGE: edge}
        for m in self._devices:
            services = self._system.services_of(m)
            cuts = {"cuts": [0] * len(services), "head_s": [self._head_s[s] for s in services]}
            rates = {"rates_bps": plan.rates_bps[:, m].tolist(), "slot_s": plan.slot_s}
            births = {"births": [list(birth) for birth in plan.births[m]]}
            messages[m] = {"do": "begin", "start_s": start_s} | cuts | rates | births
        self._processes.ask(messages)

    def _by_device(self, values: Sequence[Any]) -> list[list[Any]]:
        return [[values[s] for s in self._system.services_of(m)] for m in self._devices]

    def _periods(
        self,
        plan: Plan,
        decisions: Decisions | None,
        start_s: float,
        points: Integers,
        outcome: Outcome,
    ) -> None:
        """Let the policy choose at the start of each period; the first time just before the start."""
        slots = self._system.slots_per_period
        length_s = self._system.slot_duration_s * slots
        periods = int(np.ceil(plan.seconds / length_s - 1e-9))
        for period in range(periods):
            ahead_s = 0.5 * _LEAD_S if period == 0 else 0.0
            self._processes.watch_until(start_s + period * length_s - ahead_s)
            if self._stopped():
                return
            backlogs = self._look(outcome)
            if decisions is not None:
                if period > 0:
                    self._tell_of_service(plan, period, backlogs, decisions)
                points = decisions.decide(period, backlogs, _before(plan.gains, period, slots), points)
                self._put_into_force(points)
                outcome.backlogs.append(backlogs)
                outcome.points.append(points)
        self._processes.watch_until(start_s + plan.seconds)

    def _tell_of_service(self, plan: Plan, period: int, backlogs: Backlogs, decisions: Decisions) -> None:
        """Tell the policy what was served in the period before."""
        assert self._flows is not None
        slots = self._system.slots_per_period
        length_s = self._system.slot_duration_s * slots
        served = self._flows.served(backlogs)
        rates = _before(plan.rates_bps, period, slots)
        assert rates is not None
        power_w = self._flows.mean_power_w(served, rates.mean(axis=0), length_s)
        decisions.served(served / length_s, power_w)

    def _put_into_force(self, points: Integers) -> None:
        messages = {
            m: {"do": "cut", "cuts": [int(points[s]) for s in self._system.services_of(m)]}
            for m in self._devices
        }
        self._processes.ask(messages)

    def _look(self, outcome: Outcome) -> Backlogs:
        """Ask what waits, and take what became of tasks."""
        answers = self._processes.ask({number: {"do": "status"} for number in (*self._devices, EDGE)})
        for answer in answers.values():
            for event in answer["events"]:
                outcome.log.add(event)
                if self._flows is not None:
                    self._flows.add(event, outcome.log)
        return backlogs_of(self._system, [answers[m] for m in self._devices], answers[EDGE])

    def _drain(self, plan: Plan, start_s: float, outcome: Outcome) -> None:
        """No more births; wait for the tasks in flight, unless the user has stopped."""
        self._processes.ask({m: {"do": "end"} for m in self._devices})
        until_s = time.monotonic() + plan.drain_s
        self._look(outcome)
        while outcome.log.in_flight and time.monotonic() < until_s and not self._stopped():
            self._processes.watch_until(time.monotonic() + _STEP_S)
            self._look(outcome)


def _before(rows: Floats, period: int, slots: int) -> Floats | None:
    """Rows of the slots of the period before; those of a trace go around. None where there was none."""
    if period == 0:
        return None
    return np.asarray(rows[np.arange((period - 1) * slots, period * slots) % len(rows)])
