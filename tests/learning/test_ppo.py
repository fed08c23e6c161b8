"""PPO on environments with known optimal values, and its parts against slow or exact ones."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from statistics import median

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lyaopt._kernels.learning.gae import advantages  # noqa: E402
from lyaopt.learning import PPO, DivergedError, PPOConfig, preset  # noqa: E402
from lyaopt.learning.architectures import make_network  # noqa: E402
from lyaopt.learning.distributions import Points  # noqa: E402
from lyaopt.learning.networks import Shape  # noqa: E402
from lyaopt.learning.objective import Choices, Returns, losses_of, terms_of  # noqa: E402
from tests.learning.environments import (  # noqa: E402
    ActionToReward,
    Discounting,
    Endless,
    Gymnasium,
    ObservationAndAction,
    ObservationToValue,
    Probe,
    ValueOnly,
)

SMALL = PPOConfig(
    hidden_layers=1,
    hidden_units=16,
    replications=16,
    rollout=10,
    decisions_per_episode=10,
    episodes=16 * 150,
    minibatch=80,
    learning_rate=1e-2,
    discount=0.9,
)
NORMALISED = replace(
    SMALL,
    advantage_decay=0.95,
    critic_decay=0.95,
    credit="device",
    anneal=True,
    normalise_observations=True,
    normalise_advantages=True,
    normalise_returns=True,
)
BOTH = pytest.mark.parametrize("config", [SMALL, NORMALISED], ids=["plain", "normalised"])


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def trained(environment, config, seed=0):
    ppo = PPO(environment, config, seed)
    for _ in range(config.updates):
        ppo.update()
    return ppo.network


def values(network, *seen):
    with torch.no_grad():
        return network.value(network.normalised(torch.tensor(seen)[:, None]))[:, 0].numpy()


def chances(network, *seen):
    """Probability of choice 1."""
    with torch.no_grad():
        features = network.normalised(torch.tensor(seen, dtype=torch.float32)[:, None])
        return network.points(features).log_probability[:, 0, 1].exp().numpy()


@BOTH
def test_value_of_a_constant(config):
    assert values(trained(ValueOnly(), config), 0.0) == pytest.approx([1.0], abs=0.05)


@BOTH
def test_the_value_depends_on_the_observation(config):
    network = trained(ObservationToValue(), config)
    np.testing.assert_allclose(values(network, -1.0, 1.0), [-1.0, 1.0], atol=0.05)


@BOTH
def test_the_value_of_later_rewards_is_discounted(config):
    network = trained(Discounting(), config)
    np.testing.assert_allclose(values(network, 0.0, 1.0), [0.9, 1.0], atol=0.05)


@BOTH
def test_the_better_choice_is_taken(config):
    assert chances(trained(ActionToReward(), config), 0.0) > 0.95


@BOTH
def test_the_better_choice_depends_on_the_observation(config):
    low, high = chances(trained(ObservationAndAction(), config), -1.0, 1.0)
    assert low < 0.05
    assert high > 0.95


@BOTH
def test_a_time_limit_is_a_truncation(config):
    # 1 + gamma + gamma^2 + ... = 10; if truncation ended the return, ages 0 to 4 average 2.4
    assert values(trained(Endless(), config), 0.0) == pytest.approx([10.0], rel=0.05)


def slow_advantages(reward, value, following, ended, discount, decay):
    """The exponentially weighted mean of all n-step differences, each summed on its own."""
    steps, environments = reward.shape
    result = np.zeros((steps, environments))
    for t, b in itertools.product(range(steps), range(environments)):
        weight = 1.0
        for k in range(t, steps):
            result[t, b] += weight * (reward[k, b] + discount[b] * following[k, b] - value[k, b])
            weight *= discount[b] * decay
            if ended[k, b]:
                break
    return result


@pytest.mark.parametrize("decay", [0.0, 0.95, 1.0])
def test_advantages_against_a_slow_sum(decay):
    rng = np.random.default_rng(3)
    reward, value, following = rng.standard_normal((3, 40, 5)).astype(np.float32)
    ended = rng.random((40, 5)) < 0.1
    out, discounts = np.empty((40, 5), np.float32), np.linspace(0.9, 0.999, 5)
    advantages(reward, value, following, ended, discounts, decay, out)
    slow = slow_advantages(reward, value, following, ended, discounts, decay)
    np.testing.assert_allclose(out, slow, rtol=1e-5, atol=1e-5)


def test_returns_without_decay_are_the_discounted_sums_up_to_a_truncation():
    """Decay 1: the sum of rewards, and the value of the last state after truncation."""
    reward = np.array([[1.0], [2.0], [3.0], [4.0]], np.float32)
    value = np.array([[5.0], [6.0], [7.0], [8.0]], np.float32)
    following = np.array(
        [[6.0], [100.0], [8.0], [0.0]], np.float32
    )  # truncated after the second, terminated after the last
    ended = np.array([[False], [True], [False], [True]])
    out = np.empty((4, 1), np.float32)
    advantages(reward, value, following, ended, np.full(value.shape[1], 0.5), 1.0, out)
    expected = [1 + 0.5 * (2 + 0.5 * 100), 2 + 0.5 * 100, 3 + 0.5 * 4, 4]
    np.testing.assert_allclose((out + value)[:, 0], expected, rtol=1e-6)


SHAPE = Shape(features=3, choices=(3, 2, 4), first_choice=1)


def some_points(first=1, n=6, seed=0):
    torch.manual_seed(seed)
    network = make_network(SHAPE._replace(first_choice=first), 1, SMALL, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        network.points_layer.weight.normal_()
        return network.points(torch.randn(n, 3))


@pytest.mark.parametrize("first", [0, 1])
def test_probabilities_and_entropy_against_enumeration(first):
    distribution = some_points(first)
    every = list(itertools.product(*(range(first, count) for count in SHAPE.choices)))
    points = torch.tensor(every)
    for row in range(6):
        single = Points(distribution.log_probability[row : row + 1].repeat(len(every), 1, 1))
        log_probability = single.log_prob(points).sum(-1)
        assert float(log_probability.exp().sum()) == pytest.approx(1.0, abs=1e-5)
        entropy = -(log_probability.exp() * log_probability).sum()
        assert float(distribution.entropy()[row].sum()) == pytest.approx(float(entropy), abs=1e-5)


def test_log_probability_and_entropy_come_together_too():
    distribution = some_points()
    points = distribution.draw(torch.Generator().manual_seed(0))[0]
    both = distribution.log_prob_and_entropy(points)
    torch.testing.assert_close(both, (distribution.log_prob(points), distribution.entropy()))


def test_draws_follow_the_probabilities_and_stay_within_the_choices():
    distribution = some_points(n=1)
    many = Points(distribution.log_probability.expand(40_000, -1, -1))
    drawn = many.draw(torch.Generator().manual_seed(1))[0]
    assert (drawn >= 1).all()
    assert (drawn < torch.tensor(SHAPE.choices)).all()
    for s, choices in enumerate(SHAPE.choices):
        share = torch.bincount(drawn[:, s], minlength=choices) / 40_000
        expected = distribution.log_probability[0, s, :choices].exp()
        np.testing.assert_allclose(share, expected, atol=0.01)  # four standard errors of a half


def test_extreme_draws_stay_within_the_choices(monkeypatch):
    distribution = some_points()
    for draw in (0.0, 1.0 - 2.0**-24):  # the ends of what torch.rand returns
        monkeypatch.setattr(torch, "rand", lambda *size, generator, draw=draw: torch.full(size, draw))
        drawn = distribution.draw(torch.Generator())[0]
        assert (drawn >= 1).all()
        assert (drawn < torch.tensor(SHAPE.choices)).all()


def minibatch_of(network, n=12):
    """Drawn points with other old probabilities and advantages, and returns of two parts."""
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(n, 3, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        distribution = network.points(features)
        points = distribution.draw(generator)[0]
        log_probability = distribution.log_prob(points)
    noise = torch.randn(2, n, 3, generator=generator, dtype=torch.float64)
    met = torch.rand(n, 3, generator=generator) < 0.5
    returns = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    choices = Choices(features, points, log_probability + 0.3 * noise[0], met, noise[1])
    return choices, Returns(features, returns)


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("credit", ["joint", "device"])
def test_gradient_against_finite_differences(credit, normalise):
    config = replace(SMALL, normalise_advantages=normalise, credit=credit)
    network = make_network(SHAPE, 2, config, torch.Generator().manual_seed(2)).double()
    minibatch = minibatch_of(network)
    loss, _ = losses_of(network, *minibatch, terms_of(config, 0.1))
    loss.backward()
    for weight in network.parameters():
        flat, place = weight.data.view(-1), weight.numel() // 2
        before, at = float(flat[place]), []
        for step in (1e-6, -1e-6):
            flat[place] = before + step
            at.append(losses_of(network, *minibatch, terms_of(config, 0.1))[0].item())
        flat[place] = before
        slope = (at[0] - at[1]) / 2e-6
        assert float(weight.grad.view(-1)[place]) == pytest.approx(slope, rel=1e-5, abs=1e-8)


def clipped(now, old, advantage):
    ratio = math.exp(now - old)
    return min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage)


def test_the_objective_is_the_papers():
    """Row by row with plain numbers: min(g A, clip(g) A), g of all services together."""
    network = make_network(SHAPE, 2, SMALL, torch.Generator().manual_seed(2)).double()
    choices, returns = minibatch_of(network)
    _, (objective, *_) = losses_of(network, choices, returns, terms_of(SMALL, 0.0))
    with torch.no_grad():
        new = network.points(choices.features).log_prob(choices.actions).sum(-1).tolist()
    old, advantage = choices.log_probability.sum(-1).tolist(), choices.advantage[:, 0].tolist()
    assert float(objective) == pytest.approx(sum(map(clipped, new, old, advantage)) / 12, rel=1e-9)


def test_points_used_by_no_task_do_not_count():
    config = replace(SMALL, credit="device")
    network = make_network(SHAPE, 2, config, torch.Generator().manual_seed(2)).double()
    choices, returns = minibatch_of(network)
    _, (objective, *_) = losses_of(network, choices, returns, terms_of(config, 0.0))
    with torch.no_grad():
        new = network.points(choices.features).log_prob(choices.actions)
    met = choices.met
    parts = [values[met].tolist() for values in (new, choices.log_probability, choices.advantage)]
    assert float(objective) == pytest.approx(sum(map(clipped, *parts)) / int(met.sum()), rel=1e-9)


def test_periods_without_tasks_are_valid():
    config = replace(SMALL, credit="device", normalise_advantages=True)
    network = make_network(SHAPE, 2, config, torch.Generator().manual_seed(2)).double()
    choices, returns = minibatch_of(network)
    loss, _ = losses_of(
        network, choices._replace(met=torch.zeros_like(choices.met)), returns, terms_of(config, 0.1)
    )
    loss.backward()
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in network.parameters())


@BOTH
def test_the_first_minibatch_has_the_policy_that_collected_it(config, monkeypatch):
    """The first ratio is 1 up to rounding in every update, not only in the first."""
    seen = []

    def spy(self, choices, *rest):
        with torch.no_grad():
            now = self.network.points(choices.features).log_prob(choices.actions)
        seen.append(float((now - choices.log_probability).abs().max()))
        return step(self, choices, *rest)

    step = PPO._step
    monkeypatch.setattr(PPO, "_step", spy)
    ppo = PPO(ObservationAndAction(), config, 0)
    for _ in range(5):
        seen.clear()
        ppo.update()
        assert seen[0] < 1e-5
        assert max(seen[1:]) > 1e-3


@BOTH
def test_equal_seeds_give_equal_bits(config):
    config = replace(config, episodes=16 * 5)
    first, second, other = (trained(ObservationAndAction(), config, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@BOTH
def test_a_restored_learner_continues_bit_for_bit(config):
    def environment():
        return ActionToReward(seed=4)  # without a state of its own

    whole, broken, resumed = (PPO(environment(), config, 1) for _ in range(3))
    for _ in range(6):
        whole.update()
    for _ in range(3):
        broken.update()
    resumed.restore(broken.state())
    for _ in range(3):
        resumed.update()
    expected, found = whole.state(), resumed.state()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


class Spoilt(Probe):
    """Rewards become NaN."""

    def __init__(self, bad):
        super().__init__()
        self.bad, self.steps = bad, 0

    def pay(self, points):
        self.steps += 1
        self.reward[:] = 1.0
        if self.steps > 25:
            self.reward[3] = self.bad


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rewards_that_are_not_finite_stop_the_training(bad):
    ppo = PPO(Spoilt(bad), SMALL, 0)
    ppo.update()
    ppo.update()
    weights = {name: value.clone() for name, value in ppo.network.state_dict().items()}
    with pytest.raises(DivergedError, match="update 3: a reward of decision 5"):
        ppo.update()
    assert all(torch.equal(weights[name], value) for name, value in ppo.network.state_dict().items())


def test_losses_that_are_not_finite_stop_the_training():
    ppo = PPO(ValueOnly(), SMALL, 0)
    ppo.update()
    with torch.no_grad():
        ppo.network.value_layer.bias.fill_(np.inf)
    with pytest.raises(DivergedError, match=r"update 2: .* is (nan|inf)"):
        ppo.update()


@pytest.mark.slow
def test_cart_pole_is_solved():
    config = preset(
        "tuned",
        episodes=8 * 500,
        replications=8,
        decisions_per_episode=128,
        rollout=128,
        minibatch=256,
        hidden_units=64,
        epochs=8,
        learning_rate=1e-3,
    )
    lengths = []
    for seed in range(5):
        environment = Gymnasium("CartPole-v1", config.replications, seed)
        ppo = PPO(environment, config, seed)
        for _ in range(100):
            ppo.update()
        lengths.append(np.mean(environment.lengths[-50:]))
    assert median(lengths) >= 475
