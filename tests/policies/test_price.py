"""Tables of prices against equations solved apart, cuts against brute force, and the policy."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, optimize

from lyaopt._kernels.simulation.priced_cuts import added_at_device, added_at_edge, edge_order
from lyaopt._kernels.simulation.state_types import queues_of
from lyaopt.bounds.holding_price import local_gain, local_price, transmit_price
from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import Fixed, make_policy, price_rule
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.price_cuts import costs_alone, cuts_worth_trying
from lyaopt.policies.price_loads import edge_load
from lyaopt.policies.price_tables import Loads, anticipative_tables, plain_tables
from lyaopt.simulation import Simulator, simulate
from tests.policies.small import pair

SYSTEM = load_scenario("balanced")
QUICK = {"slots": 1000, "replications": 2}
THETA = 0.02
COSTS = pytest.mark.parametrize(
    "costs",
    [HoldingCosts.of_tasks(SYSTEM, THETA), HoldingCosts.of_reward(SYSTEM)],
    ids=["latency", "backlog"],
)


@COSTS
def test_plain_tables_are_the_prices_of_holding_costs(costs):
    local, transmit = plain_tables(SYSTEM, costs)
    for table, exact in ((local, local_price), (transmit, transmit_price)):
        cost = np.geomspace(0.03, 2.0, 9) * table.most_w[0]
        found = np.stack([table.at(m, cost) for m in range(4)], axis=1)
        np.testing.assert_allclose(found, exact(SYSTEM, np.repeat(cost[:, None], 4, axis=1)), rtol=2e-2)
        inside = cost < table.most_w[0]
        exact_inside = exact(SYSTEM, np.repeat(cost[inside][:, None], 4, axis=1))
        np.testing.assert_allclose(found[inside], exact_inside, rtol=1e-4)
        assert (np.diff(table.price, axis=1) > 0.0).all()


@COSTS
def test_integrals_are_those_of_the_price(costs):
    for table in plain_tables(SYSTEM, costs):
        for cost in (0.001, 0.3, 1.7):
            end = cost * table.most_w[2]
            expected, _ = integrate.quad(lambda h, table=table: float(table.at(2, h)), 0.0, end, limit=200)
            np.testing.assert_allclose(table.integral(2, end), expected, rtol=1e-3)


def marched(rate: float, work: float, most: int) -> list[float]:
    """v_1, v_2, ... of section 4 for a CPU of the system: marched downwards, bisected on z."""

    def invert(gain):
        return optimize.brentq(lambda nu: float(local_gain(SYSTEM, np.full(4, nu))[0]) - gain, 0.0, 1.0)

    def march(z):
        above, prices = invert(THETA * most), []
        for n in range(most, 0, -1):
            above = invert(max(THETA * n + rate * work * above - z, 0.0))
            prices.append(above)
        return prices[::-1]

    z = optimize.brentq(lambda z: z - rate * work * march(z)[0], 0.0, 10.0, xtol=1e-10)
    return march(z)


@pytest.mark.parametrize("load", [0.05, 0.3])
def test_prices_with_arrivals_solve_the_equation_of_average_cost(load):
    costs = HoldingCosts.of_tasks(SYSTEM, THETA)
    plain = plain_tables(SYSTEM, costs)
    rate, work = load * 1.5e9 / 2e8, 2e8
    rates, steps = np.zeros((2, 8)), np.full((2, 8), THETA)
    rates[0, 0] = rate * work
    local, transmit = anticipative_tables(SYSTEM, plain, Loads(rates, steps), by_work=False)
    expected = marched(rate, work, 120)[:20]
    np.testing.assert_allclose(local.at(0, THETA * np.arange(1, 21)), expected, rtol=5e-3)
    np.testing.assert_array_equal(local.price[1:], plain[0].price[1:])  # nothing comes there
    np.testing.assert_array_equal(transmit.price, plain[1].price)


def test_prices_of_backlogs_with_arrivals_solve_their_equation():
    costs = HoldingCosts.of_reward(SYSTEM)
    plain = plain_tables(SYSTEM, costs)
    rate, work = 2.0, 1.5e8
    rates, steps = np.zeros((2, 8)), np.ones((2, 8))
    rates[0, 0], steps[0, 0] = rate * work, costs.rates[0, 0] * work
    local, _ = anticipative_tables(SYSTEM, plain, Loads(rates, steps), by_work=True)
    per_cycle = costs.rates[0, 0]

    def come(backlog):
        inside = integrate.quad(lambda b: float(local.at(0, per_cycle * b)), backlog, backlog + work)
        return rate * inside[0]

    for backlog in (0.3 * work, 2.0 * work, 7.0 * work):
        gain = local_gain(SYSTEM, np.full(4, float(local.at(0, per_cycle * backlog))))[0]
        expected = per_cycle * backlog + come(backlog) - come(0.0)
        np.testing.assert_allclose(gain, expected, rtol=5e-3)


@COSTS
def test_arrivals_raise_prices_and_overload_does_not_end_the_search(costs):
    plain = plain_tables(SYSTEM, costs)
    steps = np.stack([costs.step(q, np.full(8, 1e6)) for q in (0, 1)])
    before = plain[0].price
    for load in (0.1, 0.5, 0.9, 3.0):
        rates = np.repeat(load * np.array([[1.5e9], [1e6]]) / 2, 8, axis=1)
        local, _ = anticipative_tables(SYSTEM, plain, Loads(rates, steps), costs.by_work)
        assert (local.price >= before * (1.0 - 1e-6)).all()
        assert (np.diff(local.price, axis=1) >= 0.0).all()
        assert np.isfinite(local.slope).all()
        before = local.price


def price_integral(price, rate: float, work: float, device: int) -> float:
    def at(backlog):
        return float(price(SYSTEM, np.full(4, rate * backlog))[device])

    return integrate.quad(at, 0.0, work, limit=200)[0]


@COSTS
def test_a_task_alone_costs_what_quadrature_says(costs):
    tables = plain_tables(SYSTEM, costs)
    found = costs_alone(SYSTEM, costs, tables)
    for s, k in ((0, 0), (2, 3), (5, 10)):
        m = int(SYSTEM.device_of_service[s])
        works = (SYSTEM.local_cycles[s, k], SYSTEM.transmit_bits[s, k], SYSTEM.edge_cycles[s, k])
        expected = 0.0
        for q in range(2):
            if costs.by_work:
                price = (local_price, transmit_price)[q]
                expected += price_integral(price, costs.rates[q, s], works[q], m)
            else:
                expected += works[q] * float((local_price, transmit_price)[q](SYSTEM, np.full(4, THETA))[m])
        tau = SYSTEM.slot_duration_s
        steps = [costs.rates[q, s] * (works[q] if costs.by_work else works[q] > 0.0) for q in range(3)]
        expected += 0.5 * tau * (steps[0] + steps[1])
        time = works[2] / SYSTEM.edge_capacity_hz * (0.5 if costs.by_work else 1.0) + 0.5 * tau
        expected += steps[2] * max(tau, time)  # no less than a slot
        np.testing.assert_allclose(found[s, k], expected, rtol=2e-3)


def test_cuts_left_out_are_beaten_in_all_three_stages():
    costs = HoldingCosts.of_tasks(SYSTEM, THETA)
    alone = costs_alone(SYSTEM, costs, plain_tables(SYSTEM, costs))
    tried = cuts_worth_trying(SYSTEM, alone)
    works = np.stack([SYSTEM.local_cycles, SYSTEM.transmit_bits, SYSTEM.edge_cycles])
    for s in range(8):
        kept = tried[s][tried[s] >= 0]
        assert alone[s].argmin() in kept
        for k in range(SYSTEM.cut_counts[s]):
            better = (works[:, s, kept] <= works[:, s, k, None]).all(axis=0)
            assert better.any()
    excluding = replace(SYSTEM, learning=replace(SYSTEM.learning, exclude_cut_zero=True))
    assert not (
        cuts_worth_trying(excluding, costs_alone(excluding, costs, plain_tables(SYSTEM, costs))) == 0
    ).any()


def value_of(queues, rule, stage, device):
    """The cost of what waits on a CPU or radio: the integral of the price down the order, in joules.

    `queues` holds (holding cost by work, backlog), in the backlog form.
    """
    total, below = 0.0, 0.0
    for rate, backlog in sorted(queues):

        def cost(b, rate=rate, below=below):
            place = math.sqrt(below + rate * b) * rule.scale[stage, device]
            return float(np.interp(place, np.arange(rule.price.shape[1]), rule.price[stage * 4 + device]))

        total += integrate.quad(cost, 0.0, backlog, limit=400)[0]
        below += rate * backlog
    return total


def test_what_a_task_adds_is_the_difference_of_values():
    """In the backlog form, in a crowded system: on CPU and radio, and the fluid cost at the edge."""
    system = replace(SYSTEM, edge_capacity_hz=2e8)
    rule = price_rule(system, rounds=0)
    points = (system.cut_counts - 1) // 2
    run = Simulator(system, Fixed(points), replications=1, seed=4)
    arrivals = np.full((8, 1), 3)
    run.run(1)
    run._state.add_tasks(arrivals, points[:, None])
    while not run._state.backlog()[2].any():
        run.run(1)
    queues, layout = queues_of(run._state.kernel_state, 0), run._state.layout
    prices, cuts = rule.price_arrays(layout), rule.cut_arrays(layout, 10)
    order, checked = edge_order(0, 1, queues, prices, np.empty((3, 8))), 0
    for m in range(4):
        for stage, work in ((0, 3e7), (1, 2e5)):
            present = [(rule.holding[stage, 2 * m + n], queues.backlog[stage, n, m]) for n in (0, 1)]
            for n in (0, 1):
                added = [*present, (rule.holding[stage, 2 * m + n], work)]
                expected = value_of(added, rule, stage, m) - value_of(present, rule, stage, m)
                expected += 0.5 * system.slot_duration_s * rule.holding[stage, 2 * m + n] * work
                found = added_at_device(work, n, stage, m, 0, system.slot_duration_s, queues, prices)
                np.testing.assert_allclose(found, expected, rtol=1e-2)
                checked += int(queues.backlog[stage, :, m].sum() > 0.0)
        e, rate = 4e7, rule.holding[2, 2 * m]
        others = [(rule.holding[2, 2 * d + n], queues.backlog[2, n, d]) for d in range(4) for n in (0, 1)]
        expected = rate * e * (sum(q for h, q in others if h >= rate) + e / 2)
        expected += e * sum(h * q for h, q in others if h < rate)
        expected = expected / system.edge_capacity_hz + 0.5 * system.slot_duration_s * rate * e
        found = added_at_edge(e, 0, m, run._state._model.scalars, order, prices, cuts)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert checked >= 8
    assert order.shape[1] > 0


@COSTS
def test_tasks_to_come_cost_more_where_the_edge_is_busy_and_urgent_ones_leave_less(costs):
    found = []
    for load in (0.0, 0.3, 0.6, 2.0):
        rates = np.zeros((3, 8))
        rates[2] = load * SYSTEM.edge_capacity_hz / 8
        edge = edge_load(SYSTEM, costs, rates)
        found.append(edge.delay_cost)
        assert np.isfinite(edge.delay_cost).all()
        small = SYSTEM.edge_cycles[:, 0].argmin()
        assert edge.share[small] == 1.0 == edge.share.max()  # nothing is more urgent
    assert not found[0].any()
    assert (np.diff(found, axis=0) > 0.0).all()


def test_the_delay_of_one_class_is_that_of_a_queue_with_poisson_arrivals():
    """lambda (W + e)^2 / (2 (1 - rho) F^2) - lambda W^2 / (2 (1 - rho) F^2), theta a second."""
    system = pair(edge_capacity_hz=1e9)
    costs = HoldingCosts.of_tasks(system, THETA)
    rates = np.zeros((3, 2))
    rates[2, 0] = 4e8
    edge, whole = edge_load(system, costs, rates), system.edge_cycles[0, 0]
    expected = THETA * (4e8 / whole) / (0.6 * 1e9**2)
    np.testing.assert_allclose(edge.delay_cost[0], expected, rtol=1e-12)


def test_the_policy_searches_a_latency_on_other_traffic_than_runs_have():
    policy = make_policy("price", SYSTEM, target_latency_s=0.4, slots=4000, replications=8)
    result = simulate(SYSTEM, policy, slots=4000, replications=16, seed=0)
    assert abs(result.mean_latency_s - 0.4) < 0.04
    assert result.rule == result.policy == "price"
    again = make_policy("price", SYSTEM, target_latency_s=0.4, slots=4000, replications=8)
    np.testing.assert_array_equal(policy.waiting_cost_j_per_s, again.waiting_cost_j_per_s)


def test_waiting_costs_come_from_the_call_or_the_scenario_or_else_the_reward():
    assert make_policy("price", SYSTEM, **QUICK).waiting_cost_j_per_s is None
    with_cost = replace(SYSTEM, waiting_cost_j_per_s=0.03)
    np.testing.assert_array_equal(make_policy("price", with_cost, **QUICK).waiting_cost_j_per_s, 0.03)
    called = make_policy("price", with_cost, waiting_cost_j_per_s=0.5, **QUICK)
    np.testing.assert_array_equal(called.waiting_cost_j_per_s, 0.5)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"waiting_cost_j_per_s": 0.0}, "$.waiting_cost_j_per_s"),
        ({"waiting_cost_j_per_s": math.nan}, "$.waiting_cost_j_per_s"),
        ({"waiting_cost_j_per_s": [0.1] * 7 + [math.inf]}, "$.waiting_cost_j_per_s[7]"),
        ({"waiting_cost_j_per_s": [0.1, 0.2]}, "$.waiting_cost_j_per_s"),
        ({"waiting_cost_j_per_s": 0.1, "target_latency_s": 1.0}, "$.target_latency_s"),
        ({"target_latency_s": -1.0}, "$.target_latency_s"),
    ],
)
def test_wrong_options_are_named(options, path):
    with pytest.raises(ProblemError) as error:
        make_policy("price", SYSTEM, **QUICK, **options)
    assert error.value.path == path


def test_a_priority_makes_its_service_faster():
    system = pair()
    even = simulate(
        system, make_policy("price", system, waiting_cost_j_per_s=0.01, **QUICK), slots=20000, seed=1
    )
    costs = [0.2, 0.01]
    first = simulate(
        system, make_policy("price", system, waiting_cost_j_per_s=costs, **QUICK), slots=20000, seed=1
    )
    assert first.mean_tasks[0].mean() < 0.7 * even.mean_tasks[0].mean()


def test_a_system_that_cannot_serve_is_refused():
    system = pair(edge_capacity_hz=0.0)
    dead = replace(system, devices=(replace(system.devices[0], cpu_capacity_hz=0.0),))
    with pytest.raises(ProblemError, match="can serve"):
        make_policy("price", dead, waiting_cost_j_per_s=0.1, **QUICK)
