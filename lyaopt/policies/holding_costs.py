"""What waiting costs, in watts: by task, or by unit of work as in cost (34)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import Floats
from lyaopt.bounds.waiting import waiting_costs
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation.costs import backlog_shares


@dataclass(frozen=True, eq=False)
class HoldingCosts:
    """Costs of waiting in the three stages.

    Attributes
    ----------
    rates : ndarray (3, S)
        W per waiting task in each stage, or per cycle, bit, cycle.
    by_work : bool
        Whether each unit of work costs its rate, or each waiting task.
    """

    rates: Floats
    by_work: bool

    @classmethod
    def of_tasks(cls, system: System, waiting_cost_j_per_s: ArrayLike) -> HoldingCosts:
        """Latency form: each task costs theta joules a second until it is done.

        Parameters
        ----------
        system : System
            Gives the number of services.
        waiting_cost_j_per_s : array_like () or (S,)
            theta > 0, in J per second.

        Raises
        ------
        ProblemError
            If a cost is not a finite number > 0.
        """
        costs = waiting_costs(system, waiting_cost_j_per_s)
        if not (costs > 0.0).all():
            raise ProblemError(
                "$.waiting_cost_j_per_s", "expected numbers > 0: tasks that may wait are never served"
            )
        return cls(np.repeat(costs[None], 3, axis=0), False)

    @classmethod
    def of_reward(cls, system: System) -> HoldingCosts:
        """Backlog form: cost (34) in joules, h = omega2 beta / (omega1 tau x whole task).

        Parameters
        ----------
        system : System
            Gives omega and beta of its reward, and the whole tasks.

        Raises
        ------
        ProblemError
            If energy, or backlog of a device, counts nothing in the reward.
        """
        learning = system.learning
        names = (
            "reward_energy_weight",
            "reward_backlog_weight",
            "backlog_share_local",
            "backlog_share_transmit",
        )
        for name in names:
            if not getattr(learning, name) > 0.0:
                raise ProblemError(
                    f"$.learning.{name}", "expected a number > 0, prices weigh energy and waiting"
                )
        worth = learning.reward_backlog_weight / (learning.reward_energy_weight * system.slot_duration_s)
        return cls(worth * backlog_shares(system), True)

    def step(self, stage: int, work: Floats) -> Floats:
        """What a task adds to the holding cost of a stage, in W.

        Parameters
        ----------
        stage : int
            0, 1, 2: local, transmit, edge.
        work : ndarray (S, ...)
            Work of the task in this stage.

        Returns
        -------
        ndarray (S, ...)
        """
        rates = self.rates[stage].reshape(-1, *(1,) * (work.ndim - 1))
        return np.asarray(rates * work if self.by_work else np.broadcast_to(rates, work.shape))
