"""The simulator against the slow one: energies up to rounding, tasks one by one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings

from lyaopt.simulation import Result
from tests.simulation.scenarios import QUEUES, Workload, workloads
from tests.support.slow_simulator import Run


def assert_close(actual, expected) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max(initial=0.0))


def assert_same_tasks(workload: Workload, result: Result, run: Run) -> None:
    record = result.record
    slots, service = np.nonzero(record.completed)
    slots = np.repeat(slots, record.completed[slots, service])
    # Tasks are listed in the order of completion; within a slot, of one service, in any order.
    for s in range(len(workload.system.services)):
        expected = run.latencies(s)
        latencies = iter(record.latency_slots[record.latency_service == s].tolist())
        for slot, count in enumerate(record.completed[:, s].tolist()):
            assert sorted(next(latencies) for _ in range(count)) == expected.get(slot, [])
        assert next(latencies, None) is None
    done = sum(task.completed is not None for task in run.tasks)
    assert (result.born, result.completed, result.queued) == (len(run.tasks), done, len(run.tasks) - done)


@given(workloads())
@settings(max_examples=150)
def test_agrees_with_the_slow_simulator(workload):
    result, run = workload.simulate(), workload.simulate_slowly()
    assert_same_tasks(workload, result, run)
    for name in ("power_w", "local_energy_j", "transmit_energy_j"):
        assert_close(getattr(result.record, name), run.devices(name))
        assert_close(getattr(result.record, name).sum(axis=0), run.devices(name).sum(axis=0))
    for stage, name in enumerate(QUEUES):
        backlog = np.vstack([run.work("backlog")[stage], [[float(q) for q in run.backlog[stage]]]])
        assert_close(getattr(result.record, name), backlog)
        # Both are exactly empty at the same time.
        np.testing.assert_array_equal(getattr(result.record, name) == 0.0, backlog == 0.0)


@given(workloads())
@settings(max_examples=30)
def test_totals_are_those_of_the_slow_simulator(workload):
    result, run = workload.simulate(), workload.simulate_slowly()
    assert_close(result.mean_local_energy_j, run.devices("local_energy_j").sum(axis=1).mean())
    assert_close(result.mean_transmit_energy_j, run.devices("transmit_energy_j").sum(axis=1).mean())
    assert_close(result.mean_queues, run.work("backlog").sum(axis=2).mean(axis=1))
    for name in ("local_energy_j", "transmit_energy_j"):
        assert_close(getattr(result, name)[:, 0], run.devices(name).mean(axis=0))
    for mean, backlog in zip(result.queues[:, :, 0], run.work("backlog"), strict=True):
        assert_close(mean, backlog.mean(axis=0))
    latencies = [task.completed - task.born for task in run.tasks if task.completed is not None]
    tau = workload.system.slot_duration_s
    if latencies:
        assert_close(result.mean_latency_s, tau * np.mean(latencies))
    else:
        assert np.isnan(result.mean_latency_s)


@given(workloads())
@settings(max_examples=60)
def test_energy_limits_what_capacity_and_backlog_do_not(workload):
    result, run, system = workload.simulate(), workload.simulate_slowly(), workload.system
    tau = Fraction(system.slot_duration_s)
    local, transmit, busy = (np.zeros((workload.slots, len(system.devices)), bool) for _ in range(3))
    for ts, slot in enumerate(run.slots):
        for m, most in enumerate(system.max_power_w):
            services = system.services_of(m)
            backlog, served = (
                [sum((work[stage][s] for s in services), Fraction(0)) for stage in range(2)]
                for work in (slot.backlog, slot.served)
            )
            busy[ts, m] = sum(backlog) > 0
            capacity = Fraction(float(system.cpu_capacity_hz[m])) * tau
            local[ts, m] = served[0] < min(backlog[0], capacity)
            channel = workload.channel_gain[ts, m] > 0 and slot.power_w[m] < most
            transmit[ts, m] = served[1] < backlog[1] and channel
    shares = (
        (result.limited_share, local | transmit),
        (result.local_limited_share, local),
        (result.transmit_limited_share, transmit),
        (result.busy_share, busy),
    )
    for share, slots in shares:
        assert_close(share, slots.mean())
