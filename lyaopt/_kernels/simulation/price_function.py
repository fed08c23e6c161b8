"""The rule by prices as a function of a state: weights, and partition points.

The loop over slots calls the same helpers: see priced_slots.py. Here they stand alone, for Python, for users'
jitted code and, through price_entries.py, for C.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.priced_cuts import Cuts, cut_of, edge_order
from lyaopt._kernels.simulation.prices import (
    PriceCurve,
    Prices,
    integral_at,
    price_at,
    weigh_by_prices,
)
from lyaopt._kernels.simulation.state_types import FIELD_TYPES, compiled_signature
from lyaopt._kernels.toolchain.jit import Kernel, helper


class PricedQueues(NamedTuple):
    """What prices see of queues (3, N, L), in any number of lanes of each device.

    - `backlog`: cycles, bits, cycles.
    - `head`: what is left of the first task, > 0; in an empty queue it is not read.
    - `waiting`: number of tasks.
    """

    backlog: Any
    head: Any
    waiting: Any


class PricedCuts(NamedTuple):
    """What partition points depend on besides the state; fields are those of `PricedModel`."""

    amounts: Any
    scalars: Any
    prices: Any
    cuts: Any


_F1, _F2, _F3, _F4 = (f"f8[{':,' * n}::1]" for n in range(4))
FIELD_TYPES[PricedQueues] = (_F3, _F3, "i8[:,:,::1]")
FIELD_TYPES[PricedCuts] = (_F4, _F1, Prices, Cuts)


@helper
def weights_by_prices(queues, channels, prices, weights):
    """Write the weights (3, N, L) of all queues, 0 of empty ones, given the state of each channel (L,)."""
    weigh_by_prices(queues, channels, prices, weights)
    for stage in range(weights.shape[0]):
        for n in range(weights.shape[1]):
            for lane in range(weights.shape[2]):
                if queues.waiting[stage, n, lane] == 0:
                    weights[stage, n, lane] = 0.0


@helper
def cuts_by_prices(queues, channels, model, room, points):
    """Write the best points (N, L) of tasks to come; `room` (3, N M) is workspace."""
    services, lanes = points.shape
    width = lanes // model.prices.scale.shape[1]
    for r in range(width):
        order = edge_order(r, width, queues, model.prices, room)
        for lane in range(r, lanes, width):
            for n in range(services):
                points[n, lane] = cut_of(n, lane, lane // width, channels[lane], order, queues, model)


def _weights(queues, channels, prices, weights):
    weights_by_prices(queues, channels, prices, weights)


def _points(queues, channels, model, points):
    room = np.empty((3, points.shape[0] * model.prices.scale.shape[1]))
    cuts_by_prices(queues, channels, model, room, points)


def _read_curve(costs, curve, found):
    """Write prices and their integrals from 0 (2, n) at holding costs (n,)."""
    for i in range(costs.size):
        found[0, i] = price_at(costs[i], curve)
        found[1, i] = integral_at(costs[i], curve)


FIELD_TYPES[PriceCurve] = ("f8", _F1, _F1, "f8")
_I1, _I2 = "i8[::1]", "i8[:,::1]"
price_weights = Kernel(
    "price_weights",
    lambda: compiled_signature("void", PricedQueues, _I1, Prices, _F3),
    _weights,
)
price_cuts = Kernel(
    "price_cuts",
    lambda: compiled_signature("void", PricedQueues, _I1, PricedCuts, _I2),
    _points,
)
read_curve = Kernel(
    "read_curve",
    lambda: compiled_signature("void", _F1, PriceCurve, _F2),
    _read_curve,
)
