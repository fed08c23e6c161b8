"""Simulation of a system under a policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from lyaopt._kernels.simulation import sums
from lyaopt.arrays import Floats, Integers, check_type
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation.edges_state import EdgesState, attach, edge_results, links_of_record
from lyaopt.simulation.latencies import Latencies
from lyaopt.simulation.plan_tables import plan_table
from lyaopt.simulation.policy import Decision, Observation, Policy, Replay, check_policy
from lyaopt.simulation.price_rule import PriceRule
from lyaopt.simulation.records import Recorder
from lyaopt.simulation.results import Result, idle_energies_j
from lyaopt.simulation.rule_steps import advance_asking
from lyaopt.simulation.rules import CompiledRule, Rule, as_rule, name_of
from lyaopt.simulation.state import State
from lyaopt.simulation.streams import MAX_SLOTS
from lyaopt.simulation.task_ages import present_age_slots
from lyaopt.simulation.traces import Trace, check_points
from lyaopt.slot.formulas import transmit_energy
from lyaopt.threads import checked_workers

_PIECE, _RECORDED_PIECE, _ASKED_PIECE = 4_000_000, 200_000, 5_000
"""Service-slots between two progress checks: without a record, with one, and with a rule in Python."""

Progress = Callable[[int], bool | None]


class Simulator:
    """B replications of a system under a policy, each with its own random arrivals and channels.

    Parameters
    ----------
    system : System
    policy : Policy, optional
        If left out, the partition points of the trace are used.
    replications : int
        B.
    seed : int
        From 0 to 2^64 - 1. Arrivals and channels depend on it, not on the policy (common random numbers).
    trace : Trace, optional
        Replayed in place of drawn arrivals and channels, in every replication.
    record : bool
        Whether to record every slot; for one replication only.
    distinct_streams : int, optional
        R: replication b draws the same random numbers as replication b mod R, so that B / R sets of points
        can be compared with common random numbers. If left out, all replications differ.
    rule : Rule, CompiledRule, PriceRule or function, optional
        Weighs the services in each slot in place of their backlogs, see `allocation_rule`; not asked where
        the policy allocates by shares. A rule in Python is called in every slot, which is far slower. Left
        out, it is that of the policy, if it has one (`price`). A `PriceRule` with cuts also chooses the
        partition points, and with several edge servers the servers, in place of the policy.
    workers : int
        Threads that share the replications, of eight or more each; -1 for as many as there are cores. Results
        are the same, bit for bit. With a rule in Python or of one's own there is one thread only.

    Raises
    ------
    ProblemError
        If an argument is wrong; errors of policies, rules and traces name the field.
    RuleError
        If the rule raises an error, which is the cause, or cannot be compiled.
    """

    def __init__(
        self,
        system: System,
        policy: Policy | None = None,
        *,
        replications: int = 1,
        seed: int = 0,
        trace: Trace | None = None,
        record: bool = False,
        distinct_streams: int | None = None,
        rule: CompiledRule | PriceRule | Rule | None = None,
        workers: int = 1,
    ) -> None:
        check_type(system, System, "system", "as load_scenario returns")
        if policy is not None:
            check_policy(policy, "policy")
        _check_count("replications", replications, 1, 2**31)
        distinct_streams = replications if distinct_streams is None else distinct_streams
        _check_count("distinct_streams", distinct_streams, 1, replications)
        _check_count("seed", seed, 0, 2**64 - 1)
        if record and replications > 1:
            raise ProblemError("$.replications", f"expected 1 for a run with a record, got {replications}")
        if trace is not None:
            trace.check_against(system)
            trace.check_replications(replications)
        self.system, self.seed = system, int(seed)
        self.policy = policy if policy is not None else _replay(trace)
        self._trace = trace
        self._rule = self._rule_of(rule)
        self._state = self._new_state(replications, distinct_streams, checked_workers(workers))
        self._recorder = Recorder(system) if record else None
        self._decision: Decision | None = None
        self._plan: Integers
        self._decided_from = 0
        self._start_measuring()

    @property
    def slot(self) -> int:
        """Number of slots simulated so far."""
        return self._state.slot

    def _rule_of(self, rule: Any) -> CompiledRule | PriceRule | Rule | None:
        """The rule that is given, or else that of the policy."""
        found = getattr(self.policy, "rule", None) if rule is None else rule
        return found if found is None or isinstance(found, PriceRule) else as_rule(found)

    def _new_state(self, replications: int, distinct_streams: int, workers: int) -> State:
        """Replications in slot 0 under the rule, which takes one worker where it is a user's own."""
        rule, given = self._rule, (self.system, replications, self.seed, self._trace, distinct_streams)
        new = State if self.system.edges is None else EdgesState
        if isinstance(rule, PriceRule):
            state = new(*given, rule.memory, workers)
            state.use_rule(rule)
        elif isinstance(rule, CompiledRule):
            state = new(*given, rule.memory)
            state.use_rule(rule.entry)
        else:
            state = new(*given, 0, workers if rule is None else 1)
        return state

    def _start_measuring(self) -> None:
        """Discard the sums and latencies of the warm-up."""
        self._state.take_sums()
        self._warmup = self.slot
        services, devices = self._unfinished_sums()
        self._service_sums = -services.astype(np.longdouble)
        self._device_sums = -devices.astype(np.longdouble)
        self._age_before = present_age_slots(self._state)
        self.latencies = Latencies.none()

    def _unfinished_sums(self) -> tuple[Floats, Floats]:
        services, devices = self._state.present_sums()
        begun = self.slot % self.system.slots_per_period != 0
        return services * begun, devices * begun

    def run(self, slots: int, warmup: int = 0, progress: Progress | None = None) -> bool:
        """Simulate `warmup` + `slots` more slots; only the latter are measured.

        Parameters
        ----------
        slots, warmup : int
            Numbers of slots; those of the warm-up come first.
        progress : callable, optional
            Called several times a second with the number of slots simulated so far; the run ends if it
            returns False.

        Returns
        -------
        bool
            False if `progress` ended the run.
        """
        _check_count("slots", slots, 0, 2**53)
        _check_count("warmup", warmup, 0, 2**53)
        slots, warmup = int(slots), int(warmup)  # NumPy's integers may wrap around
        if self.slot + warmup + slots > MAX_SLOTS:
            raise ProblemError("$.slots", f"expected at most {MAX_SLOTS} in all, warm-up included")
        if self._trace is not None:
            self._trace.check_slots(self.slot + warmup + slots)
        if warmup:
            if not self._take(self.slot + warmup, progress):
                return False
            self._start_measuring()
        return self._take(self.slot + slots, progress)

    def _take(self, stop: int, progress: Progress | None) -> bool:
        while self.slot < stop:
            self._step(self._piece_end(stop))
            if progress is not None and progress(self.slot) is False:
                return False
        return True

    def _piece_end(self, stop: int) -> int:
        """The slot where the next kernel call ends: the next decision or progress check is due there."""
        period_slots = self.system.slots_per_period
        piece = _PIECE if self._recorder is None else _RECORDED_PIECE
        if self._recorder is not None and self._rule_cuts:
            piece = 1  # the state knows the points of one period only
        if self._in_python is not None:
            piece = _ASKED_PIECE
        periods = max(
            1, piece // (len(self.system.services) * self._state.layout.replications * period_slots)
        )
        now = self.slot // period_slots
        if self.slot % period_slots == 0 and self._undecided(now):
            self._decide(now)
        if self._decision is not None and not self._decision.for_good:
            periods = min(periods, self._decided_from + len(self._plan) - now)
        return min(stop, (now + periods) * period_slots)

    def _undecided(self, now: int) -> bool:
        if self._decision is None:
            return True
        return not self._decision.for_good and now >= self._decided_from + len(self._plan)

    def _decide(self, now: int) -> None:
        layout = self._state.layout
        decision = self.policy.decide(Observation(self._state, self.seed))
        check_type(decision, Decision, "policy.decide", f"of policy {self.policy.name}")
        self._decision = decision
        services, name = len(self.system.services), self.policy.name
        shape = services, layout.replications
        table = plan_table(decision.points, "$.points", name, f"points of {services} services", shape)
        if (table < 0).any():
            raise ProblemError("$.points", f"policy {name}: expected partition points >= 0")
        check_points(np.moveaxis(table, 1, -1), self.system, "points")
        wide = np.broadcast_to(table, (len(table), *shape))
        self._plan = layout.to_lanes(wide, np.int64)
        self._decided_from = now
        self._state.set_shares(self._shares_of(decision))
        attach(self._state, decision, name)

    def _shares_of(self, decision: Decision) -> tuple[Floats, Floats] | None:
        if decision.shares is None:
            return None
        try:
            return decision.shares.spread(self._state.layout)
        except ProblemError as error:
            raise ProblemError(error.path, f"policy {self.policy.name}: {error.reason}") from None

    def _step(self, stop: int) -> None:
        state, period_slots = self._state, self.system.slots_per_period
        first = -(-self.slot // period_slots)  # the first period that begins
        begin = self.slot // period_slots
        plan = self._planned(begin, stop) if len(self._plan) > 1 else self._plan
        records = self._advance(stop - self.slot, plan)
        finished = state.take_finished()
        services = len(self.system.services)
        done = finished[:, 3] >= self._warmup
        group, latency = finished[:, 0] * services + finished[:, 1], finished[:, 3] - finished[:, 2]
        self.latencies.add(group[done], latency[done])
        for total, more in zip((self._service_sums, self._device_sums), state.take_sums(), strict=True):
            total += more
        if self._recorder is not None and records is not None:
            points = state.layout.by_service(np.moveaxis(self._planned(first, stop), 1, 0))[..., 0]
            if self._rule_cuts:
                points = np.repeat(state.points()[:, 0][None], len(points), axis=0)
            self._recorder.add(*records, points, finished)

    def _advance(self, slots: int, plan: Integers) -> tuple[Floats, Floats] | None:
        """Simulate slots, a rule in Python being asked in each; return what is recorded."""
        state, recording = self._state, self._recorder is not None
        if self._in_python is not None:
            return advance_asking(state, self._in_python, slots, plan, self.seed, recording)
        if recording:
            return state.advance_recorded(slots, plan)
        state.advance(slots, plan)
        return None

    @property
    def _rule_cuts(self) -> bool:
        """Whether the rule, not the policy, chooses the partition points."""
        return isinstance(self._rule, PriceRule) and self._rule.cuts is not None

    @property
    def _in_python(self) -> Rule | None:
        return None if isinstance(self._rule, (CompiledRule, PriceRule)) else self._rule

    def _planned(self, first: int, stop: int) -> Integers:
        """Points of the periods from `first` on that begin before slot `stop`."""
        periods = np.arange(first, -(-stop // self.system.slots_per_period)) - self._decided_from
        return self._plan[np.minimum(periods, len(self._plan) - 1)]

    def sums(self) -> tuple[Any, Any]:
        """Sums over the slots since the warm-up: rows of services (rows, S, B), of devices (rows, M, B).

        The rows are named in `lyaopt._kernels.simulation.sums`.
        """
        unfinished_services, unfinished_devices = self._unfinished_sums()
        return self._service_sums + unfinished_services, self._device_sums + unfinished_devices

    def result(self) -> Result:
        """The result of the slots since the warm-up."""
        state = self._state
        slots = max(self.slot - self._warmup, 1)
        services, devices = ((total / slots).astype(np.float64) for total in self.sums())
        born, completed, queued = (int(count.sum()) for count in state.task_counts())
        record = None
        if self._recorder is not None and self.slot:
            record = self._recorder.record(state.backlog(), links_of_record(state))
        return Result(
            self.policy.name,
            self.slot,
            self._warmup,
            state.layout.replications,
            self.seed,
            devices[sums.LOCAL_ENERGY],
            transmit_energy(self.system.slot_duration_s, devices[sums.POWER]),
            devices[sums.TAIL_ENERGY],
            idle_energies_j(self.system, state.layout.replications),
            services[: sums.RATES],
            services[sums.RATES : sums.SERVICE_SUMS],
            self._mean_tasks(slots),
            state.points(),
            born,
            completed,
            queued,
            replace(self.latencies),  # results must not change when the run continues
            self.system.slot_duration_s,
            limited_share=float(devices[sums.LIMITED].mean()),
            local_limited_share=float(devices[sums.LIMITED_LOCAL].mean()),
            transmit_limited_share=float(devices[sums.LIMITED_TRANSMIT].mean()),
            busy_share=float(devices[sums.BUSY].mean()),
            record=record,
            rule=None if self._rule is None else name_of(self._rule),
            edges=edge_results(state, services),
        )

    def _mean_tasks(self, slots: int) -> Floats:
        """Tasks in the system in a mean slot (S, B): the slots that tasks have spent there, by slots."""
        present = present_age_slots(self._state)
        done = self.latencies.sums(present.size).reshape(present.shape[::-1]).T
        return np.asarray((done + present - self._age_before) / slots)


def simulate(
    system: System,
    policy: Policy | None = None,
    *,
    slots: int,
    warmup: int = 0,
    replications: int = 1,
    seed: int = 0,
    trace: Trace | None = None,
    record: bool = False,
    progress: Progress | None = None,
    rule: CompiledRule | PriceRule | Rule | None = None,
    workers: int = 1,
) -> Result:
    """Simulate a system under a policy.

    Parameters
    ----------
    system : System
        Devices, services, channels and weights.
    policy : Policy, optional
        If left out, the partition points of the trace are used.
    slots, warmup : int
        Slots that are measured, and slots before them that are not.
    replications : int
        B, independent runs with draws of their own.
    seed : int
        From 0 to 2^64 - 1. Arrivals and channels depend on it, not on the policy (common random numbers).
    trace : Trace, optional
        Replayed in place of drawn arrivals and channels, in every replication.
    record : bool
        Whether to record every slot; for one replication only.
    progress : callable, optional
        As of `Simulator.run`.
    rule : Rule, CompiledRule, PriceRule or function, optional
        As of `Simulator`.
    workers : int
        As of `Simulator`.

    Returns
    -------
    Result

    Raises
    ------
    ProblemError
        If an argument is wrong; errors of policies, rules and traces name the field.
    RuleError
        If the rule raises an error, which is the cause, or cannot be compiled.
    """
    simulator = Simulator(
        system,
        policy,
        replications=replications,
        seed=seed,
        trace=trace,
        record=record,
        rule=rule,
        workers=workers,
    )
    simulator.run(slots, warmup, progress)
    return simulator.result()


def _replay(trace: Trace | None) -> Policy:
    if trace is None or trace.partition is None:
        raise ProblemError("$.policy", "expected a policy, or a trace with partition points")
    return Replay(trace.partition, edges=trace.edges)


def _check_count(name: str, value: int, least: int, most: int) -> None:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not least <= value <= most:
        raise ProblemError(f"$.{name}", f"expected a whole number from {least} to {most}, got {value!r}")
