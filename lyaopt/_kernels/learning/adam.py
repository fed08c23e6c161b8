"""A step of Adam (Kingma and Ba 2015) on all weights at once, with gradients shortened to a largest norm."""

import math
from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.state_types import FIELD_TYPES, compiled_signature
from lyaopt._kernels.toolchain.jit import Kernel, helper, lane_loop

_LANES = 64
_TINY = 1e-6
"""Added to the norm, as PyTorch does."""


class Step(NamedTuple):
    """Settings of a step.

    - `number`: from 1.
    - `rate`: of learning.
    - `first_decay`, `second_decay`: beta1 and beta2.
    - `least`: epsilon, added to the root of the second moment.
    - `largest`: norm of the gradient; infinite for no limit.
    """

    number: Any
    rate: Any
    first_decay: Any
    second_decay: Any
    least: Any
    largest: Any


FIELD_TYPES[Step] = ("i8", "f8", "f8", "f8", "f8", "f8")


@lane_loop
def _add_squares(values, sums):
    for j in range(_LANES):
        sums[j] += values[j] * values[j]


@helper
def _norm(values):
    """Return the Euclidean norm of `values` (n,)."""
    sums = np.zeros(_LANES, np.float32)
    whole = values.size // _LANES * _LANES
    for first in range(0, whole, _LANES):
        _add_squares(values[first : first + _LANES], sums)
    total = 0.0
    for j in range(_LANES):
        total += sums[j]
    for j in range(whole, values.size):
        total += values[j] * values[j]
    return math.sqrt(total)


@lane_loop
def _move(gradient, first, second, weights, factors):
    scale, new_first, new_second, rate, root, least = factors
    for j in range(weights.size):
        g = gradient[j] * scale
        first[j] += (g - first[j]) * new_first
        second[j] += (g * g - second[j]) * new_second
        weights[j] -= rate * first[j] / (np.sqrt(second[j]) * root + least)


def _adam(step, gradient, first, second, weights):
    """Change `weights` (n,) and their moments `first` and `second` (n,); return the norm of `gradient`."""
    norm = _norm(gradient)
    shorter = step.largest / (norm + _TINY)
    scale = 1.0 if shorter > 1.0 else shorter  # a norm that is NaN stays NaN
    factors = (
        np.float32(scale),
        np.float32(1.0 - step.first_decay),
        np.float32(1.0 - step.second_decay),
        np.float32(step.rate / (1.0 - step.first_decay**step.number)),
        np.float32(1.0 / math.sqrt(1.0 - step.second_decay**step.number)),
        np.float32(step.least),
    )
    _move(gradient, first, second, weights, factors)
    return norm


def _signature():
    vector = "f4[::1]"
    return compiled_signature("f8", Step, vector, vector, vector, vector)


adam = Kernel("adam", _signature, _adam)
