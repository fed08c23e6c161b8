"""Weights of the services in a slot by prices: what a unit of work costs while others wait.

A CPU and a radio have tables of the price nu by the holding cost H, in watts, of all that waits there. The
queues of a resource are put in order, those first in which holding cost falls fastest with work; the first
one has the price at the holding cost of all, the next one that without the first, and so on. See
docs/explanation/prices.md.
"""

import math
from typing import Any, NamedTuple

from lyaopt._kernels.simulation.state_types import FIELD_TYPES
from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.toolchain.jit import helper, inline


class Prices(NamedTuple):
    """Holding costs, and prices of CPUs and radios.

    - `by_work`: 1 where each unit of work costs `holding`, 0 where each waiting task does.
    - `holding` (3, N, M): in W per task, or per cycle, bit, cycle.
    - `scale` (2, M): cells of the table of a CPU or radio for a holding cost whose root is 1.
    - `price` (2, M, C + 1): J per cycle, J per bit at H = (i / scale)^2.
    - `integral` (2, M, C + 1): of the price from 0 to H.
    - `slope` (2, M): of the price beyond its table, by H.
    """

    by_work: Any
    holding: Any
    scale: Any
    price: Any
    integral: Any
    slope: Any


class PriceCurve(NamedTuple):
    """The table of one CPU or radio."""

    scale: Any
    price: Any
    integral: Any
    slope: Any


_F2, _F3 = "f8[:,::1]", "f8[:,:,::1]"
FIELD_TYPES[Prices] = ("i8", _F3, _F2, _F3, _F3, _F2)


@inline
def curve_of(stage, device, prices):
    """Return the table of the CPU or radio of a device."""
    return PriceCurve(
        prices.scale[stage, device],
        prices.price[stage, device],
        prices.integral[stage, device],
        prices.slope[stage, device],
    )


@inline
def price_at(cost, curve):
    """Return the price at a holding cost."""
    scale, price, _, slope = curve
    last = price.size - 1
    place = math.sqrt(cost) * scale
    if place >= last:
        most = last / scale
        return price[last] + slope * (cost - most * most)
    cell = int(place)
    low = price[cell]
    return low + (place - cell) * (price[cell + 1] - low)


@inline
def integral_at(cost, curve):
    """Return the integral of the price from 0 to a holding cost."""
    scale, price, integral, _ = curve
    cell = min(int(math.sqrt(cost) * scale), price.size - 1)
    node = cell / scale
    return integral[cell] + 0.5 * (price[cell] + price_at(cost, curve)) * (cost - node * node)


@inline
def holding_cost(stage, n, lane, device, queues, prices):
    """Return what waiting in a queue costs, in watts."""
    rate = prices.holding[stage, n, device]
    if prices.by_work != 0:
        return rate * queues.backlog[stage, n, lane]
    return rate * queues.waiting[stage, n, lane]


@inline
def urgency(stage, n, lane, device, queues, prices):
    """Return by how much holding cost falls with work on a queue; 0 if it is empty."""
    rate = prices.holding[stage, n, device]
    if prices.by_work != 0:
        return rate if queues.waiting[stage, n, lane] > 0 else 0.0
    return rate / queues.head[stage, n, lane]


@inline
def cost_behind(own, n, stage, lane, device, queues, prices):
    """Return the holding cost of the queues that come after service `n` at an urgency of `own`."""
    total = 0.0
    for i in range(queues.head.shape[1]):
        if i != n and queues.waiting[stage, i, lane] > 0:
            other = urgency(stage, i, lane, device, queues, prices)
            if other < own or (other == own and i > n):
                total += holding_cost(stage, i, lane, device, queues, prices)
    return total


@helper
def _weigh_devices(stage, queues, prices, weights):
    """Write the weights (N, L) of the queues of CPUs or radios."""
    services, lanes = weights.shape
    width = lanes // prices.scale.shape[1]
    for lane in range(lanes):
        m = lane // width
        for n in range(services):
            weight = 0.0
            if queues.waiting[stage, n, lane] > 0:
                own = urgency(stage, n, lane, m, queues, prices)
                cost = holding_cost(stage, n, lane, m, queues, prices)
                cost += cost_behind(own, n, stage, lane, m, queues, prices)
                weight = price_at(cost, curve_of(stage, m, prices))
            weights[n, lane] = weight


@helper
def _weigh_edge(queues, prices, weights):
    """Write the weights (N, L) of the queues at the edge, where only their order counts."""
    services, lanes = weights.shape
    width = lanes // prices.scale.shape[1]
    for lane in range(lanes):
        for n in range(services):
            weights[n, lane] = urgency(EDGE, n, lane, lane // width, queues, prices)


@helper
def weigh_by_prices(queues, prices, weights):
    """Write the weights (3, N, L) of a block."""
    _weigh_devices(LOCAL, queues, prices, weights[LOCAL])
    _weigh_devices(TRANSMIT, queues, prices, weights[TRANSMIT])
    _weigh_edge(queues, prices, weights[EDGE])
