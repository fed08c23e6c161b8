"""Everything that DDPG can be told."""

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
    """Deep deterministic policy gradient; the paper says nothing of it but that it is a baseline."""

    systems: Count = 20
    """B, systems simulated side by side."""
    rollout: Count = 50
    """Decisions of each system in an update; divides an episode."""
    gradient_steps: Count = 1
    """Steps of each optimiser for every decision of all systems: one for B decisions, if it is 1."""
    replay: Count = 100_000
    """Decisions that are remembered, of all systems together; rounded up to whole episodes."""
    warmup: Count = 10_000
    """Decisions that are drawn blindly at first, before anything is learnt."""
    minibatch: Count = 64
    """Decisions in a step of the optimisers; the number of Lillicrap et al. (2016)."""
    actor_learning_rate: Positive = 3e-4
    """Step size of the actor's Adam."""
    critic_learning_rate: Positive = 1e-3
    """Step size of the critic's Adam."""
    target_share: FromZeroToOne = 0.005
    """tau, the part of the way to the networks that their targets go after each step."""
    exploration_noise: NonNegative = 0.2
    """Standard deviation of what is added to actions, which go from -1 to 1."""
    normalise_observations: Flag = True
    """Whether features are shifted and scaled by their running mean and deviation."""


# What a scenario says of learning under the same name, and not of PPO alone.
_FROM_SCENARIO = ("discount", "hidden_layers", "hidden_units", "episodes", "decisions_per_episode")


def ddpg_config(learning: Learning, **changes: Any) -> DDPGConfig:
    """The configuration for a scenario.

    Parameters
    ----------
    learning : Learning
        Section `[learning]` of the scenario; `changes` go before it.
    **changes
        Fields of `DDPGConfig`.

    Raises
    ------
    ProblemError
        If a value is wrong.
    """
    return DDPGConfig(**{**{name: getattr(learning, name) for name in _FROM_SCENARIO}, **changes})
