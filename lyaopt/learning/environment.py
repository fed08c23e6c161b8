"""Interfaces of environments, whose steps overwrite buffers."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lyaopt.learning.networks import Shape

Singles = NDArray[np.float32]
Flags = NDArray[np.bool_]


class Buffers(Protocol):
    """Outputs of B synchronous environments.

    Environments whose episodes end separately also have `terminated` and `truncated`, arrays (B,) of bool;
    without them, episodes are truncated in all environments at once. Environments whose steps also take
    shares (`lyaopt.learning.joint_systems`) have `devices_with_shares`, the number of devices.

    Attributes
    ----------
    observation : ndarray (B, F) of float32
        After the end of an episode, the first one of the next.
    reward : ndarray (B,) of float32
    final_observation : ndarray (B, F) of float32
        After the end of an episode, its last one.
    """

    observation: Singles
    reward: Singles
    final_observation: Singles


class Environment(Buffers, Protocol):
    """B synchronous environments with S discrete actions each.

    Attributes
    ----------
    choices : ndarray (S,) of int
        Actions are less than these.
    first_choice : int
        The least action, 0 or 1.
    """

    choices: NDArray[np.int64]
    first_choice: int

    def reset(self) -> Any:
        """Begin an episode in every environment."""
        ...

    def step(self, points: NDArray[np.int64]) -> bool:
        """Take `points` (B, S); return whether any episode ended."""
        ...


def action_parts(environment: Environment) -> int:
    """Count the parts of an action that are credited separately.

    Parameters
    ----------
    environment : Environment
        Has the choices, and perhaps devices with shares.

    Returns
    -------
    int
        C: one for each choice, and one for each device's shares.
    """
    return len(environment.choices) + getattr(environment, "devices_with_shares", 0)


def shape_of(environment: Environment) -> Shape:
    """Return the sizes of a network for an `environment`."""
    choices = tuple(int(count) for count in environment.choices)
    return Shape(environment.observation.shape[1], choices, int(environment.first_choice))


def ends(environment: Buffers) -> tuple[Flags, Flags]:
    """Tell how episodes ended, after a step in which some did.

    Parameters
    ----------
    environment : Buffers
        Its flags are read; without flags, all episodes were truncated.

    Returns
    -------
    terminated, truncated : ndarray (B,) of bool
    """
    none = np.zeros(len(environment.reward), np.bool_)
    terminated = getattr(environment, "terminated", none)
    return terminated, getattr(environment, "truncated", ~none)


class Measures:
    """Means over a rollout of energy in J and backlog in tasks, if the environment measures them.

    Parameters
    ----------
    environment : Buffers
    """

    def __init__(self, environment: Buffers) -> None:
        names = ("energy", "backlog")
        self._arrays = {name: getattr(environment, name) for name in names if hasattr(environment, name)}
        self._sums = {name: np.zeros(array.shape[1:]) for name, array in self._arrays.items()}
        self._count = 0

    def add(self) -> None:
        """Add the last step."""
        self._count += 1
        for name, array in self._arrays.items():
            self._sums[name] += array.mean(axis=0)

    def means(self) -> dict[str, float]:
        """Return the means over steps and environments."""
        means = {name: total / self._count for name, total in self._sums.items()}
        if "energy" not in means:
            return {}
        local, transmit = (float(value) for value in means["energy"])
        return {"local_energy_j": local, "transmit_energy_j": transmit, "backlog": float(means["backlog"])}


class Credit(NamedTuple):
    """Decomposition of the reward; arrays of the environment that its steps overwrite.

    Attributes
    ----------
    parts : ndarray (B, D) of float32
        Parts of the reward.
    part_of_choice : ndarray (C,) of int
        The part that is credited to each choice.
    met : ndarray (B, C) of bool
        Which choices had an effect.
    """

    parts: Singles
    part_of_choice: NDArray[np.int64]
    met: Flags


def credit_of(environment: Environment, by_part: bool) -> Credit:
    """Return the decomposition of the reward that an environment provides.

    Parameters
    ----------
    environment : Environment
        Provides parts of the reward, or only the whole.
    by_part : bool
        False to credit the whole reward to every choice.

    Returns
    -------
    Credit
        With D = 1 if the environment has no parts, or `by_part` is False.
    """
    parts = getattr(environment, "parts", None)
    if by_part and parts is not None:
        credited: Any = environment
        return Credit(parts, credited.part_of_choice, credited.met)
    choices = action_parts(environment)
    met = np.ones((len(environment.reward), choices), np.bool_)
    return Credit(environment.reward[:, None], np.zeros(choices, np.int64), met)
