"""Prices with several edge servers: each device takes the server, and its services the cuts, of least cost.

A device weighs a server by what the tasks that come in a period would add there, each at its best cut, and by
what waits for its radio: bits at the price of the channel to that server, and the next task of each service,
which will be at the server when its last bit is sent. Tables of prices have a row for each link, in the place
of the states of slow channels; see priced_cuts.py for the terms, and edge_links.py for the lanes.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.edge_links import group_of
from lyaopt._kernels.simulation.priced_cuts import added_at_device, added_at_edge, order_of
from lyaopt._kernels.simulation.prices import cost_behind, curve_of, holding_cost, price_at, urgency
from lyaopt._kernels.simulation.state_types import FIELD_TYPES
from lyaopt._kernels.simulation.task_queues import CUT, EDGE, LOCAL, TRANSMIT, size_of
from lyaopt._kernels.slot.problems import TAU
from lyaopt._kernels.toolchain.jit import helper, inline


class EdgeChoice(NamedTuple):
    """How servers are chosen.

    - `priced`: 1 where prices weigh services, else 0, and nothing else is read.
    - `chosen`: 1 where the rule chooses servers and cuts, 0 where the policy does.
    - `reached` (E, M): 1 where a device reaches a server.
    - `coming` (N, M): mean number of new tasks of a service in a period.
    """

    priced: Any
    chosen: Any
    reached: Any
    coming: Any


FIELD_TYPES[EdgeChoice] = ("i8", "i8", "i8[:,::1]", "f8[:,::1]")


@inline
def _waiting_bits(n, lane, device, e, queues, prices):
    """Return what the bits that wait for the radio cost over a link, in joules."""
    if queues.waiting[TRANSMIT, n, lane] == 0:
        return 0.0
    own = urgency(TRANSMIT, n, lane, device, queues, prices)
    cost = holding_cost(TRANSMIT, n, lane, device, queues, prices)
    cost += cost_behind(own, n, TRANSMIT, lane, device, queues, prices)
    return queues.backlog[TRANSMIT, n, lane] * price_at(cost, curve_of(TRANSMIT, n, device, e, prices))


@helper
def _at_server(work, n, device, e, order, model):
    """Return what a task of service `n` with `work` cycles at a server adds there, in joules."""
    scalars = model.edges.scalars[e]
    link = device + (1 + e) * model.choice.reached.shape[1]
    return added_at_edge(work, n, link, scalars, order, model.prices, model.cuts)


@helper
def _best_cut(n, lane, device, e, order, queues, model):
    """Return the point at which a task of service `n` adds least with this server, and how much."""
    cuts, amounts, prices, slot = model.cuts, model.amounts, model.prices, model.scalars[TAU]
    best, least = int(cuts.alone[e, n, device]), np.inf
    for j in range(cuts.tried.shape[2]):
        k = int(cuts.tried[n, device, j])
        if k < 0:
            break
        cycles, bits = amounts[LOCAL, n, device, k], amounts[TRANSMIT, n, device, k]
        cost = added_at_device(cycles, n, LOCAL, lane, e, slot, queues, prices)
        cost += added_at_device(bits, n, TRANSMIT, lane, e, slot, queues, prices)
        cost += _at_server(amounts[EDGE, n, device, k], n, device, e, order, model)
        if cost < least:
            best, least = k, cost
    return best, least


@helper
def _cost_of(lane, device, e, order, queues, tasks, model, points):
    """Return what a period with a server costs a device; write the best points (N,)."""
    total = 0.0
    for n in range(queues.points.shape[0]):
        points[n], least = _best_cut(n, lane, device, e, order, queues, model)
        if model.choice.coming[n, device] > 0.0:
            total += model.choice.coming[n, device] * least
        total += _waiting_bits(n, lane, device, e, queues, model.prices)
        if queues.waiting[TRANSMIT, n, lane] > 0:
            task = queues.first[TRANSMIT, n, lane]
            work = model.amounts[EDGE, n, device, tasks.table[task, CUT]] * size_of(task, tasks.table)
            total += _at_server(work, n, device, e, order, model)
    return total


@inline
def _links_of(r, e, lanes, width):
    """Return the lanes of the links to a server in replication `r`."""
    mine = group_of(e, lanes)
    return range(mine.start + r, mine.stop, width)


@helper
def _choose(lane, device, orders, queues, tasks, model, points):
    """Put the points of the best server of a device in force, and return its number."""
    room, counts = orders
    best, least = 0, np.inf
    for e in range(counts.size):
        if model.choice.reached[e, device] != 0:
            order = room[e, :, : counts[e]]
            cost = _cost_of(lane, device, e, order, queues, tasks, model, points)
            if cost < least:
                best, least = e, cost
                for n in range(points.size):
                    queues.points[n, lane] = points[n]
    return best


@helper
def choose_edges(b, queues, tasks, model):
    """Attach the devices of block `b` to the best servers, and put the best points there in force."""
    edges, width = model.edges, queues.points.shape[1] // model.devices.shape[1]
    lanes, count, services = edges.attached.shape[1], edges.scalars.shape[0], queues.points.shape[0]
    room = np.empty((count, 3, services * model.choice.reached.shape[1]))
    counts, points = np.empty(count, np.int64), np.empty(services, np.int64)
    for r in range(width):
        for e in range(count):
            order = order_of(_links_of(r, e, lanes, width), width, queues, model.prices, room[e])
            counts[e] = order.shape[1]
        for lane in range(r, lanes, width):
            edges.attached[b, lane] = _choose(
                lane, lane // width, (room, counts), queues, tasks, model, points
            )
