"""Queues of tasks, first come, first served.

Each service of each lane has a queue in each of three stages: LOCAL, TRANSMIT, EDGE. Tuples are those of
state_types.py.

- `queues`: amounts and links. Work behind the first task is kept as an unevaluated sum of two numbers, so
  that it stays exact to the last digit however many tasks come and go.
- `tasks.table` (capacity, 4): NEXT task in the queue, slot of BIRTH, CUT, and the bits of SIZE, by which
  its amounts are those of a usual task. A task is in one queue at a time, so one table holds the links of
  all queues; finished tasks are chained for reuse.
- `tasks.pool` (4,): the first FREE task (-1 if none), how many lines were ever USED, how many tasks are
  ALIVE, lines LOGGED so far.
- `tasks.log` (lines, 5): REPLICATION, DEVICE, service ROW, slot of BIRTH and slot when DONE of each finished
  task.
- `amounts` (3, N, M, K + 1): cycles, bits, cycles of a task of size 1 in each stage, by cut.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.numerics.elementary import bits_of, float_of
from lyaopt._kernels.simulation.state_types import Tasks
from lyaopt._kernels.toolchain.jit import helper, inline

LOCAL, TRANSMIT, EDGE = range(3)
STAGES = 3
NEXT, BIRTH, CUT, SIZE = range(4)
TASK_COLUMNS = 4
FREE, USED, ALIVE, LOGGED = range(4)
REPLICATION, DEVICE, ROW, BORN, DONE = range(5)
LOG_COLUMNS = 5

# A task is done when what is left of it is at most this part of what its queue was served in the slot: where
# capacities fit works exactly, the rounding of rates leaves such remainders, slot after slot.
REMAINDER = 2.0**-42


class Place(NamedTuple):
    """A service of a device of a replication: its row n, lane l, device m and number of the replication."""

    row: Any
    lane: Any
    device: Any
    replication: Any


@helper
def _with_room(table, used, wanted):
    """Return the table, or a copy at least twice as long if it cannot hold `wanted` more lines."""
    if used + wanted <= table.shape[0]:
        return table
    larger = np.empty((max(2 * table.shape[0], used + wanted), table.shape[1]), np.int64)
    for i in range(used):
        for j in range(table.shape[1]):
            larger[i, j] = table[i, j]
    return larger


@helper
def make_room(tasks, coming):
    """Return `tasks` with room for so many new ones, and for all of them in the log."""
    table, pool, log = tasks
    log = _with_room(log, pool[LOGGED], pool[ALIVE] + coming)
    table = _with_room(table, pool[USED], coming - (pool[USED] - pool[ALIVE]))
    return Tasks(table, pool, log)


@inline
def size_of(task, table):
    """Return the size of a task: 1 where sizes do not vary, so that products with it are exact."""
    return float_of(table[task, SIZE])


@inline
def new_task(birth, cut, size, tasks):
    """Return the number of a new task, which waits in no queue yet; there must be room for it."""
    table, pool = tasks.table, tasks.pool
    task = pool[FREE]
    if task >= 0:
        pool[FREE] = table[task, NEXT]
    else:
        task = pool[USED]
        pool[USED] += 1
    pool[ALIVE] += 1
    table[task, BIRTH] = birth
    table[task, CUT] = cut
    table[task, SIZE] = bits_of(size)
    return task


@inline
def finish(task, place, slot, tasks):
    """Log a task of a place that is done in a slot, and free its line."""
    table, pool, log = tasks
    line = pool[LOGGED]
    log[line, REPLICATION] = place.replication
    log[line, DEVICE] = place.device
    log[line, ROW] = place.row
    log[line, BORN] = table[task, BIRTH]
    log[line, DONE] = slot
    pool[LOGGED] = line + 1
    table[task, NEXT] = pool[FREE]
    pool[FREE] = task
    pool[ALIVE] -= 1


@inline
def _add_behind(amount, at, queues):
    total, lost = two_sum(queues.behind[at], amount)
    queues.behind[at] = total
    queues.lost[at] += lost


@inline
def _update_backlog(at, queues):
    """Set the backlog of a queue that is not empty."""
    queues.backlog[at] = queues.head[at] + (queues.behind[at] + queues.lost[at])


@inline
def append(task, amount, at, queues, table):
    """Put a task with so much work behind the others of a queue `at` (stage, row, lane)."""
    table[task, NEXT] = -1
    if queues.waiting[at] == 0:
        queues.first[at] = task
        queues.head[at] = amount
    else:
        table[queues.last[at], NEXT] = task
        _add_behind(amount, at, queues)
    queues.last[at] = task
    queues.waiting[at] += 1
    _update_backlog(at, queues)


@inline
def _pop(at, device, amounts, queues, table):
    """Take the first task out; the next one begins with what the first was served beyond its end."""
    task = queues.first[at]
    following = table[task, NEXT]
    queues.first[at] = following
    queues.waiting[at] -= 1
    if following < 0:
        return task
    stage, row, _ = at
    amount = amounts[stage, row, device, table[following, CUT]] * size_of(following, table)
    queues.head[at] += amount
    _add_behind(-amount, at, queues)
    if queues.waiting[at] == 1:
        queues.behind[at] = 0.0
        queues.lost[at] = 0.0
    return task


@helper
def enter(task, stage, place, slot, amounts, queues, tasks):
    """Let a task join the first queue from `stage` on where it has work, or finish it.

    Return 1 if it is finished, else 0.
    """
    cut = tasks.table[task, CUT]
    while stage < STAGES and amounts[stage, place.row, place.device, cut] == 0.0:
        stage += 1
    if stage == STAGES:
        finish(task, place, slot, tasks)
        return 1
    amount = amounts[stage, place.row, place.device, cut] * size_of(task, tasks.table)
    append(task, amount, (stage, place.row, place.lane), queues, tasks.table)
    return 0


@inline
def is_first_done(backlog, head, served):
    """Return whether the first task of a queue that is not empty is done, after `served` in a slot."""
    return backlog == 0.0 or head <= served * REMAINDER


def completing(name, join):
    """Return the function that passes on the tasks of a queue; ``join`` is `enter`, or goes elsewhere."""

    def complete(stage, place, served, slot, amounts, queues, tasks):
        """Pass on the tasks of a queue whose first one is done; return how many finished altogether."""
        at = stage, place.row, place.lane
        emptied = queues.backlog[at] == 0.0
        finished = 0
        while queues.waiting[at] > 0 and (emptied or queues.head[at] <= served * REMAINDER):
            task = _pop(at, place.device, amounts, queues, tasks.table)
            finished += join(task, stage + 1, place, slot, amounts, queues, tasks)
        if queues.waiting[at] == 0:
            queues.backlog[at] = 0.0
            queues.head[at] = math.inf
        else:
            _update_backlog(at, queues)
        return finished

    complete.__name__ = complete.__qualname__ = name
    return helper(complete)


complete = completing("complete", enter)
