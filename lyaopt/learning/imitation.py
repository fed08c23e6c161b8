"""Behaviour cloning: a network learns the decisions of another policy before PPO starts.

The network is trained by cross-entropy in states that the policy visits. Some of the decisions there are
random, so that the data includes states that the policy avoids. The targets are smoothed over all cuts: a
deterministic network would not explore, and PPO cannot compare cuts that are never taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lyaopt.arrays import Integers
from lyaopt.learning.networks import ActorCritic
from lyaopt.learning.observer import Observer, Rows
from lyaopt.model.system import System
from lyaopt.policies.best_fixed import search_fixed
from lyaopt.policies.channel_table import table
from lyaopt.policies.fixed import least_cut
from lyaopt.policies.paired_trials import SearchOptions, search_seed
from lyaopt.simulation import Decision, Observation, Policy, Simulator, Trace

_SEARCH, _LESSON = 0x7374617274, 0x6C6573736F6E
"""Purposes of seeds: "start", "lesson"."""
_SLOTS, _SEARCH_REPLICATIONS, _LEAST_REPLICATIONS = 10_000, 8, 2
"""Trials in the search for a teacher: shorter than the default, as the teacher is only a start."""
_PERIODS, _REPLICATIONS = 500, 20
_RANDOM_SHARE = 0.1
"""Share of the decisions that are random while the teacher is recorded."""
_STEPS, _MINIBATCH, _LEARNING_RATE = 600, 256, 2e-3


class Teacher(NamedTuple):
    """A policy to imitate, and the number of slots simulated to find it."""

    policy: Policy
    slots: int


def _best_fixed(system: System, options: SearchOptions) -> Teacher:
    result = search_fixed(system, options)
    return Teacher(result.policy(), result.slots)


def _table(system: System, options: SearchOptions) -> Teacher:
    policy = table(system, options)
    return Teacher(policy, policy.searched)


TEACHERS: dict[str, Callable[[System, SearchOptions], Teacher]] = {"best-fixed": _best_fixed, "table": _table}


@dataclass(eq=False)
class _Recorded:
    """A policy whose observations and decisions are recorded, and some decisions replaced by random ones."""

    policy: Policy
    observer: Observer
    random: np.random.Generator
    rows: list[Rows] = field(default_factory=list)
    points: list[Integers] = field(default_factory=list)
    name: str = "recorded"

    def decide(self, observation: Observation) -> Decision:
        cuts, least = observation.system.cut_counts[:, None], least_cut(observation.system)
        points = np.asarray(self.policy.decide(observation).points)
        points = np.broadcast_to(points.reshape(len(cuts), -1), (len(cuts), observation.replications))
        self.rows.append(self.observer.see(observation))
        self.points.append(points.T.copy())
        drawn = self.random.integers(least, cuts, points.shape)
        return Decision(np.where(self.random.random(points.shape) < _RANDOM_SHARE, drawn, points))


def imitate(
    network: ActorCritic,
    systems: Sequence[System],
    *,
    start: str,
    label_smoothing: float,
    features: Collection[str] = (),
    seed: int = 0,
    trace: Trace | None = None,
) -> int:
    """Train a network to imitate a searched policy.

    Parameters
    ----------
    network : ActorCritic
        Trained in place.
    systems : sequence of System
        The policy is searched for and recorded in each of them.
    start : str
        A name in `TEACHERS`.
    label_smoothing : float
        Probability that the targets spread evenly over all cuts.
    features : collection of str
        Optional features of the network's observations.
    seed : int
        Of the recorded runs and the minibatches.
    trace : Trace, optional
        Arrivals and channels on which the policy is searched and recorded.

    Returns
    -------
    int
        Slots simulated.

    Raises
    ------
    ProblemError
        As the search raises it; for example if the backlog grows under all points.
    """
    used, lessons = 0, []
    replications = max(_LEAST_REPLICATIONS, _SEARCH_REPLICATIONS // len(systems))
    searched = () if trace is None else (trace,)
    recorded = None if trace is None else trace.spread_over(_REPLICATIONS)
    for number, system in enumerate(systems):
        search = search_seed(seed, _SEARCH, number)
        options = SearchOptions(seed=search, slots=_SLOTS, replications=replications, traces=searched)
        teacher = TEACHERS[start](system, options)
        lesson = search_seed(seed, _LESSON, number)
        lessons.append(_record(teacher.policy, system, features, lesson, recorded))
        used += teacher.slots + _REPLICATIONS * _PERIODS * system.slots_per_period
    for system, (rows, _) in zip(systems, lessons, strict=True):
        network.bind(system)
        network.add_observations(rows)
    _fit(network, systems, lessons, label_smoothing, torch.Generator().manual_seed(seed))
    return used


def _record(
    policy: Policy, system: System, features: Collection[str], seed: int, trace: Trace | None = None
) -> tuple[Tensor, Tensor]:
    """Observations (n, F) of a policy, and its points there (n, S)."""
    recorded = _Recorded(policy, Observer(system, features), np.random.default_rng(seed))
    simulator = Simulator(system, recorded, replications=_REPLICATIONS, seed=seed, trace=trace)
    simulator.run(_PERIODS * system.slots_per_period)
    return torch.from_numpy(np.concatenate(recorded.rows)), torch.from_numpy(np.concatenate(recorded.points))


def _fit(
    network: ActorCritic,
    systems: Sequence[System],
    lessons: Sequence[tuple[Tensor, Tensor]],
    label_smoothing: float,
    generator: torch.Generator,
) -> None:
    optimiser = torch.optim.Adam(network.parameters(), _LEARNING_RATE, fused=True)
    steps = _STEPS * len(systems)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = _LEARNING_RATE * (1.0 - step / steps)
        network.bind(systems[step % len(systems)])
        rows, points = lessons[step % len(systems)]
        some = torch.randint(len(rows), (_MINIBATCH,), generator=generator)
        loss = _cross_entropy(network, rows[some], points[some], label_smoothing)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.bind(systems[0])


def _cross_entropy(network: ActorCritic, rows: Tensor, points: Tensor, label_smoothing: float) -> Tensor:
    """Cross-entropy between smoothed decisions and the network."""
    choices = network.points(network.normalised(rows))
    possible = network.mask == 0.0
    uniform = (choices.log_probability * possible).sum(-1) / possible.sum(-1)
    return -((1.0 - label_smoothing) * choices.log_prob(points) + label_smoothing * uniform).mean()
