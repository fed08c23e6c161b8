"""Several edge servers: against one, against the slow simulator, and slot by slot."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyaopt import ProblemError, load_scenario, make_policy, simulate
from lyaopt.model.edges import Edge, Link
from lyaopt.model.system import System
from lyaopt.policies import Fixed
from lyaopt.policies.random import draw_points
from lyaopt.simulation import Decision, Record, Result, Simulator, Trace
from tests.simulation.scenarios import Workload, workloads
from tests.simulation.test_against_slow_simulator import assert_close
from tests.support.slow_edges import SlowEdgesSimulator

EXAMPLES = settings(max_examples=40)


def with_edges(system: System, *capacities: float, reached: list[str] | None = None) -> System:
    """The same system with servers of these capacities; devices may reach only some."""
    devices = system.devices
    if reached is not None:
        devices = tuple(replace(device, edges=tuple(map(Link, reached))) for device in devices)
    return replace(system, devices=devices, edges=tuple(map(Edge, capacities)))


def run(workload: Workload, system: System, edges: Any = None, gain: Any = None) -> Result:
    gain = workload.channel_gain if gain is None else gain
    trace = Trace(workload.arrivals, gain, workload.partition, edges=edges)
    return simulate(system, slots=workload.slots, trace=trace, record=True)


def assert_same(result: Result, one: Result) -> None:
    """The same bits in all that a system of one server has, the order of tasks included."""
    assert (result.born, result.completed, result.queued) == (one.born, one.completed, one.queued)
    for name in ("local_energy_j", "transmit_energy_j", "queues", "service_rates", "mean_tasks"):
        assert getattr(result, name).tobytes() == getattr(one, name).tobytes(), name
    for name in ("limited_share", "local_limited_share", "transmit_limited_share", "busy_share"):
        assert getattr(result, name) == getattr(one, name), name
    for field in fields(Record):
        given, expected = getattr(result.record, field.name), getattr(one.record, field.name)
        np.testing.assert_array_equal(given, expected, err_msg=field.name)


@given(workloads(), st.sampled_from(["alone", "unreached", "empty", "second"]))
@EXAMPLES
def test_devices_at_one_server_are_a_system_with_that_server(workload, kind):
    system, periods = workload.system, len(workload.partition)
    capacity, count = system.edge_capacity_hz, len(system.devices)
    several = {
        "alone": with_edges(system, capacity),
        "unreached": with_edges(system, capacity, 3 * capacity, reached=["edge-0"]),
        "empty": with_edges(system, capacity, 0.0),
        "second": with_edges(system, 0.5 * capacity, capacity),
    }[kind]
    edges = np.ones((periods, count), np.int64) if kind == "second" else None
    assert_same(run(workload, several, edges), workload.simulate())


class RandomPoints:
    """Leaves devices at their servers."""

    name = "random points"

    def decide(self, observation: Any) -> Decision:
        return Decision(draw_points(observation, 5))


@pytest.mark.parametrize("replications", [1, 3, 40])
@pytest.mark.parametrize("name", ["balanced", "shadowing", "bursty"])
def test_draws_are_those_of_one_server(name, replications):
    """The links to the first server have the draws of a system that has no other."""
    system = load_scenario(name)
    options: dict[str, Any] = {"slots": 300, "warmup": 55, "seed": 4, "replications": replications}
    policy = RandomPoints()
    one = simulate(system, policy, **options)
    result = simulate(with_edges(system, system.edge_capacity_hz, 1e9), policy, **options)
    for field in ("local_energy_j", "transmit_energy_j", "queues", "service_rates", "mean_tasks", "points"):
        np.testing.assert_array_equal(getattr(result, field), getattr(one, field), err_msg=field)
    assert result.born == one.born


@given(workloads(), st.integers(0, 2**32))
@EXAMPLES
def test_devices_at_different_servers_are_systems_of_their_own(workload, seed):
    system, periods = workload.system, len(workload.partition)
    with_services = [m for m, device in enumerate(system.devices) if device.services]
    if len(with_services) < 2:
        return
    split = np.random.default_rng(seed).permutation(with_services)[0]
    groups = [[split], [m for m in range(len(system.devices)) if m != split]]
    own = [float(hz) for hz in system.device_bandwidth_hz]
    devices = tuple(replace(d, bandwidth_hz=b) for d, b in zip(system.devices, own, strict=True))
    system = replace(system, devices=devices, bandwidth_hz=2.0 * sum(own))
    capacities = system.edge_capacity_hz, 0.7 * system.edge_capacity_hz
    edges = np.ones((periods, len(devices)), np.int64)
    edges[:, split] = 0
    record: Any = run(workload, with_edges(system, *capacities), edges).record
    for e, group in enumerate(groups):
        services = np.concatenate([np.array(system.services_of(m), np.int64) for m in group])
        part = replace(
            system, devices=tuple(devices[m] for m in group), edge_capacity_hz=float(capacities[e])
        )
        trace = Trace(
            workload.arrivals[:, services], workload.channel_gain[:, group], workload.partition[:, services]
        )
        alone: Any = simulate(part, slots=workload.slots, trace=trace, record=True).record
        np.testing.assert_array_equal(record.link_queue_cycles[:, e, services], alone.edge_queue_cycles)
        np.testing.assert_array_equal(record.link_cpu_hz[:, e, services], alone.edge_cpu_hz)
        for name in ("local_queue_cycles", "transmit_queue_bits", "local_cpu_hz", "rate_bps", "completed"):
            np.testing.assert_array_equal(getattr(record, name)[:, services], getattr(alone, name))
        np.testing.assert_array_equal(record.power_w[:, group], alone.power_w)


@st.composite
def edge_workloads(draw) -> tuple[Workload, System, np.ndarray, np.ndarray]:
    """Devices that change between servers, each link with channels of its own."""
    workload = draw(workloads(most_slots=50))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(1, 3))
    factors = rng.uniform(0.2, 2.0, count) * draw(st.sampled_from([0.0, 1.0, 1.0, 1.0]))
    servers = tuple(Edge(workload.system.edge_capacity_hz * factor) for factor in factors.tolist())
    system = replace(workload.system, edges=servers)
    gain = workload.channel_gain[:, None] * rng.uniform(0.3, 3.0, (workload.slots, count, 1))
    edges = rng.integers(0, count, (len(workload.partition), len(system.devices)))
    return workload, system, gain, edges


@given(edge_workloads())
@settings(max_examples=100)
def test_agrees_with_the_slow_simulator(drawn):
    workload, system, gain, edges = drawn
    result = run(workload, system, edges, gain)
    slow, record = SlowEdgesSimulator(system), result.record
    done = slow.simulate_over(workload.arrivals, gain, workload.partition, edges)
    completed = [task for task in done.tasks if task.completed is not None]
    assert (result.born, result.completed) == (len(done.tasks), len(completed))
    assert result.queued == result.born - result.completed
    for s in range(len(system.services)):
        times = sorted(task.completed - task.born for task in completed if task.service == s)
        assert sorted(record.latency_slots[record.latency_service == s].tolist()) == times
    for name in ("power_w", "local_energy_j", "transmit_energy_j"):
        assert_close(getattr(record, name), done.devices(name))
    assert_close(record.link_queue_cycles[:-1], slow.at_edges("backlog"))
    assert_close(record.link_cpu_hz * system.slot_duration_s, slow.at_edges("served"))
    np.testing.assert_array_equal(record.edges, edges)
    np.testing.assert_array_equal(record.link_gain, gain)


@given(edge_workloads())
@EXAMPLES
def test_every_slot_of_a_record(drawn):
    """Tasks are conserved, (7) to (9) hold at each server with what joins there, and so do capacities."""
    workload, system, gain, edges = drawn
    record: Any = run(workload, system, edges, gain).record
    queued = np.cumsum(record.arrivals - record.completed, axis=0)
    waiting = record.local_queue_cycles + record.transmit_queue_bits + record.edge_queue_cycles
    np.testing.assert_array_equal(queued == 0, waiting[1:] == 0.0)
    np.testing.assert_array_equal(record.link_queue_cycles.sum(axis=1), record.edge_queue_cycles)
    tau, eps = system.slot_duration_s, np.finfo(float).eps
    now, later, served = record.link_queue_cycles[:-1], record.link_queue_cycles[1:], record.link_cpu_hz * tau
    joined = later - (now - served)
    slack = 16 * eps * (now + later)
    assert (joined >= -slack).all()
    attached = np.repeat(edges, system.slots_per_period, axis=0)[: workload.slots][
        :, system.device_of_service
    ]
    elsewhere = np.arange(len(system.edges))[:, None] != attached[:, None]
    assert (np.abs(joined) <= slack)[elsewhere].all()
    capacity = system.links.capacity_hz
    assert (record.link_cpu_hz.sum(axis=2) <= capacity * (1 + 8 * eps)).all()
    used = np.take_along_axis(gain, edges_of_slots(edges, system, workload.slots)[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(record.channel_gain, used)


def edges_of_slots(edges: np.ndarray, system: System, slots: int) -> np.ndarray:
    return np.repeat(edges, system.slots_per_period, axis=0)[:slots]


@given(edge_workloads())
@EXAMPLES
def test_a_record_is_a_trace(drawn):
    workload, system, gain, edges = drawn
    first = run(workload, system, edges, gain)
    again = simulate(system, slots=workload.slots, trace=first.record.trace, record=True)
    assert again.record.to_bytes() == first.record.to_bytes()


def test_pieces_of_a_run_are_the_run():
    system = with_edges(load_scenario("scarce-edge"), 2e8, 1e8)
    rng = np.random.default_rng(1)

    class Turns:
        name = "turns"

        def decide(self, observation: Any) -> Decision:
            return Decision(
                np.zeros(8, np.int64), edges=np.random.default_rng(observation.period).integers(0, 2, (4, 3))
            )

    runs = [Simulator(system, Turns(), replications=3, seed=2) for _ in range(2)]
    runs[0].run(2000)
    for _ in range(40):
        runs[1].run(int(rng.integers(1, 100)))
    runs[1].run(2000 - runs[1].slot)
    one, other = (each.result() for each in runs)
    assert one.edges is not None
    np.testing.assert_array_equal(one.queues, other.queues)
    np.testing.assert_array_equal(one.edges.cpu_hz, other.edges.cpu_hz)
    np.testing.assert_allclose(one.edges.queue_cycles.sum(axis=0), one.queues[2].sum(axis=0), rtol=1e-13)
    assert one.completed == other.completed > 0


def test_links_fade_by_themselves():
    """The second link's gains have the same law, times its factor, and are independent of the first one's."""
    system = replace(
        load_scenario("balanced"),
        edges=(Edge(1e9), Edge(1e9)),
        devices=tuple(
            replace(d, edges=(Link("edge-0"), Link("edge-1", gain_factor=0.25)))
            for d in load_scenario("balanced").devices
        ),
    )
    policy = Fixed(np.zeros(8, np.int64))
    record: Any = simulate(system, policy, slots=4000, seed=1, record=True).record
    scaled = record.link_gain / system.links.mean_gain
    assert np.abs(scaled.mean(axis=0) - 1.0).max() < 5 / np.sqrt(4000)
    correlation = [np.corrcoef(scaled[:, 0, m], scaled[:, 1, m])[0, 1] for m in range(4)]
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)


class Attached:
    name = "mine"

    def __init__(self, edges: Any) -> None:
        self.edges = edges

    def decide(self, observation: Any) -> Decision:
        return Decision(np.zeros(8, np.int64), edges=self.edges)


@pytest.mark.parametrize(
    ("edges", "reason"),
    [
        ([0, 1, 2, 0], "expected numbers from 0 to 1, got 2"),
        ([0, 1, -1, 0], "expected numbers from 0 to 1, got -1"),
        ([0, 1, 1, 1], "device 3 does not reach edge-1"),
        ([0, 1], "expected edge servers of 4 devices, got shape (2,)"),
        ([0.0, 1.0, 0.0, 0.0], "expected a table of integers"),
    ],
)
def test_wrong_servers_are_refused(edges, reason):
    system = with_edges(load_scenario("balanced"), 1e9, 1e9)
    last = replace(system.devices[3], edges=(Link("edge-0"),))
    system = replace(system, devices=(*system.devices[:3], last))
    with pytest.raises(ProblemError) as caught:
        simulate(system, Attached(np.array(edges)), slots=10)
    assert caught.value.path == "$.edges"
    assert caught.value.reason == f"policy mine: {reason}"


def test_servers_of_a_system_that_has_none_are_refused():
    with pytest.raises(ProblemError, match=r"\$\.edges: policy mine: expected none"):
        simulate(load_scenario("balanced"), Attached([0, 0, 0, 0]), slots=10)


def test_rules_of_one_server_are_refused():
    system = with_edges(load_scenario("balanced"), 1e9, 1e9)
    with pytest.raises(ProblemError, match=r"\$\.rule: expected none with several edge servers"):
        simulate(system, make_policy("middle", system), slots=10, rule=lambda slot: slot.backlog)
