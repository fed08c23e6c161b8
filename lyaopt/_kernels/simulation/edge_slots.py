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
from lyaopt._kernels.simulation.exact_allocation import (
    DEVICE_ROWS,
    allocate_exactly,
    allocation_workspace_size,
)
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
    """Fields of a `Model` with several edge servers; arrays over devices have an entry for each link, too.

    - `weights` (b, 3, N, L): workspace of prices.
    - `edges`: the servers.
    - `prices`, `cuts`: of a rule by prices, as in priced_slots.py; not read without one.
    - `choice`: how it chooses servers.
    """

    method: Any
    scalars: Any
    devices: Any
    amounts: Any
    weights: Any
    laws: Any
    sizes: Any
    edges: Any
    prices: Any
    cuts: Any
    choice: Any


_OF_MODEL = dict(zip(Model._fields, FIELD_TYPES[Model], strict=True))
FIELD_TYPES[EdgesModel] = (
    *(_OF_MODEL[name] for name in EdgesModel._fields if name in _OF_MODEL),
    Edges,
    Prices,
    Cuts,
    EdgeChoice,
)


@helper
def _new_room(model, services, devices, width):
    size = allocation_workspace_size(model, services, devices, width)
    if model.choice.priced != 0:
        size = max(size, busy_workspace_size(model, services, devices, width))
    own = devices // (1 + model.edges.scalars.shape[0])
    return new_edge_room(np.empty(size), DEVICE_ROWS, services, own * width, own)


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


@inline
def _allocate(at, gain, backlog, model, state, tasks, allocation, room):
    """The allocation of the paper or by prices, with Problem 5 of each server."""
    b, queued, edges, work = at[0], room.notes.queued, model.edges, room.workspace
    rates, at_edges = allocation.rates[EDGE], queued[EDGE]
    queued[EDGE] = 0  # of each server by itself
    if model.choice.priced != 0:
        weights = model.weights[b]
        # The table of a radio is that of its link; other lanes have nothing to send.
        weigh_by_prices(queues_of(state, b), edges.attached[b], model.prices, weights)
        allocate_busy_lanes(backlog, weights, gain, model, queued, allocation, work.solvers)
        if at_edges > 0:
            allocate_edges_by_weights(backlog, weights, model.method, edges, rates, work)
    else:
        allocate_exactly(backlog, gain, model, queued, allocation, work.solvers)
        if at_edges > 0:
            allocate_edges(backlog, model.method, edges, rates, work)
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
