"""One slot of service in a block of lanes: amounts, sums, and which lanes have tasks to move."""

from typing import Any, NamedTuple

from lyaopt._kernels.simulation.sums import (
    BACKLOGS,
    BUSY,
    GAIN,
    LIMITED,
    LIMITED_LOCAL,
    LIMITED_TRANSMIT,
    LOCAL_ENERGY,
    POWER,
    RATES,
    zero,
)
from lyaopt._kernels.simulation.task_queues import LOCAL, REMAINDER, STAGES, TRANSMIT
from lyaopt._kernels.slot.energies import local_energy
from lyaopt._kernels.toolchain.jit import helper, lane_loop

# Rows of `limits` (2, L)
CAPACITY, MOST_POWER = range(2)


class SlotNotes(NamedTuple):
    """What is noted of a block's lanes during a slot.

    - `due` (L,): 1 where tasks are done or new, else 0.
    - `before`, `after` (3, L): backlog of each stage, all services together, before and after service.
    - `limits` (2, L): CAPACITY in Hz and MOST_POWER in watts of each lane's device; the same in all slots.
    """

    due: Any
    before: Any
    after: Any
    limits: Any


class _Queue(NamedTuple):
    """Amounts of one queue of every lane, (L,) each."""

    backlog: Any
    head: Any
    behind: Any
    lost: Any


@lane_loop
def _mark_arrivals(arrivals, due):
    """Mark the lanes with new tasks, and return how many tasks those are."""
    total = 0
    for t in range(arrivals.size):
        total += arrivals[t]
        due[t] = 1.0 if arrivals[t] > 0 else due[t]
    return total


@helper
def begin_slot(arrivals, notes):
    """Clear the notes, mark the lanes with new tasks, and return how many tasks those are."""
    due, before, after = notes.due, notes.before, notes.after
    zero(due)
    for stage in range(STAGES):
        zero(before[stage])
        zero(after[stage])
    coming = 0
    for n in range(arrivals.shape[0]):
        coming += _mark_arrivals(arrivals[n], due)
    return coming


@lane_loop
def _serve(queue, rate, tau, due, before_sum, after_sum, backlog_sum, rate_sum):
    """Serve one queue of every lane, and mark the lanes where tasks are done."""
    for t in range(rate.size):
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
        before_sum[t] += before
        after_sum[t] += left
        backlog_sum[t] += before
        rate_sum[t] += given


@helper
def serve_queues(rates, tau, notes, queues, sums):
    """Serve all queues of a block at `rates` (3, N, L) for `tau` seconds: (7) to (9) without what joins.

    `sums` (6, N, L) are those of the period.
    """
    backlog, head, behind, lost = queues.backlog, queues.head, queues.behind, queues.lost
    due, before, after = notes.due, notes.before, notes.after
    for stage in range(STAGES):
        for n in range(rates.shape[1]):
            _serve(
                _Queue(backlog[stage, n], head[stage, n], behind[stage, n], lost[stage, n]),
                rates[stage, n],
                tau,
                due,
                before[stage],
                after[stage],
                sums[BACKLOGS + stage, n],
                sums[RATES + stage, n],
            )


@lane_loop
def add_devices(cpu, power, gain, scales, before, after, limits, sums):
    """Add up energies and gains, and count slots limited by energy, not by capacity or backlog.

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
        sums[GAIN, t] += gain[t]
        sums[BUSY, t] += 1.0 if busy else 0.0
        sums[LIMITED, t] += 1.0 if local | transmit else 0.0
        sums[LIMITED_LOCAL, t] += 1.0 if local else 0.0
        sums[LIMITED_TRANSMIT, t] += 1.0 if transmit else 0.0
