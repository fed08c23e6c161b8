"""Prices of `price` and `value` over the channels that a trace records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy, price_policy
from lyaopt.policies.trace_radios import radio_of, task_rates_per_s
from lyaopt.simulation import Trace, divide, simulate

SYSTEM = load_scenario("default")
MEAN = SYSTEM.mean_channel_gain()
SLOTS = 12_000


def trace_of(gain, rate=0.01, seed=2):
    rng = np.random.default_rng(seed)
    return Trace(rng.poisson(rate, (len(gain), 8)), gain)


def carried(radio, level):
    """Rates and powers at prices that fill to multiples of the noise over the mean gain."""
    price = level * SYSTEM.noise_w_per_hz / MEAN * np.log(2.0)
    return np.array(radio.carried(price))


def test_groups_of_gains_carry_what_the_gains_carry():
    """Against water-filling of every slot of the trace at the level of the price."""
    gain = MEAN * np.random.default_rng(3).exponential(size=(SLOTS, 4))
    radio = radio_of(SYSTEM, [trace_of(gain)])
    width = SYSTEM.device_bandwidth_hz
    for level in (0.3, 1.0, 10.0, 1e4):
        water = level * width * SYSTEM.noise_w_per_hz / MEAN
        power = np.clip(water - width * SYSTEM.noise_w_per_hz / gain, 0.0, SYSTEM.max_power_w)
        rate = width * np.log2(1.0 + power * gain / (width * SYSTEM.noise_w_per_hz))
        found = carried(radio, level)
        np.testing.assert_allclose(found[0], rate.mean(axis=0), rtol=0.01)
        np.testing.assert_allclose(found[1], power.mean(axis=0), rtol=0.01)
        np.testing.assert_allclose(found, carried(Radio.of(SYSTEM), level), rtol=0.15)


@pytest.mark.parametrize("slots", [1, 3, 64, 1000])
def test_a_steady_gain_is_one_of_no_fading(slots):
    radio = radio_of(SYSTEM, [trace_of(np.tile(MEAN, (slots, 1)))])
    steady = replace(SYSTEM, channel=replace(SYSTEM.channel, fading="none"))
    assert radio.weight.sum() == pytest.approx(1.0)
    for level in (0.5, 2.0, 1e3):
        np.testing.assert_allclose(carried(radio, level), carried(Radio.of(steady), level), rtol=1e-12)
    np.testing.assert_allclose(radio.largest_rate(), Radio.of(steady).largest_rate(), rtol=1e-12)


def test_channels_that_a_trace_does_not_record_are_of_the_law():
    gain = np.tile(MEAN, (100, 1))
    drawn = replace(trace_of(gain), drawn="channel_gain")
    slow = load_scenario("shadowing")
    for system, traces in ((SYSTEM, []), (SYSTEM, [drawn]), (slow, [trace_of(gain)])):
        found, expected = radio_of(system, traces), Radio.of(system)
        np.testing.assert_array_equal(found.noise_w, expected.noise_w)
        assert found.rayleigh == expected.rayleigh
    both = radio_of(SYSTEM, [drawn, trace_of(2.0 * gain)])
    np.testing.assert_allclose(
        both.noise_w[:, 0] * MEAN * 2.0, SYSTEM.device_bandwidth_hz * SYSTEM.noise_w_per_hz
    )


def test_tasks_come_as_a_trace_records_them():
    gain = np.tile(MEAN, (50, 1))
    arrivals = np.zeros((50, 8), np.int64)
    arrivals[7, 2] = 3
    trace = Trace(arrivals, gain)
    expected = np.zeros(8)
    expected[2] = 3.0 / (50 * SYSTEM.slot_duration_s)
    np.testing.assert_allclose(task_rates_per_s(SYSTEM, [trace]), expected)
    for traces in ([], [replace(trace, drawn="arrivals")]):
        np.testing.assert_array_equal(task_rates_per_s(SYSTEM, traces), SYSTEM.arrival_rate_per_s)


def test_a_radio_without_coverage_is_left_alone():
    gain = np.tile(MEAN, (200, 1))
    gain[:, 0] = 0.0
    gain[:150, 1] = 0.0
    policy = make_policy("price", SYSTEM, traces=[trace_of(gain)], waiting_cost_j_per_s=0.01)
    alone = policy.rule.cuts.usual
    bits = SYSTEM.transmit_bits[np.arange(8), alone]
    assert (bits[SYSTEM.device_of_service == 0] == 0.0).all()
    assert np.isfinite(policy.rule.price).all()


def frontier(parts, costs):
    """Latencies and energies of the price rule on the judged part, at waiting costs."""
    judged, found = parts.judged.spread_over(2), []
    for cost in costs:
        policy = make_policy("price", SYSTEM, traces=[parts.searched], waiting_cost_j_per_s=cost)
        result = simulate(SYSTEM, policy, slots=6000, warmup=1000, replications=2, trace=judged)
        found.append((result.mean_latency_s, result.mean_energy_j))
    return np.array(found).T


@pytest.mark.parametrize(("kind", "most"), [("weak", 0.8), ("strong", 0.8), ("law", 1.02)])
def test_at_the_same_latency_prices_of_the_trace_spend_no_more_than_those_of_the_law(monkeypatch, kind, most):
    """Judged on the part that was not searched, at latencies that both reach."""
    factor = {"weak": 0.01, "strong": 100.0, "law": 1.0}[kind]
    gain = factor * MEAN * np.random.default_rng(7).exponential(size=(SLOTS, 4))
    parts = divide(trace_of(gain), SYSTEM)
    of_trace = frontier(parts, np.geomspace(1e-3, 1.0, 7))
    monkeypatch.setattr(price_policy, "radio_of", lambda system, traces: Radio.of(system))
    of_law = frontier(parts, np.geomspace(1e-3, 1.0, 7))
    low = max(of_trace[0].min(), of_law[0].min())
    high = min(of_trace[0].max(), of_law[0].max())
    assert high > 1.3 * low
    latencies = np.geomspace(low, high, 9)
    mine, theirs = (
        np.exp(np.interp(np.log(latencies), np.log(line[0][::-1]), np.log(line[1][::-1])))
        for line in (of_trace, of_law)
    )
    assert (mine <= 1.03 * theirs).all()
    assert mine.sum() < most * theirs.sum()
