"""Many replications, slot after slot, without returning to Python.

Arrays are those of state_types.py. The order of events in a slot is that of docs/explanation/model.md:
backlogs and channels are observed, the three problems are solved, queues serve, tasks that are done move on,
new ones join. Within a block, `gain` (G, L) and `arrivals` (G, N, L) hold what the slots of a period bring.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.exact_allocation import (
    BY_SHARES,
    Allocation,
    allocate_exactly,
)
from lyaopt._kernels.simulation.few_lanes_slots import few_workspace, is_few, run_few
from lyaopt._kernels.simulation.measured_energies import set_whole_rates
from lyaopt._kernels.simulation.periods import close_period, end_of_period, open_period
from lyaopt._kernels.simulation.radio_tails import add_devices_by_laws
from lyaopt._kernels.simulation.rules import weigh
from lyaopt._kernels.simulation.serve_queues import (
    add_devices,
    count_queued,
    mark_arrivals,
    new_notes,
    rest_stages,
    serve_queues,
)
from lyaopt._kernels.simulation.share_allocation import allocate_by_shares
from lyaopt._kernels.simulation.slot_inputs import new_inputs, set_inputs, slots_at_once
from lyaopt._kernels.simulation.state_types import (
    POWER,
    SPEED,
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
from lyaopt._kernels.simulation.sums import PRESENT, record_devices, record_services
from lyaopt._kernels.simulation.task_moves import move_tasks
from lyaopt._kernels.simulation.task_queues import LOCAL, TRANSMIT, make_room
from lyaopt._kernels.simulation.weighted_allocation import allocate_by_weights, weighted_workspace
from lyaopt._kernels.slot.problems import DELTA, TAU
from lyaopt._kernels.toolchain.contiguous_views import borrowed
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline


class Room(NamedTuple):
    """What the loop works in: inputs and notes of slots, a row of numbers of lanes, workspace of solvers."""

    inputs: Any
    notes: Any
    multiplier: Any
    workspace: Any


@inline
def _allocation_of(state, b, multiplier):
    """Return what block `b` was allocated in the last slot, in the memory of the state."""
    efforts = state.efforts[b]
    return Allocation(state.rates[b], efforts[SPEED], efforts[POWER], multiplier)


@helper
def _keep_all(at, gain, arrivals, model, state, tasks):
    """Leave gains as they are, and the points of the policy in force."""


@inline
def _run_all(at, span, model, plan, state, tasks, record, room):
    """Leave all slots to the loop."""
    return False


@inline
def _add_cubic(allocation, gain, scales, laws, notes, efforts, sums):
    """Add up as `add_devices_by_laws` does, where nothing is measured: idle devices take nothing."""
    if notes.idle[LOCAL] == 0 or notes.idle[TRANSMIT] == 0:
        _, cpu, power, _ = allocation
        add_devices(cpu, power, gain, scales, notes.before, notes.after, notes.limits, sums)


def _slots_of(name, allocate, prepare, add, move):
    """Return the function that simulates the slots whose inputs are drawn; parameters are of `slot_loop`."""

    def run(at, span, model, plan, state, tasks, record, room):
        """Simulate the slots of `at` (block, first, stop), whose inputs are in the room."""
        model, plan, state, tasks, record, room = borrowed((model, plan, state, tasks, record, room))
        (b, begin, end), (inputs, notes, _, _) = at, room
        queues, allocation = queues_of(state, b), _allocation_of(state, b, room.multiplier)
        rates, efforts = allocation.rates, state.efforts[b]
        scales = model.scalars[TAU], model.scalars[DELTA]
        service_sums, device_sums = state.sums.services[b, PRESENT], state.sums.devices[b, PRESENT]
        count_queued(queues, notes)
        notes.idle[:] = 0
        first = begin
        while first < end:
            last = end_of_period(first, end, span)
            gain = inputs.gain[first - begin : last - begin]
            arrivals = inputs.arrivals[first - begin : last - begin]
            open_period(b, first, span, plan, state)
            prepare((b, first, last), gain, arrivals, model, state, tasks)
            for slot in range(first, last):
                h, new = gain[slot - first], arrivals[slot - first]
                allocate((b, slot), h, queues.backlog, model, state, tasks, allocation, room)
                rest_stages(allocation, notes)
                if record.services.shape[1] > 0:
                    record_services(queues.backlog, rates, new, record.services[b, slot - span.start])
                moving = serve_queues(rates, scales[0], notes, queues, service_sums)
                add(allocation, h, scales, model.laws, notes, efforts, device_sums)
                if record.devices.shape[1] > 0:
                    record_devices(efforts, h, record.devices[b, slot - span.start])
                if inputs.coming[slot - begin] > 0:
                    mark_arrivals(new, notes.due)
                    moving += 1
                if moving > 0:
                    move(b, slot, new, rates, notes.due, model, queues, tasks)
                    count_queued(queues, notes)
            close_period(b, last, span, gain, state)
            first = last

    run.__name__ = run.__qualname__ = f"{name}_slots"
    return helper(run)


def slot_loop(
    name,
    allocate,
    new_workspace,
    prepare=_keep_all,
    add=add_devices_by_laws,
    run_apart=_run_all,
    move=move_tasks,
):
    """Return the function that simulates slots, in each of which `allocate` divides the resources.

    Parameters
    ----------
    name : str
        Name of the function. Numba names machine code by it: with equal names two such functions that were
        loaded from the cache could be taken for each other.
    allocate : function
        ``allocate((b, slot), gain, backlog, model, state, tasks, allocation, room)`` writes what block `b`
        gets, given its gains (L,) and backlogs. Until then `allocation` is that of the slot before. Stages in
        which nothing waits may be left out.
    new_workspace : function
        ``new_workspace(model, services, devices, width)`` returns what workspace it takes.
    prepare : function
        ``prepare((b, begin, end), gain, arrivals, model, state, tasks)`` may put other points in force in
        block `b` for the slots from `begin` to `end`, within a period; `arrivals` (G, N, L) tell where points
        matter. It may replace gains (G, L).
    add : function
        ``add(allocation, gain, (tau, delta), laws, notes, efforts, sums)`` adds up what devices did in a
        slot; `efforts` (4, L) are those of the state.
    run_apart : function
        ``run_apart((b, begin, end), span, model, plan, state, tasks, record, room)`` may simulate these slots
        of block `b` by itself, and returns whether it did.
    move : function
        `move_tasks`, or another that passes on tasks, with the same parameters.
    """

    run_slots = _slots_of(name, allocate, prepare, add, move)

    def advance(span, model, streams, trace, plan, state, tasks, record):
        """Simulate all replications over a span; return the table and log of tasks, which may have grown.

        `plan` (periods, b, N, L) holds the partition points of the periods from that of the first slot on;
        its last line holds for later periods too.
        """
        blocks, services, lanes = state.points.shape
        devices = model.devices.shape[1]
        room = Room(
            new_inputs(span, services, lanes),
            new_notes(model.devices, lanes),
            np.empty(lanes),
            new_workspace(model, services, devices, lanes // devices),
        )
        together = slots_at_once(span, services, lanes)
        tasks = make_room(tasks, 0)
        for b in range(blocks):
            begin = span.start
            while begin < span.stop:
                end = min(span.stop, begin - begin % together + together)
                coming = set_inputs((b, begin, end), streams, trace, state, room.inputs)
                tasks = make_room(tasks, coming)
                if not run_apart((b, begin, end), span, model, plan, state, tasks, record, room):
                    run_slots((b, begin, end), span, model, plan, state, tasks, record, room)
                begin = end
        return tasks.table, tasks.log

    advance.__name__ = advance.__qualname__ = name
    return advance


@inline
def _allocate(at, gain, backlog, model, state, tasks, allocation, room):
    """The allocation of the paper: weights are backlogs."""
    if model.method == BY_SHARES:
        allocate_by_shares(at[0], backlog, gain, model, allocation)
    else:
        allocate_exactly(backlog, gain, model, room.notes.queued, allocation, room.workspace)


@inline
def _run_few(at, span, model, plan, state, tasks, record, room):
    """Simulate blocks of few lanes by themselves."""
    few = is_few(model, state, record)
    if few:
        run_few(at, span, model, plan, state, tasks, room)
    return few


@inline
def _prepare_rates(at, gain, arrivals, model, state, tasks):
    """Let measured radios carry their whole rates, where gains are not those of a trace."""
    set_whole_rates(gain, model.laws)


@inline
def _allocate_by_weights(at, gain, backlog, model, state, tasks, allocation, room):
    """The allocation by weights: set before, written by the rule of the model, or the backlogs."""
    b, slot = at
    if model.method == BY_SHARES:
        allocate_by_shares(b, backlog, gain, model, allocation)
        return
    if model.rule != 0:
        weigh(b, slot, gain, model, state, tasks)
    weights = model.weights[b] if model.weights.shape[0] > 0 else backlog
    allocate_by_weights(backlog, weights, gain, model, room.notes.queued, allocation, room.workspace)


def _signature():
    grown = "Tuple((i8[:,::1], i8[:,::1]))"
    plan = "i8[:,:,:,::1]"
    return compiled_signature(grown, Span, Model, StreamModel, Trace, plan, ReplicationState, Tasks, Record)


def _new_kernel(name, *parts):
    return Kernel(name, _signature, slot_loop(name, *parts))


advance = _new_kernel("advance", _allocate, few_workspace, _keep_all, _add_cubic, _run_few)
advance_by_weights = _new_kernel(
    "advance_by_weights", _allocate_by_weights, weighted_workspace, _prepare_rates
)
