"""Gradients of the general slot problems by 60-digit differences, and allocations for the gradient kernels."""

from decimal import Decimal

import numpy as np

from lyaopt._kernels.slot.general_problems import (
    GeneralEdgeProblem,
    GeneralLocalProblem,
    GeneralTransmitProblem,
    of_lane,
)
from lyaopt._kernels.slot.problems import EdgeAllocation, LocalAllocation, TransmitAllocation
from tests.support.decimal_lanes import Lane, exact, precise, solve

STEP = Decimal("1e-20")  # relative: the error of a central difference is its square
KINK = Decimal("1e-9")  # relative: a point nearer to a kink is left out
_SHANNON = ("gain", "bandwidth", "max_power", "noise")
_MEASURED = ("radio_rate", "radio_power")


def lanes_of(problem):
    """Every lane of a general problem."""
    count = problem.weights.shape[1]
    return [_lane(problem, lane, count) for lane in range(count)]


def _lane(problem, lane, count):
    def numbers(*names):
        return {name: of_lane(getattr(problem, name), lane, count) for name in names}

    shared = {name: getattr(problem, name)[:, lane].tolist() for name in ("weights", "limits")}
    shared |= numbers("tau")
    if isinstance(problem, GeneralEdgeProblem):
        return Lane("edge", shared | numbers("capacity"))
    shared |= numbers("energy_weight")
    if isinstance(problem, GeneralTransmitProblem):
        if problem.radio_rate.size and of_lane(problem.measured, lane, count):
            return Lane("transmit", shared | numbers(*_MEASURED))
        return Lane("transmit", shared | numbers(*_SHANNON[:3]) | {"noise": problem.noise})
    curve = of_lane(problem.curve, lane, count)
    if curve < 0:
        return Lane("local", shared | numbers("capacity", "delta"))
    ends, slopes = problem.curve_hz[curve], problem.curve_slope[curve]
    hull = tuple((Decimal(float(h)), Decimal(float(s))) for h, s in zip(ends, slopes) if np.isfinite(s))
    return Lane("local", shared | numbers("capacity"), hull)


def allocation_of(problem):
    """The allocation of a general problem as its solvers report it, from the decimal answers."""
    lanes = lanes_of(problem)
    with precise():
        answers = [solve(lane, exact(lane.numbers)) for lane in lanes]
    items = np.array(
        [[_rate(lane, a, i) for lane, a in zip(lanes, answers)] for i in range(problem.weights.shape[0])]
    )
    nu = np.array([float(a.multiplier) for a in answers])
    if isinstance(problem, GeneralEdgeProblem):
        return EdgeAllocation(items, nu)
    if isinstance(problem, GeneralLocalProblem):
        return LocalAllocation(items, np.array([_total(n, a) for n, a in zip(lanes, answers)]), nu)
    return TransmitAllocation(items, np.array([_power(n, a) for n, a in zip(lanes, answers)]), nu)


def _rate(lane, answer, i):
    limit, tau = lane.numbers["limits"][i], lane.numbers["tau"]
    whole = answer.rates[i] == Decimal(float(limit)) / Decimal(float(tau))
    return limit / tau if whole or _close(answer.rates[i], limit / tau) else float(answer.rates[i])


def _close(rate, most):
    return abs(float(rate) - most) <= 1e-30 * most


def _total(lane, answer):
    return min(float(answer.total), lane.numbers["capacity"])


def _power(lane, answer):
    most = lane.numbers["radio_power" if "radio_rate" in lane.numbers else "max_power"]
    return most if answer.bound and answer.total else min(float(answer.power), most)


def loss(lane, numbers, cotangents):
    """The loss whose derivatives by the allocation and V are `cotangents`: (items, of the lane, of V)."""
    answer = solve(lane, numbers)
    items, of_lane_, value = cotangents
    out = answer.total if lane.kind == "local" else answer.power
    return sum(g * f for g, f in zip(items, answer.rates)) + of_lane_ * out + value * answer.value


def derivative(lane, name, index, cotangents):
    """d loss / d number by a central difference, or None near a kink or at the end of the domain."""
    with precise():
        numbers = exact(lane.numbers)
        at = numbers[name] if index is None else numbers[name][index]
        if at == 0:
            return None

        def moved(step):
            changed = dict(numbers)
            changed[name] = at * (1 + step)
            if index is not None:
                changed[name] = [*numbers[name][:index], at * (1 + step), *numbers[name][index + 1 :]]
            return loss(lane, changed, cotangents)

        middle = loss(lane, numbers, cotangents)
        up, down = (moved(KINK) - middle) / KINK, (middle - moved(-KINK)) / KINK
        central = (moved(STEP) - moved(-STEP)) / (2 * STEP)
        # one-sided differences over the margin agree with the central one unless a kink lies between
        size = max(abs(up), abs(down), abs(central))
        if size and max(abs(up - central), abs(down - central)) > Decimal("1e-6") * size:
            return None
        return central / at
