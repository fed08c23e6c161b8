"""The rule by prices in the compiled loop: against weights computed apart, and the record's properties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings

from lyaopt.bounds.holding_price import local_price, transmit_price
from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import Fixed, price_rule
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.simulation import Decision, Shares, Simulator, Trace, simulate
from tests.simulation.scenarios import workloads
from tests.simulation.test_record_invariants import EPS, assert_bitwise_equal, backlogs, rates

EXAMPLES = settings(max_examples=20)
SYSTEM = load_scenario("balanced")
COSTS = pytest.mark.parametrize("cost", [0.02, None], ids=["latency", "backlog"])


def rule_of(system, cost, **changes):
    """Plain prices, so that a slow computation can follow."""
    try:
        return replace(price_rule(system, cost, rounds=0), **changes)
    except ProblemError:  # no cut that the system can serve
        assume(False)


def slow_weights(system, costs, seen):
    """Local and transmit weights: queues in order, and nu at what is left of the holding cost."""
    weights = np.zeros((2, *seen.waiting.shape[1:]))
    prices = (local_price, transmit_price)
    for q in range(2):
        for m in range(len(system.devices)):
            for b in range(seen.replications):
                queues = [s for s in system.services_of(m) if seen.waiting[q, s, b] > 0]
                left = {s: 1.0 if costs.by_work else seen.head_left[q, s, b] for s in queues}
                queues.sort(key=lambda s: (-costs.rates[q, s] / left[s], s))
                amount = seen.backlog if costs.by_work else seen.waiting
                holding = [costs.rates[q, s] * amount[q, s, b] for s in queues]
                for i, s in enumerate(queues):
                    cost = np.full(len(system.devices), sum(holding[i:]))
                    weights[q, s, b] = prices[q](system, cost)[m]
    return weights


@COSTS
def test_weights_are_the_prices_of_what_is_there_from_each_queue_on(cost):
    """With interpolation in a table, to a part in a thousand."""
    rule = rule_of(SYSTEM, cost, cuts=None)
    costs = HoldingCosts.of_reward(SYSTEM) if cost is None else HoldingCosts.of_tasks(SYSTEM, cost)
    found = 0

    def check(seen):
        nonlocal found
        answer = rule.weights(SYSTEM, seen.backlog, seen.waiting, seen.head_left)
        if seen.slot % 40 == 0:
            expected = slow_weights(SYSTEM, costs, seen)
            found += int((seen.waiting[:2] > 0).sum())
            np.testing.assert_allclose(np.stack(answer[:2]), expected, rtol=2e-2, atol=1e-3 * expected.max())
            large = expected > 0.3 * expected.max(axis=(1, 2), keepdims=True)
            np.testing.assert_allclose(np.stack(answer[:2])[large], expected[large], rtol=1e-3)
        return answer

    busy = replace(SYSTEM, edge_capacity_hz=3e8)
    points = (SYSTEM.cut_counts - 1) // 2
    simulate(busy, Fixed(points), slots=1200, replications=4, seed=3, rule=check)
    assert found > 20


@COSTS
@given(workload=workloads())
@EXAMPLES
def test_the_compiled_rule_is_the_rule_in_python_at_unit_weights_of_energy(cost, workload):
    rule = rule_of(workload.system, cost, cuts=None)
    unit = replace(
        workload, system=replace(workload.system, energy_weight_local=1.0, energy_weight_transmit=1.0)
    )

    def in_python(seen):
        return rule.weights(seen.system, seen.backlog, seen.waiting, seen.head_left)

    one, other = workload.simulate(rule=rule).record, unit.simulate(rule=in_python).record
    for ours, theirs in ((backlogs(one), backlogs(other)), (rates(one), rates(other))):
        scale = np.abs(theirs).max(axis=(1, 2), keepdims=True)
        assert (np.abs(ours - theirs) <= 1e-6 * scale).all()
    np.testing.assert_array_equal(one.completed.sum(axis=0), other.completed.sum(axis=0))


@COSTS
@given(workload=workloads())
@EXAMPLES
def test_cuts_of_the_rule_are_recorded_and_replay_to_the_same_bits(cost, workload):
    rule = rule_of(workload.system, cost)
    result = workload.simulate(rule=rule)
    record, system = result.record, workload.system
    queued = np.cumsum(record.arrivals - record.completed, axis=0)
    np.testing.assert_array_equal(queued == 0, (backlogs(record)[:, 1:] == 0.0).all(axis=0))
    assert result.born == record.arrivals.sum() == result.completed + result.queued
    points = np.repeat(record.partition, system.slots_per_period, axis=0)[: workload.slots]
    born = record.arrivals * np.take_along_axis(system.local_cycles.T, points, axis=0)
    queue = record.local_queue_cycles
    expected = queue[:-1] - record.local_cpu_hz * system.slot_duration_s + born
    assert (np.abs(queue[1:] - expected) <= 8 * EPS * (queue[:-1] + born)).all()
    again = simulate(
        system, slots=workload.slots, trace=record.trace, record=True, rule=replace(rule, cuts=None)
    )
    assert_bitwise_equal(record, again.record)


def test_a_run_in_pieces_and_a_copy_continue_alike():
    rule = price_rule(SYSTEM, 0.01, rounds=0)
    whole, pieces = (Simulator(SYSTEM, Fixed(rule.cuts.usual), replications=3, rule=rule) for _ in range(2))
    whole.run(423)
    for slots in (7, 95, 1, 320):
        pieces.run(slots)
    np.testing.assert_array_equal(whole._state.backlog(), pieces._state.backlog())
    copy = whole._state.copies(1, np.array([1]), 0)
    copy.advance(200, copy.layout.to_lanes(rule.cuts.usual[None, :, None], np.int64))
    whole.run(200)
    np.testing.assert_array_equal(copy.backlog()[..., 0], whole._state.backlog()[..., 1])


@COSTS
def test_shares_of_a_policy_come_before_prices(cost):
    class Halves:
        name = "halves"

        def decide(self, observation):
            half = np.full(8, 0.5)
            shares = Shares(np.full(4, 0.5), np.full(4, 0.5), half, half, half / 4)
            return Decision(SYSTEM.cut_counts // 2, True, shares)

    with_rule = simulate(SYSTEM, Halves(), slots=300, seed=2, rule=rule_of(SYSTEM, cost, cuts=None))
    assert with_rule.mean_energy_j == simulate(SYSTEM, Halves(), slots=300, seed=2).mean_energy_j


def test_a_higher_waiting_cost_takes_more_energy_and_less_time():
    runs = []
    for cost in (0.001, 0.01, 0.1):
        rule = price_rule(SYSTEM, cost, rounds=0)
        runs.append(simulate(SYSTEM, Fixed(rule.cuts.usual), slots=4000, replications=8, seed=1, rule=rule))
    energies, latencies = [r.mean_energy_j for r in runs], [r.mean_latency_s for r in runs]
    assert energies == sorted(energies)
    assert latencies == sorted(latencies, reverse=True)
    assert energies[2] > 3 * energies[0]


def test_a_trace_replays_under_the_rule_that_chooses_anew():
    rng = np.random.default_rng(1)
    trace = Trace(rng.poisson(0.01, (300, 8)), 6e-11 * rng.exponential(size=(300, 4)))
    rule = price_rule(SYSTEM, 0.01, rounds=0)
    policy = Fixed(rule.cuts.usual)
    one, other = (simulate(SYSTEM, policy, slots=300, trace=trace, record=True, rule=rule) for _ in range(2))
    assert_bitwise_equal(one.record, other.record)
