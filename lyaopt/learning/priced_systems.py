"""Systems whose resources are allocated by prices, and whose cuts are learnt."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt._kernels.simulation.state_types import WAITING
from lyaopt._kernels.simulation.sums import LOCAL_ENERGY, POWER, TAIL_ENERGY
from lyaopt._kernels.simulation.task_queues import EDGE
from lyaopt.arrays import Floats
from lyaopt.learning.credited import CreditedSystems
from lyaopt.learning.observer import Observer
from lyaopt.learning.priced_observer import PricedObserver
from lyaopt.model.system import System
from lyaopt.simulation.price_rule import PriceRule


class PricedSystems(CreditedSystems):
    """A `CreditedSystems` under a rule by prices, which shows what each cut would add.

    Where the rule weighs backlogs the reward is (34), and all is as in `CreditedSystems`. Where it weighs
    tasks, a device's part is its energy, the waiting of its own tasks, and, as its work delays that of others
    at the edge, the waiting of the tasks of others that are at the edge when the period ends.

    Parameters
    ----------
    system : System
    rule : PriceRule
        With a choice of cuts.
    **options
        As of `VectorSystems`.
    """

    def __init__(self, system: System, rule: PriceRule, **options: Any) -> None:
        self.prices_edge = rule.by_work
        super().__init__(system, rule=rule, **options)

    def _observer_of(self, system: System) -> Observer:
        assert self.rule is not None, "the constructor demands one"
        return PricedObserver(system, self._features, self.rule)

    def _device_energy(self) -> Floats:
        """Mean energy of a slot of the last period (M, B), in J."""
        _, devices = self._state.present_sums()
        tau = self.system.slot_duration_s
        total = devices[LOCAL_ENERGY] + tau * devices[POWER] + devices[TAIL_ENERGY]
        return np.asarray(total / self.system.slots_per_period)

    def _account(self) -> None:
        super()._account()
        if self._times is None:
            return
        state, device = self._state, self.part_of_choice
        energy = self._device_energy()
        waiting = np.zeros_like(energy)
        np.add.at(waiting, device, self._times.costs_j.T)
        at_edge = np.zeros_like(energy)
        count = state.layout.by_service(state.kernel_state.queue_links[:, WAITING])[EDGE]
        np.add.at(at_edge, device, self._times.one_task_j[:, None] * count)
        others = at_edge.sum(axis=0) - at_edge
        self.parts[:] = (-self._weights.energy * (energy + waiting + others)).T
