"""What learns in an experiment: algorithm, preset and budget, by name."""

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
    """One way to learn."""

    algorithm: _Algorithm
    """As `lyaopt train` names it."""
    preset: Id | None = None
    """Of the algorithm; its default one when left out."""
    decisions: Count = DECISIONS
    """Decisions of a training, all copies together; as near to it as whole rollouts come."""
    ranges: dict[str, Any] = Field(default_factory=dict)
    """What every episode draws anew: then one training serves all points of a sweep."""
    at: dict[str, Any] = Field(default_factory=dict)
    """Values of settings in a training that serves all points; those of the scenario when left out."""

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
            raise ProblemError("$.at", "expected ranges beside it: without them each point is trained for")

    def _check_preset(self) -> None:
        from lyaopt.learning.config import preset_names

        known = (None,) if self.algorithm == "ddpg" else (None, *preset_names())
        if self.preset not in known:
            named = ", ".join(name for name in known if name) or "none: the algorithm has no presets"
            raise ProblemError("$.preset", f"expected one of {named}; got {self.preset!r}")

    @property
    def once(self) -> bool:
        """Whether one training serves all points of a sweep."""
        return bool(self.ranges)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
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
    """Ranges, and the fields of a configuration that make the budget: episodes, and decisions of each.

    Raises
    ------
    ProblemError
        If the algorithm has no such preset.
    MissingExtraError
        Without PyTorch (extra `train`).
    """
    with needs_extra("train"):
        from lyaopt.learning.training import configuration

    ranges = Ranges.from_dict(learner.ranges) if learner.ranges else FIXED
    usual = configuration(system, learner.algorithm, learner.preset, ranges)
    return ranges, budget(usual.replications, usual.rollout, usual.decisions_per_episode, learner.decisions)


def configuration_of(learner: Learner, system: System) -> Any:
    """Everything that the algorithm of a learner is told; raises as `training_of` does."""
    with needs_extra("train"):
        from lyaopt.learning.training import configuration

    ranges, found = training_of(learner, system)
    return configuration(system, learner.algorithm, learner.preset, ranges, **found)


def budget(replications: int, rollout: int, per_episode: int, decisions: int) -> dict[str, int]:
    """Episodes and their length, near to the usual one, that come nearest to a number of decisions."""
    rounds = max(1, round(decisions / (replications * per_episode)))
    rollouts = max(1, round(decisions / (replications * rounds * rollout)))
    return {"episodes": rounds * replications, "decisions_per_episode": rollouts * rollout}
