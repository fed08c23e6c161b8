"""What a training asks of an algorithm, and what all algorithms do alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from lyaopt.errors import DivergedError

KEPT = "kept."
"""Prefix of what an algorithm keeps of its best so far."""


@dataclass(frozen=True)
class Report:
    """What an update saw and did.

    Attributes
    ----------
    update : int
        From 1.
    reward : float
        Mean over the rollout of the whole reward, whoever was credited with what.
    collect_s, environment_s, learn_s : float
        Seconds for the rollout, of them in the environment, and for the rest of the update.
    losses : dict
        Means over minibatches of what the algorithm minimises and watches, by its own names; empty where it
        only collected.
    measures : dict
        Means over the rollout of what the environment measures beside the reward.
    """

    update: int
    reward: float
    collect_s: float
    environment_s: float
    learn_s: float
    losses: dict[str, float]
    measures: dict[str, float]


class Learner(Protocol):
    """An algorithm in an environment.

    Attributes
    ----------
    done : int
        Updates that were made.
    stops_anywhere : bool
        Whether its `state` is whole after every update; else where episodes begin.
    """

    done: int
    stops_anywhere: bool

    def update(self) -> Report:
        """Collect a rollout and learn from it.

        Raises
        ------
        DivergedError
            If a reward, loss or gradient is no finite number.
        """
        ...

    def state(self) -> dict[str, Tensor]:
        """All that the next update depends on, but for the environment, as copies.

        What lies under ``network.`` is the network that learns; `best_network` is the one to use.
        """
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`, in an environment that is then put where it was."""
        ...


def check_finite(update: int, losses: Mapping[str, float]) -> None:
    """Raise `DivergedError` if a loss is no finite number."""
    for name, value in losses.items():
        if not math.isfinite(value):
            raise DivergedError(f"update {update}: {name} is {value}")


def below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The part of a state under a prefix, as copies."""
    named = state.items()
    return {name.removeprefix(prefix): value.clone() for name, value in named if name.startswith(prefix)}


def best_network(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights to use: the best so far where such were kept, else those that learn."""
    return below(f"{KEPT}network.", state) or below("network.", state)


def network_state(prefix: str, network: nn.Module) -> dict[str, Tensor]:
    """Weights and statistics of a network, under a prefix."""
    return {f"{prefix}{name}": value for name, value in network.state_dict().items()}


def optimiser_state(network: nn.Module, *optimisers: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What optimisers know of the weights of a network."""
    named = {}
    for name, weight in network.named_parameters():
        for optimiser in optimisers:
            for key, value in optimiser.state.get(weight, {}).items():
                named[f"optimiser.{name}.{key}"] = value
    return named


def restore_optimiser(
    state: Mapping[str, Tensor], network: nn.Module, *optimisers: torch.optim.Optimizer
) -> None:
    """Give optimisers back what they knew of the weights of a network."""
    for optimiser in optimisers:
        held = {weight for group in optimiser.param_groups for weight in group["params"]}
        for name, weight in network.named_parameters():
            if weight in held:
                optimiser.state[weight] = below(f"optimiser.{name}.", state)
