"""PPO: seconds per decision, and its parts, compared with stable-baselines3 on the same environment."""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import median

import pytest

torch = pytest.importorskip("torch")
sb3 = pytest.importorskip("stable_baselines3")

from lyaopt.learning import PPO, VectorSystems, preset  # noqa: E402
from lyaopt.learning.credited import CreditedSystems  # noqa: E402
from lyaopt.learning.sb3 import PartitionVecEnv  # noqa: E402
from lyaopt.model.scenarios import load_scenario  # noqa: E402

GROUP = "A decision of PPO in training, 50 replications of the default scenario, networks of 128-128"
ROUNDS = 5
SYSTEM = load_scenario("default")
TUNED = preset("tuned", SYSTEM.learning)
# The same work as stable-baselines3: every decision counts, with one ratio for all services.
SAME = replace(TUNED, credit="joint")


def ours(config):
    """A function that makes an update and returns the number of its decisions; and the parts of its time."""
    options = {"replications": config.replications, "seed": 1, "decisions": config.decisions_per_episode}
    learner = PPO(CreditedSystems(SYSTEM, **options), config, 0)
    shares = []

    def update():
        report = learner.update()
        rest = report.collect_s - report.environment_s
        shares.append((report.environment_s, rest, report.learn_s))
        return config.replications * config.rollout

    return update, shares


def theirs(systems, steps, **options):
    """The same for stable-baselines3."""
    environment = PartitionVecEnv(VectorSystems(SYSTEM, replications=systems, seed=1))
    widths = [TUNED.hidden_units] * TUNED.hidden_layers
    model = sb3.PPO(
        "MlpPolicy",
        environment,
        n_steps=steps,
        gae_lambda=0.95,
        policy_kwargs={"net_arch": widths},
        device="cpu",
        **options,
    )

    def update():
        model.learn(systems * steps, reset_num_timesteps=False)
        return systems * steps

    return update


def _seconds_of_decisions(contenders):
    """Median seconds of a decision; contenders take turns, so that changes of speed affect all of them."""
    taken = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, update in contenders.items():
            start = time.perf_counter()
            decisions = update()
            taken[name].append((time.perf_counter() - start) / decisions)
    return {name: median(times) for name, times in taken.items()}


def test_updates_beside_stable_baselines3(record):
    torch.set_num_threads(1)
    tuned, shares = ours(TUNED)
    contenders = {
        "lyaopt, preset tuned": tuned,
        "lyaopt, all points together": ours(SAME)[0],
        "stable-baselines3, same minibatch and passes": theirs(
            TUNED.replications, TUNED.rollout, batch_size=TUNED.minibatch, n_epochs=TUNED.epochs
        ),
        "stable-baselines3, its own minibatch of 64 and 10 passes": theirs(TUNED.replications, TUNED.rollout),
    }
    for update in contenders.values():
        update()
    shares.clear()
    seconds = _seconds_of_decisions(contenders)
    for name, each in seconds.items():
        record.time(GROUP, name, each, "decision")
    tuned, _, equal, default = seconds.values()
    record.require(
        "tuned PPO, of stable-baselines3 at the same minibatch and passes",
        ">= 2x",
        f"{equal / tuned:.1f}x",
        equal >= 2 * tuned,
    )
    record.require(
        "tuned PPO, of stable-baselines3 as it comes",
        ">= 10x",
        f"{default / tuned:.1f}x",
        default >= 10 * tuned,
    )
    parts = [sum(part) for part in zip(*shares, strict=True)]
    share = parts[0] / sum(parts)
    record.require("system, of training time", "<= 1/5", f"{share:.2f}", share <= 0.2)
    names = ("in the system", "in the rest of the rollout", "in the update")
    for name, part in zip(names, parts, strict=True):
        record.time(
            GROUP, f"of tuned, {name}", part / ROUNDS / (TUNED.replications * TUNED.rollout), "decision"
        )
