"""Algorithms by name, and the functions with which a training builds each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

from lyaopt.errors import ProblemError
from lyaopt.learning.algorithm_protocol import Learner
from lyaopt.learning.architectures import make_network
from lyaopt.learning.config import PPOConfig, preset
from lyaopt.learning.continuous import ContinuousCuts
from lyaopt.learning.credited import CreditedSystems
from lyaopt.learning.ddpg import DDPG
from lyaopt.learning.ddpg_config import DDPGConfig, ddpg_config
from lyaopt.learning.ddpg_networks import CutActorCritic
from lyaopt.learning.joint_network import JointPPO, make_joint_network
from lyaopt.learning.joint_systems import JointSystems
from lyaopt.learning.lyappo import LyaPPO
from lyaopt.learning.networks import Shape
from lyaopt.learning.priced_systems import PricedSystems
from lyaopt.learning.systems import VectorSystems
from lyaopt.learning.training_config import TrainingConfig
from lyaopt.model.settings import Learning
from lyaopt.model.system import System
from lyaopt.simulation.price_rule import PriceRule

_BEST, _JOINT = "best", "tuned"
"""Default presets: the best ones we found."""


class Algorithm(NamedTuple):
    """Functions that build the parts of a training.

    Attributes
    ----------
    config : callable
        Makes a configuration from its fields.
    default_preset : str or None
        None if the algorithm has no presets.
    configure : callable
        Makes a configuration from a preset, the `[learning]` section of a scenario, and fields.
    systems : callable
        Makes an environment from a system and the options of `VectorSystems`.
    learner : callable
        Makes the algorithm from that environment, the configuration and the seed.
    network : callable
        Makes an untrained network from a shape, the configuration and the system.
    """

    config: Callable[..., Any]
    default_preset: str | None
    configure: Callable[[str | None, Learning, dict[str, Any]], Any]
    systems: Callable[..., VectorSystems]
    learner: Callable[[Any, Any, int], Learner]
    network: Callable[[Shape, Any, System], Any]


def find_algorithm(name: str, preset_name: str | None = None) -> Algorithm:
    """Look up an algorithm.

    Parameters
    ----------
    name : str
        A name in `ALGORITHMS`.
    preset_name : str, optional
        Preset that it should have.

    Returns
    -------
    Algorithm

    Raises
    ------
    ProblemError
        If there is no such algorithm, or it has no presets and one was named.
    """
    if name not in ALGORITHMS:
        raise ProblemError("$.algorithm", f"expected one of {', '.join(ALGORITHMS)}; got {name!r}")
    algorithm = ALGORITHMS[name]
    if preset_name is not None and algorithm.default_preset is None:
        raise ProblemError("$.preset", f"expected none, as {name} has no presets; got {preset_name!r}")
    return algorithm


def stored_configuration(run: Mapping[str, Any]) -> TrainingConfig:
    """Configuration of a training, from the document in its folder.

    Parameters
    ----------
    run : mapping
        What `lyaopt.learning.run_folder.RunFolder.load_document` returns.

    Returns
    -------
    TrainingConfig
        Of the class that belongs to the algorithm.

    Raises
    ------
    ProblemError
        If the document has no such algorithm, or settings that the algorithm does not have.
    """
    algorithm = find_algorithm(run["algorithm"])
    try:
        return algorithm.config(**run["config"])
    except TypeError as error:
        raise ProblemError(
            "$.config", f"expected the settings of {run['algorithm']}, got others: {error}"
        ) from None


def _systems_of(system: System, *, rule: PriceRule | None = None, **options: Any) -> CreditedSystems:
    """The systems of LyaPPO: under a rule by prices they show what cuts cost."""
    if rule is None:
        return CreditedSystems(system, **options)
    return PricedSystems(system, rule, **options)


def _network_of(make: Callable[..., Any]) -> Callable[[Shape, PPOConfig, System], Any]:
    """Adapt the function that makes the network of a PPO in training."""

    def network(shape: Shape, config: PPOConfig, system: System) -> Any:
        parts = len(system.devices) if config.credit == "device" else 1
        return make(shape, parts, config, torch.Generator(), system)

    return network


def _configured(default: str) -> Callable[[str | None, Learning, dict[str, Any]], PPOConfig]:
    """Adapt `preset` to a default preset."""
    return lambda name, learning, changes: preset(name or default, learning, **changes)


def _ddpg_config(_: str | None, learning: Learning, changes: dict[str, Any]) -> TrainingConfig:
    for name in ("allocation", "waiting_cost_j_per_s"):
        if name in changes:
            raise ProblemError(
                f"$.{name}", f"expected none, as ddpg has backlogs only; got {changes[name]!r}"
            )
    return ddpg_config(learning, **changes)


ALGORITHMS = {
    "lyappo": Algorithm(
        config=PPOConfig,
        default_preset=_BEST,
        configure=_configured(_BEST),
        systems=_systems_of,
        learner=LyaPPO,
        network=_network_of(make_network),
    ),
    "ppo-joint": Algorithm(
        config=PPOConfig,
        default_preset=_JOINT,
        configure=_configured(_JOINT),
        systems=JointSystems,
        learner=JointPPO,
        network=_network_of(make_joint_network),
    ),
    "ddpg": Algorithm(
        config=DDPGConfig,
        default_preset=None,
        configure=_ddpg_config,
        systems=VectorSystems,
        learner=lambda systems, config, seed: DDPG(ContinuousCuts(systems), config, seed),
        network=lambda shape, config, system: CutActorCritic(shape, config, torch.Generator()),
    ),
}
