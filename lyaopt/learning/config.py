"""Configuration of PPO, and its presets."""

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

Allocation = Annotated[Literal["backlog", "price"], Expected('"backlog" or "price"')]

Credit = Annotated[Literal["joint", "device"], Expected('"joint" or "device"')]


@checked
@dataclass(frozen=True, config=STRICT)
class PPOConfig(TrainingConfig):
    """Configuration of PPO; the defaults are the paper's if it gives a value."""

    network: Network = "flat"
    """``flat``: layers over the whole state; ``shared``: weights that devices and services share."""
    credit: Credit = "joint"
    """``joint``: the whole reward is credited to all points together. ``device``: each point is credited with
    its device's part of the reward, edge work at its price, and only if a task arrived to which it applies:
    other points had no effect."""
    edge_discount: FromZeroToOne = 0.999
    """gamma of the price of the edge capacity, with credit by device (see `lyaopt.learning.edge_price`)."""
    start: Start = "nothing"
    """Searched policy that the network imitates before the training."""
    allocation: Allocation = "backlog"
    """What weighs services in a slot. ``backlog``: their backlogs, as in the paper. ``price``: the rule of
    the policy `price`; the network begins with its cuts, and the reward is what the rule minimises."""
    waiting_cost_j_per_s: Positive | None = None
    """theta of ``price``; that of the scenario if left out. Without one the rule minimises cost (34)."""
    gap_temperature: Positive = 0.1
    """With ``price``: what a cut adds more than the best one, over what that adds, at which it is e times
    less probable at first."""
    label_smoothing: FromZeroToOne = 0.1
    """Probability that imitation spreads evenly over all cuts."""
    critic_first: Whole = 0
    """First updates in which only the critic learns."""
    checks: Whole = 0
    """Number of evaluations that select the best checkpoint; 0 returns the last network."""
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
    """Largest norm of the gradient; longer ones are scaled down; 0 sets no limit."""
    normalise_observations: Flag = False
    """Whether features are normalised by their running mean and standard deviation."""
    normalise_advantages: Flag = False
    """Whether the advantages of a minibatch are normalised to mean 0 and standard deviation 1."""
    normalise_returns: Flag = False
    """Whether the critic learns returns normalised by their running mean and standard deviation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.allocation == "backlog":
            if self.waiting_cost_j_per_s is not None:
                raise ProblemError("$.waiting_cost_j_per_s", 'expected none without allocation "price"')
            return
        if self.network != "shared":
            reason = f'expected "backlog" for a {self.network} network, got {self.allocation!r}'
            raise ProblemError("$.allocation", reason)
        if self.start != "nothing":
            reason = f'expected "nothing", as the network begins with the rule; got {self.start!r}'
            raise ProblemError("$.start", reason)


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
# The shared network has several stages, so that each can be shallow and narrow. One update changes the
# decisions of all services, so that steps must be small. Episodes and horizon are long enough for a scarce
# edge server to fill up: within 200 decisions it hardly does, and a policy that overloads it looks good.
# With less entropy the training kept its first prices of the edge; with more, random points overloaded it.
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
    # Little is left to gain after the start: effects are small and late, so that sums of rewards are more
    # informative than the critic. Replications that are reset together are correlated (all edges fill at
    # once), so that the policy oscillates. Episodes and rollouts are therefore long.
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
WITH_PRICES: dict[str, Any] = {"start": "nothing"}
"""Changes of presets under prices."""
WITH_RANGES: dict[str, dict[str, Any]] = {"shared": _DRAWN, "best": {**_DRAWN, "critic_first": 20}}
"""Changes of presets if every episode draws its settings. All replications share a draw, so that fewer
replications see more draws."""

# Fields that the `[learning]` section of a scenario has under the same name.
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
    """Return the names that `preset` accepts."""
    return tuple(_PRESETS)


def preset(name: str, learning: Learning | None = None, **changes: Any) -> PPOConfig:
    """Make the configuration of a preset.

    Parameters
    ----------
    name : str
        ``paper``; ``tuned``, with a flat network; ``shared``, with a shared network; or ``best``, which also
        starts from a searched policy and returns the best checkpoint.
    learning : Learning, optional
        Section `[learning]` of a scenario. The preset overrides it, and `changes` override both.
    **changes
        Fields of `PPOConfig`.

    Returns
    -------
    PPOConfig

    Raises
    ------
    ProblemError
        If there is no such preset, or a value is wrong.
    """
    if name not in _PRESETS:
        raise ProblemError("$.preset", f"expected one of {', '.join(_PRESETS)}; got {name!r}")
    scenario = {} if learning is None else {key: getattr(learning, key) for key in _FROM_SCENARIO}
    priced = WITH_PRICES if changes.get("allocation") == "price" else {}
    return PPOConfig(**{**scenario, **_PRESETS[name], **priced, **changes})
