"""Time that tasks spend in the system, period by period."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.learning.price_rules import waiting_costs_of
from lyaopt.model.system import System
from lyaopt.simulation.price_rule import PriceRule
from lyaopt.simulation.state import State
from lyaopt.simulation.task_ages import present_age_slots


class TaskTimes:
    """What tasks in the system cost in the last period, under a rule that weighs tasks.

    Parameters
    ----------
    system : System
    waiting_cost_j_per_s : ndarray (S,)
        theta, in J/s.

    Attributes
    ----------
    one_task_j : ndarray (S,)
        tau theta_n: what one task costs in a slot, in J.
    costs_j : ndarray (B, S)
        tau theta_n times the mean number of tasks of service n in the system: J a slot.
    """

    def __init__(self, system: System, waiting_cost_j_per_s: Floats) -> None:
        self.costs_j: Floats = np.zeros((0, len(system.services)))
        self.one_task_j = system.slot_duration_s * waiting_cost_j_per_s
        self._slots = system.slots_per_period
        self._ages: Integers = np.zeros(0, np.int64)

    @classmethod
    def of(cls, system: System, rule: PriceRule | None) -> TaskTimes | None:
        """Return the times that a rule weighs; None where it weighs backlogs, or there is none.

        Parameters
        ----------
        system : System
            Its period counts.
        rule : PriceRule or None
            Gives theta.
        """
        costs = None if rule is None else waiting_costs_of(rule)
        return None if costs is None else cls(system, costs)

    def begin(self, state: State) -> None:
        """Begin with the tasks that are in the queues of a `state` now."""
        self._ages = present_age_slots(state)
        self.costs_j = np.zeros(self._ages.shape[::-1])

    def add(self, state: State) -> Integers:
        """Count a period of a `state`; take the tasks that were finished in it, and return them."""
        finished, present = state.take_finished(), present_age_slots(state)
        slots = present - self._ages
        np.add.at(slots, (finished[:, 1], finished[:, 0]), finished[:, 3] - finished[:, 2])
        self._ages = present
        self.costs_j = (self.one_task_j[:, None] * slots / self._slots).T
        return finished
