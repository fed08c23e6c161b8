"""Tensors as the kernels take them: one lane for each problem, lanes side by side in memory.

A tensor (..., N) becomes (N, L): its axes in reverse order, all but the first flattened. Tensors whose
memory has that order (Fortran's) are viewed, others are copied. A parameter of each lane is (1,) where it is
the same in all, (M,) where it follows the last of the leading axes alone, as that of a device does, and else
(L,).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lyaopt.arrays import Floats


def _reversed(values: Tensor) -> Tensor:
    return values.permute(tuple(range(values.ndim - 1, -1, -1)))


def to_lanes(values: Tensor) -> Tensor:
    """Return a tensor (..., N) as (N, L), contiguous and in float64.

    Parameters
    ----------
    values : Tensor
        On the CPU.
    """
    lanes = math.prod(values.shape[:-1])
    return _reversed(values.detach()).to(torch.float64).contiguous().reshape(values.shape[-1], lanes)


def from_lanes(lanes: Tensor, shape: torch.Size) -> Tensor:
    """Return (N, L) as a view of shape (..., N).

    Parameters
    ----------
    lanes : Tensor
        (N, L), or (L,) for a shape without items.
    shape : torch.Size
        The shape to return.
    """
    return _reversed(lanes.reshape(tuple(reversed(shape))))


def parameter(values: Tensor, leading: torch.Size) -> Tensor:
    """Return a parameter that broadcasts to the leading axes as (1,), (M,) or (L,), in float64.

    Parameters
    ----------
    values : Tensor
        On the CPU.
    leading : torch.Size
        Shape of the lanes.
    """
    values = values.detach().to(torch.float64)
    if values.numel() == 1:
        return values.reshape(1)
    if math.prod(values.shape[:-1]) == 1:
        return values.reshape(-1).contiguous()
    return each_lane(values, leading)


def each_lane(values: Tensor, leading: torch.Size) -> Tensor:
    """Return a parameter as (L,), whatever it broadcasts from.

    Parameters
    ----------
    values : Tensor
        On the CPU.
    leading : torch.Size
        Shape of the lanes.
    """
    return _reversed(values.detach().to(torch.float64).expand(leading)).reshape(-1).contiguous()


def summed(lanes: Tensor, leading: torch.Size, like: Tensor) -> Tensor:
    """Sum derivatives (L,) over what a parameter was broadcast along.

    Parameters
    ----------
    lanes : Tensor
        (L,).
    leading : torch.Size
        Shape of the lanes.
    like : Tensor
        The parameter: its shape and type are returned.
    """
    if like.numel() == 1:
        return lanes.sum().reshape(like.shape).to(like.dtype)
    return from_lanes(lanes, leading).sum_to_size(like.shape).to(like.dtype)


def array(values: Tensor) -> Floats:
    """Return a tensor of the CPU as the array that shares its memory, writeable.

    Parameters
    ----------
    values : Tensor
        Contiguous, float64.
    """
    result: Floats = np.asarray(values.numpy())
    return result
