"""Fully connected layers, computed by compiled kernels.

The modules are those of PyTorch: weights, names in checkpoints and gradients are the same up to rounding. In
single precision a layer and its gradient are one call each (`lyaopt._kernels.learning.dense`), which takes
half the time or less on networks as small as ours. In any other precision PyTorch computes them, and tests
compare the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lyaopt._kernels.learning import dense as kernel
from lyaopt.learning.observer import Rows

_ACTIVATIONS: dict[type[nn.Module], int] = {nn.Tanh: kernel.TANH, nn.ReLU: kernel.POSITIVE_PART}
_TORCH = {kernel.IDENTITY: nn.Identity(), kernel.TANH: nn.Tanh(), kernel.POSITIVE_PART: nn.ReLU()}
_NO_ROWS: Rows = np.empty((0, 0), np.float32)


class Layer(NamedTuple):
    """A layer as contiguous arrays.

    Attributes
    ----------
    weight : ndarray (outputs, inputs)
    bias : ndarray (outputs,)
    activation : int
    by_weight, by_bias : ndarray, optional
        Where gradients are written.
    """

    weight: Rows
    bias: Rows
    activation: int
    by_weight: Rows = _NO_ROWS
    by_bias: Rows = _NO_ROWS

    def outputs(self, x: Rows) -> Rows:
        """Compute the outputs (n, outputs) of contiguous `x` (n, inputs)."""
        out: Rows = np.empty((len(x), len(self.bias)), np.float32)
        kernel.dense.trusting(x, self.weight, self.bias, self.activation, out)
        return out

    def write_gradients(self, x: Rows, out: Rows, gradient: Rows, needs_inputs: bool) -> Rows:
        """Write gradients from that of the outputs, all contiguous; return that of `x`, empty if unneeded."""
        inputs = np.empty_like(x) if needs_inputs else _NO_ROWS
        written = kernel.LayerGradients(inputs, self.by_weight, self.by_bias)
        kernel.dense_gradient.trusting(x, self.weight, self.activation, out, gradient, written)
        return inputs


def outputs_of(layers: Sequence[Layer], x: Rows) -> list[Rows]:
    """Compute what each of `layers` is given, from `x` on, and last the outputs."""
    passed = [x]
    for layer in layers:
        passed.append(layer.outputs(passed[-1]))
    return passed


def write_gradients(layers: Sequence[Layer], passed: Sequence[Rows], gradient: Rows) -> None:
    """Write the gradients of the weights and biases of `layers`.

    Parameters
    ----------
    layers : sequence of Layer
        From the inputs on.
    passed : sequence of ndarray
        As `outputs_of` returns it.
    gradient : ndarray (n, outputs)
        Of the outputs.
    """
    for number in reversed(range(len(layers))):
        x, out = passed[number : number + 2]
        gradient = layers[number].write_gradients(x, out, gradient, number > 0)


class _Dense(torch.autograd.Function):
    """A layer of inputs (n, inputs) by weights (outputs, inputs) and a bias (outputs,)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, activation: int) -> Tensor:
        layer = Layer(array_of(weight), array_of(bias), activation)
        out = torch.from_numpy(layer.outputs(array_of(x)))
        ctx.save_for_backward(x, weight, bias, out)
        ctx.activation = activation
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, bias, out = (array_of(tensor) for tensor in ctx.saved_tensors)
        needs_inputs = ctx.needs_input_grad[0]
        of_weights = np.empty_like(weight), np.empty_like(bias)
        layer = Layer(weight, bias, ctx.activation, *of_weights)
        inputs = layer.write_gradients(x, out, array_of(gradient), needs_inputs)
        by_weights = (torch.from_numpy(part) for part in of_weights)
        return torch.from_numpy(inputs) if needs_inputs else None, *by_weights, None


def array_of(tensor: Tensor) -> Any:
    """Return the numbers of a `tensor`, contiguous, without its gradient."""
    return tensor.detach().contiguous().numpy()


def dense_layer(x: Tensor, weight: Tensor, bias: Tensor, activation: int = kernel.IDENTITY) -> Tensor:
    """Compute a fully connected layer.

    Parameters
    ----------
    x, weight, bias : Tensor (..., inputs), (outputs, inputs) and (outputs,)
        As of `torch.nn.functional.linear`.
    activation : int
        ``IDENTITY``, ``TANH`` or ``POSITIVE_PART`` of `lyaopt._kernels.learning.dense`.

    Returns
    -------
    Tensor (..., outputs)

    Raises
    ------
    ValueError
        If `x` has another number of inputs than the weights.
    """
    if x.dtype != torch.float32:
        out: Tensor = _TORCH[activation](nn.functional.linear(x, weight, bias))
        return out
    if x.shape[-1] != weight.shape[1]:  # the kernel takes sizes on trust
        raise ValueError(f"expected {weight.shape[1]} inputs, got {x.shape[-1]}")
    rows = x if x.dim() == 2 else x.reshape(-1, x.shape[-1])
    if torch.is_grad_enabled():
        out = _Dense.apply(rows, weight, bias, activation)
    else:
        out = torch.from_numpy(Layer(array_of(weight), array_of(bias), activation).outputs(array_of(rows)))
    return out if x.dim() == 2 else out.view(*x.shape[:-1], len(weight))


class Dense(nn.Linear):
    """A linear layer."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute outputs (..., outputs) of `x` (..., inputs)."""
        return dense_layer(x, self.weight, self.bias)


class DenseLayers(nn.Sequential):
    """Pairs of a linear layer and `torch.nn.Tanh` or `torch.nn.ReLU`, one after the other."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute outputs (..., outputs) of `x` (..., inputs)."""
        for linear, activation in self.pairs():
            x = dense_layer(x, linear.weight, linear.bias, activation)
        return x

    def pairs(self) -> list[tuple[nn.Linear, int]]:
        """Return the linear layers, each with the number of its activation."""
        parts: list[Any] = list(self)
        pairs = zip(parts[::2], parts[1::2], strict=True)
        return [(linear, _ACTIVATIONS[type(activation)]) for linear, activation in pairs]
