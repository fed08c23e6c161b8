"""Our PPO and that of stable-baselines3, with the same budget on the same systems."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
sb3 = pytest.importorskip("stable_baselines3")

from stable_baselines3.common.vec_env import VecNormalize  # noqa: E402

from lyaopt.learning import PPO, VectorSystems, preset  # noqa: E402
from lyaopt.learning.credited import CreditedSystems  # noqa: E402
from lyaopt.learning.sb3 import PartitionVecEnv  # noqa: E402
from lyaopt.model.scenarios import load_scenario  # noqa: E402

SYSTEM = load_scenario("balanced")
EPISODES = 500
SEEDS = range(5)
CONFIG = preset("tuned", SYSTEM.learning, episodes=EPISODES)
DECISIONS = EPISODES * CONFIG.decisions_per_episode


def ours(seed):
    options = {"replications": CONFIG.replications, "decisions": CONFIG.decisions_per_episode}
    environment = CreditedSystems(SYSTEM, seed=seed, features=CONFIG.features, **options)
    learner = PPO(environment, CONFIG, seed)
    for _ in range(CONFIG.updates):
        learner.update()

    def choose(rows):
        with torch.inference_mode():
            features = learner.network.normalised(torch.from_numpy(rows))
            return learner.network.points(features).mode().numpy()

    return choose


def theirs(seed):
    systems = VectorSystems(SYSTEM, replications=CONFIG.replications, seed=seed, features=CONFIG.features)
    environment = VecNormalize(PartitionVecEnv(systems), gamma=CONFIG.discount)
    model = sb3.PPO(
        "MlpPolicy",
        environment,
        learning_rate=lambda left: left * CONFIG.learning_rate,
        n_steps=CONFIG.rollout,
        batch_size=CONFIG.minibatch,
        n_epochs=CONFIG.epochs,
        gamma=CONFIG.discount,
        gae_lambda=CONFIG.advantage_decay,
        ent_coef=CONFIG.entropy_bonus,
        policy_kwargs={"net_arch": [CONFIG.hidden_units] * CONFIG.hidden_layers},
        seed=seed,
        device="cpu",
    )
    model.learn(DECISIONS)
    return lambda rows: model.predict(environment.normalize_obs(rows), deterministic=True)[0].astype(np.int64)


def mean_reward(choose):
    """On systems of other seeds than the trainings'."""
    systems = VectorSystems(SYSTEM, replications=30, seed=777, decisions=400, features=CONFIG.features)
    rewards = []
    for _ in range(400):
        systems.step(np.ascontiguousarray(choose(systems.observation)))
        rewards.append(systems.reward.mean())
    return float(np.mean(rewards))


@pytest.mark.slow
def test_the_final_return_is_no_worse():
    """Five training seeds each; the lower end of the difference's 95 % interval lies above 0."""
    torch.set_num_threads(1)
    found = np.array([[mean_reward(train(seed)) for train in (ours, theirs)] for seed in SEEDS])
    print(found)
    draws = np.random.default_rng(1).integers(0, len(found), (2000, 2, len(found)))
    differences = found[draws[:, 0], 0].mean(axis=1) - found[draws[:, 1], 1].mean(axis=1)
    assert np.quantile(differences, 0.025) > 0.0
