"""A trained network as a policy."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import torch

from lyaopt.learning.architectures import make_network
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.joint import JointActorCritic, make_joint_network
from lyaopt.learning.networks import ActorCritic, Shape
from lyaopt.learning.observer import Observer
from lyaopt.learning.ppo import below
from lyaopt.learning.run_folder import RunFolder
from lyaopt.learning.shared import SharedActorCritic
from lyaopt.problem import ProblemError
from lyaopt.scenarios import read_scenario
from lyaopt.simulate import Decision, Observation
from lyaopt.system import System


class LearnedPolicy:
    """The most probable actions of a network, in every period.

    Parameters
    ----------
    network : ActorCritic
    name : str
    features : collection of str
        Optional features that it was trained with.
    """

    def __init__(self, network: ActorCritic, name: str = "lyappo", features: Collection[str] = ()) -> None:
        self.network = network.eval()
        self.name, self.features = name, features
        self._observer: Observer | None = None

    def decide(self, observation: Observation) -> Decision:
        """Points of one period, and shares if the network was trained to set them.

        Raises
        ------
        ProblemError
            If the network was made for other services.
        """
        if self._observer is None or self._observer.system is not observation.system:
            self._observer = self._observer_of(observation.system)
        rows = torch.from_numpy(self._observer.see(observation))
        with torch.inference_mode():
            actions = self.network.actions(self.network.normalised(rows)).mode()
        return self.network.decision(actions)

    def _observer_of(self, system: System) -> Observer:
        if isinstance(self.network, SharedActorCritic):
            self.network.bind(system)
            return Observer(system, self.features)
        choices = tuple(system.cuts.tolist())
        if isinstance(self.network, JointActorCritic):
            self.network.check_devices(system)
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
    shape = Shape(run["features"], tuple(run["choices"]), run["first_choice"])
    config = PPOConfig(**run["config"])
    system = read_scenario(json.dumps(run["scenario"]))
    make = make_joint_network if run["algorithm"] == "ppo-joint" else make_network
    network = make(shape, run["parts"], config, torch.Generator(), system)
    network.load_state_dict(below("network.", tensors))
    return LearnedPolicy(network, run["algorithm"], config.features)
