"""The problems solved and differentiated in torch operations, on any device: the twin of compiled.py."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lyaopt.torch.crossing import cross, multiplier
from lyaopt.torch.kinds import Kind
from lyaopt.torch.once import once
from lyaopt.torch.supplies import SUPPLIES, Active, guarded

Outputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
_WHOLE_ONLY = -1.0


class Operations(torch.autograd.Function):
    """Solve the lanes of one problem; inputs and outputs are those of `lyaopt.torch.compiled.Compiled`."""

    @staticmethod
    def forward(
        ctx: Any, kind: Kind, certify: bool, weights: Tensor | None, limits: Tensor, *parameters: Tensor
    ) -> Outputs:
        """Solve, and keep what the derivatives need.

        Parameters
        ----------
        ctx : object
            The context of the function.
        kind : Kind
            The problem.
        certify : bool
            Whether the relative gap is worked out.
        weights : Tensor (..., N) or None
            None takes the limits.
        limits : Tensor (..., N)
            Work.
        *parameters : Tensor
            Those of the kind, in its order.
        """
        leading = limits.shape[:-1]
        p = {
            name: v.to(limits.dtype).expand(leading)
            for name, v in zip(kind.parameters, parameters, strict=True)
        }
        worth = limits if weights is None else weights
        most = limits / p["tau"].unsqueeze(-1)
        supply = SUPPLIES[kind.name][0](p)
        if limits.numel():
            served, total = cross(worth, most, supply.worth(worth), supply.capacity)
        else:
            served, total = torch.zeros_like(limits), limits.new_zeros(leading)
        out, energy, marginal = supply.spend(total)
        nu = multiplier(worth, most, served, marginal) if limits.numel() else torch.zeros_like(total)
        value = p["tau"] * (energy - (worth * served).sum(-1))
        ctx.kind, ctx.weighted = kind, weights is not None
        gap = torch.full_like(total, torch.nan)
        ctx.mark_non_differentiable(nu, gap, *((out,) if kind.name == "edge" else ()))
        given = () if weights is None else (weights,)
        ctx.save_for_backward(limits, *given, *parameters, served, total, out, nu)
        return served, out, nu, value, gap

    @staticmethod
    @once
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        """Return the derivatives by weights, limits and parameters.

        Parameters
        ----------
        ctx : object
            The context of the function.
        *cotangents : Tensor or None
            Derivatives by the outputs.
        """
        kind = ctx.kind
        limits, *others, served, total, out, nu = ctx.saved_tensors
        worth = others[0] if ctx.weighted else limits
        parameters = others[ctx.weighted :]
        p = {
            name: v.to(limits.dtype).expand(limits.shape[:-1])
            for name, v in zip(kind.parameters, parameters, strict=True)
        }
        items, by_out, _, value, _ = cotangents
        most = limits / p["tau"].unsqueeze(-1)
        threshold = _threshold(worth, most, served) if limits.numel() else total - 1.0
        on = worth == threshold.unsqueeze(-1)
        some, group = threshold >= 0.0, (most * on).sum(-1)
        group = guarded(group)
        mean = (most * on * items).sum(-1) / group
        share = (served * on).sum(-1) / group
        active = Active(some, threshold, group, mean, total, out, by_out, value, nu)
        subtracted, per_weight, by = SUPPLIES[kind.name][1](p, active)
        level = nu.unsqueeze(-1)
        whole = _whole(worth, most, served, level)
        whole = torch.where(some.unsqueeze(-1), worth > threshold.unsqueeze(-1), whole)
        part = torch.where(whole, 1.0, torch.where(on, share.unsqueeze(-1), 0.0))
        by_most = part * (items - subtracted.unsqueeze(-1))
        tau, scale = p["tau"].unsqueeze(-1), value.unsqueeze(-1)
        by_weights = torch.where(on, per_weight.unsqueeze(-1) * most, 0.0) - scale * tau * served
        by_limits = by_most / tau - scale * (worth - level).clamp(min=0.0)
        by["tau"] = by["tau"] - (by_most * most).sum(-1) / p["tau"]
        if not ctx.weighted:
            by_limits = by_limits + by_weights
        return (
            None,
            None,
            by_weights if ctx.weighted else None,
            by_limits,
            *(
                by[name].sum_to_size(v.shape).to(v.dtype) if needed else None
                for name, v, needed in zip(kind.parameters, parameters, ctx.needs_input_grad[4:], strict=True)
            ),
        )


def _threshold(worth: Tensor, most: Tensor, served: Tensor) -> Tensor:
    """Return the weight of the items that are served in part; that of no item where there are none."""
    partly = (served > 0.0) & (served < most)
    return torch.where(partly, worth, _WHOLE_ONLY).amax(-1)


def _whole(worth: Tensor, most: Tensor, served: Tensor, level: Tensor) -> Tensor:
    """Return which items are served whole, where none is served in part."""
    return (served >= most) & ((most > 0.0) | (worth > level))
