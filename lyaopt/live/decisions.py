"""Partition points from a policy, period by period, by what is measured."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.live.measured_state import Backlogs, MeasuredState
from lyaopt.model.system import System
from lyaopt.simulation import Policy
from lyaopt.simulation.price_rule import PriceRule
from lyaopt.simulation.traces import check_points

_NEEDS_TASKS = ("planning",)


class Decisions:
    """Asks a policy at the start of each period.

    Parameters
    ----------
    policy : Policy
        Any that does not continue the tasks of a simulation.
    system : System
        With measured profiles.
    seed : int
        For policies that draw random numbers.

    Raises
    ------
    ProblemError
        `$.policy`, if the policy simulates from the present state on, or allocates resources.
    """

    def __init__(self, policy: Policy, system: System, seed: int) -> None:
        if policy.name in _NEEDS_TASKS:
            reason = f"{policy.name} goes on from the simulator's own tasks, which a run does not have"
            raise ProblemError("$.policy", reason)
        self._policy, self._system = policy, system
        self._state = MeasuredState(system, seed)
        self._plan: Integers = np.zeros((0, len(system.services)), np.int64)
        self._decided_from, self._for_good = 0, False
        rule = getattr(policy, "rule", None)
        self._rule = rule if isinstance(rule, PriceRule) and rule.cuts is not None else None

    def decide(self, period: int, backlogs: Backlogs, gains: Floats | None, points: Integers) -> Integers:
        """Return the partition points (S,) of a period.

        Parameters
        ----------
        period : int
            Its number.
        backlogs : Backlogs
            Measured at its start.
        gains : ndarray (G, M) or None
            Of the slots before.
        points : ndarray (S,) of int
            In force until now.
        """
        observation = self._state.begin(period, backlogs, gains, points)
        if self._rule is not None:
            state = backlogs.amounts, backlogs.tasks, backlogs.left
            return np.asarray(self._rule.points(self._system, *state))
        if not len(self._plan) or (not self._for_good and period >= self._decided_from + len(self._plan)):
            decision = self._policy.decide(observation)
            if decision.shares is not None:
                raise ProblemError("$.policy", f"{self._policy.name} allocates resources, a run does not")
            table = np.asarray(decision.points)
            table = table[None, :, None] if table.ndim == 1 else table[None] if table.ndim == 2 else table
            check_points(table[..., 0], self._system, "points")
            self._plan, self._decided_from, self._for_good = table[..., 0], period, decision.for_good
        return np.asarray(self._plan[min(period - self._decided_from, len(self._plan) - 1)])

    def served(self, rates: Floats, power_w: Floats) -> None:
        """Say what was served in the last period.

        Parameters
        ----------
        rates, power_w : ndarray (3, S), (M,)
            As of `MeasuredState.serve`.
        """
        self._state.serve(rates, power_w)
