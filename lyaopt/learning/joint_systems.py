"""Systems whose resources are shared out by the learner, not by the exact solvers."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt._kernels.learning.credit_assignment import find_backlog
from lyaopt.arrays import Floats, Integers
from lyaopt.learning.credited import CreditedSystems
from lyaopt.model.system import System


class JointSystems(CreditedSystems):
    """A `CreditedSystems` whose steps take shares beside the points.

    Shares may leave the edge idle while work waits there, and each device's shares say how long its own work
    does: a device's part of the reward holds the waiting of all its work, and there is no price of the edge.

    Each period has shares of its own; until any are told, every service may use all of everything that the
    others leave: all of each capacity in use, and equal shares. In every slot they are projected, see
    `lyaopt.simulation.Shares`.

    Attributes
    ----------
    devices_with_shares : int
        M.
    part_of_choice : ndarray (S + M,) of int
        The device of each service, then each device: the part of the reward by which its fractions in use
        and its services' shares are judged.
    met : ndarray (B, S + M) of bool
        Whether a task of a service was born in the last period; then whether a device's services had any
        backlog in it, without which shares change nothing.
    """

    prices_edge = False

    def __init__(self, system: System, **options: Any) -> None:
        super().__init__(system, **options)
        services, self.devices_with_shares = len(system.services), len(system.devices)
        self.part_of_choice = np.concatenate([self.part_of_choice, np.arange(self.devices_with_shares)])
        self.met = np.zeros((self.replications, services + self.devices_with_shares), np.bool_)
        self._had_backlog = np.zeros((self.replications, self.devices_with_shares), np.bool_)
        self._state.use_shares()

    def step(self, points: Integers, fractions: Floats | None = None, shares: Floats | None = None) -> bool:
        """Take all copies through a period.

        Parameters
        ----------
        points : ndarray (B, S) of int64
            As of `VectorSystems`.
        fractions : ndarray (B, 2, M) of float64
            From 0 to 1: how much of F^l each device uses, and of p^max; left out, as they were.
        shares : ndarray (B, 3, S) of float64
            From 0 to 1: each service's share of its device's speed, of its rate, and of F^e; left out, as
            they were. Those of one device, or of the edge, that sum to more than one are scaled to one.
        """
        if fractions is not None and shares is not None:
            self._state.set_shares((fractions, shares))
        return super().step(points)

    def _account(self) -> None:
        super()._account()
        find_backlog(self._state.layout.width, self._state.kernel_state.sums, self._had_backlog)
        np.concatenate([self._point_met, self._had_backlog], axis=1, out=self.met)
