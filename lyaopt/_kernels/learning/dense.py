"""A fully connected layer and its gradient, in single precision.

A layer is y = f(x W^T + b) with weights W (outputs, inputs) and f the identity, tanh or the positive part.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.numerics.products import LANES, add_product, filled_up, in_lanes, transposed
from lyaopt._kernels.numerics.single import tanh_single
from lyaopt._kernels.simulation.state_types import FIELD_TYPES, compiled_signature
from lyaopt._kernels.toolchain.jit import Kernel, helper, lane_loop

IDENTITY, TANH, POSITIVE_PART = range(3)
_BLOCK = 96
"""Rows at a time, a multiple of those that products take at once: a block stays in the caches."""
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


class LayerGradients(NamedTuple):
    """What the gradient writes.

    - `inputs` (n, inputs), or without rows if they need none.
    - `weight` (outputs, inputs).
    - `bias` (outputs,).
    """

    inputs: Any
    weight: Any
    bias: Any


FIELD_TYPES[LayerGradients] = ("f4[:,::1]", "f4[:,::1]", "f4[::1]")


@lane_loop
def _apply_tanh(values):
    for j in range(values.size):
        values[j] = tanh_single(values[j])


@lane_loop
def _take_positive_part(values):
    for j in range(values.size):
        values[j] = _ZERO if values[j] < _ZERO else values[j]


@lane_loop
def _through_tanh(y, gradient, before):
    for j in range(y.size):
        before[j] = gradient[j] * (_ONE - y[j] * y[j])


@lane_loop
def _through_positive_part(y, gradient, before):
    for j in range(y.size):
        before[j] = gradient[j] if y[j] > _ZERO else _ZERO


@lane_loop
def _add_row(row, total):
    for j in range(row.size):
        total[j] += row[j]


def _dense(x, weight, bias, activation, out):
    """Write the layer of `x` (n, inputs) into `out` (n, outputs)."""
    rows, outputs = out.shape
    right = transposed(weight)
    narrow = np.empty((_BLOCK, right.shape[1]), np.float32)
    for first in range(0, rows, _BLOCK):
        last = min(first + _BLOCK, rows)
        sums = out[first:last] if outputs % LANES == 0 else narrow[: last - first]
        for i in range(sums.shape[0]):
            sums[i, :outputs] = bias
            sums[i, outputs:] = _ZERO
        add_product(x[first:last], right, sums)
        for i in range(sums.shape[0]):
            if activation == TANH:
                _apply_tanh(sums[i])
            elif activation == POSITIVE_PART:
                _take_positive_part(sums[i])
        if outputs % LANES != 0:
            out[first:last] = sums[:, :outputs]


@helper
def _before_activation(activation, out, gradient):
    """Return the gradient of what the activation was given."""
    before = np.empty(out.shape, np.float32)
    for i in range(out.shape[0]):
        if activation == TANH:
            _through_tanh(out[i], gradient[i], before[i])
        else:
            _through_positive_part(out[i], gradient[i], before[i])
    return before


@helper
def _write_product(a, b, out):
    """Write a (m, k) times b (k, n) into `out` (m, n); `a` may be transposed."""
    if out.shape[1] % LANES == 0:
        out[:] = _ZERO
        add_product(a, b, out)
    else:
        sums = np.zeros((out.shape[0], in_lanes(out.shape[1])), np.float32)
        add_product(a, filled_up(b), sums)
        out[:] = sums[:, : out.shape[1]]


def _dense_gradient(x, weight, activation, out, gradient, gradients):
    """Write the gradients of a layer from that of its outputs, `gradient` (n, outputs)."""
    rows = x.shape[0]
    if activation != IDENTITY:
        gradient = _before_activation(activation, out, gradient)
    gradients.bias[:] = _ZERO
    for i in range(rows):
        _add_row(gradient[i], gradients.bias)
    _write_product(gradient.T, x, gradients.weight)
    if gradients.inputs.shape[0] > 0:
        _write_product(gradient, weight, gradients.inputs)


_MATRIX, _VECTOR = "f4[:,::1]", "f4[::1]"


def _gradient_signature():
    return compiled_signature("void", _MATRIX, _MATRIX, "i8", _MATRIX, _MATRIX, LayerGradients)


dense = Kernel("dense", f"void({_MATRIX}, {_MATRIX}, {_VECTOR}, i8, {_MATRIX})", _dense)
dense_gradient = Kernel("dense_gradient", _gradient_signature, _dense_gradient)
