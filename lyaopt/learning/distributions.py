"""Distributions of actions: the interface that PPO uses, and independent partition points."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Generator, Tensor

from lyaopt._kernels.learning import categorical as kernel


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

    def log_prob_and_entropy(self, actions: Tensor, needed: Tensor | None = None, /) -> tuple[Tensor, Tensor]:
        """Compute log-probabilities and entropies.

        Parameters
        ----------
        actions : Tensor (n, ·)
            One action for each row of the distribution.
        needed : Tensor (n, C) of bool, optional
            Parts that are used: others may hold any finite numbers, without a gradient.

        Returns
        -------
        tuple of Tensor (n, C)
            Of each part.
        """
        ...

    def draw(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw actions.

        Parameters
        ----------
        generator : torch.Generator
            Source of the draws.

        Returns
        -------
        actions : Tensor (n, ·)
        log_prob : Tensor (n, C)
            Of each part.
        """
        ...

    def mode(self) -> Tensor:
        """Return the most probable actions (n, ·)."""
        ...


class _Judged(torch.autograd.Function):
    """Log-probabilities and entropies (n, S) of logits (n, S, K + 1), where needed; else 0."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, points: Tensor, needed: Tensor) -> tuple[Tensor, Tensor]:
        logits, points, needed = (tensor.detach().contiguous() for tensor in (logits, points, needed))
        all_of, log_probability, entropy = torch.empty_like(logits), *torch.empty(2, *points.shape)
        written = (tensor.numpy() for tensor in (all_of, log_probability, entropy))
        kernel.judge_cuts.trusting(logits.numpy(), points.numpy(), needed.numpy(), *written)
        ctx.save_for_backward(points, needed, all_of, entropy)
        return log_probability, entropy

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:
        points, needed, all_of, entropy = ctx.saved_tensors
        gradient = torch.empty_like(all_of)
        read = (tensor.numpy() for tensor in (points, needed, all_of, entropy, torch.stack(upstream)))
        kernel.judge_cuts_gradient.trusting(*read, gradient.numpy())
        return gradient, None, None


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

    def log_prob_and_entropy(self, points: Tensor, needed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compute `log_prob` of `points` and `entropy` where `needed`; by a kernel in single precision."""
        if self._logits.dtype != torch.float32:
            return self.log_prob(points), self.entropy()
        needed = torch.ones_like(points, dtype=torch.bool) if needed is None else needed
        log_prob, entropy = _Judged.apply(self._logits, points, needed)
        return log_prob, entropy

    def draw(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Draw points by `generator`, inverting the cumulative distribution; also their `log_prob` (n, S)."""
        logits = self._logits.detach().float().contiguous()
        uniform = torch.rand(*logits.shape[:-1], generator=generator)
        points, log_prob = torch.empty(uniform.shape, dtype=torch.int64), torch.empty_like(uniform)
        kernel.draw_cuts.trusting(*(tensor.numpy() for tensor in (logits, uniform, points, log_prob)))
        return points, log_prob

    def mode(self) -> Tensor:
        """Return the most probable points (n, S)."""
        return self.log_probability.argmax(-1)
