"""Actor and critic, and the distribution of the partition points of all services at once."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lyaopt.errors import ProblemError
from lyaopt.learning.actions import Actions
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.edge_price import EdgePrice
from lyaopt.learning.statistics import RunningStatistics
from lyaopt.learning.training_config import TrainingConfig
from lyaopt.model.system import System
from lyaopt.simulation import Decision

_IMPOSSIBLE = -1e9
"""Logit of what is no choice: its probability is exactly 0, and 0 times its logarithm still 0."""

_NEWEST_RETURNS = 0.1
"""Least weight of a rollout's returns in their statistics: they change as the policy gets better."""


class Shape(NamedTuple):
    """What an environment asks of a network.

    Attributes
    ----------
    features : int
        F, numbers in an observation.
    choices : tuple of int (S,)
        Cuts of each service.
    first_choice : int
        Least cut that may be chosen, 0 or 1.
    """

    features: int
    choices: tuple[int, ...]
    first_choice: int


class _OfWithEntropy(torch.autograd.Function):
    """Log-probabilities and entropies (n, S) of logits (n, S, K + 1).

    With p = softmax(z): d log p_a / dz_k = [k = a] - p_k and dH / dz_k = -p_k (log p_k + H). Written out, the
    largest tensors of an update are walked through half as often.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        log_probability = logits.log_softmax(-1)
        probability = log_probability.exp()
        entropy = -torch.linalg.vecdot(probability, log_probability)
        ctx.save_for_backward(log_probability, probability, entropy, points)
        return log_probability.gather(-1, points.unsqueeze(-1)).squeeze(-1), entropy

    @staticmethod
    def backward(ctx: Any, of_gradient: Tensor, entropy_gradient: Tensor) -> tuple[Tensor, None]:
        log_probability, probability, entropy, points = ctx.saved_tensors
        constant = of_gradient + entropy_gradient * entropy
        gradient = torch.addcmul(constant.unsqueeze(-1), entropy_gradient.unsqueeze(-1), log_probability)
        gradient.mul_(probability).neg_()
        gradient.scatter_add_(-1, points.unsqueeze(-1), of_gradient.unsqueeze(-1))
        return gradient, None


class Points:
    """Independent choices of S services, from masked logits (n, S, K + 1)."""

    def __init__(self, logits: Tensor) -> None:
        self._logits = logits

    @cached_property
    def log_probability(self) -> Tensor:
        """Logarithms of the probabilities of all choices."""
        return self._logits.log_softmax(-1)

    def of(self, points: Tensor) -> Tensor:
        """Log-probability of each of the points, (n, S) both; their sum is that of all together."""
        return self.log_probability.gather(-1, points.unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        """Entropy of each choice (n, S); their sum is that of all together."""
        return -(self.log_probability.exp() * self.log_probability).sum(-1)

    def of_with_entropy(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """`of` and `entropy` together, with a gradient that takes half the time."""
        of, entropy = _OfWithEntropy.apply(self._logits, points)
        return of, entropy

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw points (n, S) by inverting the cumulative distribution."""
        summed = self.log_probability.exp().cumsum(-1)
        # Uniform in (0, 1]: a draw of 0 would take the first cut even where it is no choice. Scaled by the
        # total, which rounding leaves beside 1, no draw lies beyond the last choice.
        draw = (1.0 - torch.rand(*summed.shape[:-1], 1, generator=generator)) * summed[..., -1:]
        return (summed < draw).sum(-1)

    def mode(self) -> Tensor:
        """Most probable points (n, S)."""
        return self.log_probability.argmax(-1)


def check_services(shape: Shape, system: System) -> None:
    """Raise `ProblemError` if the services of a system have other cuts."""
    choices = tuple(system.cut_counts.tolist())
    if choices != shape.choices:
        reason = f"expected services with {list(shape.choices)} cuts, got {list(choices)}"
        raise ProblemError("$.policy", f"trained for other services: {reason}")


class ActorCritic(nn.Module):
    """Logits of all services and the value of the state, from features.

    Running statistics of features and returns belong to the network: without them its weights mean nothing.

    Attributes
    ----------
    returns : RunningStatistics
    edge_price : EdgePrice
        Found in training with credit by device; else nothing.
    value_layer : Linear
        The last one of the critic.
    """

    mask: Tensor
    value_layer: nn.Linear

    def __init__(self, shape: Shape, parts: int, config: PPOConfig) -> None:
        super().__init__()
        self.normalises = config.normalise_observations
        self.returns = RunningStatistics(parts, _NEWEST_RETURNS)
        self.edge_price = EdgePrice()
        self.choose_from(shape)

    def choose_from(self, shape: Shape) -> None:
        """Choose from these cuts."""
        self.shape = shape
        widest = max(shape.choices)
        mask = torch.full((len(shape.choices), widest), _IMPOSSIBLE)
        for row, choices in zip(mask, shape.choices, strict=True):
            row[shape.first_choice : choices] = 0.0
        self.register_buffer("mask", mask, persistent=False)

    def bind(self, system: System) -> None:
        """Serve a system from now on.

        Raises
        ------
        ProblemError
            If the network was made for other services or devices.
        """
        check_services(self.shape, system)

    def normalised(self, observation: Tensor) -> Tensor:
        """Features (n, F) as the layers take them."""
        raise NotImplementedError

    def add_observations(self, rows: Tensor) -> None:
        """Take observations (n, F) into their statistics."""
        raise NotImplementedError

    def choose(self, observation: Tensor) -> Decision:
        """What is most probably done in observed states (n, F)."""
        return self.decision(self.actions(self.normalised(observation)).mode())

    def points(self, features: Tensor) -> Points:
        """Distribution of the points in states given by normalised features (n, F)."""
        raise NotImplementedError

    def actions(self, features: Tensor) -> Actions:
        """Distribution of what is done in such states: of the points, and of what else there may be."""
        return self.points(features)

    def empty_actions(self, *size: int) -> Tensor:
        """Room (*size, ·) for actions."""
        return torch.empty(*size, len(self.shape.choices), dtype=torch.int64)

    def orders(self, actions: Tensor) -> tuple[Any, ...]:
        """What actions (B, ·) tell an environment's `step`."""
        return (actions.numpy(),)

    def decision(self, actions: Tensor) -> Decision:
        """What actions (B, ·) tell a simulation."""
        return Decision(actions.numpy().T)

    def scaled_value(self, features: Tensor) -> Tensor:
        """Values (n, D) of such states in deviations of the returns from their mean."""
        raise NotImplementedError

    def value(self, features: Tensor) -> Tensor:
        """Values (n, D) of such states."""
        return self.unscaled(self.scaled_value(features)).float()

    def unscaled(self, value: Tensor) -> Tensor:
        """Returns from scaled ones, in double precision."""
        return value.double() * self.returns.deviation + self.returns.mean

    def scaled(self, returns: Tensor) -> Tensor:
        """Returns in deviations from their mean."""
        return ((returns.double() - self.returns.mean) / self.returns.deviation).float()

    @torch.no_grad()
    def add_returns(self, returns: Tensor) -> None:
        """Take in returns (n, D), and leave all values as they are (van Hasselt et al. 2016)."""
        layer = self.value_layer
        bias, before = self.unscaled(layer.bias), self.returns.deviation
        self.returns.add(returns.reshape(-1, len(self.returns.mean)))
        layer.weight.mul_((before / self.returns.deviation).float().unsqueeze(-1))
        layer.bias.copy_(self.scaled(bias))


class FlatActorCritic(ActorCritic):
    """Layers over the whole observation, as in the paper, and a value for each part of the reward."""

    def __init__(self, shape: Shape, parts: int, config: PPOConfig, generator: torch.Generator) -> None:
        super().__init__(shape, parts, config)
        self.observations = RunningStatistics(shape.features)
        self.actor = hidden_layers(shape.features, config, generator)
        self.critic = hidden_layers(shape.features, config, generator)
        self.points_layer = linear(config.hidden_units, self.mask.numel(), 0.01, generator)
        self.value_layer = linear(config.hidden_units, parts, 0.1, generator)

    def normalised(self, observation: Tensor) -> Tensor:
        """As of `ActorCritic`."""
        return self.observations.scale(observation) if self.normalises else observation

    def add_observations(self, rows: Tensor) -> None:
        """As of `ActorCritic`."""
        self.observations.add(rows)

    def points(self, features: Tensor) -> Points:
        """As of `ActorCritic`."""
        return self.points_after(self.actor(features))

    def points_after(self, hidden: Tensor) -> Points:
        """Distribution of the points from what the hidden layers of the actor make of a state."""
        layer = self.points_layer
        logits = nn.functional.linear(hidden, layer.weight, layer.bias + self.mask.flatten())
        return Points(logits.view(-1, *self.mask.shape))

    def scaled_value(self, features: Tensor) -> Tensor:
        """As of `ActorCritic`."""
        values: Tensor = self.value_layer(self.critic(features))
        return values


def hidden_layers(
    features: int, config: TrainingConfig, generator: torch.Generator, activation: type[nn.Module] = nn.Tanh
) -> nn.Sequential:
    """Layers that each end in the same activation."""
    widths = [features] + [config.hidden_units] * config.hidden_layers
    layers = []
    for before, after in pairwise(widths):
        layers += [linear(before, after, math.sqrt(2.0), generator), activation()]
    return nn.Sequential(*layers)


def linear(before: int, after: int, gain: float, generator: torch.Generator) -> nn.Linear:
    """A layer with orthogonal weights and no bias to begin with."""
    layer = nn.utils.skip_init(nn.Linear, before, after)
    nn.init.orthogonal_(layer.weight, gain, generator)
    nn.init.zeros_(layer.bias)
    return layer
