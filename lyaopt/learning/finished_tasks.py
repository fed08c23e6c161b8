"""Tasks that were completed, period by period."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System


class FinishedTasks:
    """What the last period completed in each replication.

    Parameters
    ----------
    system : System
        Its slots count the latencies.
    replications : int
        B.

    Attributes
    ----------
    count : ndarray (B, S) of int64
        Tasks of each service that were completed.
    latency_sum_s : ndarray (B, S)
        Their latencies in seconds, summed: a sum has a value where there is no task, and a mean has none.
    """

    def __init__(self, system: System, replications: int) -> None:
        self._slot_s = system.slot_duration_s
        self.count: Integers = np.zeros((replications, len(system.services)), np.int64)
        self.latency_sum_s: Floats = np.zeros(self.count.shape)

    def add(self, finished: Integers) -> None:
        """Replace the numbers by those of `finished` tasks.

        Parameters
        ----------
        finished : ndarray (D, 4) of int64
            As `State.take_finished` returns them.
        """
        slots = np.zeros_like(self.count)
        self.count[:] = 0
        place = finished[:, 0], finished[:, 1]
        np.add.at(self.count, place, 1)
        np.add.at(slots, place, finished[:, 3] - finished[:, 2])
        self.latency_sum_s[:] = self._slot_s * slots
