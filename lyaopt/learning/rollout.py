"""Rollouts: T decisions in B environments, with advantages and returns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lyaopt._kernels.learning.gae import advantages
from lyaopt.learning.environment import Environment, ends


class Ends(NamedTuple):
    """Episodes that ended in one step.

    Attributes
    ----------
    decision : int
        Index of the step in the rollout.
    terminated, truncated : Tensor (B,) of bool
    observation : Tensor (B, F)
        Last observations of the episodes.
    """

    decision: int
    terminated: Tensor
    truncated: Tensor
    observation: Tensor

    @classmethod
    def of(cls, environment: Environment, decision: int) -> Ends:
        """Copy the ends of episodes from an `environment` after step `decision`."""
        terminated, truncated = ends(environment)
        arrays = (terminated, truncated & ~terminated, environment.final_observation)
        return cls(decision, *(torch.tensor(array) for array in arrays))


class Rollout:
    """The tensors of a rollout, which share memory with the arrays of the kernels.

    Parameters
    ----------
    actions : Tensor (T, B, ·)
        Buffer.
    features, choices, parts : int
        F, C and D.

    Attributes
    ----------
    observation : Tensor (T, B, F)
    actions : Tensor (T, B, ·)
    log_probability : Tensor (T, B, C)
        Of each part of an action when it was drawn.
    met : Tensor (T, B, C) of bool
        Whether the part had an effect.
    reward, value, following, advantage, returns : Tensor (T, B, D)
        Of each part of the reward; `following` is the value of the next state, 0 after termination.
    ended : Tensor (T, B) of bool
    """

    def __init__(self, actions: Tensor, features: int, choices: int, parts: int) -> None:
        size = actions.shape[:2]
        self.observation = torch.empty(*size, features)
        self.actions = actions
        self.log_probability = torch.empty(*size, choices)
        self.met = torch.ones(*size, choices, dtype=torch.bool)
        self.reward, self.value, self.following, self.advantage, self.returns = (
            torch.empty(*size, parts) for _ in range(5)
        )
        self.ended = torch.empty(size, dtype=torch.bool)

    def estimate(self, discount: float, decay: float, critic_decay: float) -> None:
        """Compute advantages and returns by generalised advantage estimation (Schulman et al. 2016).

        Parameters
        ----------
        discount : float
            gamma.
        decay, critic_decay : float
            lambda of the advantages and of the returns.
        """
        # The kernel treats the parts of a reward like further environments.
        ended = self.ended.unsqueeze(-1).expand_as(self.reward).flatten(1).contiguous().numpy()
        discounts = np.full(ended.shape[1], discount)
        columns = [part.flatten(1).numpy() for part in (self.reward, self.value, self.following)]
        advantages(*columns, ended, discounts, critic_decay, self.returns.flatten(1).numpy())
        self.returns += self.value
        advantages(*columns, ended, discounts, decay, self.advantage.flatten(1).numpy())

    def explained_variance(self) -> float:
        """Return the share of the variance of the returns that the values explain."""
        residual = (self.returns - self.value).var()
        return float(1.0 - residual / self.returns.var().clamp(min=1e-12))
