"""Gradients of the general slot problems by 60-digit differences."""

from decimal import Decimal

import numpy as np

from lyaopt._kernels.slot.general_edge import general_edge_exact
from lyaopt._kernels.slot.general_local import general_local_exact
from lyaopt._kernels.slot.general_problems import (
    GeneralEdgeProblem,
    GeneralLocalProblem,
    GeneralTransmitProblem,
    of_lane,
)
from lyaopt._kernels.slot.general_transmit import general_transmit_exact
from lyaopt._kernels.slot.problems import EdgeAllocation, LocalAllocation, TransmitAllocation
from tests.support.decimal_lanes import Lane, exact, precise, solve

STEP = Decimal("1e-20")  # relative: the error of a central difference is its square
KINK = Decimal("1e-9")  # relative: a point nearer to a kink is left out
_SHANNON = ("gain", "bandwidth", "max_power", "noise")
_MEASURED = ("radio_rate", "radio_power")
_SOLVERS = {
    GeneralLocalProblem: (general_local_exact, LocalAllocation),
    GeneralTransmitProblem: (general_transmit_exact, TransmitAllocation),
    GeneralEdgeProblem: (general_edge_exact, EdgeAllocation),
}


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
    hull = tuple(
        (Decimal(float(h)), Decimal(float(s))) for h, s in zip(ends, slopes, strict=True) if np.isfinite(s)
    )
    return Lane("local", shared | numbers("capacity"), hull)


def allocation_of(problem):
    """The allocation of a general problem by its solver."""
    kernel, kind = _SOLVERS[type(problem)]
    shape = problem.weights.shape
    allocation = kind(np.empty(shape), *np.empty((len(kind._fields) - 1, shape[1])))
    kernel(problem, allocation)
    return allocation


def loss(lane, numbers, cotangents):
    """The loss whose derivatives by the allocation and V are `cotangents`: (items, of the lane, of V)."""
    answer = solve(lane, numbers)
    items, of_lane_, value = cotangents
    out = answer.total if lane.kind == "local" else answer.power
    return (
        sum(g * f for g, f in zip(items, answer.rates, strict=True)) + of_lane_ * out + value * answer.value
    )


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
