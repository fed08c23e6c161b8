"""Actor and critic networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lyaopt._kernels.learning.dense import IDENTITY
from lyaopt.errors import ProblemError
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.dense_layers import Dense, DenseLayers, dense_layer
from lyaopt.learning.distributions import Actions, Points
from lyaopt.learning.edge_price import EdgePrice
from lyaopt.learning.statistics import RunningStatistics
from lyaopt.learning.training_config import TrainingConfig
from lyaopt.model.system import System
from lyaopt.simulation import Decision

_MASKED = -1e9
"""Logit of a cut that may not be chosen: its probability is exactly 0, and finite times 0 stays 0."""

_LEAST_RETURN_WEIGHT = 0.1
"""Least weight of a rollout in the statistics of returns, which change as the policy improves."""


class Shape(NamedTuple):
    """Sizes of the inputs and outputs of a network.

    Attributes
    ----------
    features : int
        F, length of an observation.
    choices : tuple of int (S,)
        K + 1, number of cuts of each service.
    first_choice : int
        Least cut that may be chosen, 0 or 1.
    """

    features: int
    choices: tuple[int, ...]
    first_choice: int


def check_services(shape: Shape, system: System) -> None:
    """Check that a network serves a system.

    Parameters
    ----------
    shape : Shape
        Of the network.
    system : System
        To be served.

    Raises
    ------
    ProblemError
        If the services have other numbers of cuts.
    """
    choices = tuple(system.cut_counts.tolist())
    if choices != shape.choices:
        reason = f"expected services with {list(shape.choices)} cuts, got {list(choices)}"
        raise ProblemError("$.policy", f"trained for other services: {reason}")


class Chains(NamedTuple):
    """A network that is two chains of layers; the mask is added to the actor's outputs, the logits.

    Attributes
    ----------
    actor, critic : sequence of (Linear, int)
        Layers, each with the number of its activation in `lyaopt._kernels.learning.dense`.
    """

    actor: Sequence[tuple[nn.Linear, int]]
    critic: Sequence[tuple[nn.Linear, int]]


class ActorCritic(nn.Module):
    """Maps observations to distributions of actions and to values of the state.

    The network includes the running statistics of observations and returns: its weights refer to them.

    Parameters
    ----------
    shape : Shape
    parts : int
        D, parts of the reward that have values.
    config : PPOConfig

    Attributes
    ----------
    returns : RunningStatistics
    edge_price : EdgePrice
        Learned in training with credit by device; otherwise zero.
    value_layer : Linear
        Last layer of the critic.
    """

    mask: Tensor
    value_layer: nn.Linear

    def __init__(self, shape: Shape, parts: int, config: PPOConfig) -> None:
        super().__init__()
        self.normalises = config.normalise_observations
        self.returns = RunningStatistics(parts, _LEAST_RETURN_WEIGHT)
        self.edge_price = EdgePrice()
        self.set_shape(shape)

    def set_shape(self, shape: Shape) -> None:
        """Choose from the cuts of `shape` from now on."""
        self.shape = shape
        widest = max(shape.choices)
        mask = torch.full((len(shape.choices), widest), _MASKED)
        for row, choices in zip(mask, shape.choices, strict=True):
            row[shape.first_choice : choices] = 0.0
        self.register_buffer("mask", mask, persistent=False)

    @property
    def chains(self) -> Chains | None:
        """The network as two chains of layers; None if it is not."""
        return None

    def bind(self, system: System) -> None:
        """Serve a system from now on.

        Parameters
        ----------
        system : System
            The observations come from it.

        Raises
        ------
        ProblemError
            If the network was made for other services or devices.
        """
        check_services(self.shape, system)

    def normalised(self, observation: Tensor) -> Tensor:
        """Normalise observations.

        Parameters
        ----------
        observation : Tensor (n, F)
            As environments give them, one row each.

        Returns
        -------
        Tensor (n, ·)
            Features, the input of all methods below.
        """
        raise NotImplementedError

    def add_observations(self, rows: Tensor) -> None:
        """Update the statistics of observations by `rows` (n, F)."""
        raise NotImplementedError

    def choose(self, observation: Tensor) -> Decision:
        """Decide greedily: the most probable action for each `observation` (n, F)."""
        return self.decision(self.actions(self.normalised(observation)).mode())

    def points(self, features: Tensor) -> Points:
        """Compute the distribution of the partition points for normalised `features` (n, ·)."""
        raise NotImplementedError

    def actions(self, features: Tensor) -> Actions:
        """Compute the distribution of actions for normalised `features` (n, ·): by default of the points."""
        return self.points(features)

    def empty_actions(self, *size: int) -> Tensor:
        """Allocate a tensor of actions, ``(*size, ·)``; `size` is its leading shape."""
        return torch.empty(*size, len(self.shape.choices), dtype=torch.int64)

    def step_arguments(self, actions: Tensor) -> tuple[Any, ...]:
        """Convert `actions` (B, ·) to the arguments of an environment's `step`."""
        return (actions.numpy(),)

    def decision(self, actions: Tensor) -> Decision:
        """Convert `actions` (B, ·) to the decision of a policy."""
        return Decision(actions.numpy().T)

    def scaled_value(self, features: Tensor) -> Tensor:
        """Compute values (n, D) for normalised `features` (n, ·), in standard deviations of the returns."""
        raise NotImplementedError

    def value(self, features: Tensor) -> Tensor:
        """Compute values (n, D) for normalised `features` (n, ·)."""
        return self.unscaled(self.scaled_value(features)).float()

    def unscaled(self, value: Tensor) -> Tensor:
        """Convert a scaled `value` (..., D) to a return, in double precision."""
        return value.double() * self.returns.deviation + self.returns.mean

    def scaled(self, returns: Tensor) -> Tensor:
        """Convert `returns` (..., D) to standard deviations from their mean."""
        return ((returns.double() - self.returns.mean) / self.returns.deviation).float()

    @torch.no_grad()
    def add_returns(self, returns: Tensor) -> None:
        """Update the statistics by `returns` (n, D), preserving all values (van Hasselt et al. 2016)."""
        layer = self.value_layer
        bias, before = self.unscaled(layer.bias), self.returns.deviation
        self.returns.add(returns.reshape(-1, len(self.returns.mean)))
        layer.weight.mul_((before / self.returns.deviation).float().unsqueeze(-1))
        layer.bias.copy_(self.scaled(bias))


class FlatActorCritic(ActorCritic):
    """Fully connected layers over the whole observation, as in the paper.

    Parameters
    ----------
    shape : Shape
    parts : int
        D, parts of the reward that have values.
    config : PPOConfig
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(self, shape: Shape, parts: int, config: PPOConfig, generator: torch.Generator) -> None:
        super().__init__(shape, parts, config)
        self.observations = RunningStatistics(shape.features)
        self.actor = hidden_layers(shape.features, config, generator)
        self.critic = hidden_layers(shape.features, config, generator)
        self.points_layer = linear(config.hidden_units, self.mask.numel(), 0.01, generator)
        self.value_layer = linear(config.hidden_units, parts, 0.1, generator)

    @property
    def chains(self) -> Chains | None:
        """The network as two chains of layers."""
        actor = [*self.actor.pairs(), (self.points_layer, IDENTITY)]
        return Chains(actor, [*self.critic.pairs(), (self.value_layer, IDENTITY)])

    def normalised(self, observation: Tensor) -> Tensor:
        """Normalise `observation` (n, F)."""
        return self.observations.scale(observation) if self.normalises else observation

    def add_observations(self, rows: Tensor) -> None:
        """Update the statistics of observations by `rows` (n, F)."""
        self.observations.add(rows)

    def points(self, features: Tensor) -> Points:
        """Compute the distribution of the partition points for normalised `features` (n, F)."""
        return self.points_after(self.actor(features))

    def points_after(self, hidden: Tensor) -> Points:
        """Compute the distribution of the points from the actor's `hidden` layers (n, hidden_units)."""
        layer = self.points_layer
        logits = dense_layer(hidden, layer.weight, layer.bias + self.mask.flatten())
        return Points(logits.view(-1, *self.mask.shape))

    def scaled_value(self, features: Tensor) -> Tensor:
        """Compute values (n, D) for normalised `features` (n, F), in standard deviations of the returns."""
        values: Tensor = self.value_layer(self.critic(features))
        return values


def hidden_layers(
    features: int, config: TrainingConfig, generator: torch.Generator, activation: type[nn.Module] = nn.Tanh
) -> DenseLayers:
    """Make the hidden layers of a network.

    Parameters
    ----------
    features : int
        Inputs.
    config : TrainingConfig
        Its `hidden_layers` and `hidden_units`.
    generator : torch.Generator
        Source of the initial weights.
    activation : type
        After each layer: `torch.nn.Tanh` or `torch.nn.ReLU`.

    Returns
    -------
    DenseLayers
    """
    widths = [features] + [config.hidden_units] * config.hidden_layers
    layers = []
    for before, after in pairwise(widths):
        layers += [linear(before, after, math.sqrt(2.0), generator), activation()]
    return DenseLayers(*layers)


def linear(before: int, after: int, gain: float, generator: torch.Generator) -> Dense:
    """Make a layer with orthogonal initial weights and zero bias.

    Parameters
    ----------
    before, after : int
        Inputs and outputs.
    gain : float
        Scale of the weights.
    generator : torch.Generator
        Source of the initial weights.

    Returns
    -------
    Dense
    """
    layer = nn.utils.skip_init(Dense, before, after)
    nn.init.orthogonal_(layer.weight, gain, generator)
    nn.init.zeros_(layer.bias)
    return layer
