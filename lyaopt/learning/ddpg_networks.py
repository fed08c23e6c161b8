"""Deterministic actor and critic of actions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lyaopt.learning.continuous import nearest_cuts
from lyaopt.learning.ddpg_config import DDPGConfig
from lyaopt.learning.networks import Shape, check_services, hidden_layers, linear
from lyaopt.learning.statistics import RunningStatistics
from lyaopt.model.system import System
from lyaopt.simulation import Decision


class DeterministicActorCritic(nn.Module):
    """An action for every state, and the value of any action in it.

    Running statistics of observations belong to the network: without them its weights mean nothing.

    Parameters
    ----------
    features, actions : int
        F and A.
    """

    def __init__(self, features: int, actions: int, config: DDPGConfig, generator: torch.Generator) -> None:
        super().__init__()
        self._normalises = config.normalise_observations
        self.observations = RunningStatistics(features)
        self.actor = nn.Sequential(
            hidden_layers(features, config, generator, nn.ReLU),
            linear(config.hidden_units, actions, 0.01, generator),
            nn.Tanh(),
        )
        self.critic = nn.Sequential(
            hidden_layers(features + actions, config, generator, nn.ReLU),
            linear(config.hidden_units, 1, 0.1, generator),
        )

    def normalised(self, observation: Tensor) -> Tensor:
        """Features (n, F) as the layers take them."""
        return self.observations.scale(observation) if self._normalises else observation

    def action(self, features: Tensor) -> Tensor:
        """mu(s) (n, A), from -1 to 1, in states given by normalised features (n, F)."""
        actions: Tensor = self.actor(features)
        return actions

    def value(self, features: Tensor, actions: Tensor) -> Tensor:
        """Q(s, a) (n,)."""
        values: Tensor = self.critic(torch.cat([features, actions], -1))
        return values.squeeze(-1)


class CutActorCritic(DeterministicActorCritic):
    """One whose actions stand for cuts."""

    def __init__(self, shape: Shape, config: DDPGConfig, generator: torch.Generator) -> None:
        super().__init__(shape.features, len(shape.choices), config, generator)
        self.shape = shape

    def bind(self, system: System) -> None:
        """Serve a system from now on; raises `ProblemError` if its services have other cuts."""
        check_services(self.shape, system)

    def choose(self, observation: Tensor) -> Decision:
        """The cuts of the actions in observed states (n, F)."""
        actions = self.action(self.normalised(observation)).numpy()
        return Decision(nearest_cuts(actions, self.shape.first_choice, np.array(self.shape.choices)).T)
