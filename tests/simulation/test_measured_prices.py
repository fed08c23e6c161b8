"""The rule by prices on systems with operating points and measured radios."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")

import lyaopt
from lyaopt._kernels.simulation.price_function import read_curve
from lyaopt._kernels.simulation.prices import PriceCurve
from lyaopt.bounds import waiting_bound
from lyaopt.evaluation.over_bound import over_bound
from lyaopt.model.system import Channel
from lyaopt.policies import Fixed, price_rule
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.paired_trials import SearchOptions
from tests.simulation.test_measured_systems import SLOTS, system_of, trace_of
from tests.simulation.test_price_rule import slow_weights
from tests.simulation.test_record_invariants import assert_bitwise_equal, backlogs, rates

COSTS = pytest.mark.parametrize("cost", [0.02, None], ids=["latency", "backlog"])


@COSTS
@pytest.mark.parametrize("spectrum", ["split", "shared"])
def test_the_compiled_rule_is_the_rule_in_python_at_unit_weights_of_energy(cost, spectrum):
    """The one solves the lanes that hold work side by side, the other all of them."""
    system = system_of(spectrum=spectrum)
    trace = trace_of(system)
    rule = replace(price_rule(system, cost, rounds=0), cuts=None)
    unit = replace(system, energy_weight_local=1.0, energy_weight_transmit=1.0)

    def in_python(seen):
        return rule.weights(seen.system, seen.backlog, seen.waiting, seen.head_left)

    one, other = (
        lyaopt.simulate(s, slots=SLOTS, trace=trace, record=True, rule=r).record
        for s, r in ((system, rule), (unit, in_python))
    )
    for ours, theirs in ((backlogs(one), backlogs(other)), (rates(one), rates(other))):
        scale = np.abs(theirs).max(axis=(1, 2), keepdims=True)
        assert (np.abs(ours - theirs) <= 1e-6 * scale).all()
    np.testing.assert_allclose(one.local_energy_j.sum(axis=0), other.local_energy_j.sum(axis=0), rtol=1e-6)
    assert (one.local_energy_j.sum(axis=0) > 0.0).all()
    assert (one.power_w.sum(axis=0) > 0.0).all()


@COSTS
def test_weights_are_prices_of_what_is_there(cost):
    """To a part in a hundred, as tables interpolate between kinks of the price."""
    system = replace(system_of(), edge_capacity_hz=3e9)
    rule = replace(price_rule(system, cost, rounds=0), cuts=None)
    costs = HoldingCosts.of_reward(system) if cost is None else HoldingCosts.of_tasks(system, cost)
    found = 0

    def check(seen):
        nonlocal found
        answer = rule.weights(system, seen.backlog, seen.waiting, seen.head_left)
        if seen.slot % 40 == 0:
            expected = slow_weights(system, costs, seen)
            found += int((seen.waiting[:2] > 0).sum())
            np.testing.assert_allclose(np.stack(answer[:2]), expected, rtol=1e-2)
        return answer

    lyaopt.simulate(system, Fixed(np.array([3, 5] * 5)), slots=400, replications=2, seed=3, rule=check)
    assert found > 20


def test_many_replications_are_those_of_one():
    system = system_of()
    rule = price_rule(system, 0.02, rounds=0)
    runs = [
        lyaopt.simulate(system, Fixed(rule.cuts.usual), slots=300, replications=n, seed=3, rule=rule)
        for n in (7, 1)
    ]
    assert runs[0].local_energy_j[:, 0].tolist() == runs[1].local_energy_j[:, 0].tolist()
    assert runs[0].transmit_energy_j[:, 0].tolist() == runs[1].transmit_energy_j[:, 0].tolist()


def test_cuts_of_the_rule_are_recorded_and_replay_to_the_same_bits():
    system = system_of()
    rule = price_rule(system, 0.02, rounds=0)
    policy = Fixed(rule.cuts.usual)
    record = lyaopt.simulate(system, policy, slots=SLOTS, seed=2, record=True, rule=rule).record
    again = lyaopt.simulate(
        system, slots=SLOTS, trace=record.trace, record=True, rule=replace(rule, cuts=None)
    )
    assert_bitwise_equal(record, again.record)


@pytest.mark.parametrize("theta", [0.002, 0.02])
def test_no_run_passes_the_bound_and_prices_come_near_to_it(theta):
    light = tuple(
        replace(device, services=tuple(replace(s, arrival_rate_per_s=0.3) for s in device.services))
        for device in system_of().devices
    )
    system = replace(system_of(), devices=light)
    rule = price_rule(system, theta, options=SearchOptions(slots=4000, replications=2))
    costs = np.full(len(system.services), theta)
    priced = lyaopt.simulate(
        system, Fixed(rule.cuts.usual), slots=20_000, warmup=1000, replications=8, seed=5, rule=rule
    )
    paper = lyaopt.simulate(system, Fixed(rule.cuts.usual), slots=20_000, warmup=1000, replications=8, seed=5)
    ours, theirs = over_bound(system, priced, costs), over_bound(system, paper, costs)
    assert ours.high >= 1.0
    assert ours.value < 1.2
    assert theirs.value > ours.value


def prices_of(rule, row, cost):
    """Prices of the radio of device 2 in a row of the tables, as the kernels read them."""
    table = rule.price[row].copy(), rule.integral[row].copy()
    found = np.empty((2, cost.size))
    read_curve(cost, PriceCurve(float(rule.scale[1, 2]), *table, float(rule.slope[row])), found)
    return found[0]


def test_shadowing_leaves_the_prices_of_a_measured_radio_as_they_are():
    """In each state of a channel that it does not have."""
    system = replace(system_of(), channel=Channel(shadowing_std_db=8.0))
    slow, plain = (price_rule(s, 0.02, rounds=0) for s in (system, system_of()))
    cost = np.linspace(0.0, 0.2, 9)
    for n in (4, 5):
        flat = prices_of(plain, plain.row[1, n], cost)
        for state in (0, slow.states // 2, slow.states - 1):
            found = prices_of(slow, slow.row[1, n] + state, cost)
            np.testing.assert_allclose(found[1:], flat[1:], rtol=2e-2)
    assert waiting_bound(system, 0.02).bound_j > 0.0
    run = lyaopt.simulate(system, Fixed(slow.cuts.usual), slots=300, replications=2, seed=3, rule=slow)
    assert run.completed > 0
