"""Many copies of a system side by side, decided on together, with buffers that the kernels write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.learning import observe as kernel
from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.learning.observer import Observer, Rows
from lyaopt.learning.ranges import FIXED, Ranges
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut
from lyaopt.simulation.costs import backlog_shares
from lyaopt.simulation.state import State

_LEAST_CAPACITY_HZ = 1.0
"""Taken for the capacity of an edge server without any, so that edge work can be counted in seconds of it."""


class VectorSystems:
    """B copies of a system, which differ in what chance brings them, stepped a period at a time.

    All arrays are written in place and never replaced: `torch.from_numpy` shares them. Episodes are truncated
    after `decisions` periods, all together, and the next ones begin at once with empty queues and other
    random numbers: those of a `SeedSequence` of (seed, number of the episode). Equal seeds give equal bits,
    and a copy meets the same channels and tasks however many stand beside it.

    Parameters
    ----------
    system : System
    replications : int
        B.
    seed : int or sequence of B ints
        Of all copies; or of each of them, and then what a copy meets depends on its own seed alone.
    decisions : int, optional
        Periods of an episode; those of the scenario's `[learning]` if left out.
    features : collection of str
        Optional features to be shown, see `lyaopt.learning.observer`.
    ranges : Ranges, optional
        What every episode draws anew, the same for all copies.

    Attributes
    ----------
    system : System
        That of the present episode.
    template : System
        As given; others are drawn from it where `ranges` says so.
    ranges : Ranges
    observation, final_observation : ndarray (B, F) of float32
        What is seen now; and what was seen last in the episode that was over last.
    reward : ndarray (B,) of float32
        (34), of the last period.
    energy : ndarray (B, 2)
        Mean local and transmission energy of a slot of the last period, in joules, of all devices together.
    backlog : ndarray (B,)
        Mean Qbar over the last period: reward = -(omega1 sum(energy) + omega2 backlog).
    choices : ndarray (S,) of int
        K + 1, number of cuts of each service.
    first_choice : int
        The least cut that may be chosen: 1 where the scenario excludes 0, else 0.
    episode : int
        Number of the present episode, from 0.
    taken : int
        Periods taken in it so far.

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
    ) -> None:
        self.replications = replications
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
        size = self.observer.layout.size
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
        """Go on in a system of the same devices and services."""
        self.system = system
        self.observer = Observer(system, self._features)
        self._state = State(system, self.replications, 0, None, self.replications)
        self._weights = self._reward_weights()

    def seed(self, seed: int | Sequence[int]) -> None:
        """Let the next `reset` begin episode 0 of another seed, or of one for each copy."""
        own = isinstance(seed, (Sequence, np.ndarray))
        seeds: list[int] = list(np.asarray(seed, object).reshape(-1))
        if own and len(seeds) != self.replications:
            raise ProblemError("$.seed", f"expected {self.replications} seeds, got {len(seeds)}")
        for value in seeds:
            if not isinstance(value, (int, np.integer)) or value < 0:
                raise ProblemError("$.seed", f"expected a whole number >= 0, got {value!r}")
        self._seed = 0 if own else int(seeds[0])
        self._numbers = (
            np.array([_number_of(value) for value in seeds]) if own else np.arange(self.replications)
        )
        self.episode = -1

    def begin(self, episode: int) -> None:
        """Begin the episode of this number, from 0."""
        self.episode = episode - 1
        self.reset()

    def reset(self) -> None:
        """Begin the next episode, and write what is seen first."""
        self.episode += 1
        self.taken = 0
        sequence = np.random.SeedSequence([self._seed, self.episode])
        if self.ranges.names:
            self._enter(self.ranges.draw(self.template, np.random.default_rng(sequence.spawn(1)[0])))
        key = sequence.generate_state(1, np.uint64)[0]
        self._state.restart(int(key), self._numbers)
        self.observer.write(self._state, self.observation)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """All that the next step depends on, as copies."""
        state = {f"state.{name}": array for name, array in self._state.arrays().items()}
        place = np.array([self.episode, self.taken])
        return {**state, "place": place, "observation": self.observation.copy()}

    def go_on(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a `snapshot` of replications made with the same arguments."""
        episode, taken = snapshot["place"].tolist()
        self.begin(episode)
        self.taken = taken
        self._state.take_over({name.removeprefix("state."): array for name, array in snapshot.items()})
        self.observation[:] = snapshot["observation"]

    def step(self, points: Integers) -> bool:
        """Take all copies through a period.

        Parameters
        ----------
        points : ndarray (B, S) of int64
            k of each service for the tasks that are born in it.

        Returns
        -------
        bool
            Whether the episode was truncated: then `final_observation` holds what was seen at its end, and
            `observation` what is seen at the start of the next one.
        """
        self._adopt(points)
        state, system = self._state, self.system
        state.advance(system.slots_per_period, self._plan)
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
            wanted = f"int64 of shape {(self.replications, layout.services)}"
            raise ProblemError("$.points", f"expected {wanted}, got {points.dtype} of {points.shape}")
        wrong = kernel.spread_points(
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
        kernel.compute_rewards(
            self._weights,
            state.layout.placement,
            state.kernel_state.sums,
            self.reward,
            self.energy,
            self.backlog,
        )


def _number_of(seed: int) -> int:
    """The number by which a copy of this seed draws."""
    return int(np.random.SeedSequence(int(seed)).generate_state(1, np.uint32)[0])
