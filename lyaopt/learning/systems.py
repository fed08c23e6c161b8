"""Vectorised environment: replications of a system, stepped together, with buffers that the kernels write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.learning import observe as kernel
from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.learning.finished_tasks import FinishedTasks
from lyaopt.learning.observer import Observer, Rows
from lyaopt.learning.price_rules import without_cuts
from lyaopt.learning.ranges import FIXED, Ranges
from lyaopt.learning.task_times import TaskTimes
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut
from lyaopt.simulation.costs import backlog_shares
from lyaopt.simulation.price_rule import PriceRule
from lyaopt.simulation.state import State
from lyaopt.simulation.traces import Trace

_LEAST_CAPACITY_HZ = 1.0
"""Least edge capacity that converts cycles to seconds, as an edge without capacity has no such unit."""


class VectorSystems:
    """B replications of a system, stepped one period at a time.

    All arrays are written in place and never replaced: `torch.from_numpy` can share them. Episodes are
    truncated after `decisions` periods, all together. The next ones begin at once with empty queues and new
    random numbers, from a `SeedSequence` of (seed, number of the episode). Equal seeds give bit-identical
    results, and the channels and arrivals of a replication do not depend on the number of replications.

    Parameters
    ----------
    system : System
    replications : int
        B.
    seed : int or sequence of B ints
        One seed for all replications, or one for each.
    decisions : int, optional
        Periods of an episode; those of the scenario's `[learning]` if left out.
    features : collection of str
        Optional features of the observation, see `lyaopt.learning.observer`.
    ranges : Ranges, optional
        Settings that every episode draws, alike for all replications.
    rule : PriceRule, optional
        Allocates resources by prices, in place of the backlogs; its choice of cuts is left to the steps.
    trace : Trace, optional
        Arrivals and channels to replay, in place of those that are drawn. Every episode of every replication
        starts at a random slot of it, and goes around.

    Attributes
    ----------
    system : System
        Of the present episode.
    template : System
        The argument `system`, from which `ranges` draws.
    ranges : Ranges
    observation, final_observation : ndarray (B, F) of float32
        The present observation; and the last one of the last finished episode.
    rule : PriceRule or None
    trace : Trace or None
        The argument, without partition points and starts.
    watch : FinishedTasks or None
        Set it to count the tasks that each period completes; None, as at first, saves the time.
    reward : ndarray (B,) of float32
        (34), of the last period. Under a rule that weighs tasks, omega1 times its own objective: energy and
        waiting cost of a slot, -omega1 (sum(energy) + tau sum_n theta_n N_n).
    energy : ndarray (B, 2)
        Mean local and transmit energy of a slot of the last period, in joules, summed over devices; tails of
        radios are in the latter, idle power, which no decision changes, in none.
    backlog : ndarray (B,)
        Mean Qbar over the last period: reward = -(omega1 sum(energy) + omega2 backlog).
    choices : ndarray (S,) of int
        K + 1, number of cuts of each service.
    first_choice : int
        The least cut that may be chosen: 1 if the scenario excludes cut 0, else 0.
    episode : int
        Number of the present episode, from 0.
    taken : int
        Periods of the present episode so far.

    Raises
    ------
    ProblemError
        If an argument is wrong.
    """

    def __init__(
        self,
        system: System,
        *,
        replications: int = 1,
        seed: int | Sequence[int] = 0,
        decisions: int | None = None,
        features: Collection[str] = (),
        ranges: Ranges = FIXED,
        rule: PriceRule | None = None,
        trace: Trace | None = None,
    ) -> None:
        if trace is not None and ranges.names:
            raise ProblemError("$.ranges", "expected none: the trace is that of one system")
        if rule is not None and ranges.names:
            raise ProblemError("$.ranges", "expected none: prices are those of one system")
        self.replications, self.rule = replications, rule
        self.trace = None if trace is None else _replayed(trace, system)
        self.watch: FinishedTasks | None = None
        self.template, self.ranges, self._features = system, ranges, features
        self.decisions = system.learning.decisions_per_episode if decisions is None else decisions
        for name in ("replications", "decisions"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ProblemError(f"$.{name}", f"expected a whole number >= 1, got {value!r}")
        self._backlog_share = np.ascontiguousarray(backlog_shares(system).T)
        self._enter(system)
        self.choices: Integers = np.array(system.cut_counts)
        self.first_choice = least_cut(system)
        size = self.observer.size
        self.observation: Rows = np.zeros((replications, size), np.float32)
        self.final_observation: Rows = np.zeros((replications, size), np.float32)
        self.reward: Rows = np.zeros(replications, np.float32)
        self.energy: Floats = np.zeros((replications, 2))
        self.backlog: Floats = np.zeros(replications)
        layout = self._state.layout
        self._plan = np.zeros((1, layout.blocks, layout.rows, layout.lanes), np.int64)
        self.seed(seed)
        self.reset()

    def _enter(self, system: System) -> None:
        """Switch to a system with the same numbers of devices and services."""
        self.system = system
        self.observer = self._observer_of(system)
        self._state = State(system, self.replications, 0, self.trace, self.replications, self._memory)
        if self.rule is not None:
            self._state.use_rule(without_cuts(self.rule))
        self._weights = self._reward_weights()
        self._times = TaskTimes.of(system, self.rule)

    def _observer_of(self, system: System) -> Observer:
        return Observer(system, self._features)

    @property
    def _memory(self) -> int:
        return 0 if self.rule is None else self.rule.memory

    def seed(self, seed: int | Sequence[int]) -> None:
        """Let the next `reset` begin episode 0 of another seed.

        Parameters
        ----------
        seed : int or sequence of B ints
            One seed for all replications, or one for each.

        Raises
        ------
        ProblemError
            If a seed is negative, or their number is wrong.
        """
        separate = isinstance(seed, (Sequence, np.ndarray))
        seeds: list[int] = list(np.asarray(seed, object).reshape(-1))
        if separate and len(seeds) != self.replications:
            raise ProblemError("$.seed", f"expected {self.replications} seeds, got {len(seeds)}")
        for value in seeds:
            if not isinstance(value, (int, np.integer)) or value < 0:
                raise ProblemError("$.seed", f"expected a whole number >= 0, got {value!r}")
        self._seed = 0 if separate else int(seeds[0])
        self._numbers = (
            np.array([_stream_of(value) for value in seeds]) if separate else np.arange(self.replications)
        )
        self.episode = -1

    def begin(self, episode: int) -> None:
        """Begin `episode`, counted from 0."""
        self.episode = episode - 1
        self.reset()

    def reset(self) -> None:
        """Begin the next episode, and write its first observation."""
        self.episode += 1
        self.taken = 0
        sequence = np.random.SeedSequence([self._seed, self.episode])
        if self.ranges.names:
            self._enter(self.ranges.draw(self.template, np.random.default_rng(sequence.spawn(1)[0])))
        key = sequence.generate_state(1, np.uint64)[0]
        self._state.restart(int(key), self._numbers)
        if self.trace is not None:
            self._state.start_trace_at(_starts(int(key), self._numbers, self.trace.slots))
        if self._times is not None:
            self._times.begin(self._state)
        self.observer.write(self._state, self.observation)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return copies of all that the next step depends on."""
        state = {f"state.{name}": array for name, array in self._state.arrays().items()}
        place = np.array([self.episode, self.taken])
        return {**state, "place": place, "observation": self.observation.copy()}

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a `snapshot` of an object with the same arguments."""
        episode, taken = snapshot["place"].tolist()
        self.begin(episode)
        self.taken = taken
        self._state.take_over({name.removeprefix("state."): array for name, array in snapshot.items()})
        self.observation[:] = snapshot["observation"]
        if self._times is not None:
            self._times.begin(self._state)

    def step(self, points: Integers) -> bool:
        """Simulate one period in all replications.

        Parameters
        ----------
        points : ndarray (B, S) of int64
            k of each service for the tasks that arrive in the period.

        Returns
        -------
        bool
            Whether the episode was truncated: then `final_observation` holds its last observation, and
            `observation` the first one of the next episode.

        Raises
        ------
        ProblemError
            If `points` has another shape or type, or a point is out of range.
        """
        self._adopt(points)
        state, system = self._state, self.system
        state.advance(system.slots_per_period, self._plan)
        finished = None if self._times is None else self._times.add(state)
        if self.watch is not None:
            self.watch.add(state.take_finished() if finished is None else finished)
        state.forget_finished()
        self._account()
        self.taken += 1
        truncated = self.taken >= self.decisions
        self.observer.write(state, self.final_observation if truncated else self.observation)
        if truncated:
            self.reset()
        return truncated

    def _adopt(self, points: Integers) -> None:
        layout = self._state.layout
        if points.shape != (self.replications, layout.services) or points.dtype != np.int64:
            expected = f"int64 of shape {(self.replications, layout.services)}"
            raise ProblemError("$.points", f"expected {expected}, got {points.dtype} of {points.shape}")
        wrong = kernel.spread_points.trusting(
            points if points.flags.carray else points.copy(),  # kernels take what may be written
            self.first_choice,
            self.choices,
            layout.placement,
            self._plan[0],
        )
        if wrong >= 0:
            b, s = divmod(wrong, layout.services)
            span = f"a cut from {self.first_choice} to K = {self.choices[s] - 1}"
            raise ProblemError(f"$.points[{b}][{s}]", f"expected {span}, got {points[b, s]}")

    def _reward_weights(self) -> kernel.RewardWeights:
        system = self.system
        return kernel.RewardWeights(
            system.slots_per_period,
            system.slot_duration_s,
            max(system.edge_capacity_hz, _LEAST_CAPACITY_HZ),
            system.learning.reward_energy_weight,
            system.learning.reward_backlog_weight,
            self._backlog_share,
        )

    def _account(self) -> None:
        """Write the rewards of the last period."""
        state = self._state
        kernel.compute_rewards.trusting(
            self._weights,
            state.layout.placement,
            state.kernel_state.sums,
            self.reward,
            self.energy,
            self.backlog,
        )
        if self._times is not None:
            waiting = self._times.costs_j.sum(axis=1)
            self.reward[:] = -self._weights.energy * (self.energy.sum(axis=1) + waiting)


def _replayed(trace: Trace, system: System) -> Trace:
    """The trace without partition points and starts, checked."""
    trace.check_against(system)
    if trace.slots < 1:
        raise ProblemError("$.trace", "expected at least one slot, got none")
    return Trace(trace.arrivals, trace.channel_gain)


def _starts(key: int, numbers: Integers, slots: int) -> Integers:
    """Slot of the trace in which each replication starts: by its own number, however many there are."""
    words = [np.random.SeedSequence([key, int(number)]).generate_state(1, np.uint64)[0] for number in numbers]
    return np.array([int(word) % slots for word in words], np.int64)


def _stream_of(seed: int) -> int:
    """The stream number of a replication with this seed."""
    return int(np.random.SeedSequence(int(seed)).generate_state(1, np.uint32)[0])
