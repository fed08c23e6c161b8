"""Environments that are told numbers from -1 to 1, and systems as such: a number stands for a cut."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lyaopt.arrays import Integers
from lyaopt.learning.environment import Buffers, Singles
from lyaopt.learning.systems import VectorSystems


class ContinuousEnvironment(Buffers, Protocol):
    """B environments in step, each told A numbers.

    Attributes
    ----------
    actions : int
        A.
    """

    actions: int

    def begin(self, episode: int) -> None:
        """Begin the episode of this number, from 0, in every environment; only asked for by `restore`."""
        ...

    def step(self, actions: Singles) -> bool:
        """Act with numbers (B, A) from -1 to 1; return whether an episode ended anywhere."""
        ...


def nearest_cuts(actions: Singles, first: int, choices: Integers) -> NDArray[np.int64]:
    """Cuts (B, S) for actions (B, S): -1 is the first cut, 1 the last, and between them they lie evenly.

    Parameters
    ----------
    actions : ndarray (B, S)
        From -1 to 1.
    first : int
        The least cut.
    choices : ndarray (S,) of int
        K + 1 of each service.
    """
    along = 0.5 * (actions + 1.0)
    return np.rint(first + along * (choices - 1 - first)).astype(np.int64)


class ContinuousCuts:
    """A `VectorSystems` that is told a number for each service in place of its cut.

    Parameters
    ----------
    systems : VectorSystems
        Its buffers are shared.
    """

    def __init__(self, systems: VectorSystems) -> None:
        self._systems = systems
        self.actions = int(systems.choices.size)
        self.observation, self.final_observation = systems.observation, systems.final_observation
        self.reward, self.energy, self.backlog = systems.reward, systems.energy, systems.backlog

    def begin(self, episode: int) -> None:
        """As of `ContinuousEnvironment`."""
        self._systems.begin(episode)

    def step(self, actions: Singles) -> bool:
        """As of `ContinuousEnvironment`."""
        systems = self._systems
        return systems.step(nearest_cuts(actions, systems.first_choice, systems.choices))
