"""LB1 with several edge servers; other bounds refuse them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from lyaopt import ProblemError, load_scenario
from lyaopt.bounds import (
    backlog_bound,
    dual_value,
    energy_at_latency,
    energy_bound,
    frontier,
    queueing_bound,
    waiting_bound,
)
from lyaopt.model.edges import Edge, Link, at_links
from lyaopt.model.settings import Channel
from lyaopt.model.system import Device, Service, System

BUSY = load_scenario("frame-rate")


def scarce(scale: float = 8.0, capacity: float = 3e8) -> System:
    """Eight networks whose work does not all fit on the edge server."""
    system = load_scenario("scarce-edge")
    devices = tuple(
        replace(d, services=tuple(replace(s, arrival_rate_per_s=0.05 * scale) for s in d.services))
        for d in system.devices
    )
    return replace(system, devices=devices, edge_capacity_hz=capacity)


def of_edges(system: System, *capacities: float, links: tuple[Link, ...] | None = None) -> System:
    devices = tuple(replace(device, edges=links) for device in system.devices)
    return replace(system, devices=devices, edges=tuple(map(Edge, capacities)))


def assert_same(one, other, rtol: float = 0.0) -> None:
    for name in ("power_w", "local_power_w", "transmit_power_w", "cut_share", "edge_cpu_hz"):
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), rtol=rtol, atol=0.0, err_msg=name
        )


@pytest.mark.parametrize(
    "system", [load_scenario("balanced"), scarce(), BUSY], ids=["ample", "scarce", "busy"]
)
def test_one_server_is_the_bound_without_edges(system):
    assert_same(energy_bound(of_edges(system, system.edge_capacity_hz)), energy_bound(system))


def test_a_server_that_is_empty_or_not_reached_adds_nothing():
    bound = energy_bound(scarce())
    for several in (
        of_edges(scarce(), 3e8, 0.0),
        of_edges(scarce(), 3e8, 1e9, links=(Link("edge-0"),)),
    ):
        assert energy_bound(several).power_w == pytest.approx(bound.power_w, rel=1e-8)


def test_servers_beside_each_other_are_one_of_their_sum():
    """Tasks may be split at will, so that only the sum of capacities counts where all channels are alike."""
    joint = energy_bound(scarce(capacity=6e8))
    bound = energy_bound(of_edges(scarce(), 4e8, 2e8))
    assert bound.relative_gap < 1e-8
    assert bound.power_w == pytest.approx(joint.power_w, rel=1e-7)
    assert joint.edge_multiplier > 0.0
    np.testing.assert_allclose(bound.edge_multipliers, joint.edge_multiplier, rtol=1e-4)
    np.testing.assert_allclose(bound.edges_cpu_hz, [4e8, 2e8], rtol=1e-6)


def test_any_multipliers_are_a_bound():
    system = of_edges(scarce(), 3e8, 1e8, links=(Link("edge-0", distance_m=220.0), Link("edge-1")))
    bound = energy_bound(system)
    best = bound.local_multiplier, bound.transmit_multiplier, bound.edge_multipliers
    assert dual_value(system, *best) == pytest.approx(bound.power_w, rel=1e-12)
    rng = np.random.default_rng(3)
    for _ in range(20):
        alpha, nu, theta = (value * rng.uniform(0.3, 3.0, value.shape) for value in best)
        assert dual_value(system, alpha, nu, theta) <= bound.power_w * (1 + 1e-9)


def test_the_bound_is_the_optimum_of_a_program_of_shares():
    """An oracle with steady powers: LB1 of measured speeds is a linear program over (cut, server) alone."""
    near = scarce()
    system = of_edges(near, 2e8, 1e8, links=(Link("edge-0"), Link("edge-1", gain_factor=0.5)))
    bound = energy_bound(system)
    alpha, nu = bound.local_multiplier, bound.transmit_multiplier
    m, rate = system.device_of_service, system.arrival_rate_per_s
    # At the optimal prices of cycles and bits the shares solve the program in which work has these prices.
    cost = rate[:, None] * (alpha[m, None] * system.local_cycles + nu[m, None] * system.transmit_bits)
    work = rate[:, None] * system.edge_cycles
    services, cuts = cost.shape
    padding = np.arange(cuts) >= system.cut_counts[:, None]
    cost = np.where(padding, 1e3, cost)
    simplex = np.kron(np.eye(services), np.ones((1, 2 * cuts)))
    loads = np.zeros((2, services, 2, cuts))
    for e in range(2):
        loads[e, :, e] = work
    found = linprog(
        np.repeat(cost[:, None], 2, axis=1).ravel() / cost[~padding].max(),
        A_ub=loads.reshape(2, -1) / 1e8,
        b_ub=system.links.capacity_hz / 1e8,
        A_eq=simplex,
        b_eq=np.ones(services),
    )
    value = found.fun * cost[~padding].max()
    tasks = np.array([(cost + bound.edge_multiplier * work)[s].min() for s in range(services)]).sum()
    dual = tasks - bound.edge_multiplier * system.links.capacity_hz.sum()
    assert value == pytest.approx(dual, rel=1e-5)


def test_bits_go_over_the_best_link():
    """A task is where its last bit is sent, so that a bound may not tie its bits to the server."""
    system = of_edges(scarce(), 1e8, 3e8, links=(Link("edge-0"), Link("edge-1", distance_m=400.0)))
    wide = of_edges(scarce(), 4e8)
    assert energy_bound(system).power_w == pytest.approx(energy_bound(wide).power_w, rel=1e-7)


def test_where_no_policy_is_stable():
    service = Service("vgg16", arrival_rate_per_s=10.0)
    system = System((Device(200.0, (service,), cpu_capacity_hz=1e8),), edges=(Edge(1e6), Edge(2e6)))
    bound = energy_bound(system)
    assert bound.power_w == math.inf
    assert bound.edges_cpu_hz.shape == (2,)


@pytest.mark.parametrize("name", ["shadowing_std_db", "fading_correlation"])
def test_slow_channels_are_refused(name):
    system = replace(of_edges(scarce(), 1e8, 1e8), channel=Channel(**{name: 0.5}))
    with pytest.raises(ProblemError, match=name):
        energy_bound(system)


@pytest.mark.parametrize(
    "bound",
    [
        lambda s: waiting_bound(s, 0.01),
        lambda s: queueing_bound(s, 0.01),
        lambda s: frontier(s, [0.01]),
        lambda s: energy_at_latency(s, 0.5),
        backlog_bound,
    ],
)
def test_other_bounds_refuse_several_servers(bound):
    with pytest.raises(ProblemError) as caught:
        bound(of_edges(scarce(), 1e8, 1e8))
    assert caught.value.path == "$.edges"


def test_links_as_distances():
    """A system at links has their mean gains."""
    system = of_edges(scarce(), 1e8, 1e8, links=(Link("edge-0", gain_factor=0.3), Link("edge-1", 300.0, 7.0)))
    for servers in (np.zeros(4, np.int64), np.array([0, 1, 1, 0])):
        gains = at_links(system, servers).mean_channel_gain()
        np.testing.assert_allclose(gains, system.links.mean_gain[servers, np.arange(4)], rtol=1e-12)
