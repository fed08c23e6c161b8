"""Deep deterministic policy gradient (Lillicrap et al. 2016), top to bottom.

Actions of B environments are drawn together, with exploration noise, and stored in a replay buffer. After
each step of the environments, a minibatch trains the critic Q(s, a), the critic trains the actor mu(s), and
the target networks follow both by Polyak averaging.

Actions are numbers from -1 to 1; `ContinuousCuts` converts them to cuts.

Equal seeds, configurations and environments give bit-identical results on one machine with a fixed number of
threads.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from lyaopt.errors import DivergedError
from lyaopt.learning.algorithm_protocol import (
    Report,
    below,
    check_finite,
    network_state,
    optimiser_state,
    restore_optimiser,
)
from lyaopt.learning.continuous import ContinuousEnvironment
from lyaopt.learning.ddpg_config import DDPGConfig
from lyaopt.learning.ddpg_networks import DeterministicActorCritic
from lyaopt.learning.environment import Measures, ends
from lyaopt.learning.replay import Replay, Transitions

LOSSES = ("objective", "value_loss", "gradient", "value_gradient")


class DDPG:
    """A network, its target network, their optimisers, and a replay buffer.

    The losses of a report are the mean of Q(s, mu(s)), the critic's squared error, and the norms of the
    gradients of actor and critic.

    Parameters
    ----------
    environment : ContinuousEnvironment
    config : DDPGConfig
    seed : int

    Attributes
    ----------
    network, target : DeterministicActorCritic
    generator : torch.Generator
        Source of all random numbers except the environment's.
    done : int
        Updates done.
    """

    stops_anywhere = False

    def __init__(self, environment: ContinuousEnvironment, config: DDPGConfig, seed: int) -> None:
        self.environment, self.config = environment, config
        self.generator = torch.Generator().manual_seed(seed)
        replications, features = environment.observation.shape
        self.network = DeterministicActorCritic(features, environment.actions, config, self.generator)
        self.target = copy.deepcopy(self.network).requires_grad_(False)
        # Lists, as collecting the parameters from the modules takes a fifth of a step.
        self._actor = list(self.network.actor.parameters())
        self._critic = list(self.network.critic.parameters())
        self._pairs = list(self.target.parameters()), list(self.network.parameters())
        self._actor_optimiser = torch.optim.Adam(self._actor, config.actor_learning_rate, fused=True)
        self._critic_optimiser = torch.optim.Adam(self._critic, config.critic_learning_rate, fused=True)
        self.done = 0
        # Whole episodes, so that the oldest decision in the buffer starts one: see `restore`.
        episodes = -(-config.replay // (replications * config.decisions_per_episode))
        rows = episodes * config.decisions_per_episode
        self._replay = Replay(rows, replications, features, environment.actions)

    def update(self) -> Report:
        """Take a rollout of decisions, and learn after each of them.

        Returns
        -------
        Report

        Raises
        ------
        NotFinite
            If a reward, loss or gradient is not finite.
        """
        start = time.perf_counter()
        measures, reward, environment_s, learn_s = Measures(self.environment), 0.0, 0.0, 0.0
        losses: list[Tensor] = []
        for t in range(self.config.rollout):
            environment_s += self._take(self._explore(), t)
            measures.add()
            reward += float(self.environment.reward.mean())
            middle = time.perf_counter()
            losses += self._learn()
            learn_s += time.perf_counter() - middle
        if self.config.normalise_observations:
            rows = self._replay.newest("observation", self.config.rollout)
            self.network.observations.add(rows.flatten(0, 1))
        self.done += 1
        means = torch.stack(losses).mean(0).tolist() if losses else []
        named = dict(zip(LOSSES, means, strict=bool(losses)))
        check_finite(self.done, named)
        return Report(
            update=self.done,
            reward=reward / self.config.rollout,
            collect_s=time.perf_counter() - start - learn_s,
            environment_s=environment_s,
            learn_s=learn_s,
            losses=named,
            measures=measures.means(),
        )

    @property
    def _learns(self) -> bool:
        """Whether the warm-up is over."""
        return self._replay.added * len(self.environment.reward) >= self.config.warmup

    @torch.inference_mode()
    def _explore(self) -> Tensor:
        """Actions (B, A): uniform in the warm-up, then the actor's with noise."""
        size = (len(self.environment.reward), self.environment.actions)
        if not self._learns:
            return 2.0 * torch.rand(size, generator=self.generator) - 1.0
        observation = torch.from_numpy(self.environment.observation)
        actions = self.network.action(self.network.normalised(observation))
        noise = self.config.exploration_noise * torch.randn(size, generator=self.generator)
        return (actions + noise).clamp_(-1.0, 1.0)

    def _take(self, actions: Tensor, decision: int) -> float:
        """Take a step and store it; return the seconds in the environment."""
        environment = self.environment
        before = torch.tensor(environment.observation)
        start = time.perf_counter()
        over = environment.step(actions.numpy())
        seconds = time.perf_counter() - start
        reward = torch.from_numpy(environment.reward)
        if not reward.isfinite().all():
            raise DivergedError(f"update {self.done + 1}: a reward of decision {decision} is not finite")
        following, terminated = _following(environment, over)
        self._replay.add(Transitions(before, actions, reward, following, terminated))
        return seconds

    def _learn(self) -> list[Tensor]:
        """Optimiser steps after a decision; return the losses of each in the order of `LOSSES`."""
        return [self._step() for _ in range(self.config.gradient_steps)] if self._learns else []

    def _step(self) -> Tensor:
        network, config = self.network, self.config
        batch = self._replay.sample(config.minibatch, self.generator)
        features = network.normalised(batch.observation)
        targets = target_values(self.target, batch, network.normalised(batch.following), config.discount)
        error = (network.value(features, batch.action) - targets).square().mean()
        value_gradient = _descend(error, self._critic, self._critic_optimiser)
        objective = network.value(features, network.action(features)).mean()
        gradient = _descend(-objective, self._actor, self._actor_optimiser)
        follow(*self._pairs, config.target_share)
        return torch.stack([objective.detach(), error.detach(), gradient, value_gradient])

    def state(self) -> dict[str, Tensor]:
        """Return copies of all that the next update depends on, except the environment.

        Complete at the start of an episode. Of the replay buffer it holds only the actions (rows, B, A), as
        the environment reproduces the rest.
        """
        named = network_state("network.", self.network) | network_state("target.", self.target)
        named |= optimiser_state(self.network, self._actor_optimiser, self._critic_optimiser)
        named |= {"generator": self.generator.get_state(), "updates": torch.tensor(self.done)}
        named["actions"] = self._replay.newest("action", self._replay.rows)
        return {name: value.clone() for name, value in named.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from `state`: the environment repeats the steps of the replay buffer."""
        self.network.load_state_dict(below("network.", state))
        self.target.load_state_dict(below("target.", state))
        restore_optimiser(state, self.network, self._actor_optimiser, self._critic_optimiser)
        self.done = int(state["updates"])
        actions = state["actions"]
        self._replay.added = self.done * self.config.rollout - len(actions)
        self.environment.begin(self._replay.added // self.config.decisions_per_episode)
        for decision, row in enumerate(actions):
            self._take(row, decision)
        self.generator.set_state(state["generator"])


def _following(environment: ContinuousEnvironment, over: bool) -> tuple[Tensor, Tensor]:
    """Next observations of the same episodes (B, F), and which episodes terminated (B,)."""
    observation = torch.from_numpy(environment.observation)
    if not over:
        return observation, torch.zeros(len(observation), dtype=torch.bool)
    terminated, truncated = (torch.tensor(flags) for flags in ends(environment))
    last = torch.from_numpy(environment.final_observation)
    return torch.where((terminated | truncated).unsqueeze(-1), last, observation), terminated


@torch.no_grad()
def target_values(
    target: DeterministicActorCritic, batch: Transitions, following: Tensor, discount: float
) -> Tensor:
    """Compute the critic's targets y = r + gamma Q'(s', mu'(s')), and y = r after termination.

    Truncation does not end the return: the next state keeps its value.

    Parameters
    ----------
    target : DeterministicActorCritic
        Q' and mu', the slowly updated copy of the network.
    batch : Transitions
        n transitions; rewards and terminations are used.
    following : Tensor (n, F)
        Normalised next observations.
    discount : float
        gamma.

    Returns
    -------
    Tensor (n,)
    """
    later = target.value(following, target.action(following))
    return batch.reward + discount * later.masked_fill(batch.terminated, 0.0)


def _descend(loss: Tensor, weights: list[nn.Parameter], optimiser: torch.optim.Optimizer) -> Tensor:
    """A gradient step of some weights; return the norm of the gradient."""
    gradients = torch.autograd.grad(loss, weights)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient
    optimiser.step()
    return nn.utils.get_total_norm(gradients)


@torch.no_grad()
def follow(slow: Iterable[Tensor], fast: Iterable[Tensor], share: float) -> None:
    """Move all weights theta' towards theta: theta' <- theta' + tau (theta - theta') (Polyak averaging).

    Parameters
    ----------
    slow, fast : iterable of Tensor
        theta', changed in place, and theta.
    share : float
        tau.
    """
    torch._foreach_lerp_(tuple(slow), tuple(fast), share)
