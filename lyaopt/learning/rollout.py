"""T decisions in B environments, and what each of them turned out to be worth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lyaopt._kernels.learning.gae import advantages
from lyaopt.learning.environment import Environment, ends


class Ends(NamedTuple):
    """Episodes that ended with one decision: which, how, and the observations (B, F) after it."""

    decision: int
    terminated: Tensor
    truncated: Tensor
    observation: Tensor

    @classmethod
    def of(cls, environment: Environment, decision: int) -> Ends:
        """What an environment says after a step in which episodes ended."""
        terminated, truncated = ends(environment)
        arrays = (terminated, truncated & ~terminated, environment.final_observation)
        return cls(decision, *(torch.tensor(array) for array in arrays))


class Rollout:
    """Tensors that share their memory with the arrays of compiled code.

    Attributes
    ----------
    observation : Tensor (T, B, F)
    actions : Tensor (T, B, ·)
    log_probability : Tensor (T, B, C)
        Of each of the C parts of an action when it was drawn.
    met : Tensor (T, B, C) of bool
        Whether the part had an effect.
    reward, value, following, advantage, returns : Tensor (T, B, D)
        D parts each; `following` is the value of the state that followed, 0 where an episode came to its end.
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

    def judge(self, discount: float, decay: float, critic_decay: float) -> None:
        """Work out advantages and returns from rewards and values."""
        # Parts of a reward are environments side by side to the compiled sum.
        ended = self.ended.unsqueeze(-1).expand_as(self.reward).flatten(1).contiguous().numpy()
        discounts = np.full(ended.shape[1], discount)
        given = [part.flatten(1).numpy() for part in (self.reward, self.value, self.following)]
        advantages(*given, ended, discounts, critic_decay, self.returns.flatten(1).numpy())
        self.returns += self.value
        advantages(*given, ended, discounts, decay, self.advantage.flatten(1).numpy())

    def explained(self) -> float:
        """Share of the variance of the returns that the values explain."""
        left = (self.returns - self.value).var()
        return float(1.0 - left / self.returns.var().clamp(min=1e-12))
