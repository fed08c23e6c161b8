"""A trained network as a policy."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch

from lyaopt.learning.algorithms import find_algorithm
from lyaopt.learning.learner import below
from lyaopt.learning.networks import Shape
from lyaopt.learning.observer import Observer
from lyaopt.learning.run_folder import RunFolder
from lyaopt.learning.shared import SharedActorCritic
from lyaopt.problem import ProblemError
from lyaopt.scenarios import read_scenario
from lyaopt.simulate import Decision, Observation
from lyaopt.system import System


class LearnedPolicy:
    """The points that a network thinks best, in every period.

    Parameters
    ----------
    network : ActorCritic or CutActorCritic
    name : str
    features : collection of str
        Optional features that it was trained with.
    """

    def __init__(self, network: Any, name: str = "lyappo", features: Collection[str] = ()) -> None:
        self.network = network.eval()
        self.name, self.features = name, features
        self._observer: Observer | None = None

    def decide(self, observation: Observation) -> Decision:
        """Points of one period.

        Raises
        ------
        ProblemError
            If the network was made for other services.
        """
        if self._observer is None or self._observer.system is not observation.system:
            self._observer = self._observer_of(observation.system)
        rows = torch.from_numpy(self._observer.see(observation))
        with torch.inference_mode():
            points = self.network.choose(rows)
        return Decision(points.numpy().T)

    def _observer_of(self, system: System) -> Observer:
        if isinstance(self.network, SharedActorCritic):
            self.network.bind(system)
            return Observer(system, self.features)
        choices = tuple(system.cuts.tolist())
        if choices != self.network.shape.choices:
            reason = f"expected services with {list(self.network.shape.choices)} cuts, got {list(choices)}"
            raise ProblemError("$.policy", f"{self.name} was trained for other services: {reason}")
        return Observer(system, self.features)


def load_policy(folder: str | Path) -> LearnedPolicy:
    """The policy that a training left in its folder, as of the newest checkpoint.

    Raises
    ------
    ProblemError
        If the folder holds no whole training.
    """
    files = RunFolder(folder)
    run = files.read_run()
    tensors, _ = files.read_checkpoint()
    algorithm = find_algorithm(run["algorithm"])
    config = algorithm.config(**run["config"])
    shape = Shape(run["features"], tuple(run["choices"]), run["first_choice"])
    network = algorithm.network(shape, config, read_scenario(json.dumps(run["scenario"])))
    network.load_state_dict(below("network.", tensors))
    return LearnedPolicy(network, run["algorithm"], config.features)
