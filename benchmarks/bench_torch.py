"""Forward and backward of `lyaopt.torch` beside cvxpylayers, in one run, on problems of order one.

Needs PyTorch and cvxpylayers (`pip install cvxpylayers`); without them it is left out. The accuracy of a
layer that solves iteratively is what its solver's default tolerance gives.
"""

from __future__ import annotations

import time

import pytest

torch = pytest.importorskip("torch")
cvxpylayers = pytest.importorskip("cvxpylayers.torch", reason="needs cvxpylayers")
cp = pytest.importorskip("cvxpy")

import lyaopt.torch as differentiable  # noqa: E402

PROBLEMS, ITEMS = 1000, 2
GROUP = "Problem {}, 1000 problems of 2 services, forward and backward in PyTorch"
NUMBERS = {"local": "3", "transmit": "4", "edge": "5"}


def layer(kind):
    """A layer of cvxpylayers for one of the problems, as a function of weights, caps and a third number."""
    rates, level = cp.Variable(ITEMS, nonneg=True), cp.Variable()
    weights, caps, third = cp.Parameter(ITEMS, nonneg=True), cp.Parameter(ITEMS), cp.Parameter(nonneg=True)
    limits, gain = [rates <= caps], weights @ rates
    if kind == "edge":
        problem = cp.Problem(cp.Minimize(-gain), [*limits, cp.sum(rates) <= third])
    elif kind == "local":
        limits += [cp.sum(rates) <= level, level <= 1.0, level >= 0.0]
        problem = cp.Problem(cp.Minimize(third * cp.power(level, 3) - gain), limits)
    else:
        limits += [cp.sum(rates) <= level, level <= 1.0, level >= 0.0]
        problem = cp.Problem(cp.Minimize(third * cp.exp(level) - gain), limits)
    return cvxpylayers.CvxpyLayer(problem, parameters=[weights, caps, third], variables=[rates])


def ours(kind):
    """The same function by lyaopt."""
    if kind == "edge":
        return lambda w, caps, third: differentiable.solve_edge(caps, weights=w, capacity=third).cpu_hz
    if kind == "local":
        return lambda w, caps, third: (
            differentiable.solve_local(caps, weights=w, capacity=1.0, energy_weight=third, delta=1.0).cpu_hz
        )
    # b = 1, eta = 1, p^max = e - 1
    ln2 = torch.log(torch.tensor(2.0, dtype=torch.float64))
    most = torch.expm1(torch.tensor(1.0, dtype=torch.float64))

    def transmit(w, caps, third):
        solution = differentiable.solve_transmit(
            caps, weights=w, gain=1.0, bandwidth=ln2, max_power=most, energy_weight=third, noise=1 / ln2
        )
        return solution.rate_bps

    return transmit


def inputs():
    """Weights, caps and a third number (U delta, U / eta or F)."""
    generator = torch.Generator().manual_seed(1)

    def uniform(low, high, *shape):
        drawn = low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)
        return drawn.requires_grad_()

    shape = (PROBLEMS, ITEMS)
    return uniform(0.5, 3, *shape), uniform(0.1, 0.8, *shape), uniform(0.3, 1.2, PROBLEMS)


def timed(function, rounds):
    """The shortest times of forward and backward, the solution and its derivatives."""
    given = inputs()
    cotangent = torch.linspace(0.5, 1.5, ITEMS, dtype=torch.float64).expand(PROBLEMS, ITEMS).contiguous()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        solution = function(*given)
        middle = time.perf_counter()
        found = torch.autograd.grad(solution, given, cotangent)
        times.append((middle - start, time.perf_counter() - middle))
    forward, backward = (min(column) for column in zip(*times, strict=True))
    return forward, backward, solution.detach(), found


def share_close(found, expected):
    """The share of the problems in which all numbers agree to 1e-3."""
    error = (found - expected).abs().reshape(PROBLEMS, -1).amax(-1)
    return float((error <= 1e-3).double().mean())


@pytest.mark.parametrize("kind", NUMBERS)
def test_beside_cvxpylayers(record, kind):
    group = GROUP.format(NUMBERS[kind])
    layered = layer(kind)
    theirs = timed(lambda *given: layered(*given)[0], 2)
    own = timed(ours(kind), 20)
    for name, results in (("cvxpylayers", theirs), ("lyaopt.torch", own)):
        record.time(group, f"{name}, forward", results[0] / PROBLEMS, "problem")
        record.time(group, f"{name}, backward", results[1] / PROBLEMS, "problem")
    agreement = min(
        share_close(a, b) for a, b in zip((own[2], *own[3]), (theirs[2], *theirs[3]), strict=True)
    )
    record.require(
        f"Problem {NUMBERS[kind]}, agrees with cvxpylayers", ">= 95 %", f"{agreement:.1%}", agreement >= 0.95
    )
