"""How long the tasks that are now in queues have been in the system."""

from __future__ import annotations

import numpy as np

from lyaopt._kernels.simulation.state_types import FIRST
from lyaopt._kernels.simulation.task_queues import BIRTH, NEXT
from lyaopt.arrays import Integers
from lyaopt.simulation.state import State


def present_age_slots(state: State) -> Integers:
    """Add up the slots that the tasks now in queues have spent there.

    Parameters
    ----------
    state : State
        Before the slot to be simulated next.

    Returns
    -------
    ndarray (S, B) of int
        Over all tasks of each service.
    """
    total = np.zeros(state.kernel_state.points.shape, np.int64)
    for part in state.parts:
        table, tasks = part.tasks.table, state.kernel_state.queue_links[part.blocks, FIRST]
        while (tasks >= 0).any():  # the n-th task of every queue
            ages = np.where(tasks >= 0, state.slot - 1 - table[tasks, BIRTH], 0)
            total[part.blocks] += ages.sum(axis=1)
            tasks = np.where(tasks >= 0, table[tasks, NEXT], -1)
    ages_by_service: Integers = state.layout.by_service(total)
    return ages_by_service
