"""Proximal policy optimisation (Schulman et al. 2017), top to bottom.

An update collects a rollout of T decisions in B environments, works out advantages and returns, and takes a
few passes over the T B decisions in random minibatches. The paper's variant and the tuned one differ in their
`PPOConfig` only.

Equal seeds, configurations and environments give equal results bit for bit on one machine with one number of
threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

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
from lyaopt.learning.architectures import make_network
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.credited import CreditedSystems
from lyaopt.learning.edge_price import EdgeCharges
from lyaopt.learning.environment import Environment, Measures, credit_of, shape_of
from lyaopt.learning.networks import ActorCritic
from lyaopt.learning.rollout import Ends, Rollout

PARTS = ("objective", "value_loss", "entropy", "divergence", "clipped", "gradient")


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

    stops_anywhere = True
    make_network = staticmethod(make_network)

    def __init__(self, environment: Environment, config: PPOConfig, seed: int) -> None:
        self.environment, self.config = environment, config
        self.generator = torch.Generator().manual_seed(seed)
        shape = shape_of(environment)
        self._credit = credit_of(environment, config.credit == "device")
        self._part_of_choice = torch.from_numpy(self._credit.part_of_choice)
        parts = self._credit.parts.shape[1]
        self._charges = _charges_of(environment, config)
        self.network: ActorCritic = self.make_network(
            shape, parts, config, self.generator, getattr(environment, "system", None)
        )
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, eps=1e-5, fused=True
        )
        self.done = 0
        actions = self.network.empty_actions(config.rollout, len(environment.reward))
        self._rollout = Rollout(actions, shape.features, len(self._part_of_choice), parts)

    def update(self) -> Report:
        """Collect a rollout and learn from it."""
        start = time.perf_counter()
        if hasattr(self.environment, "system"):
            self.network.bind(self.environment.system)
        ended, environment_s, reward, measures = self._collect()
        middle = time.perf_counter()
        features = self._judge(ended)
        explained = self._rollout.explained()
        losses = {**self._learn(features), "explained": explained}
        self.done += 1
        check_finite(self.done, losses)
        return Report(
            update=self.done,
            reward=reward,
            collect_s=middle - start,
            environment_s=environment_s,
            learn_s=time.perf_counter() - middle,
            losses=losses,
            measures=measures,
        )

    @torch.inference_mode()
    def _collect(self) -> tuple[list[Ends], float, float, dict[str, float]]:
        """Fill the rollout, but for what the critic thinks of it."""
        environment, rollout, network = self.environment, self._rollout, self.network
        observation = torch.from_numpy(environment.observation)
        reward, met = torch.from_numpy(self._credit.parts), torch.from_numpy(self._credit.met)
        ended, seconds, whole, measures = [], 0.0, 0.0, Measures(environment)
        rollout.ended.zero_()
        for t in range(self.config.rollout):
            rollout.observation[t] = observation
            distribution = network.actions(network.normalised(observation))
            actions = rollout.actions[t]
            actions.copy_(distribution.sample(self.generator))
            rollout.log_probability[t] = distribution.of(actions)
            orders = network.orders(actions)
            start = time.perf_counter()
            over = environment.step(*orders)
            seconds += time.perf_counter() - start
            rollout.reward[t] = reward
            rollout.met[t] = met
            if self._charges is not None:
                self._charges.note(t, over)
            whole += float(environment.reward.mean())
            measures.add()
            if over:
                ended.append(Ends.of(environment, t))
                rollout.ended[t] = ended[-1].terminated | ended[-1].truncated
        finite = rollout.reward.isfinite().all(-1).all(-1)
        if not finite.all():
            t = int((~finite).nonzero()[0])
            raise DivergedError(f"update {self.done + 1}: a reward of decision {t} is not finite")
        return ended, seconds, whole / self.config.rollout, measures.means()

    @torch.no_grad()
    def _judge(self, ended: list[Ends]) -> Tensor:
        """Work out values, advantages and returns of the rollout; its normalised features (T B, F)."""
        rollout, network, config = self._rollout, self.network, self.config
        # As they were collected, before anything that they come from is brought up to date: else the ratio
        # of probabilities would begin elsewhere than at 1.
        features = network.normalised(rollout.observation.flatten(0, 1))
        rollout.value.copy_(network.value(features).view_as(rollout.value))
        rollout.following[:-1] = rollout.value[1:]
        rollout.following[-1] = self._value_of(torch.from_numpy(self.environment.observation))
        for end in ended:
            # A time limit says nothing of what the state is worth; an end says that it is worth nothing more.
            values = self._value_of(end.observation)
            rollout.following[end.decision, end.truncated] = values[end.truncated]
            rollout.following[end.decision, end.terminated] = 0.0
        if self._charges is not None:
            self._charges.charge(network.edge_price, rollout.reward)
        rollout.judge(config.discount, config.advantage_decay, config.critic_decay)
        return features

    def _value_of(self, observation: Tensor) -> Tensor:
        return self.network.value(self.network.normalised(observation))

    def _learn(self, features: Tensor) -> dict[str, float]:
        """Passes over the rollout in random minibatches; means of the losses."""
        network, config = self.network, self.config
        left = max(0.0, 1.0 - self.done / config.updates)
        if config.anneal:
            for group in self.optimiser.param_groups:
                group["lr"] = config.learning_rate * left
        bonus = config.entropy_bonus_end + left * (config.entropy_bonus - config.entropy_bonus_end)
        columns = self._columns(features)
        losses = []
        for _ in range(config.epochs):
            losses += [self._step(*both, bonus) for both in self._minibatches(*columns)]
        if config.normalise_observations and self._acts:
            network.add_observations(self._rollout.observation.flatten(0, 1))
        return dict(zip(PARTS, torch.stack(losses).mean(0).tolist(), strict=True))

    @property
    def _acts(self) -> bool:
        """Whether the actor learns by now; until then what it sees and does stays as it was."""
        return self.done >= self.config.critic_first

    def _columns(self, features: Tensor) -> tuple[Choices, Returns]:
        """The rollout as the actor and as the critic learn from it."""
        rollout, network = self._rollout, self.network
        returns = rollout.returns.flatten(0, 1)
        if self.config.normalise_returns:
            network.add_returns(returns)
            returns = network.scaled(returns)
        advantage = rollout.advantage.flatten(0, 1)[:, self._part_of_choice]
        actions, log_probability = rollout.actions.flatten(0, 1), rollout.log_probability.flatten(0, 1)
        choices = Choices(features, actions, log_probability, rollout.met.flatten(0, 1), advantage)
        if self.config.credit == "device":
            # Most rows are of periods in which no task was born: they hold nothing for the actor.
            rows = choices.met.any(-1).nonzero().squeeze(-1)
            choices = Choices(*(column[rows] for column in choices))
        return choices, Returns(features, returns)

    def _minibatches(self, choices: Choices, returns: Returns) -> Iterator[tuple[Choices, Returns]]:
        count = -(-len(returns.returns) // self.config.minibatch)
        shuffled = [self._shuffled(columns, count) for columns in (choices, returns)]
        for acts, worths in zip(*shuffled, strict=True):
            yield Choices(*acts), Returns(*worths)

    def _shuffled(self, columns: tuple[Tensor, ...], count: int) -> Iterator[tuple[Tensor, ...]]:
        order = torch.randperm(len(columns[0]), generator=self.generator)
        return zip(*(column.index_select(0, order).tensor_split(count) for column in columns), strict=True)

    def _step(self, choices: Choices, returns: Returns, bonus: float) -> Tensor:
        """One step of the optimiser; the losses in the order of `PARTS`."""
        config = self.config
        loss, parts = losses_of(self.network, choices, returns, config, bonus, self._acts)
        self.optimiser.zero_grad()
        loss.backward()
        limit = config.largest_gradient or math.inf
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), limit)
        self.optimiser.step()
        return torch.stack([*parts, norm])

    def state(self) -> dict[str, Tensor]:
        """All that the next update depends on, but for the environment, as copies."""
        named = network_state("network.", self.network) | optimiser_state(self.network, self.optimiser)
        named |= {"generator": self.generator.get_state(), "updates": torch.tensor(self.done)}
        if self._charges is not None:
            named["begun"] = torch.from_numpy(self._charges.begun)
        return {name: value.clone() for name, value in named.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`."""
        self.network.load_state_dict(below("network.", state))
        restore_optimiser(state, self.network, self.optimiser)
        self.generator.set_state(state["generator"])
        if self._charges is not None:
            self._charges.begun = state["begun"].numpy().copy()
        self.done = int(state["updates"])


def _charges_of(environment: Environment, config: PPOConfig) -> EdgeCharges | None:
    """What devices pay for edge work; nothing where it is not told apart or has no price."""
    if config.credit != "device" or not isinstance(environment, CreditedSystems):
        return None
    if not environment.prices_edge:
        return None
    return EdgeCharges(environment, config.rollout, config.edge_discount)


class Choices(NamedTuple):
    """What the actor learns from: features (n, F), actions (n, ·), and of each part of these (n, C)."""

    features: Tensor
    actions: Tensor
    log_probability: Tensor
    met: Tensor
    advantage: Tensor


class Returns(NamedTuple):
    """What the critic learns from: features (n, F) and returns (n, D), scaled."""

    features: Tensor
    returns: Tensor


def losses_of(
    network: ActorCritic,
    choices: Choices,
    returns: Returns,
    config: PPOConfig,
    bonus: float,
    acts: bool = True,
) -> tuple[Tensor, list[Tensor]]:
    """What to minimise, and its parts in the order of `PARTS` but for the gradient.

    With g = pi(a|s) / pi_old(a|s), the objective is the mean of min(g A, clip(g, 1 - eps, 1 + eps) A), (37).
    With joint credit, g is that of the whole action; else each part of it that had an effect has one. The
    actor is left as it is unless it `acts`.
    """
    distribution = network.actions(choices.features)
    now, entropies = distribution.of_with_entropy(choices.actions)
    log_ratio, advantage = now - choices.log_probability, choices.advantage
    if config.credit == "joint":
        log_ratio, advantage = log_ratio.sum(-1), advantage[:, 0]
        entropy = entropies.mean()
    else:
        log_ratio, advantage = log_ratio[choices.met], advantage[choices.met]
        entropy = entropies[choices.met].sum() / max(1, len(log_ratio))
    count = max(1, len(log_ratio))
    if config.normalise_advantages:
        advantage = advantage - advantage.sum() / count
        advantage = advantage / (advantage.square().sum() / count + 1e-16).sqrt()
    ratio = log_ratio.exp()
    within = ratio.clamp(1.0 - config.clip_range, 1.0 + config.clip_range)
    objective = torch.minimum(ratio * advantage, within * advantage).sum() / count
    value_loss = (network.scaled_value(returns.features) - returns.returns).square().mean()
    loss = config.value_weight * value_loss - float(acts) * (objective + bonus * entropy)
    with torch.no_grad():
        divergence = (ratio - 1.0 - log_ratio).sum() / count
        clipped = ((ratio - 1.0).abs() > config.clip_range).sum() / count
    return loss, [objective.detach(), value_loss.detach(), entropy.detach(), divergence, clipped]
