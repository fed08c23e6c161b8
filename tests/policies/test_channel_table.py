"""Tables from channel states to points: the states, the policy, and the search against enumeration."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import SearchOptions, Table, best_fixed, table
from lyaopt.policies.channel_states import ChannelStates, channel_states, decibels, is_slow
from lyaopt.policies.channel_table import better_table, try_tables, useful_cuts
from lyaopt.policies.paired_trials import Trials, standard_error
from lyaopt.simulation import Trace, simulate
from tests.policies.small import pair, seen

SHADOWING = load_scenario("shadowing")
DEFAULT = load_scenario("default")
NO_BACKLOG = np.zeros((3, 8, 5))


def with_channel(system, **settings):
    return replace(system, channel=replace(system.channel, **settings))


def spells(system, slots, seed, good=3.0, bad=1e-3):
    """A channel of two states, good or bad for about twenty periods, without fading."""
    rng = np.random.default_rng(seed)
    now = np.repeat(rng.permuted(np.resize([good, bad], slots // 200 + 1)), 200)[:slots]
    gain = system.mean_channel_gain() * now[:, None]
    mean = system.arrival_rate_per_s * system.slot_duration_s
    return Trace(rng.poisson(mean, (slots, mean.size)), gain)


def drawn_states(system, count=8, slots=20_000, seed=0):
    return channel_states(system, count, seed=seed, slots=slots, replications=16)


def test_thresholds_are_those_of_a_slow_loop():
    rng = np.random.default_rng(0)
    states = ChannelStates(0.3, np.sort(rng.normal(0.0, 6.0, (4, 3)), axis=1))
    points = np.array([np.arange(8) + 10 * state for state in range(4)])
    policy, mean = Table(points, states), SHADOWING.mean_channel_gain()
    level = np.zeros((4, 5))
    for period in range(40):
        gain = mean[:, None] * (10.0 ** rng.normal(0.0, 0.8, (4, 5)) if period else np.ones((4, 5)))
        found = policy.decide(seen(SHADOWING, NO_BACKLOG, gain, period=period)).points
        for m, b in product(range(4), range(5)):
            level[m, b] = 0.7 * level[m, b] + 0.3 * 10.0 * np.log10(gain[m, b] / mean[m])
            state = sum(level[m, b] >= edge for edge in states.edges_db[m])
            assert found[2 * m : 2 * m + 2, b].tolist() == points[state, 2 * m : 2 * m + 2].tolist()


def test_a_new_run_starts_empty():
    policy = Table(np.arange(8)[:, None] + np.zeros(8, np.int64), drawn_states(SHADOWING))
    first, again = (simulate(SHADOWING, policy, slots=300, replications=3, seed=2) for _ in range(2))
    np.testing.assert_array_equal(first.queues, again.queues)
    assert len(np.unique(first.points)) > 1


def test_a_channel_without_gain_is_in_the_worst_state():
    assert np.isfinite(decibels(SHADOWING, np.zeros((4, 2)))).all()
    states = drawn_states(SHADOWING)
    assert (states.state_of(decibels(SHADOWING, np.zeros((4, 2)))) == 0).all()


def test_one_table_per_replication_equals_separate_runs():
    rng, states = np.random.default_rng(1), drawn_states(SHADOWING)
    tables = rng.integers(0, SHADOWING.cut_counts[:, None], (8, 8, 6))
    together = simulate(SHADOWING, Table(tables, states), slots=500, replications=6, seed=4)
    for b in range(6):
        alone = simulate(SHADOWING, Table(tables[..., b], states), slots=500, replications=6, seed=4)
        np.testing.assert_array_equal(together.queues[..., b], alone.queues[..., b])
        np.testing.assert_array_equal(together.points[:, b], alone.points[:, b])


def test_copies_continue_from_the_observed_state():
    rng, states = np.random.default_rng(1), drawn_states(SHADOWING)
    gains = SHADOWING.mean_channel_gain()[:, None] * 10.0 ** rng.normal(0.0, 0.8, (10, 4, 5))
    policy = Table(np.arange(8)[:, None] + np.zeros(8, np.int64), replace(states, weight=0.2))
    for period in range(9):
        policy.decide(seen(SHADOWING, NO_BACKLOG, gains[period], period=period))
    copy = policy.replicate(3, 7)
    last = np.repeat(gains[9][:, 3:4], 7, axis=1)
    found = copy.decide(seen(SHADOWING, np.zeros((3, 8, 7)), last, period=9)).points
    expected = policy.decide(seen(SHADOWING, NO_BACKLOG, gains[9], period=9)).points
    np.testing.assert_array_equal(found, np.repeat(expected[:, 3:4], 7, axis=1))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"fading": "none"},
        {"shadowing_std_db": 0.0, "fading_correlation": 0.995},
        {"shadowing_std_db": 0.0, "walk_m_per_sqrt_s": 20.0},
    ],
)
def test_states_are_equally_frequent(settings):
    system = with_channel(SHADOWING, **settings)
    states = drawn_states(system, 4)

    class Watch:
        name = "watch"
        counts = np.zeros(4)
        table = Table(np.arange(4)[:, None] + np.zeros(8, np.int64), states)

        def decide(self, observation):
            decision = self.table.decide(observation)
            self.counts += np.bincount(decision.points.ravel(), minlength=4)
            return decision

    watch = Watch()
    simulate(system, watch, slots=20_000, replications=16, seed=77)
    assert np.abs(watch.counts / watch.counts.sum() - 0.25).max() < 0.05


def kalman_gain(system):
    """Stationary Kalman gain for shadowing, with the fading of a period's mean as noise."""
    channel, slots = system.channel, system.slots_per_period
    kept = np.exp(-slots * system.slot_duration_s / channel.shadowing_sojourn_s)
    noise = (10.0 / np.log(10.0)) ** 2 * sum(1.0 / (slots + i) ** 2 for i in range(100_000))
    variance = channel.shadowing_std_db**2
    for _ in range(10_000):
        gain = variance / (variance + noise)
        variance = kept**2 * (1.0 - gain) * variance + (1.0 - kept**2) * channel.shadowing_std_db**2
    return gain


@pytest.mark.parametrize(("deviation", "sojourn"), [(8.0, 5.0), (8.0, 80.0), (3.0, 5.0), (20.0, 1.0)])
def test_weights_are_nearly_those_of_the_best_filter(deviation, sojourn):
    system = with_channel(SHADOWING, shadowing_std_db=deviation, shadowing_sojourn_s=sojourn)
    weight = drawn_states(system).weight
    assert kalman_gain(system) / 1.5 < weight < 1.5 * kalman_gain(system)


def test_independent_channels_have_one_state_and_the_best_fixed_points():
    assert not is_slow(DEFAULT)
    assert not is_slow(with_channel(DEFAULT, fading="none", fading_correlation=0.9))
    options = SearchOptions(slots=500, replications=2, seed=3)
    found, fixed = table(pair(), options), best_fixed(pair(), options)
    assert found.points.tolist() == [fixed.points.tolist()]
    results = [simulate(pair(), policy, slots=300, replications=2) for policy in (found, fixed)]
    np.testing.assert_array_equal(results[0].queues, results[1].queues)


@pytest.mark.parametrize("edge", [20e9, 0.6e9])
def test_the_best_table_of_a_channel_of_two_states_is_found(edge):
    system = pair(edge_capacity_hz=edge, slots_per_period=20)
    traces = [spells(system, 2400, seed) for seed in range(4)]
    found = table(system, SearchOptions(traces=traces), states=2)
    assert (found.points[0] != found.points[1]).any()
    every = np.array(list(product(range(3), repeat=4))).T.reshape(2, 2, -1)
    total = try_tables(Trials(system, 0, 1, 1, 10**9, traces), found.states, every).total()
    costs = total.costs[0]
    best = int(np.where(total.stable(0), costs.mean(axis=1), np.inf).argmin())
    mine = int(np.flatnonzero((found.points[..., None] == every).all(axis=(0, 1)))[0])
    behind = costs[mine] - costs[best]
    assert total.stable(0)[mine]
    assert behind.mean() <= standard_error(behind)
    fixed = costs[[np.ravel_multi_index((i, j, i, j), (3,) * 4) for i, j in product(range(3), repeat=2)]]
    assert costs[mine].mean() < 0.97 * fixed.mean(axis=1).min()


def test_points_are_kept_if_they_lower_the_cost_of_the_whole_system():
    system = pair()
    traces = [spells(system, 3000, seed) for seed in range(4)]
    states = channel_states(system, 2, seed=0, slots=3000, replications=4, traces=traces)
    local_when_bad, reverse = np.array([[2, 2], [0, 0]]), np.array([[0, 0], [2, 2]])
    for incumbent, other, kept in (
        (local_when_bad, reverse, local_when_bad),
        (reverse, local_when_bad, local_when_bad),
        (reverse, reverse.copy(), reverse),
    ):
        trials = Trials(system, 0, 1, 1, 10**9, traces)
        assert better_table(trials, states, incumbent, other) is kept


@pytest.mark.parametrize(
    "system", [DEFAULT, pair(), pair(learning=replace(pair().learning, exclude_cut_zero=True))]
)
def test_useful_cuts_are_the_pareto_front(system):
    least = int(system.learning.exclude_cut_zero)
    for s, count in enumerate(system.cut_counts):
        work = [(system.local_cycles[s, k], system.transmit_bits[s, k]) for k in range(count)]
        useful = [
            k
            for k in range(least, count)
            if not any(
                work[j][0] <= work[k][0] and work[j][1] <= work[k][1] and (work[j] != work[k] or j < k)
                for j in range(least, count)
                if j != k
            )
        ]
        assert useful_cuts(system, s).tolist() == useful


def test_budgets_are_kept_and_searches_repeatable():
    system, spent = with_channel(pair(), shadowing_std_db=10.0), []

    def look(used, budget):
        spent.append(used)
        assert budget in (60_000, 60_000 - 2 * 4 * 500)

    options = SearchOptions(slots=500, replications=4, budget=60_000)
    watched = replace(options, progress=look)
    first, again = table(system, watched, states=4), table(system, options, states=4)
    np.testing.assert_array_equal(first.points, again.points)
    assert spent == sorted(spent)
    assert 40_000 < spent[-1] <= 60_000 - 2 * 4 * 500


@pytest.mark.parametrize("states", [0, 2.0, True, 1001])
def test_bad_numbers_of_states_are_named(states):
    with pytest.raises(ProblemError) as caught:
        table(pair(), states=states)
    assert caught.value.path == "$.states"
