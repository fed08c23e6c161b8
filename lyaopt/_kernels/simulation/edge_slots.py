"""The loop over slots with several edge servers, see edge_links.py."""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.edge_links import (
    Edges,
    allocate_edges,
    attach,
    move_tasks_over_links,
    new_edge_room,
    send_over_links,
)
from lyaopt._kernels.simulation.exact_allocation import allocate_exactly, allocation_workspace_size
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
)
from lyaopt._kernels.simulation.task_queues import EDGE
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline


class EdgesModel(NamedTuple):
    """A `Model` with several edge servers; its arrays over devices have an entry for each link, too."""

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


FIELD_TYPES[EdgesModel] = (*FIELD_TYPES[Model], Edges)


@helper
def _new_room(model, services, devices, width):
    size = allocation_workspace_size(model, services, devices, width)
    return new_edge_room(np.empty(size), model, services, width)


@inline
def _prepare(at, gain, arrivals, model, state):
    b, begin, _ = at
    attach(b, begin, model.edges)
    send_over_links(b, gain, model.edges)


@inline
def _allocate(at, gain, backlog, model, state, tasks, allocation, room):
    """The allocation of the paper, with Problem 5 of each server."""
    queued = room.notes.queued
    at_edges = queued[EDGE]
    queued[EDGE] = 0
    allocate_exactly(backlog, gain, model, queued, allocation, room.workspace.solvers)
    queued[EDGE] = at_edges
    if at_edges > 0:
        allocate_edges(backlog, model, allocation.rates[EDGE], room.workspace)


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
