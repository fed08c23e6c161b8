"""The rule by prices as a function of a state: in Python, in jitted code and in the loop over slots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import lyaopt
from lyaopt._kernels.simulation.price_function import PricedQueues
from lyaopt._kernels.simulation.priced_cuts import edge_order
from lyaopt._kernels.simulation.prices import Prices
from lyaopt._kernels.simulation.state_types import queues_of
from lyaopt._kernels.toolchain.jit import CORE
from lyaopt.bounds.holding_price import local_price, transmit_price
from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import Fixed, price_rule
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.price_tables import plain_tables
from lyaopt.simulation import Simulator, jitted_weights, simulate
from lyaopt.simulation.layout import Layout
from tests.support.priced_states import priced_states

SYSTEM = load_scenario("balanced")
COSTS = pytest.mark.parametrize("cost", [0.02, None], ids=["latency", "backlog"])


def lanes_of(layout, values, dtype=np.float64):
    return np.ascontiguousarray(layout.to_lanes(values, dtype)[:, 0])


@COSTS
@pytest.mark.parametrize("name", ["balanced", "shadowing"])
@pytest.mark.parametrize("joint", [True, False])
def test_jitted_weights_are_those_of_python_bit_for_bit(name, cost, joint):
    system = load_scenario(name)
    rule = price_rule(system, cost, rounds=0, joint=joint)
    state = priced_states(system, rule, 40)
    layout = replace(Layout.of(system, 40), replications=40, width=40, blocks=1)
    backlog, head = lanes_of(layout, state.backlog), lanes_of(layout, state.head_left)
    waiting, channel = lanes_of(layout, state.waiting, np.int64), state.channel.reshape(-1)
    found = np.full(backlog.shape, -1.0)
    jitted_weights(rule, system)(backlog, waiting, head, channel, found)
    expected = np.stack(rule.weights(system, *state))
    np.testing.assert_array_equal(layout.by_service(found[None]), expected)
    np.testing.assert_array_equal(expected == 0.0, state.waiting == 0)
    one = rule.weights(system, *(part[..., 3] for part in state))
    np.testing.assert_array_equal(np.stack(one), expected[..., 3])


def test_of_tasks_that_are_alike_the_first_service_comes_first():
    rule = price_rule(SYSTEM, 0.02, rounds=0)
    waiting = np.zeros((3, 8), np.int64)
    waiting[:2, 2], waiting[:2, 3] = 2, 1  # both on device 1
    head = np.where(waiting > 0, 4e5, np.inf)
    weights = rule.weights(SYSTEM, np.where(waiting > 0, 4e5 * waiting, 0.0), waiting, head)
    for found, price in zip(weights[:2], (local_price, transmit_price), strict=True):
        expected = [price(SYSTEM, np.full(4, 0.02 * tasks))[1] for tasks in (3, 1)]
        np.testing.assert_allclose(found[2:4], expected, rtol=2e-3)
        assert not np.delete(found, [2, 3]).any()
    assert not weights[2].any()
    for empty in rule.weights(SYSTEM, np.zeros((3, 8)), np.zeros((3, 8), np.int64), head):
        np.testing.assert_array_equal(empty, 0.0)


@pytest.mark.parametrize("devices", [1, 2, 5, 60])
@pytest.mark.parametrize("by_work", [0, 1])
def test_the_edge_serves_the_most_urgent_queues_first(devices, by_work):
    rng, services, width = np.random.default_rng(devices), 3, 2
    shape, none = (3, services, devices * width), np.zeros(1)
    waiting = rng.integers(0, 3, shape)
    backlog, head = waiting * rng.random(shape), rng.random(shape)
    holding, rows = rng.random((3, services, devices)), np.zeros((2, services, devices), np.int64)
    tables = (np.zeros((1, 2)), np.zeros((1, 2)), none)
    prices = Prices(by_work, 1, holding, np.ones((2, devices)), rows, *tables, 1)
    room = np.empty((3, services * devices))
    for r in range(width):
        lanes = np.arange(r, devices * width, width)
        taken = waiting[2][:, lanes] > 0
        amount = (backlog if by_work else waiting)[2][:, lanes][taken]
        urgency = (holding[2] / (1.0 if by_work else head[2][:, lanes]))[taken]
        first = urgency.argsort()
        cost = (holding[2][taken] * amount)[first].cumsum()
        work = backlog[2][:, lanes][taken][first].cumsum()
        order = edge_order(r, width, PricedQueues(backlog, head, waiting), prices, room)
        np.testing.assert_allclose(order, [urgency[first], work, cost], rtol=1e-12)


@COSTS
def test_the_loop_over_slots_weighs_by_the_same_bits(cost):
    rule = replace(price_rule(SYSTEM, cost, rounds=0), cuts=None)
    busy = replace(SYSTEM, edge_capacity_hz=3e8)
    run = Simulator(busy, Fixed((SYSTEM.cut_counts - 1) // 2), replications=5, seed=3, rule=rule)
    weigh, seen = jitted_weights(rule, busy), 0
    channel, found = np.zeros(20, np.int64), np.empty((3, 2, 20))
    for slot in range(600):
        queues = queues_of(run._state.kernel_state, 0)
        backlog, waiting, head = queues.backlog.copy(), queues.waiting.copy(), queues.head.copy()
        run.run(1)
        if slot % 10 == 0:
            weigh(backlog, waiting, head, channel, found)
            taken = waiting > 0
            np.testing.assert_array_equal(run._state._model.weights[0][taken], found[taken])
            seen += int(taken.sum())
    assert seen > 500


@pytest.mark.skipif(CORE == "python", reason="jitted code needs the compiled core")
def test_a_rule_of_ones_own_builds_on_prices():
    """With weights of energy as the system has them, and one service first."""
    rule = replace(price_rule(SYSTEM, 0.02, rounds=0), cuts=None)
    weigh = jitted_weights(rule, SYSTEM)

    @lyaopt.allocation_rule
    def prices(view, weights):
        weigh(view.backlog, view.waiting, view.head_left, np.zeros(view.channel_gain.size, np.int64), weights)
        weights[0] *= view.energy_weight_local
        weights[1] *= view.energy_weight_transmit

    policy = Fixed(SYSTEM.cut_counts // 2)
    ours, theirs = (simulate(SYSTEM, policy, slots=3000, seed=2, rule=chosen) for chosen in (prices, rule))
    np.testing.assert_allclose(ours.mean_energy_j, theirs.mean_energy_j, rtol=1e-9)
    np.testing.assert_allclose(ours.mean_latency_s, theirs.mean_latency_s, rtol=1e-9)
    assert ours.completed > 0


@COSTS
def test_points_are_those_that_the_loop_puts_in_force(cost):
    rule = price_rule(SYSTEM, cost, rounds=0)
    busy = replace(SYSTEM, edge_capacity_hz=3e8)
    run = Simulator(busy, Fixed(rule.cuts.usual), seed=5, rule=rule, record=True)
    period, states, layout = busy.slots_per_period, [], run._state.layout
    for number in range(300):
        if number % 5 == 1:
            run._state.add_tasks(np.ones((8, 1), np.int64), rule.cuts.usual[:, None])
        queues = queues_of(run._state.kernel_state, 0)
        parts = (queues.backlog, queues.waiting, queues.head)
        states.append([layout.by_service(part[None]).copy() for part in parts])
        run.run(period)
    points = np.stack([rule.points(busy, *state)[:, 0] for state in states])
    record = run.result().record
    came = record.arrivals.reshape(300, period, 8).any(axis=1)
    assert (points[came] != np.broadcast_to(rule.cuts.usual, points.shape)[came]).any()
    np.testing.assert_array_equal(record.partition[came], points[came])
    with pytest.raises(ProblemError) as error:
        replace(rule, cuts=None).points(busy, *states[0])
    assert error.value.path == "$.cuts"


@COSTS
def test_tables_are_read_between_their_nodes_and_go_on_beyond_them(cost):
    costs = HoldingCosts.of_reward(SYSTEM) if cost is None else HoldingCosts.of_tasks(SYSTEM, cost)
    for table in plain_tables(SYSTEM, costs):
        rng = np.random.default_rng(1)
        for m in range(4):
            most, price = table.most_w[m], table.price[m]
            held = most * np.concatenate([rng.random(50) ** 2, [0.0, 1.0], 1.0 + 3.0 * rng.random(9)])
            root = np.sqrt(table.nodes[m])
            expected = np.interp(np.sqrt(held), root, price) + table.slope[m] * np.maximum(held - most, 0.0)
            np.testing.assert_allclose(table.at(m, held), expected, rtol=1e-12)
            assert table.at(m, float(held[0])).shape == ()
            fine = np.concatenate([[0.0], np.sort(held), table.nodes[m]])
            fine.sort()
            areas = 0.5 * (table.at(m, fine)[1:] + table.at(m, fine)[:-1]) * np.diff(fine)
            np.testing.assert_allclose(table.integral(m, fine)[1:], np.cumsum(areas), rtol=1e-3)
