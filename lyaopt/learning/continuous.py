"""Environments with continuous actions from -1 to 1, and systems whose cuts are rounded actions."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lyaopt.arrays import Integers
from lyaopt.learning.environment import Buffers, Singles
from lyaopt.learning.systems import VectorSystems


class ContinuousEnvironment(Buffers, Protocol):
    """B synchronous environments with A continuous actions each.

    Attributes
    ----------
    actions : int
        A.
    """

    actions: int

    def begin(self, episode: int) -> None:
        """Begin `episode`, counted from 0, in every environment; needed by `restore` only."""
        ...

    def step(self, actions: Singles) -> bool:
        """Take `actions` (B, A), from -1 to 1; return whether any episode ended."""
        ...


def nearest_cuts(actions: Singles, first: int, choices: Integers) -> NDArray[np.int64]:
    """Round actions to cuts: -1 is the first cut, 1 the last, with equal distances between.

    Parameters
    ----------
    actions : ndarray (B, S)
        From -1 to 1.
    first : int
        The least cut.
    choices : ndarray (S,) of int
        K + 1 of each service.

    Returns
    -------
    ndarray (B, S) of int64
    """
    along = 0.5 * (actions + 1.0)
    return np.rint(first + along * (choices - 1 - first)).astype(np.int64)


class ContinuousCuts:
    """A `VectorSystems` with one continuous action for each service.

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
        """Begin `episode`, counted from 0."""
        self._systems.begin(episode)

    def step(self, actions: Singles) -> bool:
        """Take `actions` (B, S), from -1 to 1; return whether the episode was truncated."""
        systems = self._systems
        return systems.step(nearest_cuts(actions, systems.first_choice, systems.choices))
