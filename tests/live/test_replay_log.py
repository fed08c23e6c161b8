"""The simulation beside a run, against the times at which stages end by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lyaopt import Device, System
from lyaopt.errors import ProblemError
from lyaopt.live import TaskRecord, compare, predict
from tests.live.systems import measured_service

HEAD, TAIL, BITS = (0.0, 0.020, 0.050), (0.040, 0.015, 0.0), (60_000, 30_000, 0)
RATE = 1e6


def system_of(*services) -> System:
    return System((Device(150.0, services, cpu_capacity_hz=1e9),), edge_capacity_hz=1e9)


def tasks(*rows, service=0) -> list[TaskRecord]:
    return [TaskRecord(0, service, number, cut, born) for number, (born, cut) in enumerate(rows)]


def by_hand(records: list[TaskRecord], rate: float) -> list[float]:
    """First come, first served in each of three stages, one after the other."""
    done, ready = {}, {record.task: record.born for record in records}
    for work in (HEAD, [bits / rate for bits in BITS], TAIL):
        free = 0.0
        for task in sorted(ready, key=lambda task: ready[task]):
            seconds = work[records[task].cut]
            if seconds > 0.0:  # else the stage is passed at once
                free = max(free, ready[task]) + seconds
                ready[task] = free
    done |= ready
    return [done[record.task] - record.born for record in records]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("slot_s", [1e-4, 1e-3])
def test_latencies_are_those_by_hand_up_to_a_slot_a_stage(seed, slot_s):
    draws = np.random.default_rng(seed)
    born = np.sort(draws.uniform(0.0, 2.0, 25))
    records = tasks(*zip(born.tolist(), draws.integers(0, 3, 25).tolist(), strict=True))
    found = predict(
        system_of(measured_service(HEAD, TAIL, BITS)),
        records,
        np.full((300, 1), RATE),
        seconds=8.0,
        slot_s=slot_s,
    )
    expected = np.array(by_hand(records, RATE))
    late = found.latency_s - expected
    # Every task that waits takes over the rounding of those before it; none is early by more than its birth.
    assert (late > -1.01 * found.slot_s).all()
    assert late.mean() < 3.0 * found.slot_s


def test_rates_are_those_of_the_slots_and_go_around():
    system = system_of(measured_service(HEAD, TAIL, BITS))
    rates = np.array([[0.0], [2e6], [0.0], [2e6]])  # in slots of 10 ms: 1 Mbit/s on average
    records = tasks((0.100, 0), (1.000, 0))
    found = predict(system, records, rates, seconds=3.0)
    # Born at the start of a silent slot: three slots of 20,000 bits end 60 ms later.
    assert found.latency_s == pytest.approx([0.060 + 0.040] * 2, abs=3.1e-4)


def test_each_task_has_its_own_cut_even_in_one_slot():
    records = tasks((0.5, 2), (0.5, 0), (0.5, 1))
    found = predict(system_of(measured_service(HEAD, TAIL, BITS)), records, np.full((1, 1), 1e9), seconds=2.0)
    assert found.latency_s == pytest.approx([0.050, 0.040, 0.050 + 0.020 + 0.015], abs=6e-4)


def test_weights_of_energy_do_not_slow_it_down():
    from dataclasses import replace

    system = system_of(measured_service(HEAD, TAIL, BITS))
    slow = replace(system, energy_weight_local=1e30, energy_weight_transmit=1e30)
    records = tasks((0.1, 1), (0.2, 2))
    given = records, np.full((1, 1), RATE)
    assert (
        predict(slow, *given, seconds=1.0).latency_s == predict(system, *given, seconds=1.0).latency_s
    ).all()


def test_a_task_that_is_not_done_in_time_is_nan_and_left_out():
    records = tasks((0.1, 2), (0.2, 2))
    records[0].head_done, records[0].equal = 0.160, True
    records[1].head_done, records[1].equal = 0.260, True
    found = predict(system_of(measured_service(HEAD, TAIL, BITS)), records, np.ones((1, 1)), seconds=0.22)
    assert np.isnan(found.latency_s).tolist() == [False, True]
    everything, by_cut = compare(found)
    assert (everything.tasks, by_cut.tasks, by_cut.cut) == (1, 1, 2)
    assert everything.measured_mean_s == pytest.approx(0.060)
    assert everything.mean_difference == pytest.approx(found.latency_s[0] / 0.060 - 1.0)


def test_births_after_the_end_are_refused():
    with pytest.raises(ProblemError, match="births"):
        predict(system_of(measured_service(HEAD, TAIL, BITS)), tasks((5.0, 1)), np.ones((1, 1)), seconds=1.0)


def test_percentiles_and_means_are_those_of_numpy():
    draws = np.random.default_rng(1)
    records = tasks(*((0.1 * i, 2) for i in range(40)))
    for record in records:
        record.head_done, record.equal = record.born + draws.uniform(0.05, 0.2), True
    found = predict(system_of(measured_service(HEAD, TAIL, BITS)), records, np.ones((1, 1)), seconds=6.0)
    row = compare(found)[0]
    latency = [record.head_done - record.born for record in records]
    assert row.measured_p95_s == np.percentile(latency, 95)
    assert row.measured_mean_s == np.mean(latency)
    assert (
        compare(predict(system_of(measured_service(HEAD, TAIL, BITS)), [], np.ones((1, 1)), seconds=1.0))
        == []
    )


def rows_of(*rows):
    """Tasks of two services on one device, by (service, birth, cut)."""
    count = [0, 0]
    records = []
    for service, born, cut in rows:
        records.append(TaskRecord(0, service, count[service], cut, born))
        count[service] += 1
    return records


def test_a_task_that_has_begun_is_finished_before_another_begins():
    service = measured_service(HEAD, TAIL, BITS)
    records = rows_of((0, 0.100, 2), (1, 0.110, 2), (1, 0.120, 2))
    found = predict(system_of(service, service), records, np.full((1, 1), 1e9), seconds=2.0)
    # The second service has twice the backlog from 120 ms on, and waits until 150 ms all the same.
    assert found.latency_s == pytest.approx([0.050, 0.090, 0.130], abs=3e-4)


def test_then_the_largest_backlog_comes_first():
    service = measured_service(HEAD, TAIL, BITS)
    records = rows_of((0, 0.100, 2), (0, 0.105, 2), (1, 0.110, 2), (1, 0.120, 2))
    found = predict(system_of(service, service), records, np.full((1, 1), 1e9), seconds=2.0)
    # At 150 ms one task of the first service waits and two of the second.
    latency = dict(zip([(r.service, r.born) for r in found.records], found.latency_s.tolist(), strict=True))
    assert latency[0, 0.100] == pytest.approx(0.050, abs=3e-4)
    assert latency[1, 0.110] == pytest.approx(0.090, abs=3e-4)
    # Then one of each waits, of equal backlogs: the older one is the next.
    assert latency[0, 0.105] == pytest.approx(0.250 - 0.105, abs=6e-4)
    assert latency[1, 0.120] == pytest.approx(0.300 - 0.120, abs=6e-4)


def test_edges_finish_first_between_devices_and_radios_through_silence():
    service = measured_service(HEAD, TAIL, BITS)
    devices = tuple(Device(150.0, (service, service), cpu_capacity_hz=1e9) for _ in range(2))
    system = System(devices, edge_capacity_hz=1e9)
    records = [TaskRecord(m, 0, 0, 0, 0.100 + 0.010 * m) for m in range(2)]
    found = predict(system, records, np.full((1, 2), 1e9), seconds=2.0)
    assert found.latency_s == pytest.approx([0.040, 0.070], abs=3e-4)
    # 60,000 bits take six slots of 10 ms, every other of them silent; a second task of 30,000 waits for them.
    rates = np.tile([[1e6], [0.0]], (1, 2))
    records = rows_of((0, 0.100, 0), (1, 0.105, 1))
    found = predict(system, records, rates, seconds=3.0)
    # The head of the second ends at 125 ms; the bits of the first at 210 ms, then its own at 270 ms.
    assert found.latency_s == pytest.approx([0.110 + 0.040, 0.165 + 0.015], abs=1e-3)
