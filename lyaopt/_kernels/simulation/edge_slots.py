"""The loop over slots with several edge servers, see edge_links.py and edge_prices.py."""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.busy_allocation import allocate_busy_lanes, busy_workspace_size
from lyaopt._kernels.simulation.edge_links import (
    Edges,
    allocate_edges,
    allocate_edges_by_weights,
    attach,
    move_tasks_over_links,
    new_edge_room,
    send_over_links,
)
from lyaopt._kernels.simulation.edge_prices import EdgeChoice, choose_edges
from lyaopt._kernels.simulation.exact_allocation import allocate_exactly, allocation_workspace_size
from lyaopt._kernels.simulation.priced_cuts import Cuts
from lyaopt._kernels.simulation.prices import Prices, weigh_by_prices
from lyaopt._kernels.simulation.slot_loop import slot_loop
from lyaopt._kernels.simulation.state_types import (
    FIELD_TYPES,
    Model,
    Record,
    ReplicationState,
    Span,
    StreamModel,
    Tasks,
    Trace,
    compiled_signature,
    queues_of,
)
from lyaopt._kernels.simulation.task_queues import EDGE
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline


class EdgesModel(NamedTuple):
    """A `Model` with several edge servers; its arrays over devices have an entry for each link, too.

    - `edges`: the servers.
    - `prices`, `cuts`: of a rule by prices, as in priced_slots.py; not read without one.
    - `choice`: how it chooses servers.
    - `channels` (b, L): workspace, the row of each radio's table.
    """

    method: Any
    scalars: Any
    devices: Any
    amounts: Any
    fractions: Any
    shares: Any
    weights: Any
    rule: Any
    failed: Any
    laws: Any
    edges: Any
    prices: Any
    cuts: Any
    choice: Any
    channels: Any


FIELD_TYPES[EdgesModel] = (*FIELD_TYPES[Model], Edges, Prices, Cuts, EdgeChoice, "i8[:,::1]")


@helper
def _new_room(model, services, devices, width):
    size = allocation_workspace_size(model, services, devices, width)
    if model.choice.priced != 0:
        size = max(size, busy_workspace_size(model, services, devices, width))
    return new_edge_room(np.empty(size), model, services, width)


@inline
def _prepare(at, gain, arrivals, model, state, tasks):
    """Attach devices at the start of a period, and give them the gains of their links."""
    b, begin, _ = at
    if begin % model.edges.period == 0:
        if model.choice.chosen != 0:
            choose_edges(b, queues_of(state, b), tasks, model)
        else:
            attach(b, begin, model.edges)
    send_over_links(b, gain, model.edges)


@helper
def _allocate_by_prices(b, gain, backlog, model, state, allocation, room):
    """Solve the problems of devices by prices over their links, and that of each server."""
    channels, attached = model.channels[b], model.edges.attached[b]
    for t in range(attached.size):
        channels[t] = attached[t]
    weights = model.weights[b]
    weigh_by_prices(queues_of(state, b), channels, model.prices, weights)
    queued, solvers = room.notes.queued, room.workspace.solvers
    allocate_busy_lanes(backlog, weights, gain, model, queued, allocation, solvers)


@inline
def _allocate(at, gain, backlog, model, state, tasks, allocation, room):
    """The allocation of the paper or by prices, with Problem 5 of each server."""
    queued, rates = room.notes.queued, allocation.rates[EDGE]
    at_edges = queued[EDGE]
    queued[EDGE] = 0
    if model.choice.priced != 0:
        _allocate_by_prices(at[0], gain, backlog, model, state, allocation, room)
        if at_edges > 0:
            allocate_edges_by_weights(backlog, model.weights[at[0]], model, rates, room.workspace)
    else:
        allocate_exactly(backlog, gain, model, queued, allocation, room.workspace.solvers)
        if at_edges > 0:
            allocate_edges(backlog, model, rates, room.workspace)
    queued[EDGE] = at_edges


def _signature():
    grown = "Tuple((i8[:,::1], i8[:,::1]))"
    plan = "i8[:,:,:,::1]"
    return compiled_signature(
        grown, Span, EdgesModel, StreamModel, Trace, plan, ReplicationState, Tasks, Record
    )


_NAME = "advance_over_edges"
advance_over_edges = Kernel(
    _NAME, _signature, slot_loop(_NAME, _allocate, _new_room, _prepare, move=move_tasks_over_links)
)
