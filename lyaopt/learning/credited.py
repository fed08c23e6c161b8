"""Systems that also say which device had what part in the reward, and which choices had an effect."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels import credit as kernel
from lyaopt.learning.observer import Rows
from lyaopt.learning.systems import VectorSystems
from lyaopt.simulate.costs import backlog_shares
from lyaopt.system import Integers, System


class CreditedSystems(VectorSystems):
    """A `VectorSystems` with what a learner may use to tell the deeds of one device from those of others.

    Attributes
    ----------
    parts : ndarray (B, M + 1) of float32
        Parts of the reward of the last period. What each device adds to it: its energy, the backlogs of its
        services in the first two stages, and edge work of theirs that was served in its slot. Last, what
        edge work adds that had to wait: it waited for the work of all.
    part_of_choice : ndarray (S,) of int
        The device of each service.
    part_of_all : int
        M, the last part: every choice is judged by it beside its own.
    met : ndarray (B, S) of bool
        Whether a task of a service was born in the last period; if not, its point changed nothing.
    """

    def __init__(self, system: System, **options: Any) -> None:
        super().__init__(system, **options)
        services = len(system.services)
        self.part_of_choice: Integers = np.array(system.device_of_service)
        self.part_of_all = len(system.devices)
        self.parts: Rows = np.zeros((self.systems, self.part_of_all + 1), np.float32)
        self._point_met: NDArray[np.bool_] = np.zeros((self.systems, services), np.bool_)
        self.met = self._point_met
        self._born: Integers = np.zeros((self.systems, services), np.int64)
        self._backlog_share = np.ascontiguousarray(backlog_shares(system).T)

    def _account(self) -> None:
        super()._account()
        if self.taken == 0:
            self._born[:] = 0
        system, layout = self.system, self._state.layout
        kernel.credit(
            system.slots_per_period,
            system.slot_duration_s,
            system.learning.reward_energy_weight,
            system.learning.reward_backlog_weight,
            layout.width,
            layout.row_of_service,
            layout.device_of_service,
            self._backlog_share,
            self._state.kernel_systems,
            self._born,
            self.parts,
            self._point_met,
        )
