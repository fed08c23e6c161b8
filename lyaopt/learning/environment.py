"""What learners ask of environments: buffers that a step overwrites."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lyaopt.learning.networks import Shape

Singles = NDArray[np.float32]
Flags = NDArray[np.bool_]


class Buffers(Protocol):
    """What B environments in step show.

    Environments whose episodes end one by one also have `terminated` and `truncated`, arrays (B,) of bool;
    without them an episode that ends is truncated in all environments at once. Those whose steps take shares
    too (see `lyaopt.learning.joint_systems`) say of how many devices: `devices_with_shares`.

    Attributes
    ----------
    observation : ndarray (B, F) of float32
        Where an episode has ended, the first one of the next episode.
    reward : ndarray (B,) of float32
    final_observation : ndarray (B, F) of float32
        Where an episode has ended, its last one.
    """

    observation: Singles
    reward: Singles
    final_observation: Singles


class Environment(Buffers, Protocol):
    """B environments in step, each of S choices.

    Attributes
    ----------
    choices : ndarray (S,) of int
        Number of choices of each kind.
    first_choice : int
        The least choice, 0 or 1.
    """

    choices: NDArray[np.int64]
    first_choice: int

    def reset(self) -> Any:
        """Begin an episode in every environment."""
        ...

    def step(self, points: NDArray[np.int64]) -> bool:
        """Act with points (B, S); return whether an episode ended anywhere."""
        ...


def acts_of(environment: Environment) -> int:
    """C, how many parts an action has that are judged apart: each choice, and each device's shares."""
    return len(environment.choices) + getattr(environment, "devices_with_shares", 0)


def shape_of(environment: Environment) -> Shape:
    """What an environment asks of a network."""
    choices = tuple(int(count) for count in environment.choices)
    return Shape(environment.observation.shape[1], choices, int(environment.first_choice))


def ends(environment: Buffers) -> tuple[Flags, Flags]:
    """Where episodes came to an end (B,), and where a time limit cut them (B,), if they ended anywhere."""
    nowhere = np.zeros(len(environment.reward), np.bool_)
    terminated = getattr(environment, "terminated", nowhere)
    return terminated, getattr(environment, "truncated", ~nowhere)


class Measures:
    """Means over a rollout of what is measured beside the reward: energy in J, backlog in tasks."""

    def __init__(self, environment: Buffers) -> None:
        names = ("energy", "backlog")
        self._arrays = {name: getattr(environment, name) for name in names if hasattr(environment, name)}
        self._sums = {name: np.zeros(array.shape[1:]) for name, array in self._arrays.items()}
        self._count = 0

    def add(self) -> None:
        """Take in the decision that was just made."""
        self._count += 1
        for name, array in self._arrays.items():
            self._sums[name] += array.mean(axis=0)

    def means(self) -> dict[str, float]:
        """Means over decisions and environments."""
        found = {name: total / self._count for name, total in self._sums.items()}
        if "energy" not in found:
            return {}
        local, transmit = (float(value) for value in found["energy"])
        return {"local_energy_j": local, "transmit_energy_j": transmit, "backlog": float(found["backlog"])}


class Credit(NamedTuple):
    """Whose deed a reward is; arrays of the environment that its steps overwrite.

    Attributes
    ----------
    parts : ndarray (B, D) of float32
        Parts of the reward.
    part_of_choice : ndarray (C,) of int
        The part by which each choice is judged.
    met : ndarray (B, C) of bool
        Which choices had an effect.
    """

    parts: Singles
    part_of_choice: NDArray[np.int64]
    met: Flags


def credit_of(environment: Environment, by_part: bool) -> Credit:
    """The parts that an environment tells apart, or one for all where it has none or they are not wanted."""
    parts = getattr(environment, "parts", None)
    if by_part and parts is not None:
        known: Any = environment
        return Credit(parts, known.part_of_choice, known.met)
    choices = acts_of(environment)
    met = np.ones((len(environment.reward), choices), np.bool_)
    return Credit(environment.reward[:, None], np.zeros(choices, np.int64), met)
