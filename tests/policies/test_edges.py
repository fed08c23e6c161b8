"""Policies of several edge servers: cuts and servers of devices."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lyaopt import ProblemError, load_scenario, make_policy, simulate
from lyaopt.bounds import energy_bound
from lyaopt.model.edges import Edge, Link, with_one_edge
from lyaopt.model.system import Device, Service, System
from lyaopt.policies import Fixed, price_rule
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.price_cuts import costs_alone
from lyaopt.policies.price_tables import plain_tables
from lyaopt.simulation import Simulator

SCARCE = load_scenario("scarce-edge")
SHORT = {"slots": 2000, "replications": 1}


def of_edges(system: System, *capacities: float, links: tuple[Link, ...] | None = None) -> System:
    devices = tuple(replace(device, edges=links) for device in system.devices)
    return replace(system, devices=devices, edges=tuple(map(Edge, capacities)))


def weak_devices(rate: float = 0.35) -> System:
    """Devices that compute next to nothing: all work is for the servers."""
    service = Service("resnet18", arrival_rate_per_s=rate)
    return System(tuple(Device(180.0, (service,), cpu_capacity_hz=1e6) for _ in range(6)))


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("cost", [0.01, None])
def test_prices_of_one_server_are_those_without_edges(joint, cost):
    several = of_edges(SCARCE, SCARCE.edge_capacity_hz)
    name = "price" if joint else "value"
    options: dict[str, Any] = {} if cost is None else {"waiting_cost_j_per_s": cost}
    results = []
    for system in (SCARCE, several):
        policy = make_policy(name, system, **SHORT, **options)
        results.append(simulate(system, policy, slots=1500, seed=3, replications=3))
    for field in ("local_energy_j", "transmit_energy_j", "queues", "service_rates", "mean_tasks"):
        np.testing.assert_array_equal(getattr(results[1], field), getattr(results[0], field), err_msg=field)


@pytest.mark.parametrize("seed", range(8))
def test_an_empty_system_takes_the_server_of_least_cost(seed):
    """At first nothing waits: a device takes the server where its tasks, alone, cost least."""
    rng = np.random.default_rng(seed)
    devices = tuple(
        replace(
            device,
            edges=tuple(Link(f"edge-{e}", gain_factor=float(rng.uniform(0.05, 2.0))) for e in range(3)),
        )
        for device in SCARCE.devices
    )
    system = replace(SCARCE, devices=devices, edges=tuple(map(Edge, rng.uniform(1e8, 2e9, 3).tolist())))
    theta = float(rng.choice([0.01, 0.3, 3.0]))
    rule = price_rule(system, theta, rounds=0)
    assert rule.cuts is not None
    simulator = Simulator(system, Fixed(rule.cuts.usual), rule=rule)
    simulator.run(1)
    result = simulator.result()
    assert result.edges is not None
    costs = HoldingCosts.of_tasks(system, theta)
    apart = [with_one_edge(system, e) for e in range(3)]
    alone = np.array([costs_alone(one, costs, plain_tables(one, costs)) for one in apart])
    least = system.arrival_rate_per_s * alone.min(axis=2)
    total = np.array([[least[e, list(system.services_of(m))].sum() for m in range(4)] for e in range(3)])
    np.testing.assert_array_equal(result.edges.attached[:, 0], total.argmin(axis=0))
    chosen = total.argmin(axis=0)[system.device_of_service]
    np.testing.assert_array_equal(result.points[:, 0], alone[chosen, np.arange(8)].argmin(axis=1))


def test_prices_balance_servers():
    """No server can do all the work; LB1, a linear program over cuts and servers, says that both can."""
    system, capacities = weak_devices(), (4e8, 2e8)
    several = of_edges(system, *capacities)
    load = float((system.arrival_rate_per_s * system.edge_cycles[:, 0]).sum())
    assert max(capacities) < load < 0.95 * sum(capacities)
    assert energy_bound(replace(system, edge_capacity_hz=max(capacities))).power_w == math.inf
    assert energy_bound(several).power_w < math.inf
    run: dict[str, Any] = {"slots": 20_000, "warmup": 2000, "seed": 5, "replications": 2}
    policy = make_policy("price", several, waiting_cost_j_per_s=0.01, slots=4000, replications=2)
    result = simulate(several, policy, **run)
    nearest = simulate(several, make_policy("all-offload", several), **run)
    assert result.edges is not None
    assert result.queued < 0.05 * result.born < nearest.queued
    # Work-conserving as far as the rule can foresee: both are busy, as one of the capacity of both would be.
    busy = result.edges.cpu_hz.mean(axis=1)
    assert busy.sum() == pytest.approx(load, rel=0.1)
    assert 1.2 < busy[0] / busy[1] < 3.5
    assert result.edges.load.mean(axis=1).max() < 0.97


def test_prices_leave_a_far_server_alone():
    """Where the near server has room, the energy of the far one's channel buys nothing."""
    links = Link("edge-0"), Link("edge-1", gain_factor=0.05)
    several = of_edges(weak_devices(0.2), 2e10, 2e10, links=links)
    policy = make_policy("price", several, waiting_cost_j_per_s=0.01, **SHORT)
    result = simulate(several, policy, slots=4000, seed=5)
    assert result.edges is not None
    assert result.completed > 0
    assert result.edges.cpu_hz[1].max() == 0.0


@pytest.mark.parametrize("name", ["price", "value", "random", "greedy", "middle", "all-offload"])
def test_energy_is_above_its_bound(name):
    links = Link("edge-0"), Link("edge-1", distance_m=220.0)
    several = of_edges(SCARCE, 3e8, 3e8, links=links)
    options: dict[str, Any] = {"waiting_cost_j_per_s": 0.01, **SHORT} if name in ("price", "value") else {}
    run: dict[str, Any] = {"slots": 10_000, "warmup": 1000, "seed": 1, "replications": 4}
    result = simulate(several, make_policy(name, several, **options), **run)
    assert result.mean_energy_j > 0.9 * energy_bound(several).energy_j
    assert result.born == result.completed + result.queued


def test_random_servers_are_those_in_reach():
    """All that a device reaches come up, equally often, and the same whatever else is simulated."""
    system = of_edges(SCARCE, 1e9, 1e9, 1e9)
    some = replace(system.devices[1], edges=(Link("edge-2"), Link("edge-0")))
    system = replace(system, devices=(system.devices[0], some, *system.devices[2:]))
    policy = make_policy("random", system)
    record: Any = simulate(system, policy, slots=20_000, seed=2, record=True).record
    counts = np.array([np.bincount(record.edges[:, m], minlength=3) for m in range(4)])
    assert counts[1, 1] == 0
    np.testing.assert_allclose(counts[1, [0, 2]], 1000, atol=5 * math.sqrt(500))
    np.testing.assert_allclose(counts[[0, 2, 3]], 2000 / 3, atol=5 * math.sqrt(2000 * 2 / 9))
    shorter: Any = simulate(system, policy, slots=500, seed=2, record=True).record
    np.testing.assert_array_equal(record.edges[:50], shorter.edges)


def test_greedy_is_that_of_each_server_alone():
    """Where only one server is in reach, the points are those of a system with that server."""
    several = of_edges(SCARCE, 2e8, 3e8, links=(Link("edge-1"),))
    alone = replace(SCARCE, edge_capacity_hz=3e8)
    run: dict[str, Any] = {"slots": 3000, "seed": 4}
    one: Any = simulate(alone, make_policy("greedy", alone), record=True, **run).record
    result: Any = simulate(
        several, make_policy("greedy", several), trace=with_links(one.trace, 2), record=True, slots=3000
    ).record
    np.testing.assert_array_equal(result.partition, one.partition)
    np.testing.assert_array_equal(result.link_queue_cycles[:, 1], one.edge_queue_cycles)


def with_links(trace: Any, count: int) -> Any:
    gains = np.repeat(trace.channel_gain[:, None], count, axis=1)
    return replace(trace, channel_gain=gains, partition=None)


def test_fixed_points_and_servers_as_text():
    system = of_edges(SCARCE, 1e9, 1e9)
    first = system.device_ids[0]
    policy: Any = make_policy(f"middle, {first}@edge-1", system)
    np.testing.assert_array_equal(policy.edges, [1, 0, 0, 0])
    np.testing.assert_array_equal(policy.points, make_policy("middle", system).points)
    policy = make_policy(f"0,1,2,3,0,1,2,3,{first}@edge-1", system)
    np.testing.assert_array_equal(policy.points, [0, 1, 2, 3, 0, 1, 2, 3])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("middle,headset@edge-2", "expected one of edge-0, edge-1; got 'edge-2'"),
        ("middle,head@edge-1", "expected one of headset, camera, phone, robot; got 'head'"),
        ("middle,robot@edge-1", "expected a server that robot reaches, got 'edge-1'"),
    ],
)
def test_mistakes_in_text_are_named(text, reason):
    system = of_edges(SCARCE, 1e9, 1e9)
    robot = replace(system.devices[3], edges=(Link("edge-0"),))
    system = replace(system, devices=(*system.devices[:3], robot))
    with pytest.raises(ProblemError) as caught:
        make_policy(text, system)
    assert caught.value.path == "$.policy"
    assert caught.value.reason == reason


def test_servers_as_text_need_several():
    with pytest.raises(ProblemError, match="no edge server, as the scenario has no"):
        make_policy("middle,headset@edge-1", SCARCE)


@pytest.mark.parametrize("name", ["table", "planning"])
def test_policies_of_one_server_refuse_several(name):
    with pytest.raises(ProblemError) as caught:
        make_policy(name, of_edges(SCARCE, 1e9, 1e9))
    assert caught.value.path == "$.edges"


def test_rules_are_built_for_their_servers():
    system = of_edges(SCARCE, 1e9, 1e9)
    rule = price_rule(SCARCE, 0.01, rounds=0)
    with pytest.raises(ProblemError) as caught:
        simulate(system, make_policy("middle", system), slots=10, rule=rule)
    assert caught.value.path == "$.rule"


def test_prices_serve_the_points_and_servers_of_a_policy():
    system = of_edges(SCARCE, 3e8, 3e8)
    rule = replace(price_rule(system, 0.01, rounds=0), cuts=None)
    fixed = make_policy("middle,headset@edge-1,robot@edge-1", system)
    result = simulate(system, fixed, slots=2000, seed=1, rule=rule)
    assert result.edges is not None
    np.testing.assert_array_equal(result.edges.attached[:, 0], [1, 0, 0, 1])
    np.testing.assert_array_equal(result.points[:, 0], make_policy("middle", system).points)
