"""Environments of gymnasium and stable-baselines3 over the same replications."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.error import ResetNeeded  # noqa: E402
from gymnasium.utils.env_checker import check_env  # noqa: E402
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorWrapper  # noqa: E402
from gymnasium.wrappers.vector import NormalizeObservation, RecordEpisodeStatistics  # noqa: E402

from lyaopt.errors import ProblemError  # noqa: E402
from lyaopt.learning import ENVIRONMENT, VectorSystems  # noqa: E402
from lyaopt.learning.gym import PartitionEnv  # noqa: E402
from lyaopt.learning.gym_vector import PartitionVectorEnv, check_vector_env  # noqa: E402
from tests.learning.worlds import WITHOUT_ZERO, own_arrivals, ragged_system  # noqa: E402

SETTINGS = [
    {"scenario": ragged_system(), "decisions": 5},
    {"scenario": ragged_system(learning=WITHOUT_ZERO), "decisions": 4, "features": ("channel",)},
    {"scenario": own_arrivals(), "decisions": 6},
]


PRICED = {"allocation": "price", "waiting_cost_j_per_s": 0.05, "decisions": 3}


@pytest.mark.parametrize("settings", [{}, {"scenario": "shadowing", "features": ["channel"]}, *SETTINGS])
def test_gymnasium_gives_no_warnings(settings):
    env = gymnasium.make(ENVIRONMENT, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_the_module_can_be_named_with_the_environment():
    command = f"import gymnasium; print(gymnasium.make('lyaopt.learning:{ENVIRONMENT}').action_space.shape)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.stdout == "(8,)\n", done.stderr


@pytest.mark.parametrize("settings", SETTINGS)
def test_episodes_are_truncated_not_terminated(settings):
    env = PartitionEnv(**settings)
    with pytest.raises(ResetNeeded):
        env.step(env.action_space.sample())
    env.reset(seed=3)
    env.action_space.seed(3)
    for _ in range(2):
        ends = [env.step(env.action_space.sample())[2:4] for _ in range(settings["decisions"])]
        assert ends == [(False, False)] * (len(ends) - 1) + [(False, True)]
        with pytest.raises(ResetNeeded):
            env.step(env.action_space.sample())
        env.reset()


@pytest.mark.parametrize("settings", SETTINGS)
def test_actions_are_the_choices_of_each_service(settings):
    env = PartitionEnv(**settings)
    _, info = env.reset(seed=1)
    least = env.systems.first_choice
    assert env.action_space.nvec.tolist() == (env.systems.choices - least).tolist()
    assert info["action_mask"].sum(axis=1).tolist() == env.action_space.nvec.tolist()
    observation, _, _, _, info = env.step(env.action_space.nvec - 1)
    layout = env.systems.observer.layout
    np.testing.assert_array_equal(layout.of_services(observation)[:, 6:9], [[1.0, 0.0, 0.0]] * 3)
    alone = VectorSystems(env.systems.system, seed=[1], features=settings.get("features", ()))
    alone.step(alone.choices[None] - 1)
    np.testing.assert_array_equal(alone.observation[0], observation)
    assert info["backlog"] == alone.backlog[0]


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("settings", [*SETTINGS, {"scenario": ragged_system(), **PRICED}])
def test_the_vector_environment_equals_single_environments(settings, count):
    envs = gymnasium.make_vec(ENVIRONMENT, num_envs=count, **settings)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    check_vector_env(envs, lambda: PartitionEnv(**settings))


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, "NextStep"])
@pytest.mark.parametrize("settings", [*SETTINGS, {"scenario": ragged_system(), **PRICED}])
def test_episodes_may_begin_in_the_next_step(settings, mode):
    envs = gymnasium.make_vec(ENVIRONMENT, num_envs=3, autoreset_mode=mode, **settings)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert PartitionVectorEnv.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    check_vector_env(envs, lambda: PartitionEnv(**settings))


@pytest.mark.parametrize("count", range(1, 8))
def test_a_reset_at_any_step_is_that_of_single_environments(count):
    envs = PartitionVectorEnv(2, autoreset_mode="NextStep", **SETTINGS[1])
    singles = SyncVectorEnv([lambda: PartitionEnv(**SETTINGS[1])] * 2, autoreset_mode=AutoresetMode.NEXT_STEP)
    for one in (envs, singles):
        one.reset(seed=1)
        for _ in range(count):
            one.step(np.ones((2, 3), int))
    for _ in range(3):
        np.testing.assert_array_equal(envs.reset()[0], singles.reset()[0])
        assert {env.systems.episode for env in singles.envs} == {envs.systems.episode}


def test_wrappers_of_gymnasium_work():
    envs = PartitionVectorEnv(2, autoreset_mode="NextStep", **SETTINGS[0])
    envs = RecordEpisodeStatistics(NormalizeObservation(envs))
    envs.reset(seed=1)
    totals = np.zeros(2)
    for step in range(1, 13):
        _, reward, _, truncated, infos = envs.step(np.ones((2, 3), int))
        totals += reward
        assert truncated.all() == (step % 6 == 5)
        if truncated.all():
            np.testing.assert_allclose(infos["episode"]["r"], totals, rtol=1e-6)
            totals[:] = 0.0


@pytest.mark.parametrize("mode", [AutoresetMode.DISABLED, "next", None])
def test_other_modes_are_refused(mode):
    with pytest.raises(ProblemError, match=r'\$\.autoreset_mode: expected "SameStep" or "NextStep", got'):
        PartitionVectorEnv(2, autoreset_mode=mode, **SETTINGS[0])


def test_infos_have_the_tasks_that_were_completed():
    """As many as a simulation of the same slots completes, with the same latencies."""
    system = ragged_system(20.0)
    env = PartitionEnv(system, decisions=200)
    env.reset(seed=1)
    counts, sums = np.zeros(3), np.zeros(3)
    for _ in range(120):
        _, reward, _, _, info = env.step(np.array([1, 1, 1]))
        assert info["cost"] == -reward
        assert ((info["completed_tasks"] > 0) | (info["latency_sum_s"] == 0.0)).all()
        counts += info["completed_tasks"]
        sums += info["latency_sum_s"]
    alone = VectorSystems(system, seed=[1], decisions=200)
    state = alone._state
    forget = state.forget_finished
    state.forget_finished = lambda: None
    for _ in range(120):
        alone.step(np.ones((1, 3), int))
    state.forget_finished = forget
    taken = state.take_finished()
    assert counts.sum() > 10
    np.testing.assert_array_equal(counts, np.bincount(taken[:, 1], minlength=3))
    waited = system.slot_duration_s * np.bincount(taken[:, 1], taken[:, 3] - taken[:, 2], minlength=3)
    np.testing.assert_allclose(sums, waited, rtol=1e-12)


def energy(infos):
    return -infos["local_energy_j"] - infos["transmit_energy_j"]


def test_rewards_may_be_computed_from_infos():
    settings = {**SETTINGS[0], "reward": energy}
    envs = PartitionVectorEnv(3, **settings)
    check_vector_env(envs, lambda: PartitionEnv(**settings))
    envs.reset(seed=1)
    _, reward, _, _, infos = envs.step(np.ones((3, 3), int))
    np.testing.assert_array_equal(reward, energy(infos))
    plain = PartitionVectorEnv(3, **SETTINGS[0])
    plain.reset(seed=1)
    np.testing.assert_array_equal(-plain.step(np.ones((3, 3), int))[1], infos["cost"])


@pytest.mark.parametrize(
    "wrong", [lambda infos: 1.0, lambda infos: [np.nan] * 2, lambda infos: None, lambda infos: ["a", {}]]
)
def test_rewards_of_another_kind_are_refused(wrong):
    envs = PartitionVectorEnv(2, reward=wrong, **SETTINGS[0])
    envs.reset(seed=1)
    with pytest.raises(ProblemError, match=r"\$\.reward: expected it to return 2 finite numbers, got"):
        envs.step(np.ones((2, 3), int))


def test_render_is_text_of_the_last_period():
    env = gymnasium.make(ENVIRONMENT, render_mode="ansi", **SETTINGS[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=False)
    env = PartitionEnv(render_mode="ansi", **SETTINGS[0])
    envs = PartitionVectorEnv(2, render_mode="ansi", autoreset_mode="NextStep", **SETTINGS[0])
    env.reset(seed=1)
    envs.reset(seed=1)
    assert env.render() == envs.render()[1] == "no period yet: call step()"
    for step in range(1, 6):
        info = env.step(np.array([2, 1, 0]))[4]
        envs.step(np.array([[2, 1, 0], [0, 0, 0]]))
        text = env.render()
        assert envs.render()[0] == text
        assert text.startswith(f"period {step} of 5: cost {info['cost']:.4g}\n")
        assert [line.split("cut ")[1][0] for line in text.splitlines()[2:]] == ["2", "1", "0"]
    assert envs.render()[1] != text
    envs.step(np.zeros((2, 3), int))
    assert envs.render()[0].startswith("no period yet")


def test_render_says_what_it_is():
    for made in (PartitionEnv(**SETTINGS[0]), PartitionVectorEnv(2, **SETTINGS[0])):
        with pytest.raises(ProblemError, match="text, not a picture"):
            made.render()
    for kind in (PartitionEnv, PartitionVectorEnv):
        with pytest.raises(ProblemError, match='expected None or "ansi", as there are no pictures'):
            kind(render_mode="human", **SETTINGS[0])


class Broken(VectorWrapper):
    """A vector environment with one thing wrong."""

    def __init__(self, envs, fault):
        super().__init__(envs)
        self.fault = fault
        self.metadata = {} if fault == "mode" else envs.metadata

    def reset(self, *, seed=None, options=None):
        if self.fault == "seed" and seed is not None:
            seed = [seed] * self.num_envs if isinstance(seed, int) else seed
        if self.fault == "seeds" and isinstance(seed, list):
            seed = seed[0]
        observation, info = self.env.reset(seed=seed, options=options)
        return observation, {} if self.fault == "mask" else info

    def step(self, actions):
        observation, reward, terminated, truncated, info = self.env.step(actions)
        if self.fault == "ends":
            terminated, truncated = truncated, terminated
        if self.fault == "last" and "final_obs" in info:
            info["final_obs"][0] = observation[0]
        if self.fault == "reward":
            reward = reward * (1.0 + 1e-15)
        return observation, reward, terminated, truncated, info


FAULTS = {
    "mode": "autoreset_mode",
    "seed": "observation differs|info differs|reward differs",
    "seeds": "observation differs|info differs|reward differs",
    "mask": "info differs",
    "ends": "termination differs",
    "last": "info differs",
    "reward": "reward differs",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_finds_errors(fault):
    envs = Broken(PartitionVectorEnv(3, **SETTINGS[0]), fault)
    with pytest.raises(AssertionError, match=FAULTS[fault]):
        check_vector_env(envs, lambda: PartitionEnv(**SETTINGS[0]))


def test_the_check_finds_shared_buffers():
    envs = PartitionVectorEnv(3, copy=False, **SETTINGS[0])
    assert envs.reset(seed=1)[0] is envs.systems.observation
    with pytest.raises(AssertionError, match="changed by the next"):
        check_vector_env(envs, lambda: PartitionEnv(**SETTINGS[0]))


def test_replications_are_not_reset_one_by_one():
    envs = PartitionVectorEnv(2, **SETTINGS[0])
    with pytest.raises(ProblemError, match="all together"):
        envs.reset(options={"reset_mask": np.array([True, False])})


def test_without_a_seed_runs_differ():
    runs = [PartitionVectorEnv(2, **SETTINGS[0]) for _ in range(2)]
    actions = runs[0].action_space.sample()
    totals = []
    for envs in runs:
        envs.reset()
        # Two replications without any task earn the same. Two tasks arrive in three periods on average, so
        # that in 40 periods this practically never happens.
        totals.append(sum(envs.step(actions)[1] for _ in range(40)))
    assert np.unique(np.concatenate(totals)).size == 4


def test_prices_allocate_and_are_the_reward():
    system = ragged_system(20.0)
    env = PartitionEnv(system, **PRICED)
    env.reset(seed=1)
    _, reward, _, _, info = env.step(np.array([2, 1, 10]))
    energy = info["local_energy_j"] + info["transmit_energy_j"]
    waiting = -reward / system.learning.reward_energy_weight - energy
    tasks = waiting / (system.slot_duration_s * 0.05)
    born = int(env.systems._state.task_counts()[0].sum())
    assert 0.0 < tasks < born
    with pytest.raises(ProblemError, match=r'\$\.allocation: expected "backlog" or "price", got \'auction\''):
        PartitionEnv(system, allocation="auction")
