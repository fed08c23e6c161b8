"""Many systems, slot after slot, with nothing of Python in between.

Arrays are those of state_types.py. A slot goes as docs/explanation/model.md has it: backlogs and channels are
seen, the three problems are solved, queues serve, completed tasks move on, new ones join. Within a block,
`gain` (G, L) and `arrivals` (G, N, L) hold what the slots of a period bring.
"""

import numpy as np

from lyaopt._kernels.simulation.channel import draw_gains
from lyaopt._kernels.simulation.exact_allocation import (
    CPU_CAPACITY,
    DELTA,
    MAX_POWER,
    TAU,
    allocator,
    buffer_size,
)
from lyaopt._kernels.simulation.state_types import Chance, Model, Record, Systems, Tasks, Trace, compiled_type
from lyaopt._kernels.simulation.task_queues import (
    ALIVE,
    BACKLOG,
    BEHIND,
    CRUMB,
    HEAD,
    LOCAL,
    LOGGED,
    LOST,
    STAGES,
    TRANSMIT,
    USED,
    WAITING,
    complete,
    enter,
    new_task,
    roomy,
)
from lyaopt._kernels.simulation.traffic import draw_arrivals
from lyaopt._kernels.slot.edge import edge_lanes, edge_lanes_many
from lyaopt._kernels.slot.local import local_lanes, local_lanes_many
from lyaopt._kernels.slot.transmit import transmit_lanes, transmit_lanes_many
from lyaopt._kernels.toolchain.jit import Kernel, helper, lane_loop

# Of both kinds of sums
PRESENT, PAST = range(2)
# Rows of `service_sums`: the stages' backlogs, then what they are given
BACKLOGS, RATES = 0, STAGES
SERVICE_SUMS = 2 * STAGES
# Rows of `device_sums`; joules, watts and gains, then numbers of slots
LOCAL_ENERGY, POWER, GAIN, BUSY, LIMITED, LIMITED_LOCAL, LIMITED_TRANSMIT = range(7)
DEVICE_SUMS = 7
# Rows of `ledger`
BORN, COMPLETED = range(2)
# Rows of the records: as of `service_sums` and, last, the new tasks; for devices these
ARRIVED = SERVICE_SUMS
SERVICE_RECORDS = SERVICE_SUMS + 1
CPU_RECORD, POWER_RECORD, GAIN_RECORD = range(3)
DEVICE_RECORDS = 3
# Rows of the scratch for lanes
_DUE, _CPU, _POWER, _NU, _BEFORE, _AFTER = 0, 1, 2, 3, 4, 4 + STAGES
_LANE_ROWS = 4 + 2 * STAGES


@lane_loop
def _serve(backlog, head, behind, lost, rate, tau, count, due, before_sum, after_sum, backlogs, rates):
    """Serve one queue of every lane, and mark the lanes where tasks are done."""
    for t in range(count):
        before = backlog[t]
        given = rate[t]
        served = given * tau
        crumb = served * CRUMB
        first = head[t] - served
        emptied = before - served <= crumb
        left = first + (behind[t] + lost[t])
        left = 0.0 if emptied else left
        done = (before > 0.0) & (emptied | (first <= crumb))
        due[t] = 1.0 if done else due[t]
        head[t] = first
        backlog[t] = left
        before_sum[t] += before
        after_sum[t] += left
        backlogs[t] += before
        rates[t] += given


@lane_loop
def _add_devices(cpu, power, capacity, most, gain, tau, delta, before, after, count, sums):
    """Add up energies and gains, and count the slots that energy limited, not capacity or backlog."""
    for t in range(count):
        speed = cpu[t]
        watts = power[t]
        busy = before[LOCAL, t] + before[TRANSMIT, t] > 0.0
        local = (after[LOCAL, t] > 0.0) & (speed < capacity[t])
        transmit = (after[TRANSMIT, t] > 0.0) & (watts < most[t]) & (gain[t] > 0.0)
        sums[LOCAL_ENERGY, t] += tau * delta * speed * speed * speed
        sums[POWER, t] += watts
        sums[GAIN, t] += gain[t]
        sums[BUSY, t] += 1.0 if busy else 0.0
        sums[LIMITED, t] += 1.0 if local | transmit else 0.0
        sums[LIMITED_LOCAL, t] += 1.0 if local else 0.0
        sums[LIMITED_TRANSMIT, t] += 1.0 if transmit else 0.0


@lane_loop
def _mark_arrivals(arrivals, count, due):
    """Mark the lanes with new tasks, and return how many those are."""
    total = 0
    for t in range(count):
        total += arrivals[t]
        due[t] = 1.0 if arrivals[t] > 0 else due[t]
    return total


@lane_loop
def _add(source, target):
    for t in range(source.size):
        target[t] += source[t]


@lane_loop
def _zero(target):
    for t in range(target.size):
        target[t] = 0.0


@helper
def _serve_all(work, rates, tau, scratch, service_sums):
    services, count = rates.shape[1:]
    for stage in range(STAGES):
        for n in range(services):
            _serve(
                work[BACKLOG, stage, n],
                work[HEAD, stage, n],
                work[BEHIND, stage, n],
                work[LOST, stage, n],
                rates[stage, n],
                tau,
                count,
                scratch[_DUE],
                scratch[_BEFORE + stage],
                scratch[_AFTER + stage],
                service_sums[PRESENT, BACKLOGS + stage, n],
                service_sums[PRESENT, RATES + stage, n],
            )


@helper
def _move_tasks(b, slot, width, arrivals, model, rates, systems, due, table, pool, log):
    """Let tasks that are done in a stage go on, the last stage first, and new ones join."""
    services, count = arrivals.shape
    amounts, tau = model.amounts, model.scalars[TAU]
    work, links = systems.work[b], systems.links[b]
    born, completed = systems.ledger[b, BORN], systems.ledger[b, COMPLETED]
    for t in range(count):
        if due[t] == 0.0:
            continue
        for back in range(STAGES):
            stage = STAGES - 1 - back
            for n in range(services):
                if links[WAITING, stage, n, t] > 0:
                    served = rates[stage, n, t] * tau
                    completed[n, t] += complete(
                        stage, n, t, served, width, b * width, slot, amounts, work, links, table, pool, log
                    )
        for n in range(services):
            born[n, t] += arrivals[n, t]
            for _ in range(arrivals[n, t]):
                task = new_task(table, pool, slot, systems.cuts[b, n, t])
                completed[n, t] += enter(
                    task, LOCAL, n, t, width, b * width, slot, amounts, work, links, table, pool, log
                )


@helper
def _replay(gains, counts, start, stop, width, gain, arrivals):
    """Spread a recorded trace, gains (T, M) and counts (T, N, M), over the systems of a block."""
    services, count = arrivals.shape[1:]
    for s in range(start, stop):
        for t in range(count):
            gain[s - start, t] = gains[s, t // width]
            for n in range(services):
                arrivals[s - start, n, t] = counts[s, n, t // width]


@helper
def _record(gain, arrivals, scratch, work, rates, b, line, record):
    """Copy the start of a slot, and what it was given, into its line of the record."""
    services, devices = record.services[b, line], record.devices[b, line]
    for n in range(arrivals.shape[0]):
        for t in range(arrivals.shape[1]):
            for stage in range(STAGES):
                services[BACKLOGS + stage, n, t] = work[BACKLOG, stage, n, t]
                services[RATES + stage, n, t] = rates[stage, n, t]
            services[ARRIVED, n, t] = arrivals[n, t]
    for t in range(gain.size):
        devices[CPU_RECORD, t] = scratch[_CPU, t]
        devices[POWER_RECORD, t] = scratch[_POWER, t]
        devices[GAIN_RECORD, t] = gain[t]


@helper
def _lane_constants(devices, width):
    """Return the capacity and the largest power of every lane."""
    rows = np.empty((2, devices.shape[1] * width))
    for t in range(rows.shape[1]):
        rows[0, t] = devices[CPU_CAPACITY, t // width]
        rows[1, t] = devices[MAX_POWER, t // width]
    return rows


@helper
def _begin_period(b, points, systems):
    """Adopt the points of a period, and start its sums."""
    systems.cuts[b] = points
    sums = systems.service_sums[b, PRESENT]
    _zero(sums.reshape(sums.size))
    sums = systems.device_sums[b, PRESENT]
    _zero(sums.reshape(sums.size))


@helper
def _end_period(b, systems):
    sums = systems.service_sums[b]
    size = sums[PRESENT].size
    _add(sums[PRESENT].reshape(size), sums[PAST].reshape(size))
    sums = systems.device_sums[b]
    size = sums[PRESENT].size
    _add(sums[PRESENT].reshape(size), sums[PAST].reshape(size))


@helper
def _bring(b, begin, end, width, chance, trace, systems, gain, arrivals):
    """Set the gains and arrivals of the slots from `begin` to `end`."""
    if trace.gain.shape[0] > 0:
        _replay(trace.gain, trace.arrivals, begin, end, width, gain, arrivals)
        return
    draw_gains(
        chance.seed,
        begin,
        chance.lane_system[b],
        chance.lane_device,
        chance.lane_gain,
        chance.lane_distance,
        chance.options,
        systems.channel[b],
        gain[: end - begin],
    )
    draw_arrivals(
        chance.seed,
        begin,
        chance.lane_system[b],
        chance.lane_device,
        chance.lane_mean,
        chance.options,
        systems.busy[b],
        arrivals[: end - begin],
    )


@helper
def _look(arrivals, scratch):
    """Make the scratch ready for a slot, mark the lanes with new tasks, and return how many come."""
    _zero(scratch[_DUE])
    _zero(scratch[_BEFORE:].reshape(2 * STAGES * scratch.shape[1]))
    coming = 0
    for n in range(arrivals.shape[0]):
        coming += _mark_arrivals(arrivals[n], arrivals.shape[1], scratch[_DUE])
    return coming


def advancer(allocate, buffer_size):
    """The loop over slots for an allocator and the size of its buffer, see exact_allocation.py."""

    def advance(start, stop, slots_per_period, width, model, chance, trace, plan, systems, tasks, record):
        """Take all systems from slot `start` to `stop`; return the tables of tasks, which may have grown.

        `plan` (periods, b, N, L) holds the cuts of the periods from that of `start` on; its last line holds
        for later ones too.
        """
        blocks, services, count = systems.cuts.shape
        tau, delta = model.scalars[TAU], model.scalars[DELTA]
        table, pool, log = tasks
        recording = record.services.shape[1] > 0
        rates = np.empty((STAGES, services, count))
        scratch = np.empty((_LANE_ROWS, count))
        constants = _lane_constants(model.devices, width)
        buffer = np.empty(buffer_size(services, count // width, width))
        gain = np.empty((slots_per_period, count))
        arrivals = np.empty((slots_per_period, services, count), np.int64)
        for b in range(blocks):
            slot = start
            while slot < stop:
                begin = slot
                end = min(stop, slot - slot % slots_per_period + slots_per_period)
                if slot % slots_per_period == 0:
                    number = slot // slots_per_period - start // slots_per_period
                    _begin_period(b, plan[min(number, plan.shape[0] - 1), b], systems)
                _bring(b, begin, end, width, chance, trace, systems, gain, arrivals)
                while slot < end:
                    now = slot - begin
                    coming = _look(arrivals[now], scratch)
                    log = roomy(log, pool[LOGGED], pool[ALIVE] + coming)
                    table = roomy(table, pool[USED], coming - (pool[USED] - pool[ALIVE]))
                    allocate(
                        b,
                        systems.work[b],
                        gain[now],
                        model,
                        rates,
                        scratch[_CPU],
                        scratch[_POWER],
                        scratch[_NU],
                        buffer,
                    )
                    if recording:
                        _record(
                            gain[now], arrivals[now], scratch, systems.work[b], rates, b, slot - start, record
                        )
                    _serve_all(systems.work[b], rates, tau, scratch, systems.service_sums[b])
                    _add_devices(
                        scratch[_CPU],
                        scratch[_POWER],
                        constants[0],
                        constants[1],
                        gain[now],
                        tau,
                        delta,
                        scratch[_BEFORE:],
                        scratch[_AFTER:],
                        count,
                        systems.device_sums[b, PRESENT],
                    )
                    _move_tasks(
                        b, slot, width, arrivals[now], model, rates, systems, scratch[_DUE], table, pool, log
                    )
                    slot += 1
                if end % slots_per_period == 0:
                    _end_period(b, systems)
                systems.seen[b] = gain[end - begin - 1]
        return table, log

    return advance


def signature(model=Model):
    """The signature of a kernel whose model is such a tuple."""
    from numba.core import types

    grown = types.int64[:, ::1]
    groups = [compiled_type(group) for group in (model, Chance, Trace, Systems, Tasks, Record)]
    plan = types.int64[:, :, :, ::1]
    return types.Tuple((grown, grown))(*[types.int64] * 4, *groups[:3], plan, *groups[3:])


def _kernel(name, solvers, one_by_one):
    return Kernel(name, signature, advancer(allocator(*solvers), buffer_size(*one_by_one)))


advance_few = _kernel("advance_few", (local_lanes, transmit_lanes, edge_lanes), (False, False))
advance_some = _kernel("advance_some", (local_lanes, transmit_lanes, edge_lanes_many), (False, True))
advance_many = _kernel("advance_many", (local_lanes_many, transmit_lanes_many, edge_lanes_many), (True, True))
