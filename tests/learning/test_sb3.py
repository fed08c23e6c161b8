"""The unmodified stable-baselines3 trains on our vector environment."""

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from lyaopt.learning import VectorSystems
from lyaopt.learning.sb3 import PartitionVecEnv
from tests.learning.worlds import WITHOUT_ZERO, ragged_system


def make(**settings):
    return PartitionVecEnv(VectorSystems(ragged_system(**settings), replications=4, decisions=6))


@pytest.mark.parametrize("settings", [{}, {"learning": WITHOUT_ZERO}])
def test_ppo_trains(settings):
    envs = VecNormalize(VecMonitor(make(**settings)))
    model = PPO("MlpPolicy", envs, n_steps=16, batch_size=32, n_epochs=2, seed=1, device="cpu")
    before = [weights.detach().clone() for weights in model.policy.parameters()]
    model.learn(128)
    assert model.num_timesteps == 128
    assert all(weights.isfinite().all() for weights in model.policy.parameters())
    assert any((a != b).any() for a, b in zip(before, model.policy.parameters(), strict=True))
    assert {episode["l"] for episode in model.ep_info_buffer} == {6}


def test_steps_are_those_of_the_replications():
    envs, systems = make(), VectorSystems(ragged_system(), replications=4, decisions=6)
    envs.seed(3)
    systems.seed([3, 4, 5, 6])
    systems.reset()
    np.testing.assert_array_equal(envs.reset(), systems.observation)
    kept = []
    for step in range(8):
        actions = np.stack([envs.action_space.sample() for _ in range(4)])
        observation, reward, done, infos = envs.step(actions)
        assert systems.step(actions) == (step == 5)
        np.testing.assert_array_equal(observation, systems.observation)
        np.testing.assert_array_equal(reward, systems.reward)
        assert done.tolist() == [step == 5] * 4
        kept.append((observation, observation.copy()))
        for b, info in enumerate(infos):
            assert info.get("TimeLimit.truncated", False) == (step == 5)
            if step == 5:
                np.testing.assert_array_equal(info["terminal_observation"], systems.final_observation[b])
    assert all(np.array_equal(now, then) for now, then in kept)
