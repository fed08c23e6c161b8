"""Configuration that all algorithms share: layers, episodes and updates."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from lyaopt.errors import ProblemError
from lyaopt.io.checked import STRICT
from lyaopt.io.fields import Count, Flag, FromZeroToOne


@dataclass(frozen=True, config=STRICT)
class TrainingConfig:
    """Fields of the configurations of all algorithms."""

    hidden_layers: Count = 2
    """Hidden layers of actor and critic."""
    hidden_units: Count = 128
    """Units of each hidden layer."""
    channel: Flag = False
    """Whether observations include each device's channel in the last period."""
    episodes: Count = 2500
    """Training episodes of all replications; rounded up to a multiple of their number."""
    decisions_per_episode: Count = 200
    """Periods after which an episode is truncated."""
    replications: Count = 4
    """B, replications simulated together."""
    rollout: Count = 200
    """Decisions of each replication in an update; divides an episode."""
    discount: FromZeroToOne = 0.99
    """gamma."""

    def __post_init__(self) -> None:
        if self.decisions_per_episode % self.rollout:
            reason = f"expected a divisor of {self.decisions_per_episode} decisions, got {self.rollout}"
            raise ProblemError("$.rollout", reason)

    @property
    def features(self) -> tuple[str, ...]:
        """Optional features of observations, as `VectorSystems` names them."""
        return ("channel",) if self.channel else ()

    @property
    def rounds(self) -> int:
        """Episodes of each replication."""
        return -(-self.episodes // self.replications)

    @property
    def updates_per_round(self) -> int:
        """Updates in an episode."""
        return self.decisions_per_episode // self.rollout

    @property
    def updates(self) -> int:
        """Updates of the whole training."""
        return self.rounds * self.updates_per_round
