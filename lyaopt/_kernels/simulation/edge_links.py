"""Several edge servers in a block: lanes of links, the problem of each server, and tasks that go to theirs.

A device is attached to one of E servers in a period, and sends to it over that channel. What it has sent
before is finished where it is; a task is at the server to which the device is attached when its last bit is
sent. Lanes of a block with M devices come in 1 + E groups of H = M width:

- the devices: their local and transmit queues, and the gain of the link to the server they are attached to;
- the links to server 0, 1 and so on: the queue of the device at that server, and the gain of the link.

The other queues of each group stay empty. Arrays of the model over "devices" are (1 + E) M long.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.exact_allocation import Allocation, allocate_edge
from lyaopt._kernels.simulation.state_types import FIELD_TYPES
from lyaopt._kernels.simulation.sums import flat, zero
from lyaopt._kernels.simulation.task_moves import adding
from lyaopt._kernels.simulation.task_queues import (
    CUT,
    EDGE,
    LOCAL,
    TRANSMIT,
    Place,
    append,
    complete,
    completing,
    finish,
    is_first_done,
    size_of,
)
from lyaopt._kernels.simulation.weighted_allocation import allocate_weighted_edge
from lyaopt._kernels.slot.problems import TAU
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop


class Edges(NamedTuple):
    """The servers, and to which of them devices are attached.

    - `period`: slots in a period; `first`: number of the period of the first line of the plan.
    - `scalars` (E, 6): those of the model, with the capacity of each server.
    - `plan` (P, b, H): the server of each device in P periods; its last line holds for later ones too.
    - `attached` (b, H): the one in force, written when a period begins.
    """

    period: Any
    first: Any
    scalars: Any
    plan: Any
    attached: Any


FIELD_TYPES[Edges] = ("i8", "i8", "f8[:,::1]", "i8[:,:,::1]", "i8[:,::1]")


class EdgeModel(NamedTuple):
    """What Problem 5 of one server takes of a `Model`; `devices` tells only how many there are."""

    method: Any
    scalars: Any
    devices: Any


class EdgeRoom(NamedTuple):
    """Workspace: of the solvers, and copies of what one server sees, as of a system with that server only."""

    solvers: Any
    devices: Any
    backlog: Any
    weights: Any
    allocation: Any


class LinkPlace(NamedTuple):
    """A `Place` of a device, and the lane and "device" of the link over which it sends."""

    row: Any
    lane: Any
    device: Any
    replication: Any
    link_lane: Any
    link_device: Any


@helper
def new_edge_room(solvers, rows, services, lanes, devices):
    """Return the workspace for devices in so many lanes, given that of the solvers and DEVICE_ROWS."""
    shape = 3, services, lanes
    allocation = Allocation(np.zeros(shape), np.zeros(lanes), np.zeros(lanes), np.zeros(lanes))
    return EdgeRoom(solvers, np.zeros((rows, devices)), np.zeros(shape), np.zeros(shape), allocation)


@inline
def group_of(e, lanes):
    """Return the lanes of the links to server `e`, where groups have so many lanes."""
    return slice((1 + e) * lanes, (2 + e) * lanes)


@lane_loop
def _copy(source, target):
    for t in range(target.size):
        target[t] = source[t]


@lane_loop
def _is_any(values):
    found = 0.0
    for t in range(values.size):
        found += values[t]
    return found > 0.0


@helper
def take_group(values, e, copy):
    """Copy the rows (N, L) of the links to a server (N, H); return whether one of them is not 0."""
    mine = group_of(e, copy.shape[1])
    for n in range(copy.shape[0]):
        _copy(values[n, mine], copy[n])
    return _is_any(flat(copy))


@helper
def put_group(copy, e, values):
    """Write the rows of the links to a server back."""
    mine = group_of(e, copy.shape[1])
    for n in range(copy.shape[0]):
        _copy(copy[n], values[n, mine])


@helper
def allocate_edges(backlog, method, edges, rates, room):
    """Solve Problem 5 of each server, for backlogs (3, N, L) of a block; write the rates (N, L)."""
    allocation = room.allocation
    for e in range(edges.scalars.shape[0]):
        found = allocation.rates[EDGE]
        if take_group(backlog[EDGE], e, room.backlog[EDGE]):
            own = EdgeModel(method, edges.scalars[e], room.devices)
            allocate_edge(room.backlog, own, allocation, room.solvers)
        else:
            zero(flat(found))
        put_group(found, e, rates)


@helper
def allocate_edges_by_weights(backlog, weights, method, edges, rates, room):
    """As `allocate_edges`, by weights (3, N, L) apart from the backlogs."""
    allocation = room.allocation
    for e in range(edges.scalars.shape[0]):
        found = allocation.rates[EDGE]
        if take_group(backlog[EDGE], e, room.backlog[EDGE]):
            take_group(weights[EDGE], e, room.weights[EDGE])
            own = EdgeModel(method, edges.scalars[e], room.devices)
            allocate_weighted_edge(room.backlog, room.weights, own, allocation, room.solvers)
        else:
            zero(flat(found))
        put_group(found, e, rates)


@helper
def attach(b, begin, edges):
    """Attach the devices of block `b` as it is planned for the period that begins."""
    line = min(begin // edges.period - edges.first, edges.plan.shape[0] - 1)
    _copy(edges.plan[line, b], edges.attached[b])


@helper
def send_over_links(b, gain, edges):
    """Give devices the gains (G, L) of the links over which they send.

    Until then they have those of the links to the first server, which are drawn as if there were no other.
    """
    lanes = edges.attached.shape[1]
    for g in range(gain.shape[0]):
        _copy(gain[g, :lanes], gain[g, group_of(0, lanes)])
    for t in range(lanes):
        link = t + (1 + edges.attached[b, t]) * lanes
        for g in range(gain.shape[0]):
            gain[g, t] = gain[g, link]


@helper
def enter_link(task, stage, place, slot, amounts, queues, tasks):
    """As `enter`, where the queue at the edge is that of the link of the place."""
    cut = tasks.table[task, CUT]
    while stage < EDGE and amounts[stage, place.row, place.device, cut] == 0.0:
        stage += 1
    if stage < EDGE:
        amount = amounts[stage, place.row, place.device, cut] * size_of(task, tasks.table)
        append(task, amount, (stage, place.row, place.lane), queues, tasks.table)
        return 0
    amount = amounts[EDGE, place.row, place.link_device, cut] * size_of(task, tasks.table)
    if amount == 0.0:
        finish(task, place, slot, tasks)
        return 1
    append(task, amount, (EDGE, place.row, place.link_lane), queues, tasks.table)
    return 0


_complete_at_device = completing("complete_at_device", enter_link)
_add_at_device = adding("add_at_device", enter_link)


@inline
def _complete_if_due(stage, place, complete_tasks, served, slot, amounts, queues, tasks):
    """Pass on the tasks of a queue, if its first one is done; return how many finished."""
    at = stage, place.row, place.lane
    if queues.waiting[at] > 0 and is_first_done(queues.backlog[at], queues.head[at], served):
        return complete_tasks(stage, place, served, slot, amounts, queues, tasks)
    return 0


@helper
def _finish_at_edges(t, b, slot, given, due, amounts, queues, tasks):
    """Finish the tasks of the device of lane `t` that are done at the servers; `given` is (rates, tau, H)."""
    rates, tau, lanes = given
    width = rates.shape[2] // amounts.shape[2]
    for e in range(rates.shape[2] // lanes - 1):
        link = t + (1 + e) * lanes
        if due[link] != 0.0:
            due[link] = 0.0
            for n in range(rates.shape[1]):
                place = Place(n, link, link // width, b * width + t % width)
                served = rates[EDGE, n, link] * tau
                queues.completed[n, t] += _complete_if_due(
                    EDGE, place, complete, served, slot, amounts, queues, tasks
                )


@helper
def _leave_device(t, link, slot, arrivals, given, work, queues, tasks):
    """Pass on the tasks that are done on the device of lane `t`, which sends to a link, and add new ones."""
    (rates, tau, _), (amounts, _, b) = given, work
    width = rates.shape[2] // amounts.shape[2]
    device, replication = t // width, b * width + t % width
    for stage in (TRANSMIT, LOCAL):
        for n in range(arrivals.shape[0]):
            place = LinkPlace(n, t, device, replication, link, link // width)
            served = rates[stage, n, t] * tau
            queues.completed[n, t] += _complete_if_due(
                stage, place, _complete_at_device, served, slot, amounts, queues, tasks
            )
    for n in range(arrivals.shape[0]):
        place = LinkPlace(n, t, device, replication, link, link // width)
        count, point = arrivals[n, t], queues.points[n, t]
        queues.born[n, t] += count
        queues.completed[n, t] += _add_at_device(count, point, place, slot, work, queues, tasks)


@helper
def move_tasks_over_links(b, slot, arrivals, rates, due, model, queues, tasks):
    """As `move_tasks`: pass on tasks that are done, last stage first, and add the new ones."""
    attached, amounts = model.edges.attached[b], model.amounts
    lanes, edges = attached.size, model.edges.scalars.shape[0]
    given, work = (rates, model.scalars[TAU], lanes), (amounts, model.sizes, b)
    for t in range(lanes):
        marks = due[t]
        for e in range(edges):
            marks += due[t + (1 + e) * lanes]
        if marks > 0.0:
            due[t] = 0.0
            _finish_at_edges(t, b, slot, given, due, amounts, queues, tasks)
            _leave_device(t, t + (1 + attached[t]) * lanes, slot, arrivals, given, work, queues, tasks)
