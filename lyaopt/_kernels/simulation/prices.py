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
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop


class Prices(NamedTuple):
    """Holding costs, and prices of CPUs and radios.

    - `by_work`: 1 where each unit of work costs `holding`, 0 where each waiting task does.
    - `joint`: 1 where the queues of a resource are in one order, 0 where each is priced as if alone.
    - `holding` (3, N, M): in W per task, or per cycle, bit, cycle.
    - `scale` (2, M): cells of the tables of a CPU or radio for a holding cost whose root is 1.
    - `row` (2, N, M): the table of each service; of a radio that of the worst of its `states`, before the
      others.
    - `price` (T, C + 1): J per cycle or J per bit at H = (i / scale)^2.
    - `integral` (T, C + 1): of the price from 0 to H.
    - `slope` (T,): of the price beyond its table, by H.
    - `states`: of slow channels, see slow_channels.py; 1 where channels are drawn anew in each slot.
    """

    by_work: Any
    joint: Any
    holding: Any
    scale: Any
    row: Any
    price: Any
    integral: Any
    slope: Any
    states: Any


class PriceCurve(NamedTuple):
    """The table of one CPU or radio."""

    scale: Any
    price: Any
    integral: Any
    slope: Any


_F2, _F3 = "f8[:,::1]", "f8[:,:,::1]"
FIELD_TYPES[Prices] = ("i8", "i8", _F3, _F2, "i8[:,:,::1]", _F2, _F2, "f8[::1]", "i8")


@inline
def curve_of(stage, n, device, channel, prices):
    """Return the table of a service on its CPU, or on its radio in a state of the channel."""
    row = int(prices.row[stage, n, device]) + (channel if stage == TRANSMIT else 0)
    return PriceCurve(prices.scale[stage, device], prices.price[row], prices.integral[row], prices.slope[row])


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
        if prices.joint != 0 and i != n and queues.waiting[stage, i, lane] > 0:
            other = urgency(stage, i, lane, device, queues, prices)
            if other < own or (other == own and i > n):
                total += holding_cost(stage, i, lane, device, queues, prices)
    return total


@helper
def _weigh_devices(stage, queues, channels, prices, weights):
    """Write the weights (N, L) of the queues of CPUs or radios, in lanes where one is not empty."""
    services, lanes = weights.shape
    width = lanes // prices.scale.shape[1]
    waiting = queues.waiting[stage]
    for lane in range(lanes):
        busy = 0
        for n in range(services):
            busy += waiting[n, lane]
        if busy == 0:
            continue
        m = lane // width
        for n in range(services):
            weights[n, lane] = 0.0
            if waiting[n, lane] > 0:
                cost = holding_cost(stage, n, lane, m, queues, prices)
                if waiting[n, lane] < busy:
                    own = urgency(stage, n, lane, m, queues, prices)
                    cost += cost_behind(own, n, stage, lane, m, queues, prices)
                weights[n, lane] = price_at(cost, curve_of(stage, n, m, channels[lane], prices))


@lane_loop
def _divide(rate, amounts, quotients):
    for t in range(amounts.size):
        quotients[t] = rate / amounts[t]


@helper
def _weigh_edge(queues, prices, weights):
    """Write the weights (N, L) of the queues at the edge, where only their order counts."""
    width = weights.shape[1] // prices.scale.shape[1]
    for n in range(weights.shape[0]):
        for m in range(prices.scale.shape[1]):
            mine = slice(m * width, (m + 1) * width)
            rate = prices.holding[EDGE, n, m]
            if prices.by_work != 0:
                weights[n, mine] = rate
            else:
                _divide(rate, queues.head[EDGE, n, mine], weights[n, mine])


@helper
def weigh_by_prices(queues, channels, prices, weights):
    """Write the weights (3, N, L) of a block, given the state of each channel (L,).

    On CPUs and radios where nothing waits, weights are left as they are.
    """
    _weigh_devices(LOCAL, queues, channels, prices, weights[LOCAL])
    _weigh_devices(TRANSMIT, queues, channels, prices, weights[TRANSMIT])
    _weigh_edge(queues, prices, weights[EDGE])
