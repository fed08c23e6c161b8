"""Copies of one replication's state, in the layout of other arrays."""

from __future__ import annotations

import numpy as np

from lyaopt._kernels.simulation import task_queues
from lyaopt._kernels.simulation.state_types import FIRST, LAST, WAITING, ReplicationState, Tasks
from lyaopt.arrays import Integers
from lyaopt.simulation.kernel_arrays import named_arrays
from lyaopt.simulation.layout import Layout


def copy_replication(
    source: ReplicationState, at: Layout, of: int, target: ReplicationState, layout: Layout
) -> None:
    """Set every replication of one state to one replication of another, except its tasks.

    Parameters
    ----------
    source : ReplicationState
        Holds the replication to copy.
    at : Layout
        Layout of `source`.
    of : int
        Number of the replication.
    target : ReplicationState
        Overwritten.
    layout : Layout
        Layout of `target`.
    """
    targets = named_arrays(target)
    for name, array in named_arrays(source).items():
        lanes = array.reshape(*array.shape[:-1], at.devices, at.width)
        one = lanes[of // at.width, ..., of % at.width]
        targets[name][:] = np.repeat(one, layout.width, axis=-1)


def copy_tasks(source: Tasks, room: int, links: Integers, layout: Layout) -> Tasks:
    """Give each replication its own copy of the tasks in its queues.

    Parameters
    ----------
    source : Tasks
        Holds the tasks of the copied replication.
    room : int
        Least number of lines of the new table, and number of lines of the new log.
    links : ndarray (blocks, 3, 3, N, L) of int
        Copies of the links of one replication's queues to its tasks; they are replaced.
    layout : Layout
        Of the links.

    Returns
    -------
    Tasks
    """
    of_one = links[0, ..., :: layout.width]
    old = _tasks_in_order(source.table, of_one[FIRST], of_one[WAITING])
    replications, count = layout.blocks * layout.width, old.size
    place = np.full(len(source.table) + 1, -1)
    place[old] = np.arange(count)
    first = count * np.arange(replications)
    table = np.zeros((max(room, replications * count), task_queues.TASK_COLUMNS), np.int64)
    mine = table[: replications * count].reshape(replications, count, task_queues.TASK_COLUMNS)
    mine[:] = source.table[old]
    mine[..., task_queues.NEXT] = _moved(place[source.table[old, task_queues.NEXT]], first[:, None])
    waiting = links[:, WAITING] > 0
    by_lane = np.tile(first.reshape(layout.blocks, 1, 1, layout.width), layout.devices)
    for end in (FIRST, LAST):
        ends = links[:, end]
        ends[:] = np.where(waiting, _moved(place[ends], by_lane), -1)
    pool = np.array([-1, replications * count, replications * count, 0])
    return Tasks(table, pool, np.zeros((room, task_queues.LOG_COLUMNS), np.int64))


def _moved(places: Integers, by: Integers) -> Integers:
    return np.where(places >= 0, places + by, -1)


def _tasks_in_order(table: Integers, first: Integers, waiting: Integers) -> Integers:
    """Numbers of the tasks of one replication, queue by queue; `first` and `waiting` are (3, N, M)."""
    numbers = []
    for task in first[waiting > 0].tolist():
        while task >= 0:
            numbers.append(task)
            task = int(table[task, task_queues.NEXT])
    return np.array(numbers, np.int64)
