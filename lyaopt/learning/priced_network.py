"""The shared network over prices: it begins with the rule's choice, and learns where to leave it."""

from __future__ import annotations

import torch
from torch import Tensor

from lyaopt.learning.config import PPOConfig
from lyaopt.learning.distributions import Points
from lyaopt.learning.networks import Shape
from lyaopt.learning.shared_network import SharedActorCritic
from lyaopt.model.system import System


class PricedActorCritic(SharedActorCritic):
    """Logits are those of the shared network less the gap of each cut over a temperature.

    At first those of the network are 0: the most probable cut is exactly that of the rule, and others are the
    more probable the less they cost. Observations are those of a `PricedObserver`.

    Parameters
    ----------
    shape : Shape
        Its features include the gaps.
    parts : int
        Parts of the reward.
    config : PPOConfig
        Gives the temperature.
    generator : torch.Generator
        Source of the initial weights.
    system : System
        To serve.
    """

    def __init__(
        self, shape: Shape, parts: int, config: PPOConfig, generator: torch.Generator, system: System
    ) -> None:
        self._gaps = len(shape.choices) * max(shape.choices)
        plain = shape._replace(features=shape.features - self._gaps)
        super().__init__(plain, parts, config, generator, system)
        self._temperature = config.gap_temperature
        with torch.no_grad():
            self.query.weight.zero_()

    def normalised(self, observation: Tensor) -> Tensor:
        """Normalise `observation` (n, F), except for the gaps, which come last."""
        plain, gaps = observation[:, : -self._gaps], observation[:, -self._gaps :]
        return torch.cat([super().normalised(plain), gaps], -1)

    def points(self, features: Tensor) -> Points:
        """Compute the distribution of the partition points for normalised `features` (n, ·)."""
        gaps = features[:, -self._gaps :].view(len(features), *self.mask.shape)
        return Points(self._logits(features[:, : -self._gaps]) - gaps / self._temperature)

    def scaled_value(self, features: Tensor) -> Tensor:
        """Compute values for normalised `features` (n, ·)."""
        return super().scaled_value(features[:, : -self._gaps])
