"""One slot of service in a block of lanes: amounts, sums, and which lanes have tasks to move."""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.exact_allocation import CPU_CAPACITY, MAX_POWER
from lyaopt._kernels.simulation.sums import (
    BACKLOGS,
    BUSY,
    LIMITED,
    LIMITED_LOCAL,
    LIMITED_TRANSMIT,
    LOCAL_ENERGY,
    POWER,
    RATES,
    flat,
    zero,
)
from lyaopt._kernels.simulation.task_queues import LOCAL, REMAINDER, STAGES, TRANSMIT
from lyaopt._kernels.slot.energies import local_energy
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

# Rows of `limits` (2, L)
CAPACITY, MOST_POWER = range(2)


class SlotNotes(NamedTuple):
    """What is noted of a block's lanes during a slot.

    - `due` (L,): 1 where tasks are done or new, else 0; 0 in all lanes between slots.
    - `before`, `after` (3, L): backlog of each stage, all services together, before and after service.
    - `limits` (2, L): CAPACITY in Hz and MOST_POWER in watts of each lane's device; the same in all
      slots, but for measured radios whose power depends on the rate of a slot.
    - `queued` (3,): how many queues of each stage are not empty.
    - `idle` (3,): 1 where none is, and rates, efforts, `before` and `after` of the stage are 0.
    """

    due: Any
    before: Any
    after: Any
    limits: Any
    queued: Any
    idle: Any


class Queue(NamedTuple):
    """Amounts of one queue of every lane, (L,) each."""

    backlog: Any
    head: Any
    behind: Any
    lost: Any


@helper
def new_notes(devices, lanes):
    """Return empty notes with the limits of the lanes, given the (3, M) devices of a model."""
    limits = np.empty((2, lanes))
    width = lanes // devices.shape[1]
    for t in range(lanes):
        limits[CAPACITY, t] = devices[CPU_CAPACITY, t // width]
        limits[MOST_POWER, t] = devices[MAX_POWER, t // width]
    before, after = np.zeros((STAGES, lanes)), np.zeros((STAGES, lanes))
    queued, idle = np.zeros(STAGES, np.int64), np.zeros(STAGES, np.int64)
    return SlotNotes(np.zeros(lanes), before, after, limits, queued, idle)


@lane_loop
def _count_nonzero(values):
    count = 0
    for t in range(values.size):
        count += 1 if values[t] != 0 else 0
    return count


@helper
def count_queued(queues, notes):
    """Count the queues that are not empty."""
    for stage in range(STAGES):
        notes.queued[stage] = _count_nonzero(flat(queues.waiting[stage]))


@helper
def _rest(stage, allocation, notes):
    """Write that a stage does nothing."""
    zero(flat(allocation.rates[stage]))
    zero(notes.before[stage])
    zero(notes.after[stage])
    if stage == LOCAL:
        zero(allocation.cpu)
    elif stage == TRANSMIT:
        zero(allocation.power)
    notes.idle[stage] = 1


@inline
def rest_stages(allocation, notes):
    """Let the stages rest in which nothing is queued: their problems need not be solved."""
    for stage in range(STAGES):
        if notes.queued[stage] > 0:
            notes.idle[stage] = 0
        elif notes.idle[stage] == 0:
            _rest(stage, allocation, notes)


@helper
def mark_arrivals(arrivals, due):
    """Mark the lanes with new tasks (N, L)."""
    for n in range(arrivals.shape[0]):
        for t in range(arrivals.shape[1]):
            due[t] = 1.0 if arrivals[n, t] > 0 else due[t]


@inline
def serve_lane(t, queue, rate, tau, first_row, notes, sums):
    """Serve one queue of a lane, and return whether its first task is done."""
    due, before_sum, after_sum = notes
    backlog_sum, rate_sum = sums
    before = queue.backlog[t]
    given = rate[t]
    served = given * tau
    remainder = served * REMAINDER
    first = queue.head[t] - served
    emptied = before - served <= remainder
    left = first + (queue.behind[t] + queue.lost[t])
    left = 0.0 if emptied else left
    done = (before > 0.0) & (emptied | (first <= remainder))
    due[t] = 1.0 if done else due[t]
    queue.head[t] = first
    queue.backlog[t] = left
    before_sum[t] = before + (0.0 if first_row else before_sum[t])
    after_sum[t] = left + (0.0 if first_row else after_sum[t])
    backlog_sum[t] += before
    rate_sum[t] += given
    return done


@lane_loop
def serve_lanes(queue, rate, tau, first_row, notes, sums):
    """Serve one queue of every lane; mark the lanes where tasks are done, and return how many they are.

    `notes` are due, before and after; the sums over services start anew with the `first_row`. `sums` are
    those of the period, of the backlogs and of the rates.
    """
    moving = 0
    for t in range(rate.size):
        moving += 1 if serve_lane(t, queue, rate, tau, first_row, notes, sums) else 0
    return moving


@helper
def serve_queues(rates, tau, notes, queues, sums):
    """Serve all queues of a block at `rates` (3, N, L) for `tau` seconds: (7) to (9) without what joins.

    `sums` (6, N, L) are those of the period. Return how many queues have tasks that are done.
    """
    backlog, head, behind, lost = queues.backlog, queues.head, queues.behind, queues.lost
    moving = 0
    for stage in range(STAGES):
        if notes.idle[stage] != 0:
            continue
        for n in range(rates.shape[1]):
            moving += serve_lanes(
                Queue(backlog[stage, n], head[stage, n], behind[stage, n], lost[stage, n]),
                rates[stage, n],
                tau,
                n == 0,
                (notes.due, notes.before[stage], notes.after[stage]),
                (sums[BACKLOGS + stage, n], sums[RATES + stage, n]),
            )
    return moving


@lane_loop
def add_devices(cpu, power, gain, scales, before, after, limits, sums):
    """Add up energies, and count slots limited by energy, not by capacity or backlog.

    `scales` are tau and delta of the local energy.
    """
    tau, delta = scales
    for t in range(cpu.size):
        speed = cpu[t]
        watts = power[t]
        busy = before[LOCAL, t] + before[TRANSMIT, t] > 0.0
        local = (after[LOCAL, t] > 0.0) & (speed < limits[CAPACITY, t])
        transmit = (after[TRANSMIT, t] > 0.0) & (watts < limits[MOST_POWER, t]) & (gain[t] > 0.0)
        sums[LOCAL_ENERGY, t] += local_energy(tau, delta, speed)
        sums[POWER, t] += watts
        sums[BUSY, t] += 1.0 if busy else 0.0
        sums[LIMITED, t] += 1.0 if local | transmit else 0.0
        sums[LIMITED_LOCAL, t] += 1.0 if local else 0.0
        sums[LIMITED_TRANSMIT, t] += 1.0 if transmit else 0.0
