"""The loss of PPO and its gradient.

The objective, its slope and the gradient of the points' probabilities are compiled kernels. `losses_of` is
the loss as a function of the weights, whose gradient PyTorch derives. `ChainGradient` is the same gradient
for networks that are two chains of layers: kernel after kernel, since PyTorch's account of the operations
takes as long as the operations. Tests compare both with PyTorch in double precision.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lyaopt._kernels.learning import categorical
from lyaopt._kernels.learning import objective as kernel
from lyaopt.arrays import Floats
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.dense_layers import Layer, array_of, outputs_of, write_gradients
from lyaopt.learning.networks import ActorCritic
from lyaopt.learning.observer import Rows


class Choices(NamedTuple):
    """Training data of the actor.

    Attributes
    ----------
    features : Tensor (n, F)
    actions : Tensor (n, ·)
    log_probability, met, advantage : Tensor (n, C)
        Of each part of an action.
    """

    features: Tensor
    actions: Tensor
    log_probability: Tensor
    met: Tensor
    advantage: Tensor


class Returns(NamedTuple):
    """Training data of the critic: `features` (n, F) and scaled `returns` (n, D)."""

    features: Tensor
    returns: Tensor


class Terms(NamedTuple):
    """What the loss consists of.

    Attributes
    ----------
    rules : lyaopt._kernels.learning.objective.Rules
    of_value, of_actor : float
        Weights of the squared error, and of the objective with the entropy.
    """

    rules: kernel.Rules
    of_value: float
    of_actor: float


def terms_of(config: PPOConfig, bonus: float, trains_actor: bool = True) -> Terms:
    """Return the terms of a configuration.

    Parameters
    ----------
    config : PPOConfig
        Sets eps, the weight of the value loss, and joint or separate credit.
    bonus : float
        Weight of the entropy.
    trains_actor : bool
        Whether the loss includes the actor's objective.

    Returns
    -------
    Terms
    """
    joint = config.credit == "joint"
    rules = kernel.Rules(joint, config.normalise_advantages, config.clip_range, bonus)
    return Terms(rules, config.value_weight, float(trains_actor))


class _Slopes(NamedTuple):
    """The loss of a minibatch, its parts as in the kernel, and its slopes.

    `by_actor` (2, n, C) is by log-probabilities, then by entropies; `by_value` (n, D) is by values.
    """

    loss: float
    parts: Floats
    by_actor: Floats
    by_value: Rows


def _slopes(terms: Terms, choices: Choices, judged: Any, returns: Tensor, value: Rows) -> _Slopes:
    """Compute slopes from `judged`, which are log-probabilities and entropies (n, C), and values (n, D)."""
    parts: Floats = np.empty(kernel.CLIPPED + 1)
    by_actor: Floats = np.empty((2, *choices.met.shape))
    columns = (*judged, array_of(choices.log_probability))
    now, entropy, before = (np.ascontiguousarray(column, np.float64) for column in columns)
    advantage = np.ascontiguousarray(array_of(choices.advantage), np.float64)
    rows = kernel.Judged(now, entropy, before, array_of(choices.met), advantage)
    kernel.clipped_objective.trusting(terms.rules, rows, parts, by_actor)
    difference = value - array_of(returns)
    flat = difference.reshape(-1)
    parts[kernel.VALUE_LOSS] = np.dot(flat, flat) / flat.size
    gain = parts[kernel.OBJECTIVE] + terms.rules.bonus * parts[kernel.ENTROPY]
    loss = float(terms.of_value * parts[kernel.VALUE_LOSS] - terms.of_actor * gain)
    by_actor *= terms.of_actor
    difference *= 2.0 * terms.of_value / flat.size
    return _Slopes(loss, parts, by_actor, difference)


class _Loss(torch.autograd.Function):
    """The loss by log-probabilities, entropies and values; and its parts, without a gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        terms: Terms,
        choices: Choices,
        returns: Tensor,
        log_probability: Tensor,
        entropy: Tensor,
        value: Tensor,
    ) -> tuple[Tensor, Tensor]:
        judged = array_of(log_probability), array_of(entropy)
        found = _slopes(terms, choices, judged, returns, array_of(value))
        ctx.slopes = torch.from_numpy(found.by_actor).to(entropy.dtype), torch.from_numpy(found.by_value)
        both = torch.tensor(found.loss, dtype=value.dtype), torch.from_numpy(found.parts)
        ctx.mark_non_differentiable(both[1])
        return both

    @staticmethod
    def backward(ctx: Any, upstream: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        by_actor, by_value = ctx.slopes
        return None, None, None, *(upstream * by_actor), upstream * by_value


def _counted(choices: Choices, terms: Terms) -> Choices:
    """With joint credit all parts of an action count."""
    return choices._replace(met=torch.ones_like(choices.met)) if terms.rules.joint else choices


def losses_of(
    network: ActorCritic, choices: Choices, returns: Returns, terms: Terms
) -> tuple[Tensor, list[float]]:
    """Compute the loss of a minibatch.

    With g = pi(a|s) / pi_old(a|s), the objective is the mean of min(g A, clip(g, 1 - eps, 1 + eps) A), (37).
    With joint credit, g is the ratio of the whole action; otherwise each part that had an effect has its own.

    Parameters
    ----------
    network : ActorCritic
        Evaluated on the observations of `choices`.
    choices : Choices
        Observations, actions and their log-probabilities when they were drawn.
    returns : Returns
        Targets of the values.
    terms : Terms
        Settings and weights.

    Returns
    -------
    loss : Tensor ()
    parts : list of float
        In the order of `lyaopt._kernels.learning.objective`.
    """
    choices = _counted(choices, terms)
    judged = network.actions(choices.features).log_prob_and_entropy(choices.actions, choices.met)
    value = network.scaled_value(returns.features)
    loss, parts = _Loss.apply(terms, choices, returns.returns, *judged, value)
    return loss, parts.tolist()


class ChainGradient:
    """The gradient of the loss for a network of `chains`, kernel after kernel.

    Parameters
    ----------
    network : ActorCritic
        Its weights and their gradients stay where they are from now on.
    """

    def __init__(self, network: ActorCritic) -> None:
        assert network.chains is not None
        self._network = network
        self._actor, self._critic = ([_layer_of(*pair) for pair in chain] for chain in network.chains)

    def write(self, choices: Choices, returns: Returns, terms: Terms) -> list[float]:
        """Write the gradients of all weights; return the parts of the loss as `losses_of` does."""
        choices = _counted(choices, terms)
        mask = array_of(self._network.mask)
        *hidden, last = self._actor
        actor = [*hidden, last._replace(bias=last.bias + mask.reshape(-1))]
        seen = outputs_of(actor, array_of(choices.features))
        valued = outputs_of(self._critic, array_of(returns.features))
        logits, actions, met = (
            seen[-1].reshape(-1, *mask.shape),
            array_of(choices.actions),
            choices.met.numpy(),
        )
        logs, by_logits = np.empty_like(logits), np.empty_like(logits)
        judged: Rows = np.empty((2, *actions.shape), np.float32)
        categorical.judge_cuts.trusting(logits, actions, met, logs, *judged)
        found = _slopes(terms, choices, judged, returns.returns, valued[-1])
        by_actor = found.by_actor.astype(np.float32)
        categorical.judge_cuts_gradient.trusting(actions, met, logs, judged[1], by_actor, by_logits)
        write_gradients(actor, seen, by_logits.reshape(seen[-1].shape))
        write_gradients(self._critic, valued, found.by_value)
        return list(found.parts.tolist())


def _layer_of(linear: nn.Linear, activation: int) -> Layer:
    """A layer whose arrays are those of a module, with its gradients."""
    weight, bias = linear.weight, linear.bias
    assert weight.grad is not None, "those of the optimiser"
    assert bias.grad is not None
    of_weights = array_of(weight), array_of(bias)
    return Layer(*of_weights, activation, array_of(weight.grad), array_of(bias.grad))
