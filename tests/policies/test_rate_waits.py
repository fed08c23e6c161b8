"""Prices that know how long measured radios are without their whole rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")

from lyaopt.benchmark import load_suite
from lyaopt.benchmark.traces import frozen_traces
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import price_rule
from lyaopt.policies.fixed import Fixed
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.paired_trials import SearchOptions
from lyaopt.policies.price_tables import plain_tables
from lyaopt.policies.rate_waits import waits_s, with_waits
from lyaopt.simulation import Trace, simulate

SUITE = load_suite()
(SYSTEM,) = (instance.system for instance in SUITE.instances if instance.traced)
TRAINING = replace(SUITE.quick, seed=0, replications=2, slots=10_000, warmup=0, trace_sha256=None)


def test_waits_are_the_mean_time_until_the_whole_rate():
    rng = np.random.default_rng(1)
    gain = np.where(rng.random((2, 300, 4)) < 0.3, 1.0, rng.uniform(size=(2, 300, 4)))
    gain[:, -1] = 1.0
    traces = [Trace(np.zeros((300, 8), np.int64), each) for each in gain]
    whole = gain >= 0.95
    until = [
        [np.flatnonzero(whole[b, t:, m])[0] for b in range(2) for t in range(300)] for m in range(4)
    ]  # fmt: skip
    np.testing.assert_allclose(waits_s(SYSTEM, traces), np.mean(until, axis=1) * SYSTEM.slot_duration_s)
    assert not waits_s(load_scenario("balanced"), traces).any()
    assert not waits_s(SYSTEM, ()).any()


@pytest.mark.parametrize("theta", [0.01, None], ids=["latency", "backlog"])
def test_prices_grow_by_what_a_bit_waits(theta):
    costs = HoldingCosts.of_tasks(SYSTEM, theta) if theta else HoldingCosts.of_reward(SYSTEM)
    plain = plain_tables(SYSTEM, costs, 64, 8)[1]
    waits, bits = np.array([0.0, 1.0, 2.0, 3.0]), np.geomspace(1e4, 1e6, 8)
    found = with_waits(SYSTEM, costs, plain, waits, bits)
    for s, m in enumerate(SYSTEM.device_of_service.tolist()):
        holding = found.nodes[s]
        added = waits[m] * (costs.rates[1, s] if theta is None else holding / bits[s])
        np.testing.assert_allclose(found.price[s], plain.price[m] + added)
        later = 3.0 * holding[-1]
        beyond = plain.at(m, np.array([later])) + waits[m] * (
            costs.rates[1, s] if theta is None else later / bits[s]
        )
        np.testing.assert_allclose(found.at(s, np.array([later])), beyond, rtol=1e-9)


def test_a_rule_that_knows_the_waits_costs_less_where_rates_come_and_go():
    training = frozen_traces(SYSTEM, TRAINING)
    knows = price_rule(SYSTEM, options=SearchOptions(traces=training))
    blind = price_rule(SYSTEM, options=SearchOptions(slots=10_000, replications=2))
    held_out = frozen_traces(SYSTEM, replace(TRAINING, seed=5, slots=20_000))
    costs = []
    for rule in (knows, blind):
        runs = [simulate(SYSTEM, Fixed(rule.cuts.usual), slots=20_000, trace=t, rule=rule) for t in held_out]
        waiting = SYSTEM.waiting_costs_j_per_s
        costs.append(np.mean([run.mean_energy_j + run.waiting_cost_j(waiting) for run in runs]))
    assert costs[0] < 0.8 * costs[1]
