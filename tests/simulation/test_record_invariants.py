"""Properties of every slot of a record: docs/explanation/model.md, docs/explanation/bounds.md."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings

from lyaopt import SlotBatch, solve_slots
from lyaopt.bounds import realised_bound
from lyaopt.model.system import System
from lyaopt.policies import Fixed
from lyaopt.simulation import Record, Trace, simulate
from tests.simulation.scenarios import QUEUES, RATES, STAGES, workloads

EPS = np.finfo(float).eps
EXAMPLES = settings(max_examples=60)


def backlogs(record: Record) -> np.ndarray:
    """(3, T + 1, S)."""
    return np.array([getattr(record, name) for name in QUEUES])


def rates(record: Record) -> np.ndarray:
    """(3, T, S)."""
    return np.array([getattr(record, name) for name in RATES])


def by_device(system: System, values: np.ndarray) -> np.ndarray:
    """Sums of (..., S) over the services of each device (..., M)."""
    total = np.zeros((*values.shape[:-1], len(system.devices)))
    for m in range(len(system.devices)):
        total[..., m] = values[..., system.services_of(m)].sum(axis=-1)
    return total


def carried(system: System, record: Record) -> np.ndarray:
    """R(p) of every slot (T, M)."""
    width = system.device_bandwidth_hz
    signal = record.power_w * record.channel_gain / (width * system.noise_w_per_hz)
    return width * np.log1p(signal) / math.log(2)


def assert_bitwise_equal(one: Record, other: Record) -> None:
    for field in fields(Record):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes(), field.name


@given(workloads())
@EXAMPLES
def test_backlogs_follow_from_service_and_joined_tasks(workload):
    """(7)-(9): Q(ts+1) = Q(ts) - f tau + joined work; exactly the joined work if all was served."""
    record, run = workload.simulate().record, workload.simulate_slowly()
    joined, tau = run.work("joined"), workload.system.slot_duration_s
    now, later = backlogs(record)[:, :-1], backlogs(record)[:, 1:]
    assert not backlogs(record)[:, 0].any()
    error = np.abs(later - (now - rates(record) * tau + joined))
    assert (error <= 8 * EPS * (now + joined)).all()
    whole = np.array([[np.equal(s.served[k], s.backlog[k]) for s in run.slots] for k in range(3)], bool)
    assert (np.abs(later - joined) <= 8 * EPS * joined)[whole].all()


@given(workloads())
@EXAMPLES
def test_tasks_that_join_the_local_queue_are_the_arrivals(workload):
    """No oracle is needed: the arrivals of the local queue are in the record."""
    record, system = workload.simulate().record, workload.system
    points = np.repeat(record.partition, system.slots_per_period, axis=0)[: workload.slots]
    born = record.arrivals * np.take_along_axis(system.local_cycles.T, points, axis=0)
    queue = record.local_queue_cycles
    expected = queue[:-1] - record.local_cpu_hz * system.slot_duration_s + born
    assert (np.abs(queue[1:] - expected) <= 8 * EPS * (queue[:-1] + born)).all()


@given(workloads())
@EXAMPLES
def test_tasks_are_counted_in_every_slot(workload):
    """born = completed + queued at every slot: nothing is queued exactly where all queues are empty."""
    result = workload.simulate()
    record = result.record
    queued = np.cumsum(record.arrivals - record.completed, axis=0)
    assert (queued >= 0).all()
    np.testing.assert_array_equal(queued == 0, (backlogs(record)[:, 1:] == 0.0).all(axis=0))
    assert result.born == record.arrivals.sum()
    assert result.completed == record.completed.sum() == len(record.latency_slots)
    assert result.queued == queued[-1].sum() == result.born - result.completed
    per_service = np.bincount(record.latency_service, minlength=len(workload.system.services))
    np.testing.assert_array_equal(per_service, record.completed.sum(axis=0))


@given(workloads(drained=True))
@EXAMPLES
def test_latencies_add_up_to_the_queued_tasks(workload):
    """Little's law, exact in whole numbers, for services whose tasks all were completed."""
    record = workload.simulate().record
    queued = np.cumsum(record.arrivals - record.completed, axis=0)
    for s in np.flatnonzero(queued[-1] == 0):
        assert record.latency_slots[record.latency_service == s].sum() == queued[:, s].sum()
    assert (record.latency_slots >= 1).all()


@given(workloads())
@EXAMPLES
def test_drift_plus_penalty(workload):
    """Section 4, stage by stage (units differ by orders of magnitude), and against serving nothing."""
    system, record = workload.system, workload.simulate().record
    tau, joined = system.slot_duration_s, workload.simulate_slowly().work("joined")
    now, later, served = backlogs(record)[:, :-1], backlogs(record)[:, 1:], rates(record) * tau
    drift = (later**2 - now**2) / 2
    linear, square = now * (joined - served), (joined - served) ** 2 / 2
    size = now**2 + joined**2
    assert (np.abs(drift - (linear + square)) <= 32 * EPS * size).all()
    capacity = (system.cpu_capacity_hz, carried(system, record), system.edge_capacity_hz)
    penalty = (
        system.energy_weight_local * record.local_energy_j,
        system.energy_weight_transmit * record.transmit_energy_j,
        np.zeros((workload.slots, 1)),
    )
    for stage in range(len(STAGES)):
        pool = (np.asarray(capacity[stage]) * tau) ** 2
        cost = penalty[stage].sum(axis=1)
        bound = (joined[stage] ** 2).sum(axis=1) + np.broadcast_to(pool, penalty[stage].shape).sum(axis=1)
        slack = 1e-12 * (size[stage].sum(axis=1) + bound + cost)
        realised = drift[stage].sum(axis=1)
        assert (realised <= linear[stage].sum(axis=1) + bound / 2 + slack).all()
        # The slot's optimum is no worse than to serve nothing: its left side gains what its right side gains.
        idle = (now[stage] * joined[stage]).sum(axis=1)
        assert (realised + cost <= idle + bound / 2 + slack).all()


@given(workloads())
@EXAMPLES
def test_capacities_hold_and_energies_follow(workload):
    system, record = workload.system, workload.simulate().record
    speed = by_device(system, record.local_cpu_hz)
    rate = by_device(system, record.rate_bps)
    exact = 1 + 8 * EPS
    assert (speed <= system.cpu_capacity_hz * exact).all()
    assert (record.power_w <= system.max_power_w).all()
    assert (rate <= carried(system, record) * (1 + 1e-12)).all()
    assert (record.edge_cpu_hz.sum(axis=1) <= system.edge_capacity_hz * exact).all()
    assert (rates(record) >= 0).all()
    assert (rates(record) * system.slot_duration_s <= backlogs(record)[:, :-1] * exact).all()
    tau = system.slot_duration_s
    np.testing.assert_allclose(record.local_energy_j, tau * system.energy_coefficient * speed**3, rtol=1e-12)
    np.testing.assert_array_equal(record.transmit_energy_j, tau * record.power_w)


@given(workloads())
@EXAMPLES
def test_no_path_costs_less_than_its_bound(workload):
    """LB2: the work that was done, at a steady speed and over the best channels of the path."""
    system, record = workload.system, workload.simulate().record
    done = by_device(system, rates(record)[:2].sum(axis=1)) * system.slot_duration_s
    bound = realised_bound(system, done[0], done[1], record.channel_gain)
    assert (bound.local_energy_j <= record.local_energy_j.sum(axis=0) * (1 + 1e-12)).all()
    assert (bound.transmit_energy_j <= record.transmit_energy_j.sum(axis=0) * (1 + 1e-12)).all()


@given(workloads())
@EXAMPLES
def test_every_slot_is_allocated_optimally(workload):
    """Recorded backlogs and channels, solved again."""
    system, record = workload.system, workload.simulate().record
    solution = solve_slots(slots_of(system, record))
    for name in RATES:
        again = by_device_and_service(system, getattr(record, name))
        np.testing.assert_allclose(again, getattr(solution, name), rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(record.power_w, solution.power_w, rtol=1e-12)
    np.testing.assert_allclose(record.local_energy_j, solution.local_energy_j, rtol=1e-12)


def slots_of(system: System, record: Record) -> SlotBatch:
    return SlotBatch(
        slot_duration_s=system.slot_duration_s,
        energy_coefficient=system.energy_coefficient,
        energy_weight_local=system.energy_weight_local,
        energy_weight_transmit=system.energy_weight_transmit,
        edge_capacity_hz=system.edge_capacity_hz,
        cpu_capacity_hz=system.cpu_capacity_hz,
        max_power_w=system.max_power_w,
        channel_gain=record.channel_gain,
        bandwidth_hz=system.device_bandwidth_hz,
        noise_psd_dbm_per_hz=system.noise_psd_dbm_per_hz,
        **{name: by_device_and_service(system, getattr(record, name)[:-1]) for name in QUEUES},
    )


def by_device_and_service(system: System, values: np.ndarray) -> np.ndarray:
    """(T, S) as (T, M, N), zeros where a device has fewer services."""
    most = max(len(device.services) for device in system.devices)
    table = np.zeros((len(values), len(system.devices), most))
    for m in range(len(system.devices)):
        for n, s in enumerate(system.services_of(m)):
            table[:, m, n] = values[:, s]
    return table


@given(workloads())
@EXAMPLES
def test_a_record_replayed_gives_the_same_bits(workload):
    record = workload.simulate().record
    np.testing.assert_array_equal(record.arrivals, workload.arrivals)
    np.testing.assert_array_equal(record.channel_gain, workload.channel_gain)
    np.testing.assert_array_equal(record.partition, workload.partition)
    trace = Trace(record.arrivals, record.channel_gain, record.partition)
    again = simulate(workload.system, None, slots=workload.slots, trace=trace, record=True).record
    assert_bitwise_equal(again, record)


@given(workloads())
@EXAMPLES
def test_fixed_points_are_a_partition_of_equal_rows(workload):
    points = workload.partition[0]
    same = replace(workload, partition=np.broadcast_to(points, workload.partition.shape))
    trace = Trace(workload.arrivals, workload.channel_gain)
    fixed = simulate(workload.system, Fixed(points), slots=workload.slots, trace=trace, record=True)
    assert_bitwise_equal(fixed.record, same.simulate().record)


@pytest.mark.parametrize("replications", [2, 3, 9])
@given(workloads(most_slots=20))
@settings(max_examples=15)
def test_every_replication_has_the_same_totals(replications, workload):
    trace = Trace(workload.arrivals, workload.channel_gain, workload.partition)
    one = workload.simulate()
    many = simulate(workload.system, None, slots=workload.slots, trace=trace, replications=replications)
    assert (many.born, many.completed, many.queued) == tuple(
        replications * count for count in (one.born, one.completed, one.queued)
    )
    for name in ("local_energy_j", "transmit_energy_j", "queues"):
        values = getattr(many, name)
        np.testing.assert_allclose(values, np.broadcast_to(getattr(one, name), values.shape), rtol=1e-12)
