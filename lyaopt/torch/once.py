"""Derivatives that are refused a second time.

PyTorch's own `once_differentiable` refuses only where a cotangent requires a derivative: where the loss is
linear in the solution, second derivatives would be 0 in silence.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Backward = Callable[..., tuple[Tensor | None, ...]]


class _Refusing(torch.autograd.Function):
    """The first tensors as they are; they depend on all, and refuse to be differentiated."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(tensor.clone() for tensor in tensors[:count])

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        raise RuntimeError("lyaopt.torch has no second derivatives: its functions are differentiable once")


def once(backward: Backward) -> Backward:
    """Let the results of a backward function refuse derivatives, whatever they depend on.

    Parameters
    ----------
    backward : callable
        Of a context, which has saved the inputs of the function, and of cotangents.
    """

    @functools.wraps(backward)
    def refusing(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        with torch.no_grad():
            results = backward(ctx, *cotangents)
        if not torch.is_grad_enabled():
            return results
        found = [result for result in results if result is not None]
        inputs = [t for t in (*ctx.saved_tensors, *cotangents) if t is not None and t.requires_grad]
        refused = iter(_Refusing.apply(len(found), *found, *inputs))
        return tuple(None if result is None else next(refused) for result in results)

    return refusing
