"""The loss of PPO and its gradient, from what the network computes for a minibatch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lyaopt._kernels.learning import objective as kernel
from lyaopt.arrays import Floats


class Loss(torch.autograd.Function):
    """value_weight (V - R)^2 - (objective + bonus entropy), as a function of the first three arguments.

    The objective and its slope are computed by `lyaopt._kernels.learning.objective` in double precision; they
    concern few numbers. The second result holds the parts in the order of that kernel, without a gradient.
    """

    @staticmethod
    def forward(
        ctx: Any,
        log_probability: Tensor,
        entropy: Tensor,
        value: Tensor,
        before: Tensor,
        met: Tensor,
        advantage: Tensor,
        returns: Tensor,
        rules: kernel.Rules,
        weights: tuple[float, float],
    ) -> tuple[Tensor, Tensor]:
        of_value, of_actor = weights
        parts: Floats = np.empty(kernel.CLIPPED + 1)
        gradient: Floats = np.empty((2, *met.shape))
        doubles = (_doubles(column) for column in (log_probability, entropy, before))
        judged = kernel.Judged(*doubles, met.contiguous().numpy(), _doubles(advantage))
        kernel.clipped_objective(rules, judged, parts, gradient)
        difference = value.detach() - returns
        parts[kernel.VALUE_LOSS] = float(difference.square().mean())
        gain = parts[kernel.OBJECTIVE] + rules.bonus * parts[kernel.ENTROPY]
        loss = of_value * parts[kernel.VALUE_LOSS] - of_actor * gain
        slopes = torch.from_numpy(of_actor * gradient).to(log_probability.dtype)
        ctx.save_for_backward(slopes, difference.mul_(2.0 * of_value / difference.numel()))
        both = torch.tensor(loss, dtype=value.dtype), torch.from_numpy(parts)
        ctx.mark_non_differentiable(both[1])
        return both

    @staticmethod
    def backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        slopes, by_value = ctx.saved_tensors
        return *(upstream * slopes), upstream * by_value, *(None,) * 6


def _doubles(column: Tensor) -> Floats:
    return column.detach().double().contiguous().numpy()
