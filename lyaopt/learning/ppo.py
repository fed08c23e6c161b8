"""Proximal policy optimisation (Schulman et al. 2017) of partition points, top to bottom.

An update collects a rollout of T decisions in B environments, works out advantages and returns, and takes a few
passes over the T B decisions in random minibatches. The paper's variant and the tuned one differ in their
`PPOConfig` only.

Equal seeds, configurations and environments give equal results bit for bit on one machine with one number of
threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lyaopt._kernels.gae import advantages
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.environment import Environment, Measures, ends, shape_of
from lyaopt.learning.networks import ActorCritic, make_network


class NotFinite(ArithmeticError):
    """A reward, loss or gradient that is no finite number; names the update where it came up."""


@dataclass(frozen=True)
class Report:
    """What an update saw and did; means over the rollout or over the minibatches.

    Attributes
    ----------
    update : int
        From 1.
    reward, value_loss, objective, entropy, divergence, clipped, explained : float
        Mean reward; losses; entropy of the policy; estimate of the divergence from the policy that collected
        the rollout; share of clipped decisions; share of the variance of returns that the critic explains.
    collect_s, environment_s, learn_s : float
        Seconds for the rollout, of them in the environment, and for the update of the weights.
    measures : dict
        Means over the rollout of what the environment measures beside the reward.
    """

    update: int
    reward: float
    value_loss: float
    objective: float
    entropy: float
    divergence: float
    clipped: float
    explained: float
    collect_s: float
    environment_s: float
    learn_s: float
    measures: dict[str, float]


class Rollout:
    """T decisions in B environments; tensors (T, B, ...) that share memory with arrays of NumPy."""

    def __init__(self, decisions: int, environments: int, features: int, services: int) -> None:
        size = (decisions, environments)
        self.observation = torch.empty(*size, features)
        self.points = torch.empty(*size, services, dtype=torch.int64)
        self.log_probability = torch.empty(size)
        self.reward = torch.empty(size)
        self.value = torch.empty(size)
        self.following = torch.empty(size)
        self.ended = torch.empty(size, dtype=torch.bool)
        self.advantage = torch.empty(size)
        self.returns = torch.empty(size)


class PPO:
    """A network, its optimiser, and a rollout in an environment.

    Attributes
    ----------
    network : ActorCritic
    optimiser : torch.optim.Adam
    generator : torch.Generator
        All chance but the environment's.
    done : int
        Updates that were made.
    """

    def __init__(self, environment: Environment, config: PPOConfig, seed: int) -> None:
        self.environment, self.config = environment, config
        self.generator = torch.Generator().manual_seed(seed)
        shape = shape_of(environment)
        self.network: ActorCritic = make_network(shape, config, self.generator)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, eps=1e-5, fused=True
        )
        self.done = 0
        systems = len(environment.reward)
        self._rollout = Rollout(config.rollout, systems, shape.features, len(shape.choices))
        self._environment_s = 0.0

    def update(self) -> Report:
        """Collect a rollout and learn from it."""
        start = time.perf_counter()
        self._environment_s = 0.0
        measures, last = self._collect()
        middle = time.perf_counter()
        self._judge(last)
        explained = self._explained()
        losses = self._learn()
        self.done += 1
        self._check_finite(losses)
        objective, value_loss, entropy, divergence, clipped, _ = losses.tolist()
        return Report(
            update=self.done,
            reward=float(self._rollout.reward.mean()),
            value_loss=value_loss,
            objective=objective,
            entropy=entropy,
            divergence=divergence,
            clipped=clipped,
            explained=explained,
            collect_s=middle - start,
            environment_s=self._environment_s,
            learn_s=time.perf_counter() - middle,
            measures=measures,
        )

    def state(self) -> dict[str, Tensor]:
        """All that the next update depends on, but for the environment, as copies."""
        named = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        for name, weight in self.network.named_parameters():
            for key, value in self.optimiser.state[weight].items():
                named[f"optimiser.{name}.{key}"] = value
        named |= {"generator": self.generator.get_state(), "updates": torch.tensor(self.done)}
        return {name: value.clone() for name, value in named.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`."""
        self.network.load_state_dict(below("network.", state))
        for name, weight in self.network.named_parameters():
            self.optimiser.state[weight] = below(f"optimiser.{name}.", state)
        self.generator.set_state(state["generator"])
        self.done = int(state["updates"])

    @torch.no_grad()
    def _collect(self) -> tuple[dict[str, float], list[_End]]:
        """Fill the rollout, but for what the critic thinks of it."""
        environment, rollout, network = self.environment, self._rollout, self.network
        observation, reward = torch.from_numpy(environment.observation), torch.from_numpy(environment.reward)
        found: list[_End] = []
        measured = Measures(environment)
        rollout.ended.zero_()
        for t in range(self.config.rollout):
            rollout.observation[t] = observation
            distribution = network.points(network.normalised(observation))
            points = rollout.points[t]
            points.copy_(distribution.sample(self.generator))
            rollout.log_probability[t] = distribution.of(points)
            start = time.perf_counter()
            ended = environment.step(points.numpy())
            self._environment_s += time.perf_counter() - start
            rollout.reward[t] = reward
            measured.add()
            if ended:
                found.append(_End.of(environment, t))
                rollout.ended[t] = found[-1].terminated | found[-1].truncated
        if not rollout.reward.isfinite().all():
            t = int((~rollout.reward.isfinite()).any(1).nonzero()[0])
            raise NotFinite(f"update {self.done + 1}: a reward of decision {t} is not finite")
        return measured.means(), found

    @torch.no_grad()
    def _judge(self, found: list[_End]) -> None:
        """Work out values, advantages and returns of the rollout."""
        rollout, network, config = self._rollout, self.network, self.config
        self._features = network.normalised(rollout.observation.flatten(0, 1))
        rollout.value.copy_(network.value(self._features).view_as(rollout.value))
        rollout.following[:-1] = rollout.value[1:]
        rollout.following[-1] = self._value_of(torch.from_numpy(self.environment.observation))
        for end in found:
            # A time limit says nothing of what the state is worth; an end says that it is worth nothing more.
            values = self._value_of(end.observation)
            rollout.following[end.decision, end.truncated] = values[end.truncated]
            rollout.following[end.decision, end.terminated] = 0.0
        arrays = [x.numpy() for x in (rollout.reward, rollout.value, rollout.following, rollout.ended)]
        advantages(*arrays, config.discount, config.advantage_decay, rollout.advantage.numpy())
        advantages(*arrays, config.discount, config.critic_decay, rollout.returns.numpy())
        rollout.returns += rollout.value

    def _value_of(self, observation: Tensor) -> Tensor:
        return self.network.value(self.network.normalised(observation))

    def _explained(self) -> float:
        rollout = self._rollout
        left = (rollout.returns - rollout.value).var()
        return float(1.0 - left / rollout.returns.var().clamp(min=1e-12))

    def _learn(self) -> Tensor:
        """Passes over the rollout in random minibatches; means of the losses."""
        rollout, network, config = self._rollout, self.network, self.config
        left = max(0.0, 1.0 - self.done / config.updates)
        if config.anneal:
            for group in self.optimiser.param_groups:
                group["lr"] = config.learning_rate * left
        bonus = config.entropy_bonus_end + left * (config.entropy_bonus - config.entropy_bonus_end)
        returns = rollout.returns.flatten()
        if config.normalise_returns:
            network.add_returns(returns)
            returns = network.scaled(returns)
        columns = (
            self._features,
            rollout.points.flatten(0, 1),
            rollout.log_probability.flatten(),
            rollout.advantage.flatten(),
            returns,
        )
        losses = []
        for _ in range(config.epochs):
            order = torch.randperm(len(returns), generator=self.generator)
            shuffled = [column.index_select(0, order).split(config.minibatch) for column in columns]
            losses += [self._step(Minibatch(*parts), bonus) for parts in zip(*shuffled, strict=True)]
        if config.normalise_observations:
            network.observations.add(rollout.observation.flatten(0, 1))
        return torch.stack(losses).mean(0)

    def _step(self, minibatch: Minibatch, bonus: float) -> Tensor:
        """One step of the optimiser; the parts of the loss and the norm of its gradient."""
        config = self.config
        loss, parts = losses_of(self.network, minibatch, config, bonus)
        self.optimiser.zero_grad()
        loss.backward()
        limit = config.largest_gradient or math.inf
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), limit)
        self.optimiser.step()
        return torch.stack([*parts, norm])

    def _check_finite(self, losses: Tensor) -> None:
        for name, value in zip((*PARTS, "gradient"), losses.tolist(), strict=True):
            if not math.isfinite(value):
                raise NotFinite(f"update {self.done}: {name} is {value}")


def below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The part of a state under a prefix, as copies."""
    named = state.items()
    return {name.removeprefix(prefix): value.clone() for name, value in named if name.startswith(prefix)}


PARTS = ("objective", "value loss", "entropy", "divergence", "clipped share")


class Minibatch(NamedTuple):
    """Decisions of a rollout, shuffled: features (n, F), points (n, S), and the rest (n,)."""

    features: Tensor
    points: Tensor
    log_probability: Tensor
    advantage: Tensor
    returns: Tensor


def losses_of(
    network: ActorCritic, minibatch: Minibatch, config: PPOConfig, bonus: float
) -> tuple[Tensor, list[Tensor]]:
    """What to minimise, and its parts in the order of `PARTS`.

    With g = pi(a|s) / pi_old(a|s), the objective is the mean of min(g A, clip(g, 1 - eps, 1 + eps) A), (37).
    """
    distribution, value = network.both(minibatch.features)
    log_ratio = distribution.of(minibatch.points) - minibatch.log_probability
    ratio = log_ratio.exp()
    advantage = minibatch.advantage
    if config.normalise_advantages:
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    within = ratio.clamp(1.0 - config.clip_range, 1.0 + config.clip_range)
    objective = torch.minimum(ratio * advantage, within * advantage).mean()
    value_loss = (value - minibatch.returns).square().mean()
    entropy = distribution.entropy().mean()
    loss = config.value_weight * value_loss - objective - bonus * entropy
    with torch.no_grad():
        divergence = (ratio - 1.0 - log_ratio).mean()
        clipped = ((ratio - 1.0).abs() > config.clip_range).float().mean()
    return loss, [objective.detach(), value_loss.detach(), entropy.detach(), divergence, clipped]


class _End(NamedTuple):
    """Episodes that ended with one decision: where, how, and the observations after it."""

    decision: int
    terminated: Tensor
    truncated: Tensor
    observation: Tensor

    @classmethod
    def of(cls, environment: Environment, decision: int) -> _End:
        terminated, truncated = ends(environment)
        arrays = (terminated, truncated & ~terminated, environment.final_observation)
        return cls(decision, *(torch.tensor(array) for array in arrays))
