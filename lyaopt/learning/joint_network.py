"""PPO (joint), the paper's baseline: one network sets the partition points and the resource shares.

A share is the softmax of a latent number among those of the services that it competes with, a level of a
device's CPU or power the logistic function of one. PPO's action is the points and the latent numbers, which
are independent and normal: the maps behind them belong to the environment, like the projection in each slot,
and drop out of the ratio of probabilities.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from lyaopt.errors import ProblemError
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.networks import FlatActorCritic, Points, Shape, linear
from lyaopt.learning.ppo import PPO
from lyaopt.model.system import System
from lyaopt.simulation import Decision, Shares

_LEVELS, _STAGES = 2, 3
_FIRST_DEVIATION = 0.6
"""Of the latent numbers: levels of 0.35 to 0.65, shares in proportions of 1 to 2, to begin with."""
_FARTHEST = 300.0
"""Latent numbers beyond are taken for this: shares of nothing at all, and sums that do not overflow."""
_LOG_OF_DENSITY = 0.5 * math.log(2.0 * math.pi)


class Normals:
    """Independent normal numbers (n, A), which belong to C parts by a table (A, C) of ones and zeros."""

    def __init__(self, mean: Tensor, log_deviation: Tensor, table: Tensor) -> None:
        self._mean, self._log_deviation, self._table = mean, log_deviation, table

    def of(self, numbers: Tensor) -> Tensor:
        """Logarithm of the density of each part (n, C)."""
        away = (numbers - self._mean) * (-self._log_deviation).exp()
        return (-0.5 * away.square() - self._log_deviation - _LOG_OF_DENSITY) @ self._table

    def entropy(self) -> Tensor:
        """Differential entropy of each part (n, C)."""
        each = (self._log_deviation + (0.5 + _LOG_OF_DENSITY)) @ self._table
        return each.expand(len(self._mean), -1)

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw numbers (n, A)."""
        draw = torch.randn(self._mean.shape, generator=generator, dtype=self._mean.dtype)
        return self._mean + self._log_deviation.exp() * draw

    def mode(self) -> Tensor:
        """Most probable numbers (n, A)."""
        return self._mean


class JointActions:
    """Points of S services, and latent numbers of M devices: actions (n, S + A) of S + M parts."""

    def __init__(self, points: Points, latents: Normals, services: int) -> None:
        self._points, self._latents, self._services = points, latents, services

    def of(self, actions: Tensor) -> Tensor:
        """Log-probability of each point, and log-density of each device's numbers (n, S + M)."""
        points, latents = self._apart(actions)
        return torch.cat([self._points.of(points), self._latents.of(latents)], -1)

    def of_with_entropy(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and their entropies."""
        points, latents = self._apart(actions)
        of, entropy = self._points.of_with_entropy(points)
        both = [of, self._latents.of(latents)], [entropy, self._latents.entropy()]
        return torch.cat(both[0], -1), torch.cat(both[1], -1)

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw actions."""
        return _joined(self._points.sample(generator), self._latents.sample(generator))

    def mode(self) -> Tensor:
        """Most probable actions."""
        return _joined(self._points.mode(), self._latents.mode())

    def _apart(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        return actions[..., : self._services].long(), actions[..., self._services :]


def _joined(points: Tensor, latents: Tensor) -> Tensor:
    return torch.cat([points.to(latents.dtype), latents], -1)


class JointActorCritic(FlatActorCritic):
    """A `FlatActorCritic` whose actor also sets levels and shares.

    Latent numbers are the levels of CPU and power, M each, then the shares of the stages, S each.
    """

    table: Tensor
    together: Tensor

    def __init__(
        self, shape: Shape, parts: int, config: PPOConfig, generator: torch.Generator, system: System
    ) -> None:
        super().__init__(shape, parts, config, generator)
        device = torch.tensor(system.device_of_service)
        devices = torch.arange(len(system.devices))
        owner = torch.cat([devices.repeat(_LEVELS), device.repeat(_STAGES)])
        self.register_buffer("table", (owner[:, None] == devices).float(), persistent=False)
        neighbours = device[:, None] == device
        together = torch.stack([neighbours, neighbours, torch.ones_like(neighbours)])
        self.register_buffer("together", together.double(), persistent=False)
        self.shares_layer = linear(config.hidden_units, len(owner), 0.01, generator)
        self.log_deviation = nn.Parameter(torch.full((len(owner),), math.log(_FIRST_DEVIATION)))
        self._device_of_service = device.tolist()

    def actions(self, features: Tensor) -> JointActions:
        """As of `ActorCritic`."""
        hidden = self.actor(features)
        latents = Normals(self.shares_layer(hidden), self.log_deviation, self.table)
        return JointActions(self.points_after(hidden), latents, len(self.shape.choices))

    def empty_actions(self, *size: int) -> Tensor:
        """As of `ActorCritic`."""
        return torch.empty(*size, len(self.shape.choices) + len(self.log_deviation))

    def orders(self, actions: Tensor) -> tuple[Any, ...]:
        """Points (B, S), levels (B, 2, M) and shares (B, 3, S)."""
        services = len(self.shape.choices)
        points, latents = actions[:, :services].long(), actions[:, services:].double()
        levels, shares = latents.split([_LEVELS * self.table.shape[1], _STAGES * services], -1)
        weights = shares.clamp(-_FARTHEST, _FARTHEST).exp().view(-1, _STAGES, services)
        shares = weights / torch.einsum("nks,kst->nkt", weights, self.together)
        return points.numpy(), levels.sigmoid().view(-1, _LEVELS, self.table.shape[1]).numpy(), shares.numpy()

    def decision(self, actions: Tensor) -> Decision:
        """As of `ActorCritic`."""
        points, levels, shares = self.orders(actions)
        both = (*levels.transpose(1, 2, 0), *shares.transpose(1, 2, 0))
        return Decision(points.T, shares=Shares(*both))

    def bind(self, system: System) -> None:
        """As of `ActorCritic`."""
        super().bind(system)
        devices = list(system.device_of_service)
        if devices != self._device_of_service or len(system.devices) != self.table.shape[1]:
            reason = f"expected services on devices {self._device_of_service}, got {devices}"
            raise ProblemError("$.policy", f"ppo-joint was trained for other devices: {reason}")


def make_joint_network(
    shape: Shape, parts: int, config: PPOConfig, generator: torch.Generator, system: System | None = None
) -> JointActorCritic:
    """As `make_network`.

    Raises
    ------
    ProblemError
        If devices are to share a network, or there are none, or it is to start from a policy.
    """
    if config.network != "flat" or system is None:
        raise ProblemError("$.network", "expected a flat network of a system's devices to set shares")
    if config.start != "nothing":
        raise ProblemError("$.start", f"expected nothing to start from, to set shares; got {config.start!r}")
    if config.checks:
        raise ProblemError("$.checks", f"expected 0 to set shares, got {config.checks}")
    return JointActorCritic(shape, parts, config, generator, system)


class JointPPO(PPO):
    """PPO of points and shares, in `lyaopt.learning.joint_systems.JointSystems`."""

    make_network = staticmethod(make_joint_network)
