"""The problems solved and differentiated by the compiled kernels, as an autograd function of the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lyaopt._kernels.slot.gradient_types import Cotangents
from lyaopt.torch.kinds import Kind
from lyaopt.torch.lanes import array, each_lane, from_lanes, parameter, summed, to_lanes
from lyaopt.torch.once import once

Outputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


class Compiled(torch.autograd.Function):
    """Solve the lanes of one problem.

    Inputs: the kind, whether to certify, weights or None (then the limits), limits (..., N), and the kind's
    parameters, which broadcast to the leading axes. Outputs: what each item is served, the total speed or
    power, nu, V, and the relative gap (NaN unless certified).
    """

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
        work = to_lanes(limits)
        worth = work if weights is None else to_lanes(weights)
        named = dict(zip(kind.parameters, parameters, strict=True))
        posed = {
            name: each_lane(values, leading) if name == "gain" else parameter(values, leading)
            for name, values in named.items()
        }
        problem = kind.pose(array(worth), array(work), {name: array(p) for name, p in posed.items()})
        allocation = kind.solve(problem)
        lane = torch.from_numpy(allocation[1]) if kind.name != "edge" else work.new_zeros(work.shape[1])
        rates = torch.from_numpy(allocation[0])
        gap = work.new_full((work.shape[1],), 0.0 if certify else torch.nan)
        if certify and work.numel():
            report = np.zeros((3, work.shape[1]))
            kind.certify(problem, allocation, report)
            gap = torch.from_numpy(report[0])
        value = _value(kind, rates, lane, worth, posed, work.shape[1])
        results = (rates, lane, torch.from_numpy(allocation.multiplier), value, gap)
        kept = _as_tensors(results, limits)
        ctx.kind, ctx.problem, ctx.allocation, ctx.weighted = kind, problem, allocation, weights is not None
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(kept[2], kept[4], *((kept[1],) if kind.name == "edge" else ()))
        # unpacked in backward, which refuses what was changed in place meanwhile: the arrays are views
        ctx.save_for_backward(limits, *(() if weights is None else (weights,)), *parameters, kept[0], kept[1])
        return kept

    @staticmethod
    @once
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the derivatives by weights, limits and parameters.

        Parameters
        ----------
        ctx : object
            The context of the function.
        *cotangents : Tensor or None
            Derivatives by the outputs.
        """
        kind, problem = ctx.kind, ctx.problem
        limits, *others = ctx.saved_tensors
        leading, lanes = limits.shape[:-1], problem.limits.shape[1]
        parameters = others[ctx.weighted : ctx.weighted + len(kind.parameters)]
        wanted = dict(zip(kind.parameters, ctx.needs_input_grad[4:], strict=True))
        rows = {
            name: limits.new_empty(lanes if wanted.get(name, False) else 0, dtype=torch.float64)
            for name in kind.gradient._fields[2:]
        }
        by_weights, by_limits = (torch.empty(problem.limits.shape, dtype=torch.float64) for _ in range(2))
        if problem.limits.size:
            gradient = kind.gradient(*map(array, (by_weights, by_limits, *rows.values())))
            kind.differentiate(
                problem,
                ctx.allocation,
                _cotangents(kind, cotangents, leading, problem.limits.shape),
                gradient,
            )
        else:
            rows = {name: row.zero_() for name, row in rows.items()}
        if not ctx.weighted:
            by_limits += by_weights
        shape = limits.shape
        return (
            None,
            None,
            from_lanes(by_weights, shape).to(limits.dtype) if ctx.weighted else None,
            from_lanes(by_limits, shape).to(limits.dtype),
            *(
                summed(rows[name], leading, values) if wanted[name] else None
                for name, values in zip(kind.parameters, parameters, strict=True)
            ),
        )


def _as_tensors(results: Outputs, limits: Tensor) -> Outputs:
    """Return what the kernels wrote in the shape and type of the inputs."""
    rates, *lanes = results
    leading = limits.shape[:-1]
    return (
        from_lanes(rates, limits.shape).to(limits.dtype),
        *(from_lanes(row, leading).to(limits.dtype) for row in lanes),
    )  # type: ignore[return-value]


def _cotangents(
    kind: Kind, given: tuple[Tensor | None, ...], leading: torch.Size, shape: tuple[int, int]
) -> Cotangents:
    """What depends on an output that is not used is not computed."""
    items, lane, _, value, _ = given
    by_value = np.zeros(1) if value is None else array(parameter(value, leading))
    if items is None and lane is None:
        return Cotangents(np.empty((0, 0)), np.empty(0), by_value)
    by_items = np.zeros(shape) if items is None else array(to_lanes(items))
    if kind.name == "edge":
        return Cotangents(by_items, np.empty(0), by_value)
    return Cotangents(
        by_items, np.zeros(shape[1]) if lane is None else array(each_lane(lane, leading)), by_value
    )


def _value(
    kind: Kind, rates: Tensor, lane: Tensor, weights: Tensor, parameters: dict[str, Tensor], lanes: int
) -> Tensor:
    """V of every lane, as minimised: -tau sum w f + U tau P."""

    def spread(name: str) -> Tensor:
        values = parameters[name]
        return values if values.numel() in (1, lanes) else values.repeat_interleave(lanes // values.numel())

    value = -(weights * rates).sum(0)
    if kind.name == "local":
        value += spread("energy_weight") * spread("delta") * lane * lane * lane
    elif kind.name == "transmit":
        value += spread("energy_weight") * lane
    return value.mul_(spread("tau"))
