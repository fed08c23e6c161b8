"""Tasks of varying size: the factors themselves, and that the work of each goes through all stages."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lyaopt.model.edges import Edge
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import ArrivalLaw, Device, Service, System, TaskSize
from lyaopt.policies import Fixed, make_policy
from lyaopt.simulation import Simulator, simulate
from lyaopt.simulation.streams import make_streams
from tests.simulation.rules import Everything, everything_compiled
from tests.simulation.scenarios import QUEUES, RATES, Workload, workloads
from tests.simulation.test_against_slow_simulator import assert_close, assert_same_tasks
from tests.support.slow_simulator import SlowSimulator

LAWS = {"lognormal": TaskSize(0.7), "uniform": TaskSize(0.4, "uniform")}


def varied(system: System, *sizes: TaskSize | None) -> System:
    """The system with these sizes in turn."""
    devices, s = [], 0
    for device in system.devices:
        services = []
        for service in device.services:
            services.append(replace(service, task_size=sizes[s % len(sizes)]))
            s += 1
        devices.append(replace(device, services=tuple(services)))
    return replace(system, devices=tuple(devices))


def sizes_of(system: System, seed: int = 0):
    """Sizes of the new tasks of a service in a slot, of replication 0."""
    streams, rows = make_streams(system, seed), max(len(device.services) for device in system.devices)

    def sizes(slot: int, s: int, count: int) -> list[float]:
        m = int(system.device_of_service[s])
        arrivals = np.zeros((1, rows, len(system.devices)), np.int64)
        arrivals[0, s - system.services_of(m).start, m] = count
        return streams.draw_sizes(slot, arrivals).tolist()

    return sizes


@given(workloads(), st.sampled_from([tuple(LAWS.values()), (TaskSize(2.0), None)]))
@settings(max_examples=60)
def test_agrees_with_the_slow_simulator(workload, laws):
    system = varied(workload.system, *laws)
    workload = Workload(system, workload.arrivals, workload.channel_gain, workload.partition)
    result = workload.simulate()
    run = SlowSimulator(system).simulate(
        workload.arrivals, workload.channel_gain, workload.partition, sizes_of(system)
    )
    assert_same_tasks(workload, result, run)
    for name in ("power_w", "local_energy_j", "transmit_energy_j"):
        assert_close(getattr(result.record, name), run.devices(name))
    for stage, name in enumerate(QUEUES):
        backlog = np.vstack([run.work("backlog")[stage], [[float(q) for q in run.backlog[stage]]]])
        assert_close(getattr(result.record, name), backlog)
        np.testing.assert_array_equal(getattr(result.record, name) == 0.0, backlog == 0.0)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_record_holds_all_work_that_arrived(share):
    """What was served and what waits, against the arrivals and their sizes, for cuts that do not change."""
    system = varied(load_scenario("frame-rate"), LAWS["lognormal"], LAWS["uniform"])
    points = (share * (system.cut_counts - 1)).astype(np.int64)
    record = simulate(system, Fixed(points), slots=3000, seed=4, record=True).record
    sizes, tau = sizes_of(system, 4), system.slot_duration_s
    for s, k in enumerate(record.partition[0].tolist()):
        total = sum(sum(sizes(slot, s, n)) for slot, n in enumerate(record.arrivals[:, s].tolist()))
        for stage, table in enumerate((system.local_cycles, system.transmit_bits, system.edge_cycles)):
            served = tau * getattr(record, RATES[stage])[:, s].sum()
            waits = getattr(record, QUEUES[stage])[-1, s]
            ahead = sum(getattr(record, QUEUES[before])[-1, s] > 0 for before in range(stage))
            if not ahead:
                assert served + waits == pytest.approx(total * table[s, k], rel=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_sizes_have_their_law(law):
    size = LAWS[law]
    system = System((Device(180.0, (Service("alexnet", task_size=size), Service("alexnet"))),))
    streams = make_streams(system, 3)
    arrivals = np.zeros((5000, 2, 1), np.int64)
    arrivals[:, 0] = 1 + np.arange(5000)[:, None] % 7
    found = streams.draw_sizes(0, arrivals)
    assert found.mean() == pytest.approx(1.0, abs=4.5 * size.cv / math.sqrt(found.size))
    if law == "uniform":
        half = math.sqrt(3.0) * size.cv
        assert stats.kstest(found, stats.uniform(1.0 - half, 2.0 * half).cdf).pvalue > 1e-3
    else:
        std = math.sqrt(math.log(1.0 + size.cv**2))
        assert stats.kstest(np.log(found), stats.norm(-0.5 * std * std, std).cdf).pvalue > 1e-3
    assert len(np.unique(found)) == found.size
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 4.5 / math.sqrt(found.size)
    arrivals[:, 1] = 1
    both = streams.draw_sizes(0, arrivals)
    assert (both == 1.0).sum() == 5000
    np.testing.assert_array_equal(both[both != 1.0], found)


def test_sizes_are_the_same_for_every_policy_batch_and_division():
    system = varied(load_scenario("balanced"), *LAWS.values())
    busy = replace(
        system,
        devices=tuple(
            replace(d, services=tuple(replace(s, arrival_rate_per_s=20.0) for s in d.services))
            for d in system.devices
        ),
    )

    def joined(replications, pieces, number, workers=1):
        """Local and transmit work that joined altogether; with all cuts at K nothing is ever sent."""
        run = Simulator(
            busy, make_policy("all-local", busy), replications=replications, seed=9, workers=workers
        )
        for piece in pieces:
            run.run(piece)
        tau = busy.slot_duration_s
        served = run.result().service_rates[0] * tau * sum(pieces)
        return (served + run._state.backlog()[0])[:, number]

    expected = joined(1, [600], 0)
    np.testing.assert_allclose(joined(1, [7, 593], 0), expected, rtol=1e-9)
    np.testing.assert_allclose(joined(3, [600], 0), expected, rtol=1e-9)
    np.testing.assert_allclose(joined(40, [600], 0, workers=2), expected, rtol=1e-9)
    other = joined(40, [600], 37)
    assert (np.abs(other / expected - 1.0) > 1e-6).all()
    np.testing.assert_allclose(joined(40, [600], 37, workers=2), other, rtol=1e-12)


def test_rules_see_the_work_of_the_task_they_serve():
    seen = []

    def rule(observation):
        seen.append((observation.head_left[0, 0, 0], observation.head_work[0, 0, 0]))
        return tuple(observation.backlog)

    service = Service("alexnet", arrival_rate_per_s=5.0, task_size=TaskSize(0.5))
    system = System((Device(180.0, (service,)),))
    policy = make_policy("all-local", system)
    record = simulate(system, policy, slots=400, seed=2, record=True, rule=rule).record
    whole = system.local_cycles[0, -1]
    sizes = [
        size
        for slot, n in enumerate(record.arrivals[:, 0].tolist())
        for size in sizes_of(system, 2)(slot, 0, n)
    ]
    works = list(dict.fromkeys(work for _, work in seen if work > 0.0))
    np.testing.assert_array_equal(works, [whole * size for size in sizes[: len(works)]])
    assert len(works) > 5
    assert all(left <= work for left, work in seen if work > 0.0)


@given(workload=workloads())
@settings(max_examples=10)
def test_compiled_rules_see_what_rules_in_python_see(workload):
    system = varied(workload.system, LAWS["lognormal"])
    workload = Workload(system, workload.arrivals, workload.channel_gain, workload.partition)
    in_python, compiled = (
        workload.simulate(rule=rule).record for rule in (Everything(), everything_compiled)
    )
    np.testing.assert_array_equal(compiled.local_cpu_hz, in_python.local_cpu_hz)


@pytest.mark.parametrize("policy", ["middle", "price"])
def test_several_edge_servers_serve_the_same_tasks(policy):
    one = with_laws(varied(load_scenario("frame-rate"), *LAWS.values()))
    several = replace(one, edges=(Edge(one.edge_capacity_hz), Edge(0.0)))
    runs = [
        simulate(
            system, make_policy(policy, system, **WAITING.get(policy, {})), slots=900, replications=3, seed=5
        )
        for system in (one, several)
    ]
    for name in ("local_energy_j", "transmit_energy_j", "mean_tasks"):
        np.testing.assert_array_equal(getattr(runs[1], name), getattr(runs[0], name))
    assert runs[0].born == runs[1].born > 1000
    assert runs[0].completed == runs[1].completed


WAITING = {"price": {"waiting_cost_j_per_s": 0.01}}


def with_laws(system: System) -> System:
    """The system with a law of its own for every other service."""
    laws = ({"kind": "periodic"}, {"kind": "on-off", "on_duration_s": 1.0, "off_duration_s": 1.0})
    devices = tuple(
        replace(
            device,
            services=(replace(device.services[0], arrivals=ArrivalLaw(**laws[m % 2])), *device.services[1:]),
        )
        for m, device in enumerate(system.devices)
    )
    return replace(system, devices=devices)


def test_systems_alike_have_no_sizes_to_draw():
    system = load_scenario("balanced")
    assert (make_streams(system, 1).draw_sizes(0, np.ones((3, 2, 4), np.int64)) == 1.0).all()
