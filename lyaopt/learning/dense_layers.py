"""Fully connected layers, computed by compiled kernels.

The modules are those of PyTorch: weights, names in checkpoints and gradients are the same up to rounding. In
single precision the layer and its gradient are one call each (`lyaopt._kernels.learning.dense`), which takes
half the time or less on networks as small as ours. In any other precision PyTorch computes them; tests compare.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lyaopt._kernels.learning import dense as kernel

_ACTIVATIONS: dict[type[nn.Module], int] = {nn.Tanh: kernel.TANH, nn.ReLU: kernel.POSITIVE_PART}
_TORCH = {kernel.IDENTITY: nn.Identity(), kernel.TANH: nn.Tanh(), kernel.POSITIVE_PART: nn.ReLU()}
_NO_ROWS = np.empty((0, 0), np.float32)


class _Layer(torch.autograd.Function):
    """A layer of inputs (n, inputs) by weights (outputs, inputs) and a bias (outputs,)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, activation: int) -> Tensor:
        x = x.contiguous()
        out = torch.empty(len(x), len(weight))
        kernel.dense(_array(x), _array(weight), _array(bias), activation, out.numpy())
        ctx.save_for_backward(x, weight, out)
        ctx.activation = activation
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        x, weight, out = ctx.saved_tensors
        needs_inputs = ctx.needs_input_grad[0]
        inputs = torch.empty_like(x) if needs_inputs else None
        written = inputs, torch.empty_like(weight), torch.empty(len(weight))
        kernel.dense_gradient(
            _array(x),
            _array(weight),
            ctx.activation,
            _array(out),
            _array(gradient.contiguous()),
            kernel.LayerGradients(*(_NO_ROWS if part is None else part.numpy() for part in written)),
        )
        return *written, None


def _array(tensor: Tensor) -> Any:
    return tensor.detach().numpy()


def dense_layer(x: Tensor, weight: Tensor, bias: Tensor, activation: int = kernel.IDENTITY) -> Tensor:
    """Compute a fully connected layer.

    Parameters
    ----------
    x : Tensor (..., inputs)
    weight : Tensor (outputs, inputs)
    bias : Tensor (outputs,)
    activation : int
        ``IDENTITY``, ``TANH`` or ``POSITIVE_PART`` of `lyaopt._kernels.learning.dense`.

    Returns
    -------
    Tensor (..., outputs)
    """
    if x.dtype != torch.float32:
        out: Tensor = _TORCH[activation](nn.functional.linear(x, weight, bias))
        return out
    rows: Tensor = _Layer.apply(x.reshape(-1, x.shape[-1]), weight, bias, activation)
    return rows.view(*x.shape[:-1], len(weight))


class Dense(nn.Linear):
    """A linear layer."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute outputs (..., outputs) of `x` (..., inputs)."""
        return dense_layer(x, self.weight, self.bias)


class DenseLayers(nn.Sequential):
    """Pairs of a linear layer and `torch.nn.Tanh` or `torch.nn.ReLU`, one after the other."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute outputs (..., outputs) of `x` (..., inputs)."""
        parts = list(self)
        for linear, activation in zip(parts[::2], parts[1::2], strict=True):
            x = dense_layer(x, linear.weight, linear.bias, _ACTIVATIONS[type(activation)])
        return x
