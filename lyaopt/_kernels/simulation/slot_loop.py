"""Many replications, slot after slot, without returning to Python.

Arrays are those of state_types.py. The order of events in a slot is that of docs/explanation/model.md:
backlogs and channels are observed, the three problems are solved, queues serve, tasks that are done move on,
new ones join. Within a block, `gain` (G, L) and `arrivals` (G, N, L) hold what the slots of a period bring.
"""

import numpy as np

from lyaopt._kernels.simulation.channel import draw_gains
from lyaopt._kernels.simulation.exact_allocation import (
    BY_SHARES,
    CPU_CAPACITY,
    MAX_POWER,
    Allocation,
    allocate_exactly,
    allocation_workspace_size,
)
from lyaopt._kernels.simulation.measured_energies import add_devices_by_laws, set_whole_rates
from lyaopt._kernels.simulation.rules import weigh
from lyaopt._kernels.simulation.serve_queues import (
    CAPACITY,
    MOST_POWER,
    SlotNotes,
    add_devices,
    begin_slot,
    serve_queues,
)
from lyaopt._kernels.simulation.share_allocation import allocate_by_shares
from lyaopt._kernels.simulation.state_types import (
    POWER,
    SPEED,
    Model,
    Record,
    ReplicationState,
    Span,
    StreamKeys,
    StreamModel,
    Tasks,
    Trace,
    compiled_signature,
    queues_of,
)
from lyaopt._kernels.simulation.sums import PRESENT, begin_period, end_period, record_devices, record_services
from lyaopt._kernels.simulation.task_moves import move_tasks
from lyaopt._kernels.simulation.task_queues import STAGES, make_room
from lyaopt._kernels.simulation.traffic import draw_arrivals
from lyaopt._kernels.simulation.weighted_allocation import allocate_by_weights, weighted_workspace_size
from lyaopt._kernels.slot.problems import DELTA, TAU
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline


@helper
def _new_notes(devices, lanes):
    """Return empty notes with the limits of the lanes, given the (3, M) devices of a model."""
    limits = np.empty((2, lanes))
    width = lanes // devices.shape[1]
    for t in range(lanes):
        limits[CAPACITY, t] = devices[CPU_CAPACITY, t // width]
        limits[MOST_POWER, t] = devices[MAX_POWER, t // width]
    return SlotNotes(np.empty(lanes), np.empty((STAGES, lanes)), np.empty((STAGES, lanes)), limits)


@helper
def _replay(b, begin, end, trace, gain, arrivals):
    """Copy the slots of a trace from `begin` to `end` into the lanes of block `b`."""
    services, lanes = arrivals.shape[1:]
    slots, width = trace.gain.shape[0], trace.starts.shape[1]
    for s in range(begin, end):
        for t in range(lanes):
            place, m = (s + trace.starts[b, t % width]) % slots, t // width
            gain[s - begin, t] = trace.gain[place, m]
            for n in range(services):
                arrivals[s - begin, n, t] = trace.arrivals[place, n, m]


@helper
def _set_inputs(b, begin, end, streams, trace, state, gain, arrivals):
    """Write the gains and arrivals of the slots from `begin` to `end`: of the trace, or drawn."""
    if trace.gain.shape[0] > 0:
        _replay(b, begin, end, trace, gain, arrivals)
    else:
        keys = StreamKeys(streams.seed, streams.lane_replication[b], streams.lane_device)
        lane_gain, lane_distance, options = streams.lane_gain, streams.lane_distance, streams.options
        draw_gains(keys, begin, lane_gain, lane_distance, options, state.channel[b], gain[: end - begin])
        draw_arrivals(keys, begin, streams.lane_mean, options, state.busy[b], arrivals[: end - begin])


@helper
def _open_period(b, slot, span, plan, state):
    """If a period begins with `slot`, put its points in force in block `b` and start its sums."""
    if slot % span.slots_per_period == 0:
        line = slot // span.slots_per_period - span.start // span.slots_per_period
        state.points[b] = plan[min(line, plan.shape[0] - 1), b]
        begin_period(b, state.sums)


@helper
def _close_period(b, begin, end, span, gain, state):
    """End the sums of block `b` if a period ends before slot `end`; keep the gains of the last slot."""
    if end % span.slots_per_period == 0:
        end_period(b, state.sums)
    state.last_gain[b] = gain[end - begin - 1]


@inline
def _allocation_of(state, b, multiplier):
    """Return what block `b` was allocated in the last slot, in the memory of the state."""
    efforts = state.efforts[b]
    return Allocation(state.rates[b], efforts[SPEED], efforts[POWER], multiplier)


@helper
def _record_slot(b, line, gain, arrivals, backlog, allocation, record):
    """Record a slot of block `b`: its start, and what is allocated."""
    record_services(backlog, allocation.rates, arrivals, record.services[b, line])
    record_devices(allocation.cpu, allocation.power, gain, record.devices[b, line])


@helper
def _keep_all(b, begin, end, gain, arrivals, model, state):
    """Leave gains as they are, and the points of the policy in force."""


@inline
def _add_cubic(cpu, power, gain, scales, laws, notes, added, sums):
    """Add up as `add_devices_by_laws` does, where no CPU has a table."""
    add_devices(cpu, power, gain, scales, notes.before, notes.after, notes.limits, sums)


def slot_loop(name, allocate, workspace_size, prepare=_keep_all, add=add_devices_by_laws):
    """Return the function that simulates slots, in each of which `allocate` divides the resources.

    Parameters
    ----------
    name : str
        Name of the function. Numba names machine code by it: with equal names two such functions that were
        loaded from the cache could be taken for each other.
    allocate : function
        ``allocate((b, slot), gain, backlog, model, state, tasks, allocation, workspace)`` writes what block
        `b` gets, given its gains (L,) and backlogs. Until then `allocation` is that of the slot before.
    workspace_size : function
        ``workspace_size(model, services, devices, width)`` returns how many doubles of workspace it takes.
    prepare : function
        ``prepare(b, begin, end, gain, arrivals, model, state)`` may put other points in force in block `b`
        for the slots from `begin` to `end`, within a period; `arrivals` (G, N, L) tell where points matter.
        It may replace gains (G, L).
    add : function
        ``add(cpu, power, gain, (tau, delta), laws, notes, added, sums)`` adds up what devices did in a slot.
    """

    def advance(span, model, streams, trace, plan, state, tasks, record):
        """Simulate all replications over a span; return the table and log of tasks, which may have grown.

        `plan` (periods, b, N, L) holds the partition points of the periods from that of the first slot on;
        its last line holds for later periods too.
        """
        blocks, services, lanes = state.points.shape
        period, devices = span.slots_per_period, model.devices.shape[1]
        tau, delta = model.scalars[TAU], model.scalars[DELTA]
        notes, multiplier = _new_notes(model.devices, lanes), np.empty(lanes)
        workspace = np.empty(workspace_size(model, services, devices, lanes // devices))
        gain = np.empty((period, lanes))
        arrivals = np.empty((period, services, lanes), np.int64)
        tasks = make_room(tasks, 0)
        for b in range(blocks):
            queues, allocation = queues_of(state, b), _allocation_of(state, b, multiplier)
            rates, cpu, power, _ = allocation
            backlog = queues.backlog
            service_sums, device_sums = state.sums.services[b, PRESENT], state.sums.devices[b, PRESENT]
            begin = span.start
            while begin < span.stop:
                end = min(span.stop, begin - begin % period + period)
                _open_period(b, begin, span, plan, state)
                _set_inputs(b, begin, end, streams, trace, state, gain, arrivals)
                prepare(b, begin, end, gain, arrivals, model, state)
                for slot in range(begin, end):
                    h, new = gain[slot - begin], arrivals[slot - begin]
                    coming = begin_slot(new, notes)
                    if coming > 0:
                        tasks = make_room(tasks, coming)
                    allocate((b, slot), h, backlog, model, state, tasks, allocation, workspace)
                    if record.services.shape[1] > 0:
                        _record_slot(b, slot - span.start, h, new, backlog, allocation, record)
                    serve_queues(rates, tau, notes, queues, service_sums)
                    add(cpu, power, h, (tau, delta), model.laws, notes, multiplier, device_sums)
                    move_tasks(b, slot, new, rates, notes.due, model, queues, tasks)
                _close_period(b, begin, end, span, gain, state)
                begin = end
        return tasks.table, tasks.log

    advance.__name__ = advance.__qualname__ = name
    return advance


@inline
def _allocate(at, gain, backlog, model, state, tasks, allocation, workspace):
    """The allocation of the paper: weights are backlogs."""
    if model.method == BY_SHARES:
        allocate_by_shares(at[0], backlog, gain, model, allocation)
    else:
        allocate_exactly(backlog, gain, model, allocation, workspace)


@inline
def _prepare_rates(b, begin, end, gain, arrivals, model, state):
    """Let measured radios carry their whole rates, where gains are not those of a trace."""
    set_whole_rates(gain[: end - begin], model.laws)


@inline
def _allocate_by_weights(at, gain, backlog, model, state, tasks, allocation, workspace):
    """The allocation by weights: set before, written by the rule of the model, or the backlogs."""
    b, slot = at
    if model.method == BY_SHARES:
        allocate_by_shares(b, backlog, gain, model, allocation)
        return
    if model.rule != 0:
        weigh(b, slot, gain, model, state, tasks)
    weights = model.weights[b] if model.weights.shape[0] > 0 else backlog
    allocate_by_weights(backlog, weights, gain, model, allocation, workspace)


def _signature():
    grown = "Tuple((i8[:,::1], i8[:,::1]))"
    plan = "i8[:,:,:,::1]"
    return compiled_signature(grown, Span, Model, StreamModel, Trace, plan, ReplicationState, Tasks, Record)


def _new_kernel(name, *parts):
    return Kernel(name, _signature, slot_loop(name, *parts))


advance = _new_kernel("advance", _allocate, allocation_workspace_size, _keep_all, _add_cubic)
advance_by_weights = _new_kernel(
    "advance_by_weights", _allocate_by_weights, weighted_workspace_size, _prepare_rates
)
