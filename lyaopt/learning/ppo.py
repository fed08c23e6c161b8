"""Proximal policy optimisation (Schulman et al. 2017), top to bottom.

An update collects a rollout of T decisions in B environments, computes advantages and returns, and makes
several passes over the T B decisions in random minibatches. The paper's variant and the tuned one differ in
their `PPOConfig` only.

Equal seeds, configurations and environments give bit-identical results on one machine with a fixed number of
threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from lyaopt.errors import DivergedError
from lyaopt.learning.algorithm_protocol import (
    Report,
    below,
    check_finite,
    network_state,
)
from lyaopt.learning.architectures import make_network
from lyaopt.learning.config import PPOConfig
from lyaopt.learning.credited import CreditedSystems
from lyaopt.learning.edge_price import EdgeCharges
from lyaopt.learning.environment import Environment, Measures, credit_of, shape_of
from lyaopt.learning.flat_adam import FlatAdam
from lyaopt.learning.networks import ActorCritic
from lyaopt.learning.objective import ChainGradient, Choices, Returns, losses_of, terms_of
from lyaopt.learning.rollout import Ends, Rollout

LOSSES = ("objective", "value_loss", "entropy", "divergence", "clipped", "gradient")


class PPO:
    """A network, its optimiser, and a rollout in an environment.

    Parameters
    ----------
    environment : Environment
    config : PPOConfig
    seed : int

    Attributes
    ----------
    network : ActorCritic
    optimiser : FlatAdam
    generator : torch.Generator
        Source of all random numbers except the environment's.
    done : int
        Updates done.
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
        self.optimiser = FlatAdam(self.network, config.learning_rate)
        self.optimiser.zero_grad()
        self._chains = None if self.network.chains is None else ChainGradient(self.network)
        self.done = 0
        actions = self.network.empty_actions(config.rollout, len(environment.reward))
        self._rollout = Rollout(actions, shape.features, len(self._part_of_choice), parts)

    def update(self) -> Report:
        """Collect a rollout and learn from it.

        Returns
        -------
        Report

        Raises
        ------
        NotFinite
            If a reward, loss or gradient is not finite.
        """
        start = time.perf_counter()
        if hasattr(self.environment, "system"):
            self.network.bind(self.environment.system)
        ended, environment_s, reward, measures = self._collect()
        middle = time.perf_counter()
        features = self._estimate(ended)
        explained = self._rollout.explained_variance()
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
        """Fill the rollout, except for values, advantages and returns."""
        environment, rollout, network = self.environment, self._rollout, self.network
        observation = torch.from_numpy(environment.observation)
        reward, met = torch.from_numpy(self._credit.parts), torch.from_numpy(self._credit.met)
        ended, seconds, total_reward, measures = [], 0.0, 0.0, Measures(environment)
        rollout.ended.zero_()
        for t in range(self.config.rollout):
            rollout.observation[t] = observation
            distribution = network.actions(network.normalised(observation))
            actions, log_probability = distribution.draw(self.generator)
            rollout.actions[t], rollout.log_probability[t] = actions, log_probability
            arguments = network.step_arguments(rollout.actions[t])
            start = time.perf_counter()
            over = environment.step(*arguments)
            seconds += time.perf_counter() - start
            rollout.reward[t] = reward
            rollout.met[t] = met
            if self._charges is not None:
                self._charges.record(t, over)
            total_reward += float(environment.reward.mean())
            measures.add()
            if over:
                ended.append(Ends.of(environment, t))
                rollout.ended[t] = ended[-1].terminated | ended[-1].truncated
        finite = rollout.reward.isfinite().all(-1).all(-1)
        if not finite.all():
            t = int((~finite).nonzero()[0])
            raise DivergedError(f"update {self.done + 1}: a reward of decision {t} is not finite")
        return ended, seconds, total_reward / self.config.rollout, measures.means()

    @torch.no_grad()
    def _estimate(self, ended: list[Ends]) -> Tensor:
        """Compute values, advantages and returns of the rollout; return its normalised features (T B, F)."""
        rollout, network, config = self._rollout, self.network, self.config
        # With the statistics of the collection, before any update: otherwise the first ratio of
        # probabilities would differ from 1.
        features = network.normalised(rollout.observation.flatten(0, 1))
        rollout.value.copy_(network.value(features).view_as(rollout.value))
        rollout.following[:-1] = rollout.value[1:]
        rollout.following[-1] = self._value_of(torch.from_numpy(self.environment.observation))
        for end in ended:
            # Truncation keeps the value of the last state; termination sets it to 0.
            values = self._value_of(end.observation)
            rollout.following[end.decision, end.truncated] = values[end.truncated]
            rollout.following[end.decision, end.terminated] = 0.0
        if self._charges is not None:
            self._charges.charge(network.edge_price, rollout.reward)
        rollout.estimate(config.discount, config.advantage_decay, config.critic_decay)
        return features

    def _value_of(self, observation: Tensor) -> Tensor:
        return self.network.value(self.network.normalised(observation))

    def _learn(self, features: Tensor) -> dict[str, float]:
        """Pass over the rollout in random minibatches; return the means of the losses."""
        network, config = self.network, self.config
        remaining = max(0.0, 1.0 - self.done / config.updates)
        if config.anneal:
            self.optimiser.learning_rate = config.learning_rate * remaining
        bonus = config.entropy_bonus_end + remaining * (config.entropy_bonus - config.entropy_bonus_end)
        columns = self._columns(features)
        losses = []
        for _ in range(config.epochs):
            losses += [self._step(*minibatch, bonus) for minibatch in self._minibatches(*columns)]
        if config.normalise_observations and self._trains_actor:
            network.add_observations(self._rollout.observation.flatten(0, 1))
        return dict(zip(LOSSES, np.mean(losses, axis=0).tolist(), strict=True))

    @property
    def _trains_actor(self) -> bool:
        """Whether the actor learns already; until then its inputs and outputs stay fixed."""
        return self.done >= self.config.critic_first

    def _columns(self, features: Tensor) -> tuple[Choices, Returns]:
        """The training data of the actor and of the critic."""
        rollout, network = self._rollout, self.network
        returns = rollout.returns.flatten(0, 1)
        if self.config.normalise_returns:
            network.add_returns(returns)
            returns = network.scaled(returns)
        advantage = rollout.advantage.flatten(0, 1)[:, self._part_of_choice]
        actions, log_probability = rollout.actions.flatten(0, 1), rollout.log_probability.flatten(0, 1)
        choices = Choices(features, actions, log_probability, rollout.met.flatten(0, 1), advantage)
        if self.config.credit == "device":
            # In most periods no task arrives, so that the points have no effect.
            rows = choices.met.any(-1).nonzero().squeeze(-1)
            choices = Choices(*(column[rows] for column in choices))
        return choices, Returns(features, returns)

    def _minibatches(self, choices: Choices, returns: Returns) -> Iterator[tuple[Choices, Returns]]:
        count = -(-len(returns.returns) // self.config.minibatch)
        shuffled = [self._shuffled(columns, count) for columns in (choices, returns)]
        for some_choices, some_returns in zip(*shuffled, strict=True):
            yield Choices(*some_choices), Returns(*some_returns)

    def _shuffled(self, columns: tuple[Tensor, ...], count: int) -> Iterator[tuple[Tensor, ...]]:
        order = torch.randperm(len(columns[0]), generator=self.generator)
        return zip(*(column.index_select(0, order).tensor_split(count) for column in columns), strict=True)

    def _step(self, choices: Choices, returns: Returns, bonus: float) -> list[float]:
        """One step of the optimiser; return the losses in the order of `LOSSES`."""
        config = self.config
        terms = terms_of(config, bonus, self._trains_actor)
        if self._chains is not None:
            parts = self._chains.write(choices, returns, terms)
        else:
            self.optimiser.zero_grad()
            loss, parts = losses_of(self.network, choices, returns, terms)
            loss.backward()
        return [*parts, self.optimiser.step(config.largest_gradient or math.inf)]

    def state(self) -> dict[str, Tensor]:
        """Return copies of all that the next update depends on, except the environment."""
        named = network_state("network.", self.network)
        named |= {f"optimiser.{name}": value for name, value in self.optimiser.state().items()}
        named |= {"generator": self.generator.get_state(), "updates": torch.tensor(self.done)}
        if self._charges is not None:
            named["initial"] = torch.from_numpy(self._charges.initial)
        return {name: value.clone() for name, value in named.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from `state`, as the method of that name returned it."""
        self.network.load_state_dict(below("network.", state))
        self.optimiser.restore(below("optimiser.", state))
        self.generator.set_state(state["generator"])
        if self._charges is not None:
            self._charges.initial = state["initial"].numpy().copy()
        self.done = int(state["updates"])


def _charges_of(environment: Environment, config: PPOConfig) -> EdgeCharges | None:
    """The charges of devices for edge work; None without credit by device or without a price."""
    if config.credit != "device" or not isinstance(environment, CreditedSystems):
        return None
    if not environment.prices_edge:
        return None
    return EdgeCharges(environment, config.rollout, config.edge_discount)
