"""The general slot problems of a system: all slots share its parameters, the `scalars` of problems.py."""

from lyaopt._kernels.slot.general_problems import (
    GeneralEdgeProblem,
    GeneralLocalProblem,
    GeneralTransmitProblem,
)
from lyaopt._kernels.slot.problems import (
    DELTA,
    EDGE_CAPACITY,
    NOISE,
    TAU,
    WEIGHT_LOCAL,
    WEIGHT_TRANSMIT,
)
from lyaopt._kernels.toolchain.jit import inline


@inline
def _alone(scalars, entry):
    """Return one of the scalars as an array (1,)."""
    return scalars[entry : entry + 1]


@inline
def local_problem_of(items, capacity, scalars, curves):
    """Return Problem 3 for (weights, limits), the capacities (M,), and (curve, curve_hz, curve_slope)."""
    return GeneralLocalProblem(
        items[0],
        items[1],
        capacity,
        _alone(scalars, TAU),
        _alone(scalars, WEIGHT_LOCAL),
        _alone(scalars, DELTA),
        curves[0],
        curves[1],
        curves[2],
    )


@inline
def transmit_problem_of(items, radio, scalars, measured):
    """Return Problem 4 for (weights, limits), (gain, bandwidth, largest power), and `measured`.

    These are the kind of each device's radio (M,), and rate and power (L,), empty where none is measured.
    """
    gain, bandwidth, max_power = radio
    return GeneralTransmitProblem(
        items[0],
        items[1],
        gain,
        bandwidth,
        max_power,
        _alone(scalars, TAU),
        _alone(scalars, WEIGHT_TRANSMIT),
        scalars[NOISE],
        measured[0],
        measured[1],
        measured[2],
    )


@inline
def edge_problem_of(items, scalars):
    """Return Problem 5 for (weights, limits)."""
    return GeneralEdgeProblem(items[0], items[1], _alone(scalars, EDGE_CAPACITY), _alone(scalars, TAU))
