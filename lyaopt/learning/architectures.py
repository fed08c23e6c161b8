"""Network architectures by name."""

from __future__ import annotations

import torch

from lyaopt.errors import ProblemError
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.networks import ActorCritic, FlatActorCritic, Shape
from lyaopt.learning.priced_network import PricedActorCritic
from lyaopt.learning.shared_network import SharedActorCritic
from lyaopt.model.system import System


def make_network(
    shape: Shape, parts: int, config: PPOConfig, generator: torch.Generator, system: System | None = None
) -> ActorCritic:
    """Make the network that a configuration names.

    Parameters
    ----------
    shape : Shape
        Sizes of observations and actions.
    parts : int
        D, parts of the reward that have values.
    config : PPOConfig
        Selects the network, and sets its layers.
    generator : torch.Generator
        Source of the initial weights.
    system : System, optional
        Needed by the shared network.

    Returns
    -------
    ActorCritic

    Raises
    ------
    ProblemError
        If the configuration names a shared network and there is no system.
    """
    if config.network == "flat":
        return FlatActorCritic(shape, parts, config, generator)
    if system is None:
        raise ProblemError(
            "$.network", "expected an environment of a system, as a shared network needs its devices"
        )
    made = SharedActorCritic if config.allocation == "backlog" else PricedActorCritic
    return made(shape, parts, config, generator, system)
