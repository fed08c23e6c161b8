"""A network that starts from what another policy does.

It is taught by cross-entropy, in states that the policy comes to. Some of what is done there is done at
random, so that states are among them that the policy avoids. A part of the probability goes to all cuts
alike: a network that is sure of itself tries nothing, and what PPO does not try it cannot compare.
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
from lyaopt.policies.paired_trials import search_seed
from lyaopt.simulation import Decision, Observation, Policy, Simulator

_SEARCH, _LESSON = 0x7374617274, 0x6C6573736F6E
"""Purposes of seeds: "start", "lesson"."""
_SLOTS, _REPLICATIONS, _LEAST_REPLICATIONS = 10_000, 8, 2
"""Of a trial in the search for what is taught: it need not be as good as the one that it is compared with."""
_PERIODS, _COPIES = 500, 20
_AT_RANDOM = 0.1
"""Part of the choices that are drawn at random while a policy is watched."""
_STEPS, _MINIBATCH, _LEARNING_RATE = 600, 256, 2e-3


class Teacher(NamedTuple):
    """A policy to learn from, and the slots that were simulated to find it."""

    policy: Policy
    slots: int


def _best_fixed(system: System, seed: int, replications: int) -> Teacher:
    found = search_fixed(system, seed=seed, slots=_SLOTS, replications=replications)
    return Teacher(found.policy(), found.slots)


def _table(system: System, seed: int, replications: int) -> Teacher:
    found = table(system, seed=seed, slots=_SLOTS, replications=replications)
    return Teacher(found, found.searched)


TEACHERS: dict[str, Callable[[System, int, int], Teacher]] = {"best-fixed": _best_fixed, "table": _table}


@dataclass(eq=False)
class _Watched:
    """A policy that is looked at in what it sees and does, and disturbed now and then."""

    policy: Policy
    observer: Observer
    random: np.random.Generator
    rows: list[Rows] = field(default_factory=list)
    points: list[Integers] = field(default_factory=list)
    name: str = "watched"

    def decide(self, observation: Observation) -> Decision:
        """What the policy decides, but for what is drawn at random."""
        counts, least = observation.system.cut_counts[:, None], least_cut(observation.system)
        points = np.asarray(self.policy.decide(observation).points)
        points = np.broadcast_to(points.reshape(len(counts), -1), (len(counts), observation.replications))
        self.rows.append(self.observer.see(observation))
        self.points.append(points.T.copy())
        drawn = self.random.integers(least, counts, points.shape)
        return Decision(np.where(self.random.random(points.shape) < _AT_RANDOM, drawn, points))


def imitate(
    network: ActorCritic,
    systems: Sequence[System],
    *,
    start: str,
    doubt: float,
    features: Collection[str] = (),
    seed: int = 0,
) -> int:
    """Teach a network what a policy does.

    Parameters
    ----------
    network : ActorCritic
    systems : sequence of System
        The policy is found and watched in each of them.
    start : str
        A name of `TEACHERS`.
    doubt : float
        Probability that all cuts share alike, whatever the policy does.
    features : collection of str
        Optional features that the network sees.
    seed : int

    Returns
    -------
    int
        Slots that were simulated.

    Raises
    ------
    ProblemError
        As the search for the policy raises it; if no points keep the backlog from growing, for example.
    """
    used, lessons = 0, []
    replications = max(_LEAST_REPLICATIONS, _REPLICATIONS // len(systems))
    for number, system in enumerate(systems):
        teacher = TEACHERS[start](system, search_seed(seed, _SEARCH, number), replications)
        lessons.append(_watch(teacher.policy, system, features, search_seed(seed, _LESSON, number)))
        used += teacher.slots + _COPIES * _PERIODS * system.slots_per_period
    for system, (rows, _) in zip(systems, lessons, strict=True):
        network.bind(system)
        network.add_observations(rows)
    _teach(network, systems, lessons, doubt, torch.Generator().manual_seed(seed))
    return used


def _watch(policy: Policy, system: System, features: Collection[str], seed: int) -> tuple[Tensor, Tensor]:
    """What a policy sees (n, F), and does there (n, S)."""
    watched = _Watched(policy, Observer(system, features), np.random.default_rng(seed))
    simulator = Simulator(system, watched, replications=_COPIES, seed=seed)
    simulator.run(_PERIODS * system.slots_per_period)
    return torch.from_numpy(np.concatenate(watched.rows)), torch.from_numpy(np.concatenate(watched.points))


def _teach(
    network: ActorCritic,
    systems: Sequence[System],
    lessons: Sequence[tuple[Tensor, Tensor]],
    doubt: float,
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
        loss = _surprise(network, rows[some], points[some], doubt)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.bind(systems[0])


def _surprise(network: ActorCritic, rows: Tensor, points: Tensor, doubt: float) -> Tensor:
    """Cross-entropy of a policy that doubts, and the network."""
    choices = network.points(network.normalised(rows))
    possible = network.mask == 0.0
    alike = (choices.log_probability * possible).sum(-1) / possible.sum(-1)
    return -((1.0 - doubt) * choices.of(points) + doubt * alike).mean()
