"""Prices on channels whose shadowing lasts: limits, the equation, and the filter of the gain."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import radio_gain, radio_price
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.price_tables import plain_tables
from lyaopt.policies.shadowed_prices import STATES, shadowed_prices, shadowing_filter
from lyaopt.simulation import Simulator, Trace, simulate

SYSTEM = load_scenario("shadowing")
MIDDLE = STATES // 2
WIDEST = 3.2


def frozen_radio(system, device: int) -> Radio:
    """The radio of a device in each state of its channel, as X devices."""
    sigma = system.channel.shadowing_std_db * math.log(10.0) / 10.0
    gain = system.mean_channel_gain()[device] * np.exp(sigma * np.linspace(-WIDEST, WIDEST, STATES))
    width = np.full(STATES, system.device_bandwidth_hz[device])
    noise = (width * system.noise_w_per_hz / gain)[:, None]
    return Radio(width, np.full(STATES, system.max_power_w[device]), noise, np.ones(1), True)


def nodes_of(system, costs, device: int, cells: int = 256) -> np.ndarray:
    return plain_tables(system, costs, cells, 16)[1].nodes[device]


def with_sojourn(seconds: float):
    return replace(SYSTEM, channel=replace(SYSTEM.channel, shadowing_sojourn_s=seconds))


@pytest.mark.parametrize("form", ["latency", "backlog"])
def test_frozen_channels_have_the_prices_of_their_gains(form):
    system = with_sojourn(1e12)
    costs = HoldingCosts.of_reward(system) if form == "backlog" else HoldingCosts.of_tasks(system, 0.01)
    nodes = nodes_of(system, costs, 1, 64)
    found = shadowed_prices(system, costs, 2, nodes, float(system.transmit_bits[2, 0]))
    expected = radio_price(frozen_radio(system, 1), np.repeat(nodes[1:, None], STATES, axis=1)).T
    np.testing.assert_allclose(found[8:, 1:], expected[8:], rtol=2e-2)


def test_prices_solve_the_equation_of_value():
    """g_x(dJ/db) = H(b) + L J, with J summed up from the prices and L by finite differences."""
    costs, service = HoldingCosts.of_reward(SYSTEM), 2
    nodes = nodes_of(SYSTEM, costs, 1, 512)
    prices = shadowed_prices(SYSTEM, costs, service, nodes, 1.0)
    steps = np.diff(nodes) / costs.rates[1, service]
    value = np.cumsum(prices[:, 1:] * steps, axis=1)  # J at the nodes, (X, C)
    x = np.linspace(-WIDEST, WIDEST, STATES)
    inside, near = slice(MIDDLE - 16, MIDDLE + 17), 200
    first = np.gradient(value, x, axis=0)
    second = (value[2:] - 2.0 * value[1:-1] + value[:-2]) / (x[1] - x[0]) ** 2
    drift = (second - x[1:-1, None] * first[1:-1]) / SYSTEM.channel.shadowing_sojourn_s
    power = nodes[1:][None] + np.pad(drift, ((1, 1), (0, 0)))
    gain = radio_gain(frozen_radio(SYSTEM, 1), prices[:, 1:].T).T
    np.testing.assert_allclose(gain[inside, near:], power[inside, near:], rtol=5e-2)


def test_prices_rise_with_what_waits_and_bad_channels_wait():
    costs = HoldingCosts.of_reward(SYSTEM)
    nodes = nodes_of(SYSTEM, costs, 1)
    lasting, frozen = (
        shadowed_prices(system, costs, 2, nodes, 1.0) for system in (SYSTEM, with_sojourn(1e12))
    )
    assert (np.diff(lasting, axis=1) >= 0.0).all()
    task = np.searchsorted(nodes, 0.02)
    assert (np.diff(lasting[:, task]) < 0.0).all()  # a bit is cheaper in a better state
    # where the channel is bad, work waits for a better one: it is not worth its price now
    assert lasting[MIDDLE - 20, task] < 0.2 * frozen[MIDDLE - 20, task]
    # where it is good, work hurries
    assert (lasting[MIDDLE + 8 :, task] > frozen[MIDDLE + 8 :, task]).all()


def test_the_filter_is_the_steady_state_of_the_recursion_of_variances():
    slow = shadowing_filter(SYSTEM)
    sigma, noise = SYSTEM.channel.shadowing_std_db * math.log(10.0) / 10.0, math.pi**2 / 6.0
    variance = sigma**2
    for _ in range(5000):
        before = slow.correlation**2 * variance + sigma**2 * (1.0 - slow.correlation**2)
        share = before / (before + noise)
        variance = (1.0 - share) * before
    np.testing.assert_allclose(slow.share, share, rtol=1e-9)
    steady = replace(SYSTEM, channel=replace(SYSTEM.channel, fading="none"))
    assert shadowing_filter(steady).share == 1.0


def test_levels_follow_the_gains():
    """The memory of a run holds the filtered logarithms of the gains of its trace."""
    rng = np.random.default_rng(0)
    gain = SYSTEM.mean_channel_gain() * np.exp(rng.normal(0.0, 3.0, (40, 4)))
    trace = Trace(np.zeros((40, 8), np.int64), gain)
    policy = make_policy("price", SYSTEM, slots=100, replications=1)
    run = Simulator(SYSTEM, policy, trace=trace)
    run.run(40)
    slow, level = policy.rule.slow, np.zeros(4)
    for row in gain:
        level = slow.correlation * level
        level += slow.share * (np.log(row) - slow.mean_log - level)
    np.testing.assert_allclose(run._state.kernel_state.memory[0, 0, 0, 0], level, rtol=1e-12)


def test_a_better_channel_sends_more():
    """Cuts by the state: in good channels tasks send more bits than in bad ones."""
    policy = make_policy("price", SYSTEM, slots=100, replications=1)
    alone = policy.rule.cuts.alone
    bits = np.take_along_axis(SYSTEM.transmit_bits.T, alone, axis=0).sum(axis=1)
    assert bits[-1] > 2.0 * bits[0]
    result = simulate(SYSTEM, policy, slots=500, replications=2, seed=1)
    assert result.born == result.completed + result.queued
