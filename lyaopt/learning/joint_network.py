"""PPO (joint), the paper's baseline: one network sets the partition points and the resource shares.

The share of a service is the softmax of a latent number over the services that compete for the resource; the
level of a device's CPU or power is the logistic function of one. The action of PPO is the points and the
latent numbers, which are independent and normal. The maps behind them belong to the environment, like the
projection in each slot, and cancel in the ratio of probabilities.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from lyaopt.errors import ProblemError
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.distributions import Points
from lyaopt.learning.networks import FlatActorCritic, Shape, linear
from lyaopt.learning.ppo import PPO
from lyaopt.model.system import System
from lyaopt.simulation import Decision, Shares

_LEVELS, _STAGES = 2, 3
_INITIAL_DEVIATION = 0.6
"""Standard deviation of the latent numbers: gives levels of 0.35 to 0.65 and shares in ratios of 1 to 2."""
_CLIP = 300.0
"""Latent numbers are clipped to this, so that sums of exponentials do not overflow."""
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class Normals:
    """Independent normal numbers (n, A), grouped into C parts.

    Parameters
    ----------
    mean : Tensor (n, A)
    log_deviation : Tensor (A,)
        Logarithm of the standard deviation.
    membership : Tensor (A, C)
        1 if a number belongs to a part, else 0.
    """

    def __init__(self, mean: Tensor, log_deviation: Tensor, membership: Tensor) -> None:
        self._mean, self._log_deviation, self._membership = mean, log_deviation, membership

    def log_prob(self, numbers: Tensor) -> Tensor:
        """Compute the log-density (n, C) of each part of `numbers` (n, A)."""
        z = (numbers - self._mean) * (-self._log_deviation).exp()
        return (-0.5 * z.square() - self._log_deviation - _HALF_LOG_TWO_PI) @ self._membership

    def entropy(self) -> Tensor:
        """Compute the differential entropy of each part (n, C)."""
        each = (self._log_deviation + (0.5 + _HALF_LOG_TWO_PI)) @ self._membership
        return each.expand(len(self._mean), -1)

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw numbers (n, A) by `generator`."""
        draw = torch.randn(self._mean.shape, generator=generator, dtype=self._mean.dtype)
        return self._mean + self._log_deviation.exp() * draw

    def mode(self) -> Tensor:
        """Return the most probable numbers (n, A)."""
        return self._mean


class JointActions:
    """Points of S services and latent numbers of M devices: actions (n, S + A) with S + M parts.

    Parameters
    ----------
    points : Points
    latents : Normals
    services : int
        S.
    """

    def __init__(self, points: Points, latents: Normals, services: int) -> None:
        self._points, self._latents, self._services = points, latents, services

    def log_prob(self, actions: Tensor) -> Tensor:
        """Compute log-probabilities of points and log-densities of devices (n, S + M) in `actions`."""
        points, latents = self._split(actions)
        return torch.cat([self._points.log_prob(points), self._latents.log_prob(latents)], -1)

    def log_prob_and_entropy(self, actions: Tensor, needed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compute `log_prob` of `actions` and the entropies (n, S + M), of points where `needed`."""
        points, latents = self._split(actions)
        of_points = None if needed is None else needed[:, : self._services]
        log_prob, entropy = self._points.log_prob_and_entropy(points, of_points)
        both = [log_prob, self._latents.log_prob(latents)], [entropy, self._latents.entropy()]
        return torch.cat(both[0], -1), torch.cat(both[1], -1)

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw actions (n, S + A) by `generator`; also their `log_prob` (n, S + M)."""
        points, log_prob = self._points.draw(generator)
        latents = self._latents.sample(generator)
        log_probs = torch.cat([log_prob, self._latents.log_prob(latents)], -1)
        return _concatenated(points, latents), log_probs

    def mode(self) -> Tensor:
        """Return the most probable actions (n, S + A)."""
        return _concatenated(self._points.mode(), self._latents.mode())

    def _split(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        return actions[..., : self._services].long(), actions[..., self._services :]


def _concatenated(points: Tensor, latents: Tensor) -> Tensor:
    return torch.cat([points.to(latents.dtype), latents], -1)


class JointActorCritic(FlatActorCritic):
    """A `FlatActorCritic` whose actor also sets levels and shares.

    The latent numbers are the levels of CPU and power, M each, then the shares of the stages, S each.

    Parameters
    ----------
    shape : Shape
    parts : int
        D, parts of the reward that have values.
    config : PPOConfig
    generator : torch.Generator
        Source of the initial weights.
    system : System
    """

    membership: Tensor
    competing: Tensor

    def __init__(
        self, shape: Shape, parts: int, config: PPOConfig, generator: torch.Generator, system: System
    ) -> None:
        super().__init__(shape, parts, config, generator)
        device = torch.tensor(system.device_of_service)
        devices = torch.arange(len(system.devices))
        owner = torch.cat([devices.repeat(_LEVELS), device.repeat(_STAGES)])
        self.register_buffer("membership", (owner[:, None] == devices).float(), persistent=False)
        neighbours = device[:, None] == device
        competing = torch.stack([neighbours, neighbours, torch.ones_like(neighbours)])
        self.register_buffer("competing", competing.double(), persistent=False)
        self.shares_layer = linear(config.hidden_units, len(owner), 0.01, generator)
        self.log_deviation = nn.Parameter(torch.full((len(owner),), math.log(_INITIAL_DEVIATION)))
        self._device_of_service = device.tolist()

    @property
    def chains(self) -> None:
        """None: the actor has two heads."""
        return None

    def actions(self, features: Tensor) -> JointActions:
        """Compute the distribution of points and latent numbers for normalised `features` (n, F)."""
        hidden = self.actor(features)
        latents = Normals(self.shares_layer(hidden), self.log_deviation, self.membership)
        return JointActions(self.points_after(hidden), latents, len(self.shape.choices))

    def empty_actions(self, *size: int) -> Tensor:
        """Allocate a tensor of actions, ``(*size, S + A)``; `size` is its leading shape."""
        return torch.empty(*size, len(self.shape.choices) + len(self.log_deviation))

    def step_arguments(self, actions: Tensor) -> tuple[Any, ...]:
        """Convert `actions` (B, S + A) to points (B, S), levels (B, 2, M) and shares (B, 3, S)."""
        services = len(self.shape.choices)
        points, latents = actions[:, :services].long(), actions[:, services:].double()
        levels, shares = latents.split([_LEVELS * self.membership.shape[1], _STAGES * services], -1)
        weights = shares.clamp(-_CLIP, _CLIP).exp().view(-1, _STAGES, services)
        shares = weights / torch.einsum("nks,kst->nkt", weights, self.competing)
        return (
            points.numpy(),
            levels.sigmoid().view(-1, _LEVELS, self.membership.shape[1]).numpy(),
            shares.numpy(),
        )

    def decision(self, actions: Tensor) -> Decision:
        """Convert `actions` (B, S + A) to the decision of a policy."""
        points, levels, shares = self.step_arguments(actions)
        both = (*levels.transpose(1, 2, 0), *shares.transpose(1, 2, 0))
        return Decision(points.T, shares=Shares(*both))

    def bind(self, system: System) -> None:
        """Serve `system` from now on; `ProblemError` if it has other services or devices."""
        super().bind(system)
        devices = list(system.device_of_service)
        if devices != self._device_of_service or len(system.devices) != self.membership.shape[1]:
            reason = f"expected services on devices {self._device_of_service}, got {devices}"
            raise ProblemError("$.policy", f"ppo-joint was trained for other devices: {reason}")


def make_joint_network(
    shape: Shape, parts: int, config: PPOConfig, generator: torch.Generator, system: System | None = None
) -> JointActorCritic:
    """Make the network of PPO (joint).

    Parameters
    ----------
    shape : Shape
        Sizes of observations and actions.
    parts : int
        D, parts of the reward that have values.
    config : PPOConfig
        Sets the hidden layers.
    generator : torch.Generator
        Source of the initial weights.
    system : System, optional
        Gives the devices and their services; required.

    Returns
    -------
    JointActorCritic

    Raises
    ------
    ProblemError
        If there is no system, or the configuration has a shared network, a start or checks.
    """
    if config.network != "flat" or system is None:
        raise ProblemError("$.network", "expected a flat network for a system: PPO (joint) has no shared one")
    if config.start != "nothing":
        raise ProblemError(
            "$.start", f'expected "nothing", as PPO (joint) has no start; got {config.start!r}'
        )
    if config.checks:
        raise ProblemError("$.checks", f"expected 0, as PPO (joint) has no checks; got {config.checks}")
    return JointActorCritic(shape, parts, config, generator, system)


class JointPPO(PPO):
    """PPO of points and shares, in a `lyaopt.learning.joint_systems.JointSystems`."""

    make_network = staticmethod(make_joint_network)
