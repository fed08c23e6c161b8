"""A trained network as a policy."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch

from lyaopt.learning.observer import Observer
from lyaopt.simulation import Decision, Observation


class LearnedPolicy:
    """Takes the most probable action of a network in every period.

    Parameters
    ----------
    network : ActorCritic or CutActorCritic
    name : str
    features : collection of str
        Optional features of the network's observations.
    """

    def __init__(self, network: Any, name: str = "lyappo", features: Collection[str] = ()) -> None:
        self.network = network.eval()
        self.name, self.features = name, features
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
            If the network was made for other services.
        """
        if self._observer is None or self._observer.system is not observation.system:
            self.network.bind(observation.system)
            self._observer = Observer(observation.system, self.features)
        rows = torch.from_numpy(self._observer.see(observation))
        with torch.inference_mode():
            return self.network.choose(rows)
