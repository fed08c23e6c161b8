"""What is measured of a run, as policies see the state of a simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt._kernels.simulation.state_types import BACKLOG, HEAD, WAITING
from lyaopt._kernels.simulation.sums import BACKLOGS, GAIN, POWER, PRESENT, RATES
from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation import Observation
from lyaopt.simulation.state import State


@dataclass(frozen=True, eq=False)
class Backlogs:
    """What waits in each stage of each service.

    Attributes
    ----------
    amounts, left : ndarray (3, S)
        Cycles, bits and cycles of all tasks, and what is left of the first one, > 0.
    tasks : ndarray (3, S) of int
        Their number.
    """

    amounts: Floats
    left: Floats
    tasks: Integers


def backlogs_of(system: System, devices: Sequence[dict[str, Any]], edge: dict[str, Any]) -> Backlogs:
    """Put together what the processes tell.

    Parameters
    ----------
    system : System
        Seconds on a device are cycles at its F^l, seconds at the edge cycles at F^e.
    devices : sequence of dict (M,)
        Answers with `local` and `radio`.
    edge : dict
        Answer with `edge`.
    """
    count = len(system.services)
    amounts, left, tasks = np.zeros((3, count)), np.ones((3, count)), np.zeros((3, count), np.int64)
    first = [system.services_of(m).start for m in range(len(system.devices))]

    def put(stage: int, s: int, row: dict[str, Any], scale: float) -> None:
        amounts[stage, s] = scale * row["amount"]
        left[stage, s] = scale * row["left"]
        tasks[stage, s] = row["tasks"]

    for m, answer in enumerate(devices):
        for row in answer["local"]:
            put(0, first[m] + row["queue"], row, float(system.cpu_capacity_hz[m]))
        for row in answer["radio"]:
            put(1, first[m] + row["queue"], row, 1.0)
    for row in edge["edge"]:
        device, service = row["queue"]
        put(2, first[device] + service, row, system.edge_capacity_hz)
    return Backlogs(amounts, np.maximum(left, 1e-9), tasks)


class MeasuredState:
    """A state of the simulator that holds what was measured; nothing is simulated in it.

    Parameters
    ----------
    system : System
        With measured profiles.
    seed : int
        For policies that draw random numbers.
    """

    def __init__(self, system: System, seed: int) -> None:
        self.system, self._seed = system, seed
        self._state = State(system, 1, seed, None, 1)
        self._before = np.zeros((3, len(system.services)))

    def begin(self, period: int, backlogs: Backlogs, gains: Floats | None, points: Integers) -> Observation:
        """Take over what was measured at the start of a period, and return it as an observation.

        Parameters
        ----------
        period : int
            Its number.
        backlogs : Backlogs
            Now.
        gains : ndarray (G, M) or None
            Of the slots of the period before; None where there was none.
        points : ndarray (S,) of int
            Partition points that were in force.
        """
        state, kernel = self._state, self._state.kernel_state
        state.slot = period * self.system.slots_per_period
        kernel.queue_amounts[:, BACKLOG] = self._lanes(backlogs.amounts)
        kernel.queue_amounts[:, HEAD] = self._lanes(np.where(backlogs.tasks > 0, backlogs.left, np.inf))
        kernel.queue_links[:, WAITING] = self._lanes(backlogs.tasks, np.int64)
        kernel.points[:] = self._lanes(points, np.int64)
        if gains is not None:
            slots = self.system.slots_per_period
            kernel.last_gain[:] = gains[-1]
            kernel.sums.devices[:, PRESENT, GAIN] = slots * gains.mean(axis=0)
            means = 0.5 * (self._before + backlogs.amounts)  # of both ends of the period
            kernel.sums.services[:, PRESENT, BACKLOGS : BACKLOGS + 3] = slots * self._lanes(means)
        self._before = backlogs.amounts
        return Observation(state, self._seed)

    def serve(self, rates: Floats, power_w: Floats) -> None:
        """Say what was served in the period before.

        Parameters
        ----------
        rates : ndarray (3, S)
            Means: Hz, bit/s, Hz.
        power_w : ndarray (M,)
            Mean power of the radios.
        """
        slots, kernel = self.system.slots_per_period, self._state.kernel_state
        kernel.sums.services[:, PRESENT, RATES : RATES + 3] = slots * self._lanes(rates)
        kernel.sums.devices[:, PRESENT, POWER] = slots * power_w

    def _lanes(self, values: Any, dtype: Any = np.float64) -> Any:
        """From (..., S) to the arrays of kernels (1, ..., N, L)."""
        lanes = self._state.layout.to_lanes(np.asarray(values)[..., None], dtype)
        return np.moveaxis(lanes, -3, 0)
