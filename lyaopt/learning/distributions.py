"""Distributions of actions: the interface that PPO uses, and independent partition points."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Generator, Tensor


class Actions(Protocol):
    """Distributions of n actions, each of C independent parts.

    An action is a row of numbers whose length and type the network defines.
    """

    def log_prob(self, actions: Tensor, /) -> Tensor:
        """Compute log-probabilities.

        Parameters
        ----------
        actions : Tensor (n, ·)
            One action for each row of the distribution.

        Returns
        -------
        Tensor (n, C)
            Of each part; their sum is the log-probability of the action.
        """
        ...

    def log_prob_and_entropy(self, actions: Tensor, /) -> tuple[Tensor, Tensor]:
        """Compute log-probabilities and entropies.

        Parameters
        ----------
        actions : Tensor (n, ·)
            One action for each row of the distribution.

        Returns
        -------
        tuple of Tensor (n, C)
            Of each part.
        """
        ...

    def sample(self, generator: Generator) -> Tensor:
        """Draw actions.

        Parameters
        ----------
        generator : torch.Generator
            Source of the draws.

        Returns
        -------
        Tensor (n, ·)
        """
        ...

    def mode(self) -> Tensor:
        """Return the most probable actions (n, ·)."""
        ...


class _LogProbAndEntropy(torch.autograd.Function):
    """Log-probabilities and entropies (n, S) of logits (n, S, K + 1).

    With p = softmax(z): d log p_a / dz_k = [k = a] - p_k and dH / dz_k = -p_k (log p_k + H). The explicit
    gradient halves the passes over the largest tensors of an update.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        log_probability = logits.log_softmax(-1)
        probability = log_probability.exp()
        entropy = -torch.linalg.vecdot(probability, log_probability)
        ctx.save_for_backward(log_probability, probability, entropy, points)
        return log_probability.gather(-1, points.unsqueeze(-1)).squeeze(-1), entropy

    @staticmethod
    def backward(ctx: Any, log_prob_gradient: Tensor, entropy_gradient: Tensor) -> tuple[Tensor, None]:
        log_probability, probability, entropy, points = ctx.saved_tensors
        constant = log_prob_gradient + entropy_gradient * entropy
        gradient = torch.addcmul(constant.unsqueeze(-1), entropy_gradient.unsqueeze(-1), log_probability)
        gradient.mul_(probability).neg_()
        gradient.scatter_add_(-1, points.unsqueeze(-1), log_prob_gradient.unsqueeze(-1))
        return gradient, None


class Points:
    """Independent categorical distributions of the partition points of S services.

    Parameters
    ----------
    logits : Tensor (n, S, K + 1)
        Masked: about -1e9 for cuts that may not be chosen.
    """

    def __init__(self, logits: Tensor) -> None:
        self._logits = logits

    @cached_property
    def log_probability(self) -> Tensor:
        """Log-probabilities of all cuts (n, S, K + 1)."""
        return self._logits.log_softmax(-1)

    def log_prob(self, points: Tensor) -> Tensor:
        """Compute the log-probability (n, S) of each of the `points` (n, S)."""
        return self.log_probability.gather(-1, points.unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        """Compute the entropy of each point (n, S); their sum is the joint entropy."""
        return -(self.log_probability.exp() * self.log_probability).sum(-1)

    def log_prob_and_entropy(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Compute `log_prob` of `points` and `entropy` together, with a gradient that takes half the time."""
        log_prob, entropy = _LogProbAndEntropy.apply(self._logits, points)
        return log_prob, entropy

    def sample(self, generator: Generator) -> Tensor:
        """Draw points (n, S) by `generator`, inverting the cumulative distribution."""
        summed = self.log_probability.exp().cumsum(-1)
        # Uniform in (0, 1]: a draw of 0 would take the first cut even if it is masked. Scaled by the total,
        # which rounding leaves next to 1, no draw lies beyond the last cut.
        draw = (1.0 - torch.rand(*summed.shape[:-1], 1, generator=generator)) * summed[..., -1:]
        return (summed < draw).sum(-1)

    def mode(self) -> Tensor:
        """Return the most probable points (n, S)."""
        return self.log_probability.argmax(-1)
