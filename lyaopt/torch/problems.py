"""The three problems of a slot, one at a time, as differentiable functions."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lyaopt.arrays import check_choice, shown
from lyaopt.errors import ProblemError
from lyaopt.slot.limits import check_backlogs
from lyaopt.torch.compiled import Compiled
from lyaopt.torch.inputs import (
    Number,
    as_tensor,
    broadcast,
    check_signals,
    check_types,
    checked_values,
    device_of,
    type_of,
)
from lyaopt.torch.kinds import EDGE, LOCAL, TRANSMIT, Kind
from lyaopt.torch.operations import Operations

METHODS = ("auto", "compiled", "operations")


class LocalSolution(NamedTuple):
    """Solution of `solve_local`.

    Attributes
    ----------
    cpu_hz : Tensor (..., N)
        Speed of every item.
    total_hz : Tensor (...)
        Sum of the speeds.
    objective : Tensor (...)
        V, as minimised.
    multiplier : Tensor (...)
        nu, without derivatives.
    relative_gap : Tensor (...)
        Duality gap relative to tau sum w f, without derivatives; NaN unless asked for.
    """

    cpu_hz: Tensor
    total_hz: Tensor
    objective: Tensor
    multiplier: Tensor
    relative_gap: Tensor


class TransmitSolution(NamedTuple):
    """Solution of `solve_transmit`.

    Attributes
    ----------
    rate_bps : Tensor (..., N)
        Rate of every item.
    power_w : Tensor (...)
        Transmit power.
    objective, multiplier, relative_gap : Tensor (...)
        As in `LocalSolution`.
    """

    rate_bps: Tensor
    power_w: Tensor
    objective: Tensor
    multiplier: Tensor
    relative_gap: Tensor


class EdgeSolution(NamedTuple):
    """Solution of `solve_edge`.

    Attributes
    ----------
    cpu_hz : Tensor (..., N)
        Speed of every item.
    objective, multiplier, relative_gap : Tensor (...)
        As in `LocalSolution`.
    """

    cpu_hz: Tensor
    objective: Tensor
    multiplier: Tensor
    relative_gap: Tensor


def solve_local(
    limits: Number,
    *,
    capacity: Number,
    energy_weight: Number,
    delta: Number,
    weights: Tensor | None = None,
    tau: Number = 1.0,
    method: str = "auto",
    certify: bool = False,
) -> LocalSolution:
    """Solve Problem 3: minimise -tau sum w f + U tau delta (sum f)^3, sum f <= F, 0 <= f <= Q / tau.

    Parameters
    ----------
    limits : Tensor (..., N)
        Q of every item, in cycles. Leading axes are independent problems.
    capacity, energy_weight, delta, tau : Tensor or float
        F in Hz, U, delta in W s^3, slot length in s; they broadcast to the leading axes.
    weights : Tensor (..., N), optional
        w of every item; the limits if left out.
    method : {"auto", "compiled", "operations"}
        Compiled kernels in float64 (on the CPU, the default there), or torch operations.
    certify : bool
        Whether to compute the duality gap; with the compiled kernels only.

    Returns
    -------
    LocalSolution
        Differentiable by all tensors given, once. Where the solution is not differentiable
        docs/howto/differentiate-through-a-slot.md says what the derivatives are.

    Raises
    ------
    ProblemError
        For what is neither a tensor of float32 or float64 nor a number; on the CPU, for a number that is
        negative, not finite, or 0 where it must be positive; for shapes that do not fit; and for a method
        that is unknown or does not fit.
    """
    named = {"capacity": capacity, "tau": tau, "energy_weight": energy_weight, "delta": delta}
    cpu, total, nu, value, gap = solve(LOCAL, weights, limits, named, method, certify)
    return LocalSolution(cpu, total, value, nu, gap)


def solve_transmit(
    limits: Number,
    *,
    gain: Number,
    bandwidth: Number,
    max_power: Number,
    energy_weight: Number,
    noise: Number,
    weights: Tensor | None = None,
    tau: Number = 1.0,
    method: str = "auto",
    certify: bool = False,
) -> TransmitSolution:
    """Solve Problem 4: minimise -tau sum w r + U tau p, sum r <= b_w log2(1 + p h / (b_w N_0)).

    Parameters
    ----------
    limits : Tensor (..., N)
        Q of every item, in bits: 0 <= r <= Q / tau. Leading axes are independent problems.
    gain, bandwidth, max_power, energy_weight, tau : Tensor or float
        h, b_w in Hz, p^max in W (0 <= p <= p^max), U, slot length in s; they broadcast to the leading axes.
    noise : Tensor or float
        N_0 in W/Hz, one number.
    weights, method, certify : optional
        As in `solve_local`.

    Returns
    -------
    TransmitSolution
        Differentiable as that of `solve_local`.

    Raises
    ------
    ProblemError
        As `solve_local`.
    """
    named = {
        "gain": gain,
        "bandwidth": bandwidth,
        "max_power": max_power,
        "tau": tau,
        "energy_weight": energy_weight,
        "noise": noise,
    }
    rate, power, nu, value, gap = solve(TRANSMIT, weights, limits, named, method, certify)
    return TransmitSolution(rate, power, value, nu, gap)


def solve_edge(
    limits: Number,
    *,
    capacity: Number,
    weights: Tensor | None = None,
    tau: Number = 1.0,
    method: str = "auto",
    certify: bool = False,
) -> EdgeSolution:
    """Solve Problem 5: maximise tau sum w f, sum f <= F, 0 <= f <= Q / tau.

    Parameters
    ----------
    limits : Tensor (..., N)
        Q of every item, in cycles. Leading axes are independent problems.
    capacity, tau : Tensor or float
        F in Hz and slot length in s; they broadcast to the leading axes.
    weights, method, certify : optional
        As in `solve_local`.

    Returns
    -------
    EdgeSolution
        Differentiable as that of `solve_local`.

    Raises
    ------
    ProblemError
        As `solve_local`.
    """
    named = {"capacity": capacity, "tau": tau}
    cpu, _, nu, value, gap = solve(EDGE, weights, limits, named, method, certify)
    return EdgeSolution(cpu, value, nu, gap)


def solve(
    kind: Kind, weights: Tensor | None, limits: Number, named: dict[str, Number], method: str, certify: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Solve one of the problems: what `Compiled` and `Operations` return.

    Parameters
    ----------
    kind : Kind
        The problem.
    weights, limits : Tensor (..., N)
        Of the items; no weights are the limits.
    named : dict
        The kind's parameters, tensors or numbers.
    method, certify
        As in `solve_local`.

    Raises
    ------
    ProblemError
    """
    items = {"limits": limits} if weights is None else {"limits": limits, "weights": weights}
    check_types(items | named, ("weights",))
    checked = checked_values(items | named, kind.positive)
    limits, weights = checked["limits"], checked.get("weights")
    named = {name: checked[name] for name in named}
    given = [v for v in (weights, limits, *named.values()) if isinstance(v, Tensor)]
    dtype, device = type_of(given), device_of(given)
    # numbers stay float64: PyTorch would round them to its default type
    tensors = {name: as_tensor(value, device) for name, value in named.items()}
    if kind.name == "transmit" and tensors["noise"].numel() != 1:
        raise ProblemError("$.noise", "expected one number")
    work, worth = as_tensor(limits, device), None if weights is None else weights.to(device, dtype)
    if device.type == "cpu" and tensors["tau"].numel():
        backlogs, tau = work.detach().double().contiguous(), tensors["tau"].detach().double()
        check_backlogs(backlogs.numpy(), "limits", tau.numpy(), str)
    work, worth = _broadcast(work.to(dtype), worth, tensors)
    if kind.name == "transmit" and device.type == "cpu":
        names = ("gain", "max_power", "bandwidth", "noise", "tau")
        check_signals(*(tensors[name].double() for name in names))
    chosen = _chosen(method, device, certify)
    results: tuple[Tensor, Tensor, Tensor, Tensor, Tensor] = chosen.apply(
        kind, certify, worth, work, *(tensors[name] for name in kind.parameters)
    )
    return results


def _chosen(method: str, device: torch.device, certify: bool) -> type[Compiled] | type[Operations]:
    check_choice(method, METHODS, "method")
    if not isinstance(certify, bool):
        raise ProblemError("$.certify", f"expected True or False, got {shown(certify)}")
    compiled = device.type == "cpu" if method == "auto" else method == "compiled"
    if compiled and device.type != "cpu":
        raise ProblemError("$.method", f"the compiled kernels take tensors of the CPU, got {device}")
    if certify and not compiled:
        raise ProblemError("$.certify", "only the compiled kernels certify")
    return Compiled if compiled else Operations


def _broadcast(
    work: Tensor, worth: Tensor | None, tensors: dict[str, Tensor]
) -> tuple[Tensor, Tensor | None]:
    """Expand limits and weights to one shape (..., N), whose leading axes those of the parameters fit."""
    shape = broadcast(work.shape, work.shape if worth is None else worth.shape)
    if not shape:
        raise ProblemError("$.limits", "expected a tensor with an axis of items, got a number")
    whole = (*broadcast(shape[:-1], *(v.shape for v in tensors.values())), shape[-1])
    return work.expand(whole), None if worth is None else worth.expand(whole)
