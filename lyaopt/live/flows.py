"""What each stage was given and has served, from what the processes tell of tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.live.measured_state import Backlogs
from lyaopt.live.task_log import TaskLog
from lyaopt.model.system import System

_LOCAL, _TRANSMIT, _EDGE = range(3)


class Flows:
    """Work that joined the queues, and from it what they served between two looks.

    Parameters
    ----------
    system : System
        With measured profiles.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._first = [system.services_of(m).start for m in range(len(system.devices))]
        self._work = system.local_cycles, system.transmit_bits, system.edge_cycles
        self._before = self._joined = np.zeros((3, len(system.services)))

    def add(self, event: dict[str, Any], log: TaskLog) -> None:
        """Add what a device tells of a task.

        Parameters
        ----------
        event : dict
            As of `TaskLog.add`.
        log : TaskLog
            That has it already.
        """
        record = log.records.get((event["device"], event["service"], event["task"]))
        if record is None:
            return
        s, cut = self._first[record.device] + record.service, record.cut
        if "born" in event:
            self._join(_TRANSMIT if cut == 0 else _LOCAL, s, cut)
        if "head_done" in event:
            self._join(_TRANSMIT, s, cut)
        if "sent" in event:
            self._join(_EDGE, s, cut)

    def _join(self, stage: int, s: int, cut: int) -> None:
        self._joined = self._joined.copy()
        self._joined[stage, s] += self._work[stage][s, cut]

    def served(self, backlogs: Backlogs) -> Floats:
        """Return what was served since the last call (3, S): cycles, bits, cycles.

        Parameters
        ----------
        backlogs : Backlogs
            Now.
        """
        served = np.maximum(self._before + self._joined - backlogs.amounts, 0.0)
        self._before, self._joined = backlogs.amounts, np.zeros_like(self._joined)
        return served

    def mean_power_w(self, served: Floats, rate_bps: Floats, seconds: float) -> Floats:
        """Return the mean power of the radios (M,): full power while they sent.

        Parameters
        ----------
        served : ndarray (3, S)
            In a time.
        rate_bps : ndarray (M,)
            Mean rates at full power in it.
        seconds : float
            Its length.
        """
        bits = np.zeros(len(rate_bps))
        np.add.at(bits, self._system.device_of_service, served[_TRANSMIT])
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(bits > 0.0, np.minimum(bits / (rate_bps * seconds), 1.0), 0.0)
        return np.asarray(share * self._system.max_power_w)
