"""Copies of one system's state, in the layout of other arrays."""

from __future__ import annotations

import numpy as np

from lyaopt._kernels.simulation import task_queues
from lyaopt._kernels.simulation.state_types import Systems, Tasks
from lyaopt.arrays import Integers
from lyaopt.simulation.layout import Layout


def copy_systems(source: Systems, at: Layout, of: int, target: Systems, layout: Layout) -> None:
    """Give all systems of a layout the state of one, but for its tasks and the sums of past periods."""
    for array, copy in zip(source, target, strict=True):
        lanes = array.reshape(*array.shape[:-1], at.devices, at.width)
        one = lanes[of // at.width, ..., of % at.width]
        copy[:] = np.repeat(one, layout.width, axis=-1)


def copy_tasks(source: Tasks, room: int, target: Systems, layout: Layout) -> Tasks:
    """Give each system tasks of its own in place of those that its links, copies, point to.

    The table of them has at least `room` lines.
    """
    old = _tasks_in_order(source.table, target.links[0, ..., :: layout.width])
    copies, count = layout.blocks * layout.width, old.size
    place = np.full(len(source.table) + 1, -1)
    place[old] = np.arange(count)
    first = count * np.arange(copies)
    table = np.zeros((max(room, copies * count), task_queues.TASK_COLUMNS), np.int64)
    mine = table[: copies * count].reshape(copies, count, task_queues.TASK_COLUMNS)
    mine[:] = source.table[old]
    mine[..., task_queues.NEXT] = _moved(place[source.table[old, task_queues.NEXT]], first[:, None])
    waiting = target.links[:, task_queues.WAITING] > 0
    by_lane = np.tile(first.reshape(layout.blocks, 1, 1, layout.width), layout.devices)
    for end in (task_queues.FIRST, task_queues.LAST):
        ends = target.links[:, end]
        ends[:] = np.where(waiting, _moved(place[ends], by_lane), -1)
    pool = np.array([-1, copies * count, copies * count, 0])
    return Tasks(table, pool, np.zeros((room, task_queues.LOG_COLUMNS), np.int64))


def _moved(places: Integers, by: Integers) -> Integers:
    return np.where(places >= 0, places + by, -1)


def _tasks_in_order(table: Integers, links: Integers) -> Integers:
    """Numbers of the tasks of one system, whose links are (3, 3, N, M), queue by queue."""
    found = []
    waiting = links[task_queues.WAITING] > 0
    for task in links[task_queues.FIRST][waiting].tolist():
        while task >= 0:
            found.append(task)
            task = int(table[task, task_queues.NEXT])
    return np.array(found, np.int64)
