"""Networks by the name that a configuration gives them."""

from __future__ import annotations

import torch

from lyaopt.errors import ProblemError
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.networks import ActorCritic, FlatActorCritic, Shape
from lyaopt.learning.shared_network import SharedActorCritic
from lyaopt.model.system import System


def make_network(
    shape: Shape, parts: int, config: PPOConfig, generator: torch.Generator, system: System | None = None
) -> ActorCritic:
    """The network that a configuration names, for D parts of a reward.

    Raises
    ------
    ProblemError
        If devices are to share a network where there are none.
    """
    if config.network == "flat":
        return FlatActorCritic(shape, parts, config, generator)
    if system is None:
        raise ProblemError("$.network", "expected an environment that is a system, to share a network")
    return SharedActorCritic(shape, parts, config, generator, system)
