"""Configuration of DDPG."""

from __future__ import annotations

from typing import Any

from pydantic.dataclasses import dataclass

from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import Count, Flag, FromZeroToOne, NonNegative, Positive
from lyaopt.learning.training_config import TrainingConfig
from lyaopt.model.settings import Learning


@checked
@dataclass(frozen=True, config=STRICT)
class DDPGConfig(TrainingConfig):
    """Configuration of DDPG, of which the paper gives only the name."""

    replications: Count = 20
    """B, replications simulated together."""
    rollout: Count = 50
    """Decisions of each replication in an update; divides an episode."""
    gradient_steps: Count = 1
    """Optimiser steps for each step of the B replications."""
    replay: Count = 100_000
    """Capacity of the replay buffer in decisions of all replications; rounded up to whole episodes."""
    warmup: Count = 10_000
    """First decisions, of all replications, which are uniform and from which nothing is learnt."""
    minibatch: Count = 64
    """Decisions in a step of the optimisers, as in Lillicrap et al. (2016)."""
    actor_learning_rate: Positive = 3e-4
    """Step size of the actor's Adam."""
    critic_learning_rate: Positive = 1e-3
    """Step size of the critic's Adam."""
    target_share: FromZeroToOne = 0.005
    """tau of the target networks, after each step."""
    exploration_noise: NonNegative = 0.2
    """Standard deviation of the noise on actions, which range from -1 to 1."""
    normalise_observations: Flag = True
    """Whether features are normalised by their running mean and standard deviation."""


# Fields that the `[learning]` section of a scenario has under the same name, without those of PPO alone.
_FROM_SCENARIO = ("discount", "hidden_layers", "hidden_units", "episodes", "decisions_per_episode")


def ddpg_config(learning: Learning, **changes: Any) -> DDPGConfig:
    """Make the configuration for a scenario.

    Parameters
    ----------
    learning : Learning
        Section `[learning]` of the scenario; `changes` override it.
    **changes
        Fields of `DDPGConfig`.

    Returns
    -------
    DDPGConfig

    Raises
    ------
    ProblemError
        If a value is wrong.
    """
    return DDPGConfig(**{**{name: getattr(learning, name) for name in _FROM_SCENARIO}, **changes})
