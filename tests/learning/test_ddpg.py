"""DDPG on environments with known optimal values, and its parts against slow or exact ones."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from statistics import median

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lyaopt.learning import DDPG, DDPGConfig, DivergedError, VectorSystems  # noqa: E402
from lyaopt.learning.continuous import ContinuousCuts, nearest_cuts  # noqa: E402
from lyaopt.learning.ddpg import follow, target_values  # noqa: E402
from lyaopt.learning.ddpg_networks import DeterministicActorCritic  # noqa: E402
from lyaopt.learning.replay import Replay, Transitions  # noqa: E402
from tests.learning.environments import (  # noqa: E402
    ActionToDistance,
    ContinuousGymnasium,
    Discounting,
    Drift,
    Endless,
    ObservationAndActionToDistance,
    ObservationToValue,
    Probe,
    ValueOnly,
)
from tests.learning.worlds import WITHOUT_ZERO, ragged_system  # noqa: E402

SMALL = DDPGConfig(
    hidden_layers=1,
    hidden_units=32,
    replications=16,
    rollout=10,
    decisions_per_episode=10,
    episodes=16 * 50,
    replay=4000,
    warmup=160,
    minibatch=64,
    actor_learning_rate=1e-2,
    critic_learning_rate=1e-2,
    target_share=0.1,
    discount=0.9,
    exploration_noise=0.3,
)
RAW = replace(SMALL, normalise_observations=False)
BOTH = pytest.mark.parametrize("config", [RAW, SMALL], ids=["plain", "normalised"])


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def trained(environment, config, seed=0):
    ddpg = DDPG(environment, config, seed)
    for _ in range(config.updates):
        ddpg.update()
    return ddpg.network


def newest(ddpg, rows):
    """The newest decisions in the replay buffer."""
    return Transitions(*(ddpg._replay.newest(name, rows) for name in Transitions._fields))


def judged(network, *seen):
    """Actions and their values at an observation."""
    with torch.no_grad():
        features = network.normalised(torch.tensor(seen)[:, None])
        actions = network.action(features)
        return actions[:, 0].numpy(), network.value(features, actions).numpy()


@BOTH
def test_value_of_a_constant(config):
    assert judged(trained(ValueOnly(), config), 0.0)[1] == pytest.approx([1.0], abs=0.05)


@BOTH
def test_the_value_depends_on_the_observation(config):
    _, values = judged(trained(ObservationToValue(), config), -1.0, 1.0)
    np.testing.assert_allclose(values, [-1.0, 1.0], atol=0.05)


@BOTH
def test_the_value_of_later_rewards_is_discounted(config):
    _, values = judged(trained(Discounting(), config), 0.0, 1.0)
    np.testing.assert_allclose(values, [0.9, 1.0], atol=0.05)


@BOTH
def test_the_best_action_is_found(config):
    actions, values = judged(trained(ActionToDistance(), config), 0.0)
    assert actions == pytest.approx([0.4], abs=0.05)
    assert values == pytest.approx([0.0], abs=0.05)


@BOTH
def test_the_best_action_depends_on_the_observation(config):
    actions, _ = judged(trained(ObservationAndActionToDistance(), config), -1.0, 1.0)
    np.testing.assert_allclose(actions, [-0.5, 0.5], atol=0.08)


@BOTH
def test_a_time_limit_is_a_truncation(config):
    # 1 + gamma + gamma^2 + ... = 10; if truncation ended the return, ages 0 to 4 average 2.4
    _, values = judged(trained(Endless(), replace(config, episodes=16 * 100)), 0.0)
    assert values == pytest.approx([10.0], rel=0.05)


class OneByOne(Probe):
    """Three environments whose observation and reward are their age; one terminates, one is truncated."""

    length = 4

    def __init__(self):
        super().__init__(replications=3)
        self.age[:] = 0
        self.see()

    def see(self):
        self.observation[:, 0] = self.age

    def pay(self, actions):
        self.reward[:] = self.age

    def step(self, actions):
        over = super().step(actions)
        self.terminated[1:] = False
        self.truncated[1] = over
        if over:  # the third continues
            self.age[2] = self.length
            self.observation[2] = self.length
        return over


def test_next_observations_are_of_the_same_episode():
    config = replace(RAW, replications=3, rollout=5, decisions_per_episode=5, warmup=10**6)
    ddpg = DDPG(OneByOne(), config, 0)
    ddpg.update()
    row = newest(ddpg, 5)
    np.testing.assert_array_equal(row.observation[:, :2, 0].T, [[0, 1, 2, 3, 0]] * 2)
    np.testing.assert_array_equal(row.observation[:, 2, 0], [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(row.following[:, :2, 0].T, [[1, 2, 3, 4, 1]] * 2)
    np.testing.assert_array_equal(row.following[:, 2, 0], [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(row.reward, row.observation[..., 0])
    ends = np.zeros((5, 3), bool)
    ends[3, 0] = True
    np.testing.assert_array_equal(row.terminated, ends)


def networks(count=1, features=4, actions=3):
    generator = torch.Generator().manual_seed(5)
    return [DeterministicActorCritic(features, actions, RAW, generator) for _ in range(count)]


def transitions_of(count, features=4, actions=3, seed=1):
    rng = np.random.default_rng(seed)
    floats = [rng.normal(size=(count, width)) for width in (features, actions, 1, features)]
    observation, action, reward, following = (torch.tensor(part, dtype=torch.float32) for part in floats)
    terminated = torch.tensor(rng.random(count) < 0.4)
    return Transitions(observation, action.clamp(-1, 1), reward[:, 0], following, terminated)


def test_targets_bootstrap_unless_the_episode_terminated():
    """Row by row with plain numbers: y = r + gamma Q(s', mu(s')), and y = r at an end."""
    (network,) = networks()
    batch = transitions_of(20)
    assert 0 < int(batch.terminated.sum()) < 20
    for row, found in enumerate(target_values(network, batch, batch.following, 0.9).tolist()):
        following = batch.following[row : row + 1]
        with torch.no_grad():
            later = float(network.value(following, network.action(following)))
        expected = float(batch.reward[row]) + (0.0 if batch.terminated[row] else 0.9 * later)
        assert found == pytest.approx(expected, rel=1e-5)


def test_targets_follow_by_a_share():
    slow, fast = networks(2)
    before = [weight.detach().clone() for weight in slow.parameters()]
    follow(slow.parameters(), fast.parameters(), 0.25)
    for weight, was, goal in zip(slow.parameters(), before, fast.parameters(), strict=True):
        torch.testing.assert_close(weight, 0.75 * was + 0.25 * goal)


@pytest.mark.parametrize(("share", "as_before", "as_network"), [(0.0, True, False), (1.0, False, True)])
def test_targets_stay_or_follow_completely(share, as_before, as_network):
    ddpg = DDPG(ActionToDistance(), replace(SMALL, target_share=share), 0)
    before = [weight.detach().clone() for weight in ddpg.target.parameters()]
    for _ in range(3):
        ddpg.update()
    after, goal = list(ddpg.target.parameters()), list(ddpg.network.parameters())
    assert all(map(torch.equal, after, before)) is as_before
    assert all(map(torch.equal, after, goal)) is as_network


def numbered(row, replications=3):
    """A row of decisions that encodes row and replication in every column."""
    number = torch.arange(replications) + replications * float(row)
    column = number[:, None]
    return Transitions(column.expand(-1, 2), column, number, column.expand(-1, 2) + 0.5, number % 2 == 0)


def test_the_replay_ring_equals_a_list():
    ring, kept = Replay(rows=7, replications=3, features=2, actions=1), deque(maxlen=7)
    generator = torch.Generator().manual_seed(0)
    for row in range(15):
        ring.add(numbered(row))
        kept.append(numbered(row))
        assert (ring.added, ring.rows, len(ring)) == (row + 1, len(kept), 3 * len(kept))
        for name, expected in zip(Transitions._fields, zip(*kept, strict=True), strict=True):
            assert torch.equal(ring.newest(name, len(kept)), torch.stack(expected))
        drawn = ring.sample(400, generator)
        columns = numbered(0, 45)
        held = {float(number) for each in kept for number in each.reward}
        assert set(drawn.reward.tolist()) == held
        for name, column in drawn._asdict().items():
            assert torch.equal(column, getattr(columns, name)[drawn.reward.long()])


@pytest.mark.parametrize("first", [0, 1])
def test_actions_reach_all_legal_cuts_and_no_others(first):
    choices = np.array([first + 1, 3, 11, 40])
    line = np.linspace(-1.0, 1.0, 2001, dtype=np.float32)
    cuts = nearest_cuts(np.repeat(line[:, None], 4, axis=1), first, choices)
    assert cuts.dtype == np.int64
    for reached, count in zip(cuts.T, choices, strict=True):
        np.testing.assert_array_equal(np.unique(reached), np.arange(first, count))
        assert (np.diff(reached) >= 0).all()
        assert (reached[0], reached[-1]) == (first, count - 1)
        # Each cut belongs to the actions nearest to it.
        places = np.linspace(-1.0, 1.0, count - first)
        nearest = np.abs(places[:, None] - line).min(axis=0)
        np.testing.assert_allclose(np.abs(places[reached - first] - line), nearest, atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"learning": WITHOUT_ZERO}])
def test_actions_are_converted_to_their_cuts(settings):
    wrapped, direct = (VectorSystems(ragged_system(**settings), replications=4, seed=3) for _ in range(2))
    environment = ContinuousCuts(wrapped)
    rng = np.random.default_rng(0)
    environment.begin(2)
    direct.begin(2)
    for _ in range(20):
        actions = rng.uniform(-1, 1, (4, environment.actions)).astype(np.float32)
        environment.step(actions)
        direct.step(nearest_cuts(actions, direct.first_choice, direct.choices))
        for name in ("observation", "reward", "energy", "backlog"):
            np.testing.assert_array_equal(getattr(environment, name), getattr(direct, name))


def test_nothing_is_learnt_during_the_warm_up():
    ddpg = DDPG(ObservationAndActionToDistance(), replace(SMALL, warmup=2 * 16 * 10), 0)
    before = [weight.detach().clone() for weight in ddpg.network.parameters()]
    assert ddpg.update().losses == {}
    assert all(map(torch.equal, ddpg.network.parameters(), before))
    actions = ddpg._replay.newest("action", 10)
    assert actions.min() < -0.9
    assert actions.max() > 0.9
    ddpg.update()
    assert ddpg.update().losses
    assert not any(map(torch.equal, ddpg.network.parameters(), before))


def test_noise_is_added_to_the_actions():
    config = replace(SMALL, warmup=1)
    learners = [DDPG(ActionToDistance(), replace(config, exploration_noise=n), 0) for n in (0.0, 0.3, 2.0)]
    for ddpg in learners:
        ddpg.update()
    still, loud, deafening = (ddpg._replay.newest("action", 9) for ddpg in learners)
    assert len(still[-1].unique()) == 1
    assert loud.std() == pytest.approx(0.3, rel=0.3)
    assert (deafening.min(), deafening.max()) == (-1.0, 1.0)


@BOTH
def test_equal_seeds_give_equal_bits(config):
    config = replace(config, episodes=16 * 5)
    probe = ObservationAndActionToDistance
    first, second, other = (trained(probe(), config, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@BOTH
@pytest.mark.parametrize("stop", [0, 1, 3, 7])
def test_a_restored_learner_continues_bit_for_bit(config, stop):
    """Stopped before the start, in the warm-up, while the buffer fills, and after it overflows."""
    config = replace(config, replications=3, rollout=5, decisions_per_episode=5, replay=60, warmup=20)
    whole, broken, resumed = (DDPG(Drift(), config, 1) for _ in range(3))
    for _ in range(10):
        whole.update()
    for _ in range(stop):
        broken.update()
    resumed.restore(broken.state())
    for _ in range(10 - stop):
        resumed.update()
    expected, found = whole.state(), resumed.state()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    for was, again in zip(newest(whole, 20), newest(resumed, 20), strict=True):
        assert torch.equal(was, again)


class Spoilt(Probe):
    """Rewards become NaN."""

    def __init__(self, bad):
        super().__init__()
        self.bad, self.steps = bad, 0

    def pay(self, actions):
        self.steps += 1
        self.reward[:] = 1.0
        if self.steps > 25:
            self.reward[3] = self.bad


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rewards_that_are_not_finite_stop_the_training(bad):
    ddpg = DDPG(Spoilt(bad), SMALL, 0)
    ddpg.update()
    ddpg.update()
    with pytest.raises(DivergedError, match="update 3: a reward of decision 5"):
        ddpg.update()
    assert ddpg._replay.newest("reward", 25).isfinite().all()


def test_losses_that_are_not_finite_stop_the_training():
    ddpg = DDPG(ValueOnly(), SMALL, 0)
    ddpg.update()
    with torch.no_grad():
        ddpg.network.critic[-1].bias.fill_(np.inf)
    with pytest.raises(DivergedError, match=r"update 2: .* is (nan|-?inf)"):
        ddpg.update()


def evaluated(ddpg, name, systems, seed):
    """Mean return of episodes of 200 decisions without noise, in environments of other seeds."""
    environment, total = ContinuousGymnasium(name, systems, seed), 0.0
    for _ in range(200):
        with torch.no_grad():
            features = ddpg.network.normalised(torch.from_numpy(environment.observation))
            environment.step(ddpg.network.action(features).numpy())
        total += environment.reward.mean()
    return total


@pytest.mark.slow
def test_pendulums_are_swung_up():
    config = DDPGConfig(
        replications=4,
        gradient_steps=2,
        decisions_per_episode=200,
        episodes=100,
        warmup=1000,
        minibatch=128,
        actor_learning_rate=1e-3,
    )
    returns = []
    for seed in range(3):
        ddpg = DDPG(ContinuousGymnasium("Pendulum-v1", config.replications, seed), config, seed)
        for _ in range(config.updates):
            ddpg.update()
        returns.append(evaluated(ddpg, "Pendulum-v1", 50, 1000 + seed))
    assert median(returns) > -200.0
