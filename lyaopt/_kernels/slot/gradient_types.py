"""What the gradient kernels take and write beside a problem and its allocation.

A loss depends on a lane by its allocation and by its optimal value V, as minimised. The kernels take the
derivatives of the loss by these (cotangents) and write its derivatives by every number of the problem. Arrays
of a gradient with one number a lane may be empty: what is not wanted is not written.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.slot.general_blocks import copy_from
from lyaopt._kernels.slot.problems import TYPES
from lyaopt._kernels.toolchain.jit import helper


class Cotangents(NamedTuple):
    """Derivatives of a loss by what the solver of a problem returns.

    Attributes
    ----------
    items : (N, L) array
        By the speed or rate of every item, per Hz or bit/s; empty where the loss depends on V alone.
    lane : (L,) array
        By the total speed in Problem 3, per Hz, and by the power in Problem 4, per W; empty in Problem 5 and
        where `items` is.
    value : (1,), (M,) or (L,) array
        By V, the optimal value of the lane.
    """

    items: Any
    lane: Any
    value: Any


class LocalGradient(NamedTuple):
    """Derivatives of a loss by the numbers of a `GeneralLocalProblem`.

    Attributes
    ----------
    weights, limits : (N, L) arrays
    capacity, tau, energy_weight, delta : (L,) or empty arrays
    """

    weights: Any
    limits: Any
    capacity: Any
    tau: Any
    energy_weight: Any
    delta: Any


class TransmitGradient(NamedTuple):
    """Derivatives of a loss by the numbers of a `GeneralTransmitProblem`.

    Attributes
    ----------
    weights, limits : (N, L) arrays
    gain, bandwidth, max_power, tau, energy_weight, noise, radio_rate, radio_power : (L,) or empty arrays
    """

    weights: Any
    limits: Any
    gain: Any
    bandwidth: Any
    max_power: Any
    tau: Any
    energy_weight: Any
    noise: Any
    radio_rate: Any
    radio_power: Any


class EdgeGradient(NamedTuple):
    """Derivatives of a loss by the numbers of a `GeneralEdgeProblem`.

    Attributes
    ----------
    weights, limits : (N, L) arrays
    capacity, tau : (L,) or empty arrays
    """

    weights: Any
    limits: Any
    capacity: Any
    tau: Any


_F1, _F2 = "f8[::1]", "f8[:,::1]"
TYPES |= {
    Cotangents: ", ".join([_F2, _F1, _F1]),
    LocalGradient: ", ".join([_F2] * 2 + [_F1] * 4),
    TransmitGradient: ", ".join([_F2] * 2 + [_F1] * 8),
    EdgeGradient: ", ".join([_F2] * 2 + [_F1] * 2),
}


def gradient_signature(problem: type, allocation: type, gradient: type) -> Any:
    """Return the signature of a gradient kernel: of a problem, an allocation, cotangents and a gradient."""
    from numba.core import types
    from numba.core.sigutils import normalize_signature

    def parsed(group: type) -> Any:
        return types.BaseTuple.from_types(normalize_signature(f"void({TYPES[group]})")[0], group)

    return types.void(*map(parsed, (problem, allocation, Cotangents, gradient)))


@helper
def write_parameter(row, lanes, values):
    """Write a row of derivatives into an array (L,), unless that is empty."""
    if values.size > 0:
        copy_from(row, 0, lanes.count, values[lanes.start : lanes.start + lanes.count])
