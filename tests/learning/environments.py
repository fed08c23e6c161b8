"""Environments with known optimal values, and adapters for those of gymnasium."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv


class Probe:
    """B replications with episodes of `length` steps; subclasses define observations and rewards."""

    first_choice = 0
    actions = 1
    length = 1
    time_limit = False

    def __init__(self, replications=16, seed=0, choices=(2,)):
        self.choices = np.array(choices)
        self.rng = np.random.default_rng(seed)
        self.observation = np.zeros((replications, 1), np.float32)
        self.final_observation = np.zeros((replications, 1), np.float32)
        self.reward = np.zeros(replications, np.float32)
        self.terminated = np.zeros(replications, np.bool_)
        self.truncated = np.zeros(replications, np.bool_)
        self.age = np.arange(replications) % self.length
        self.see()

    def see(self):
        """Write the observation."""

    def pay(self, points):
        """Write the reward."""
        self.reward[:] = 1.0

    def reset(self):
        self.age[:] = 0
        self.see()

    def step(self, points):
        self.pay(points)
        self.age += 1
        over = self.age == self.length
        (self.truncated if self.time_limit else self.terminated)[:] = over
        self.see()
        self.final_observation[:] = self.observation
        self.age[over] = 0
        self.see()
        return bool(over.any())


class ValueOnly(Probe):
    """One step with reward 1."""


class ObservationToValue(Probe):
    """One step whose reward equals the observation."""

    def see(self):
        self.observation[:, 0] = self.rng.choice([-1.0, 1.0], len(self.reward))

    def pay(self, points):
        self.reward[:] = self.observation[:, 0]


class Discounting(Probe):
    """Two steps, the second with reward 1; the observation is the age."""

    length = 2

    def see(self):
        self.observation[:, 0] = self.age

    def pay(self, points):
        self.reward[:] = self.age == 1


class ActionToReward(Probe):
    """One step with reward 1 for choice 1 and -1 for choice 0."""

    def pay(self, points):
        self.reward[:] = 2 * points[:, 0] - 1


class ObservationAndAction(ObservationToValue):
    """One step with reward 1 for choice 1 at observation 1 and choice 0 at -1; otherwise -1."""

    def pay(self, points):
        self.reward[:] = self.observation[:, 0] * (2 * points[:, 0] - 1)


class Endless(Probe):
    """Every step has reward 1; episodes are truncated after five steps."""

    length = 5
    time_limit = True


class ActionToDistance(Probe):
    """One step with the largest reward for action 0.4."""

    def pay(self, actions):
        self.reward[:] = -((actions[:, 0] - 0.4) ** 2)


class ObservationAndActionToDistance(ObservationToValue):
    """One step; the best action is half of the observation, which is 1 or -1."""

    def pay(self, actions):
        self.reward[:] = -((actions[:, 0] - 0.5 * self.observation[:, 0]) ** 2)


class Drift(Probe):
    """Actions move the observation, whose start differs by episode; all end together after 5 steps."""

    length = 5
    time_limit = True
    episode = 0

    def __init__(self, replications=3):
        super().__init__(replications)
        self.begin(0)

    def begin(self, episode):
        self.episode = episode
        self.reset()

    def see(self):
        self.observation[self.age == 0, 0] = np.sin(self.episode + np.arange(len(self.age)))[self.age == 0]

    def pay(self, actions):
        self.observation[:, 0] = 0.9 * self.observation[:, 0] + 0.3 * actions[:, 0]
        self.reward[:] = -(self.observation[:, 0] ** 2)

    def step(self, actions):
        if self.age[0] == self.length - 1:
            self.episode += 1
        return super().step(actions)


class _Copies:
    """Replications of a registered environment."""

    def __init__(self, name, replications, seed):
        make = [lambda: gymnasium.make(name)] * replications
        self.environments = SyncVectorEnv(make, autoreset_mode=AutoresetMode.SAME_STEP)
        self.observation = self.environments.reset(seed=seed)[0].astype(np.float32)
        self.final_observation = np.zeros_like(self.observation)
        self.reward = np.zeros(replications, np.float32)
        self.terminated = np.zeros(replications, np.bool_)
        self.truncated = np.zeros(replications, np.bool_)
        self.lengths, self.age = [], np.zeros(replications, int)

    def reset(self):
        self.observation[:] = self.environments.reset()[0]

    def act(self, actions):
        """Convert the action to the environments' own form."""
        self.observation[:], self.reward[:], self.terminated[:], self.truncated[:], more = (
            self.environments.step(actions)
        )
        self.age += 1
        over = self.terminated | self.truncated
        for b in np.flatnonzero(over):
            self.final_observation[b] = more["final_obs"][b]
        self.lengths += self.age[over].tolist()
        self.age[over] = 0
        return bool(over.any())


class Gymnasium(_Copies):
    """Replications of a registered environment with one discrete action."""

    first_choice = 0

    def __init__(self, name, replications, seed):
        super().__init__(name, replications, seed)
        self.choices = np.array([self.environments.single_action_space.n])

    def step(self, points):
        return self.act(points[:, 0])


class ContinuousGymnasium(_Copies):
    """Replications of a registered environment whose action box is scaled to -1 to 1."""

    def __init__(self, name, replications, seed):
        super().__init__(name, replications, seed)
        box = self.environments.single_action_space
        self.actions = box.shape[0]
        self.middle, self.reach = 0.5 * (box.high + box.low), 0.5 * (box.high - box.low)

    def step(self, actions):
        return self.act(self.middle + self.reach * actions)
