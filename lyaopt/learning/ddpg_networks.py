"""Actor and critic networks of DDPG."""

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
    """Actor mu(s) and critic Q(s, a).

    The network includes the running statistics of observations: its weights refer to them.

    Parameters
    ----------
    features, actions : int
        F and A.
    config : DDPGConfig
    generator : torch.Generator
        Source of the initial weights.
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
        """Normalise `observation` (n, F)."""
        return self.observations.scale(observation) if self._normalises else observation

    def action(self, features: Tensor) -> Tensor:
        """Compute mu(s) (n, A), from -1 to 1, for normalised `features` (n, F)."""
        actions: Tensor = self.actor(features)
        return actions

    def value(self, features: Tensor, actions: Tensor) -> Tensor:
        """Compute Q(s, a) (n,) for normalised `features` (n, F) and `actions` (n, A)."""
        values: Tensor = self.critic(torch.cat([features, actions], -1))
        return values.squeeze(-1)


class CutActorCritic(DeterministicActorCritic):
    """A `DeterministicActorCritic` whose actions are rounded to cuts.

    Parameters
    ----------
    shape : Shape
    config : DDPGConfig
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(self, shape: Shape, config: DDPGConfig, generator: torch.Generator) -> None:
        super().__init__(shape.features, len(shape.choices), config, generator)
        self.shape = shape

    def bind(self, system: System) -> None:
        """Serve `system` from now on; `ProblemError` if its services have other numbers of cuts."""
        check_services(self.shape, system)

    def choose(self, observation: Tensor) -> Decision:
        """Decide: the cuts of mu(s) for each `observation` (n, F)."""
        actions = self.action(self.normalised(observation)).numpy()
        return Decision(nearest_cuts(actions, self.shape.first_choice, np.array(self.shape.choices)).T)
