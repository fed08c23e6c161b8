"""Learners of experiments by name: algorithm, preset and budget."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from lyaopt.errors import ProblemError
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.extras import needs_extra
from lyaopt.io.fields import Count, Expected, Id
from lyaopt.learning.ranges import FIXED, Ranges

if TYPE_CHECKING:
    from lyaopt.model.system import System

_Algorithm = Annotated[Literal["lyappo", "ppo-joint", "ddpg"], Expected('"lyappo", "ppo-joint" or "ddpg"')]
DECISIONS = 500_000
"""The paper's budget: 2,500 episodes of 200 decisions."""


@checked
@dataclass(frozen=True, config=STRICT)
class Learner:
    """Algorithm, preset and budget of a training."""

    algorithm: _Algorithm
    """As in `lyaopt train`."""
    preset: Id | None = None
    """Preset of the algorithm; its default if left out."""
    decisions: Count = DECISIONS
    """Decisions of a training, over all replications; rounded to whole rollouts."""
    ranges: dict[str, Any] = Field(default_factory=dict)
    """Ranges of settings that every episode draws: one training then serves all points of a sweep."""
    at: dict[str, Any] = Field(default_factory=dict)
    """Values of settings in a training that serves all points; those of the scenario if left out."""

    def __post_init__(self) -> None:
        self._check_preset()
        for name, ends in self.ranges.items():
            if not isinstance(ends, list | tuple) or len(ends) != 2:
                raise ProblemError(f"$.ranges.{name}", "expected two numbers above 0, the lower one first")
        try:
            Ranges.from_dict(self.ranges)
        except ProblemError as error:
            raise ProblemError(f"$.ranges{error.path.removeprefix('$')}", error.reason) from None
        except (TypeError, ValueError, OverflowError):
            raise ProblemError("$.ranges", "expected numbers") from None
        if self.at and not self.ranges:
            raise ProblemError("$.at", "expected ranges too: without them every point has its own training")

    def _check_preset(self) -> None:
        from lyaopt.learning.config import preset_names

        if self.preset is None:
            return
        if self.algorithm == "ddpg":
            raise ProblemError("$.preset", f"expected none, as ddpg has no presets; got {self.preset!r}")
        if self.preset not in preset_names():
            known = ", ".join(preset_names())
            raise ProblemError("$.preset", f"expected one of {known}; got {self.preset!r}")

    @property
    def once(self) -> bool:
        """Whether one training serves all points of a sweep."""
        return bool(self.ranges)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


LEARNERS: dict[str, Learner] = {
    "lyappo": Learner("lyappo", "best"),
    "lyappo-shared": Learner("lyappo", "shared"),
    "lyappo-paper": Learner("lyappo", "paper"),
    "ppo-joint": Learner("ppo-joint", "tuned"),
    "ppo-joint-paper": Learner("ppo-joint", "paper"),
    "ddpg": Learner("ddpg"),
}


def training_of(learner: Learner, system: System) -> tuple[Ranges, dict[str, int]]:
    """Compute the arguments of a training.

    Parameters
    ----------
    learner : Learner
        Algorithm, preset and budget.
    system : System
        To train on.

    Returns
    -------
    ranges : Ranges
    budget : dict
        Fields of the configuration: episodes, and decisions per episode.

    Raises
    ------
    ProblemError
        If the algorithm has no such preset.
    MissingExtraError
        Without PyTorch (extra `train`).
    """
    with needs_extra("train"):
        from lyaopt.learning.start_training import configuration

    ranges = Ranges.from_dict(learner.ranges) if learner.ranges else FIXED
    default = configuration(system, learner.algorithm, learner.preset, ranges)
    sizes = default.replications, default.rollout, default.decisions_per_episode
    return ranges, budget(*sizes, learner.decisions)


def configuration_of(learner: Learner, system: System) -> Any:
    """Make the configuration of a training.

    Parameters
    ----------
    learner : Learner
        Algorithm, preset and budget.
    system : System
        To train on.

    Returns
    -------
    PPOConfig or DDPGConfig

    Raises
    ------
    ProblemError, MissingExtraError
        As `training_of` raises them.
    """
    with needs_extra("train"):
        from lyaopt.learning.start_training import configuration

    ranges, sizes = training_of(learner, system)
    return configuration(system, learner.algorithm, learner.preset, ranges, **sizes)


def budget(replications: int, rollout: int, per_episode: int, decisions: int) -> dict[str, int]:
    """Compute the episodes, close to the preset's length, that come nearest to a number of decisions.

    Parameters
    ----------
    replications, rollout, per_episode : int
        Of the preset; the last is the number of decisions per episode.
    decisions : int
        Budget, over all replications.

    Returns
    -------
    dict
        Fields of the configuration: ``episodes`` and ``decisions_per_episode``.
    """
    rounds = max(1, round(decisions / (replications * per_episode)))
    rollouts = max(1, round(decisions / (replications * rounds * rollout)))
    return {"episodes": rounds * replications, "decisions_per_episode": rollouts * rollout}
