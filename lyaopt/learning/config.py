"""Everything that PPO can be told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic.dataclasses import dataclass

from lyaopt.errors import ProblemError
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import Count, Expected, Flag, FromZeroToOne, NonNegative, Positive, Whole
from lyaopt.learning.training_config import TrainingConfig
from lyaopt.model.settings import Learning

Network = Annotated[Literal["flat", "shared"], Expected('"flat" or "shared"')]

Start = Annotated[Literal["nothing", "best-fixed", "table"], Expected('"nothing", "best-fixed" or "table"')]

Credit = Annotated[Literal["joint", "device"], Expected('"joint" or "device"')]


@checked
@dataclass(frozen=True, config=STRICT)
class PPOConfig(TrainingConfig):
    """Proximal policy optimisation; the defaults are the paper's where the paper says something."""

    network: Network = "flat"
    """One network for the whole state, or one that devices and services share."""
    credit: Credit = "joint"
    """``joint``: all points together are judged by the whole reward. ``device``: each point is judged by its
    device's part of it, edge work at its price, and only where a task was born that it applies to; the others
    changed nothing."""
    edge_discount: FromZeroToOne = 0.999
    """gamma of the price of the edge capacity, with credit by device (see `lyaopt.learning.edge_price`)."""
    start: Start = "nothing"
    """The policy that the network is taught first, found by a search."""
    doubt: FromZeroToOne = 0.1
    """Probability that the taught network leaves to all cuts alike."""
    critic_first: Whole = 0
    """Updates in which the critic alone learns."""
    checks: Whole = 0
    """Times that the network is tried, so that the best one is kept; 0 keeps the last."""
    epochs: Count = 4
    """Passes over a rollout in an update."""
    minibatch: Count = 200
    """Decisions in a step of the optimiser."""
    learning_rate: Positive = 3e-4
    """Step size of Adam."""
    anneal: Flag = False
    """Whether the step size falls linearly to 0 over the training."""
    advantage_decay: FromZeroToOne = 0.0
    """lambda of generalised advantage estimation; 0 is the one-step difference."""
    critic_decay: FromZeroToOne = 1.0
    """lambda of the critic's target; 1 is the return, bootstrapped at the end of a rollout or episode."""
    clip_range: Positive = 0.2
    """epsilon of the clipped objective."""
    entropy_bonus: NonNegative = 0.0
    """Weight of the entropy at the start."""
    entropy_bonus_end: NonNegative = 0.0
    """Weight of the entropy at the end; linear between."""
    value_weight: Positive = 1.0
    """Weight of the critic's squared error."""
    largest_gradient: NonNegative = 0.0
    """Norm to which gradients are cut; 0 leaves them."""
    normalise_observations: Flag = False
    """Whether features are shifted and scaled by their running mean and deviation."""
    normalise_advantages: Flag = False
    """Whether the advantages of a minibatch are shifted and scaled to mean 0 and deviation 1."""
    normalise_returns: Flag = False
    """Whether the critic learns returns shifted and scaled by their running mean and deviation."""


_TUNED: dict[str, Any] = {
    "channel": True,
    "replications": 50,
    "rollout": 50,
    "epochs": 4,
    "minibatch": 625,
    "learning_rate": 1e-3,
    "anneal": True,
    "advantage_decay": 0.95,
    "critic_decay": 0.95,
    "entropy_bonus": 0.01,
    "largest_gradient": 0.5,
    "value_weight": 0.5,
    "credit": "device",
    "normalise_observations": True,
    "normalise_advantages": True,
    "normalise_returns": True,
}
# Layers stand one behind another in it: each need not be deep or wide. What one service learns all others
# do, so that long steps go astray. Episodes and horizon are long enough for a scarce edge server to fill
# up: in 200 decisions it hardly does, and a policy that overloads it looks good. With less entropy it
# settled for its first prices of the edge, with more its own random points overloaded it.
_SHARED: dict[str, Any] = {
    **_TUNED,
    "network": "shared",
    "hidden_layers": 1,
    "hidden_units": 64,
    "learning_rate": 4e-4,
    "entropy_bonus": 0.03,
    "episodes": 250,
    "decisions_per_episode": 2000,
    "discount": 0.999,
}
_PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "tuned": _TUNED,
    "shared": _SHARED,
    # Where it starts there is little left to gain: effects are small and come late, so that sums of rewards
    # tell more than the critic does. Copies that begin together fill the edge together: a rollout that shows
    # them all filling, the next all full, has the actor run to and fro. So they go on without an end, each by
    # its own chance, and rollouts are longer.
    "best": {
        **_SHARED,
        "learning_rate": 3e-4,
        "start": "table",
        "critic_first": 10,
        "checks": 10,
        "episodes": 50,
        "decisions_per_episode": 10000,
        "rollout": 100,
        "advantage_decay": 0.99,
        "critic_decay": 0.99,
        "entropy_bonus": 0.003,
    },
}
_DRAWN: dict[str, Any] = {"replications": 10, "rollout": 200, "episodes": 250, "decisions_per_episode": 2000}
WITH_RANGES: dict[str, dict[str, Any]] = {"shared": _DRAWN, "best": {**_DRAWN, "critic_first": 20}}
"""What presets change where every episode draws settings anew. All copies meet what was drawn: fewer copies
meet more of it."""

# What a scenario says of learning under the same name.
_FROM_SCENARIO = (
    "discount",
    "clip_range",
    "advantage_decay",
    "learning_rate",
    "hidden_layers",
    "hidden_units",
    "episodes",
    "decisions_per_episode",
)


def preset_names() -> tuple[str, ...]:
    """Names that `preset` takes."""
    return tuple(_PRESETS)


def preset(name: str, learning: Learning | None = None, **changes: Any) -> PPOConfig:
    """The configuration of a preset.

    Parameters
    ----------
    name : str
        ``paper``; ``tuned``, with a flat network; ``shared``, with one that devices share; or ``best``, which
        also starts from a searched policy and keeps the best network.
    learning : Learning, optional
        Section `[learning]` of a scenario; the preset goes before it, `changes` before both.
    **changes
        Fields of `PPOConfig`.

    Raises
    ------
    ProblemError
        If there is no such preset, or a value is wrong.
    """
    if name not in _PRESETS:
        raise ProblemError("$.preset", f"expected one of {', '.join(_PRESETS)}; got {name!r}")
    given = {} if learning is None else {key: getattr(learning, key) for key in _FROM_SCENARIO}
    return PPOConfig(**{**given, **_PRESETS[name], **changes})
