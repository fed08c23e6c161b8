"""Policies that disturb a run: they are asked in the process of the controller."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import psutil

from lyaopt.simulation import Decision


class _Disturbing:
    name = "disturbing"

    def __init__(self, system: Any) -> None:
        self._services = len(system.services)

    def decide(self, observation: Any) -> Decision:
        if observation.period == 8:
            self.disturb()
        return Decision(np.zeros(self._services, np.int64))


class Interrupting(_Disturbing):
    """The user presses Ctrl-C."""

    def disturb(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


class Killing(_Disturbing):
    """The process of the last device is killed."""

    def disturb(self) -> None:
        psutil.Process().children()[-1].kill()
