"""Per-device reward decomposition for credit assignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt._kernels.learning import credit_assignment as kernel
from lyaopt.arrays import Floats, Integers
from lyaopt.learning.observer import Rows
from lyaopt.learning.systems import VectorSystems
from lyaopt.model.system import System


class CreditedSystems(VectorSystems):
    """A `VectorSystems` that splits the reward by device.

    Parameters
    ----------
    system : System
    **options
        As of `VectorSystems`.

    Attributes
    ----------
    parts : ndarray (B, M) of float32
        Contribution of each device to the reward of the last period: its energy, the backlogs of its services
        in the first two stages, and its edge work in the slot in which it was served.
    joined : ndarray (B, M) of float64
        Edge work that each device's tasks added in the last period, in seconds of F^e.
    edge : ndarray (B, 2) of float64
        Edge backlog in seconds; and the reward that one second more at the start of the last period would
        have cost.
    part_of_choice : ndarray (S,) of int
        The device of each service.
    prices_edge : bool
        Whether waiting edge work is charged by its price, which is correct if the edge is never idle while
        work waits. Otherwise each device's part includes the waiting of its own work.
    met : ndarray (B, S) of bool
        Whether a task of a service arrived in the last period; if not, its point had no effect.
    """

    prices_edge = True

    def __init__(self, system: System, **options: Any) -> None:
        super().__init__(system, **options)
        services = len(system.services)
        self.part_of_choice: Integers = np.array(system.device_of_service)
        size = self.replications, len(system.devices)
        self.parts: Rows = np.zeros(size, np.float32)
        self.joined: Floats = np.zeros(size)
        self.edge: Floats = np.zeros((self.replications, kernel.EDGE_COLUMNS))
        self._edge_before: Floats = np.zeros(size)
        self._point_met: NDArray[np.bool_] = np.zeros((self.replications, services), np.bool_)
        self.met = self._point_met
        self._born: Integers = np.zeros((self.replications, services), np.int64)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return copies of all that the next step depends on."""
        return {**super().snapshot(), "born": self._born.copy(), "edge_before": self._edge_before.copy()}

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a `snapshot`."""
        super().restore(snapshot)
        self._born[:], self._edge_before[:] = snapshot["born"], snapshot["edge_before"]

    def _account(self) -> None:
        super()._account()
        if self.taken == 0:
            self._born[:] = 0
            self._edge_before[:] = 0.0
        state = self._state
        kernel.assign_credit.trusting(
            self._weights,
            state.layout.placement,
            state.kernel_state,
            not self.prices_edge,
            kernel.CreditMemory(self._born, self._edge_before),
            kernel.Credits(self.parts, self._point_met, self.joined, self.edge),
        )
