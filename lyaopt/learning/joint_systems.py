"""Systems whose resources the learner allocates instead of the exact solvers."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt._kernels.learning.credit_assignment import find_backlog
from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.learning.credited import CreditedSystems
from lyaopt.model.system import System


class JointSystems(CreditedSystems):
    """A `CreditedSystems` whose steps take resource shares in addition to points.

    Shares may leave the edge idle while work waits, and each device's shares determine the waiting of its own
    work. Each device's part of the reward therefore includes all waiting of its work, and the edge has no
    price.

    Shares hold for one period. Initially all fractions are one and all shares equal. They are projected in
    every slot, see `lyaopt.simulation.Shares`.

    Parameters
    ----------
    system : System
    **options
        As of `VectorSystems`, without a rule.

    Attributes
    ----------
    devices_with_shares : int
        M.
    part_of_choice : ndarray (S + M,) of int
        The device of each service, then each device: the part of the reward that is credited to the points,
        and to the fractions and shares of a device.
    met : ndarray (B, S + M) of bool
        Whether a task of a service arrived in the last period; then whether a device's services had backlog
        in it, without which shares have no effect.
    """

    prices_edge = False

    def __init__(self, system: System, **options: Any) -> None:
        if options.get("rule") is not None:
            raise ProblemError("$.allocation", 'expected "backlog", as ppo-joint allocates by itself')
        super().__init__(system, **options)
        services, self.devices_with_shares = len(system.services), len(system.devices)
        self.part_of_choice = np.concatenate([self.part_of_choice, np.arange(self.devices_with_shares)])
        self.met = np.zeros((self.replications, services + self.devices_with_shares), np.bool_)
        self._had_backlog = np.zeros((self.replications, self.devices_with_shares), np.bool_)
        self._state.use_shares()

    def step(self, points: Integers, fractions: Floats | None = None, shares: Floats | None = None) -> bool:
        """Simulate one period in all replications.

        Parameters
        ----------
        points : ndarray (B, S) of int64
            As in `VectorSystems`.
        fractions : ndarray (B, 2, M) of float64, optional
            From 0 to 1: used fractions of F^l and of p^max of each device; unchanged by default.
        shares : ndarray (B, 3, S) of float64, optional
            From 0 to 1: each service's share of its device's speed, of its rate, and of F^e; unchanged by
            default. Shares of one device or of the edge that sum to more than one are scaled to one.

        Returns
        -------
        bool
            Whether the episode was truncated.
        """
        if fractions is not None and shares is not None:
            self._state.set_shares((fractions, shares))
        return super().step(points)

    def _account(self) -> None:
        super()._account()
        find_backlog(self._state.layout.width, self._state.kernel_state.sums, self._had_backlog)
        np.concatenate([self._point_met, self._had_backlog], axis=1, out=self.met)
