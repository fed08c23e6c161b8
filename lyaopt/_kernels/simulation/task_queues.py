"""Queues of tasks, first come, first served.

Layout, for one block of lanes (a lane is one device of one system, L of them; N services each):

- `work` (4, 3, N, L): BACKLOG, the work of all tasks in a queue; HEAD, what is left of the first one
  (infinite if there is none); BEHIND + LOST, the work of the others as an unevaluated sum of two numbers,
  so that it stays right to the last digit however many tasks come and go. BACKLOG is HEAD + BEHIND rounded.
- `links` (3, 3, N, L): FIRST and LAST task and the number of tasks WAITING.
- `tasks` (capacity, 3): NEXT in its queue, slot of BIRTH, CUT. A task is in one queue at a time, so that
  one array holds them all; those that are done are chained for reuse.
- `pool`: the first FREE task (-1 if none), how many were ever USED and are ALIVE, lines LOGGED so far.
- `log` (lines, 5): SYSTEM, DEVICE, service ROW, slot of BIRTH and slot when DONE, one line a finished task.

The second axis of `work` and `links` is the stage: LOCAL, TRANSMIT, EDGE.
"""

import math

import numpy as np

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.toolchain.jit import helper, inline

BACKLOG, HEAD, BEHIND, LOST = range(4)
WORK_ROWS = 4
FIRST, LAST, WAITING = range(3)
LINK_ROWS = 3
LOCAL, TRANSMIT, EDGE = range(3)
STAGES = 3
NEXT, BIRTH, CUT = range(3)
TASK_COLUMNS = 3
FREE, USED, ALIVE, LOGGED = range(4)
POOL_PLACES = 4
SYSTEM, DEVICE, ROW, BORN, DONE = range(5)
LOG_COLUMNS = 5

# So much of what a queue was served in a slot may be missing of a task that is done: where capacities fit
# works exactly, rates leave such crumbs by their rounding, slot after slot.
CRUMB = 2.0**-42


@helper
def roomy(table, used, wanted):
    """Return the table, or a copy at least twice as long if it cannot hold `wanted` more lines."""
    if used + wanted <= table.shape[0]:
        return table
    larger = np.empty((max(2 * table.shape[0], used + wanted), table.shape[1]), np.int64)
    for i in range(used):
        for j in range(table.shape[1]):
            larger[i, j] = table[i, j]
    return larger


@inline
def new_task(tasks, pool, birth, cut):
    """Return a task that waits nowhere yet; there must be room for it."""
    task = pool[FREE]
    if task >= 0:
        pool[FREE] = tasks[task, NEXT]
    else:
        task = pool[USED]
        pool[USED] += 1
    pool[ALIVE] += 1
    tasks[task, BIRTH] = birth
    tasks[task, CUT] = cut
    return task


@inline
def _finish(task, row, lane, width, first_system, slot, tasks, pool, log):
    line = pool[LOGGED]
    log[line, SYSTEM] = first_system + lane % width
    log[line, DEVICE] = lane // width
    log[line, ROW] = row
    log[line, BORN] = tasks[task, BIRTH]
    log[line, DONE] = slot
    pool[LOGGED] = line + 1
    tasks[task, NEXT] = pool[FREE]
    pool[FREE] = task
    pool[ALIVE] -= 1


@inline
def _append(task, amount, stage, row, lane, work, links, tasks):
    tasks[task, NEXT] = -1
    if links[WAITING, stage, row, lane] == 0:
        links[FIRST, stage, row, lane] = task
        work[HEAD, stage, row, lane] = amount
    else:
        tasks[links[LAST, stage, row, lane], NEXT] = task
        total, lost = two_sum(work[BEHIND, stage, row, lane], amount)
        work[BEHIND, stage, row, lane] = total
        work[LOST, stage, row, lane] += lost
    links[LAST, stage, row, lane] = task
    links[WAITING, stage, row, lane] += 1
    _evaluate(stage, row, lane, work)


@inline
def _evaluate(stage, row, lane, work):
    """Set the backlog of a queue that is not empty."""
    behind = work[BEHIND, stage, row, lane] + work[LOST, stage, row, lane]
    work[BACKLOG, stage, row, lane] = work[HEAD, stage, row, lane] + behind


@helper
def enter(task, stage, row, lane, width, first_system, slot, amounts, work, links, tasks, pool, log):
    """Let a task join the first queue from `stage` on where it has work, or be done; return whether it is.

    `amounts` (3, N, M, K + 1) is the work of a task in each stage.
    """
    cut = tasks[task, CUT]
    device = lane // width
    while stage < STAGES and amounts[stage, row, device, cut] == 0.0:
        stage += 1
    if stage == STAGES:
        _finish(task, row, lane, width, first_system, slot, tasks, pool, log)
        return 1
    _append(task, amounts[stage, row, device, cut], stage, row, lane, work, links, tasks)
    return 0


@inline
def _pop(stage, row, lane, amounts, width, work, links, tasks):
    """Take the first task out; the next one begins with what the first was served beyond its end."""
    task = links[FIRST, stage, row, lane]
    following = tasks[task, NEXT]
    links[FIRST, stage, row, lane] = following
    links[WAITING, stage, row, lane] -= 1
    if following < 0:
        return task
    amount = amounts[stage, row, lane // width, tasks[following, CUT]]
    work[HEAD, stage, row, lane] += amount
    total, lost = two_sum(work[BEHIND, stage, row, lane], -amount)
    work[BEHIND, stage, row, lane] = total
    work[LOST, stage, row, lane] += lost
    if links[WAITING, stage, row, lane] == 1:
        work[BEHIND, stage, row, lane] = 0.0
        work[LOST, stage, row, lane] = 0.0
    return task


@helper
def complete(stage, row, lane, served, width, first_system, slot, amounts, work, links, tasks, pool, log):
    """Pass on the tasks of a queue whose work is done; return how many are finished altogether."""
    emptied = work[BACKLOG, stage, row, lane] == 0.0
    crumb = served * CRUMB
    finished = 0
    if not emptied and work[HEAD, stage, row, lane] > crumb:
        return finished
    while links[WAITING, stage, row, lane] > 0 and (emptied or work[HEAD, stage, row, lane] <= crumb):
        task = _pop(stage, row, lane, amounts, width, work, links, tasks)
        finished += enter(
            task, stage + 1, row, lane, width, first_system, slot, amounts, work, links, tasks, pool, log
        )
    if links[WAITING, stage, row, lane] == 0:
        work[BACKLOG, stage, row, lane] = 0.0
        work[HEAD, stage, row, lane] = math.inf
    else:
        _evaluate(stage, row, lane, work)
    return finished
