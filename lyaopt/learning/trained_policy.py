"""A trained network as a policy."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch

from lyaopt.learning.observer import Observer
from lyaopt.learning.price_rules import PricedScenario, waiting_costs_of, without_cuts
from lyaopt.learning.priced_observer import PricedObserver
from lyaopt.model.system import System
from lyaopt.simulation import Decision, Observation


class LearnedPolicy:
    """Takes the most probable action of a network in every period.

    Parameters
    ----------
    network : ActorCritic or CutActorCritic
    name : str
    features : collection of str
        Optional features of the network's observations.
    priced : PricedScenario, optional
        The rule by prices under which it was trained, and the system of that rule.

    Attributes
    ----------
    rule : PriceRule or None
        By which simulations allocate: that of the training without its choice of cuts, or none.
    waiting_cost_j_per_s : ndarray (S,) or None
        theta, by which the rule weighs tasks.
    """

    def __init__(
        self,
        network: Any,
        name: str = "lyappo",
        features: Collection[str] = (),
        priced: PricedScenario | None = None,
    ) -> None:
        self.network = network.eval()
        self.name, self.features, self._priced = name, features, priced
        self.rule = None if priced is None else without_cuts(priced.rule)
        self.waiting_cost_j_per_s = None if priced is None else waiting_costs_of(priced.rule)
        self._observer: Observer | None = None

    def decide(self, observation: Observation) -> Decision:
        """Return the points of the next period, and shares if the network sets them.

        Parameters
        ----------
        observation : Observation
            Backlogs and channels of B replications.

        Returns
        -------
        Decision

        Raises
        ------
        ProblemError
            If the network was made for other services, or its prices are those of another scenario.
        """
        if self._observer is None or self._observer.system is not observation.system:
            self.network.bind(observation.system)
            self._observer = self._observer_of(observation.system)
        rows = torch.from_numpy(self._observer.see(observation))
        with torch.inference_mode():
            return self.network.choose(rows)

    def _observer_of(self, system: System) -> Observer:
        if self._priced is None:
            return Observer(system, self.features)
        self._priced.check(system)
        return PricedObserver(system, self.features, self._priced.rule)
