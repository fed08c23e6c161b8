"""The interface between a training and its algorithm, and functions that all algorithms share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from lyaopt.errors import DivergedError

BEST = "best."
"""Prefix of the best checkpoint within the state of an algorithm."""


@dataclass(frozen=True)
class Report:
    """Results of one update.

    Attributes
    ----------
    update : int
        From 1.
    reward : float
        Mean reward of a decision over the rollout, summed over its parts.
    collect_s, environment_s, learn_s : float
        Seconds of the rollout, the share of the environment in them, and the rest of the update.
    losses : dict
        Means over minibatches of the losses and diagnostics, by the algorithm's names; empty if it only
        collected.
    measures : dict
        Means over the rollout of the environment's other measures.
    """

    update: int
    reward: float
    collect_s: float
    environment_s: float
    learn_s: float
    losses: dict[str, float]
    measures: dict[str, float]


class Learner(Protocol):
    """An algorithm that trains in an environment.

    Attributes
    ----------
    done : int
        Updates done.
    stops_anywhere : bool
        Whether `state` is complete after every update; otherwise only at the start of an episode.
    """

    done: int
    stops_anywhere: bool

    def update(self) -> Report:
        """Collect a rollout and learn from it.

        Raises
        ------
        DivergedError
            If a reward, loss or gradient is not finite.
        """
        ...

    def state(self) -> dict[str, Tensor]:
        """Return copies of all that the next update depends on, except the environment.

        The network in training has the prefix ``network.``; `best_network` returns the one to use.
        """
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a `state`; the environment is restored afterwards."""
        ...


def check_finite(update: int, losses: Mapping[str, float]) -> None:
    """Check losses.

    Parameters
    ----------
    update : int
        Number of the update, for the message.
    losses : mapping of str to float
        By name, as in the progress log.

    Raises
    ------
    DivergedError
        If one of them is not finite.
    """
    for name, value in losses.items():
        if not math.isfinite(value):
            raise DivergedError(f"update {update}: {name} is {value}")


def below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy the part of a state that has a prefix.

    Parameters
    ----------
    prefix : str
        Removed from the names.
    state : mapping of str to Tensor
        By full name.

    Returns
    -------
    dict of str to Tensor
    """
    named = state.items()
    return {name.removeprefix(prefix): value.clone() for name, value in named if name.startswith(prefix)}


def best_network(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy the weights to use from a `state`: the best checkpoint, or the network in training without one."""
    return below(f"{BEST}network.", state) or below("network.", state)


def network_state(prefix: str, network: nn.Module) -> dict[str, Tensor]:
    """Name the weights and statistics of a `network`, with a `prefix`."""
    return {f"{prefix}{name}": value for name, value in network.state_dict().items()}


def optimiser_state(network: nn.Module, *optimisers: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Name the moments that `optimisers` hold for the weights of a `network`."""
    named = {}
    for name, weight in network.named_parameters():
        for optimiser in optimisers:
            for key, value in optimiser.state.get(weight, {}).items():
                named[f"optimiser.{name}.{key}"] = value
    return named


def restore_optimiser(
    state: Mapping[str, Tensor], network: nn.Module, *optimisers: torch.optim.Optimizer
) -> None:
    """Restore the moments of `optimisers` for the weights of a `network` from a `state`."""
    for optimiser in optimisers:
        held = {weight for group in optimiser.param_groups for weight in group["params"]}
        for name, weight in network.named_parameters():
            if weight in held:
                optimiser.state[weight] = below(f"optimiser.{name}.", state)
