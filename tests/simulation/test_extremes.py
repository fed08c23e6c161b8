"""Extreme cases: no tasks, overload, amounts that end with a slot; expected values are derived by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyaopt.model.profiles import Profile
from lyaopt.model.system import Device, Service, System
from lyaopt.policies import Fixed, Random
from lyaopt.simulation import Decision, Result, Simulator, Trace, simulate
from tests.simulation.scenarios import QUEUES, Workload, network, workloads
from tests.simulation.test_against_slow_simulator import assert_same_tasks
from tests.simulation.test_record_invariants import assert_bitwise_equal

TAU = 2.0**-7
SLOT_CYCLES = 2**20
"""Cycles of a slot in `whole_number_system`: multiples and halves of it are exact in binary."""
GAIN = 6e-11


def whole_number_system(*services: tuple[Profile, ...], edge_slot_cycles: float = 2.0**40) -> System:
    """Devices of 2^20 cycles a slot, one cycle a MAC, free energy, and an ample bit rate."""
    return System(
        tuple(
            Device(200.0, tuple(map(Service, profiles)), SLOT_CYCLES / TAU, 1.0, bandwidth_hz=1e12)
            for profiles in services
        ),
        slot_duration_s=TAU,
        bandwidth_hz=1e12 * len(services),
        cycles_per_mac=1.0,
        edge_capacity_hz=edge_slot_cycles / TAU,
        energy_weight_local=0.0,
        energy_weight_transmit=0.0,
    )


def run(system: System, arrivals: np.ndarray, points: list[int]) -> Result:
    """Fixed points, over a channel without fading."""
    partition = np.tile(points, (-(-len(arrivals) // system.slots_per_period), 1))
    gain = np.full((len(arrivals), len(system.devices)), GAIN)
    return Workload(system, arrivals, gain, partition).simulate()


def born_at_once(count: int, slots: int) -> np.ndarray:
    arrivals = np.zeros((slots, 1), np.int64)
    arrivals[0] = count
    return arrivals


@pytest.mark.parametrize(("point", "stages"), [(0, 2), (1, 3), (2, 2), (3, 1), (4, 2), (5, 1)])
def test_a_task_takes_a_slot_for_each_stage_with_work(point, stages):
    """Served from the slot after the one it joins in; a stage without work takes no slot."""
    net = network([0, 1000, 2000, 3000, 3000, 3000], [500, 600, 0, 0, 700, 0])
    result = run(whole_number_system((net,)), born_at_once(1, 6), [point])
    assert result.record.latency_slots.tolist() == [stages]
    assert result.record.completed[:, 0].tolist() == [int(slot == stages) for slot in range(6)]


def test_a_task_without_local_work_or_bits_goes_directly_to_the_edge():
    net = network([0, 0, 1000], [500, 0, 0])
    record = run(whole_number_system((net,)), born_at_once(3, 4), [1]).record
    assert record.edge_queue_cycles[:, 0].tolist() == [0, 3000, 0, 0, 0]
    assert record.latency_slots.tolist() == [1, 1, 1]
    assert not record.local_queue_cycles.any()
    assert not record.transmit_queue_bits.any()


@pytest.mark.parametrize("slots", [20, 49, 97])
@pytest.mark.parametrize("per_slot", [1, 2, 5, 64])
def test_amounts_that_end_with_the_slot_are_done_in_it(per_slot, slots):
    """The last task of every slot is completed: no rounding error keeps it queued."""
    net = network([0, SLOT_CYCLES // per_slot * per_slot // per_slot], [500, 0])
    work = net.total_macs
    count = slots * per_slot
    record = run(whole_number_system((net,)), born_at_once(count, slots + 5), [1]).record
    done = [-(-(task + 1) * work // SLOT_CYCLES) for task in range(count)]
    assert record.latency_slots.tolist() == done
    expected = [0, *(max(count * work - SLOT_CYCLES * slot, 0) for slot in range(slots + 5))]
    np.testing.assert_allclose(record.local_queue_cycles[:, 0], expected, rtol=1e-15)


@pytest.mark.parametrize("tau", [0.01, 0.003, 0.1])
@pytest.mark.parametrize("parts", [1, 3, 7, 10])
def test_decimal_amounts_that_end_with_the_slot_are_done_in_it(tau, parts):
    """Round decimal numbers: a task takes `parts` slots at full speed."""
    net = network([0, 125_000_000 * parts], [500, 0])
    speed = 0.12 * 125e6 / tau
    devices = (Device(200.0, (Service(net),), cpu_capacity_hz=speed),)
    system = System(devices, slot_duration_s=tau, cycles_per_mac=0.12, energy_weight_local=0.0)
    record = run(system, born_at_once(60, 60 * parts + 3), [1]).record
    assert record.latency_slots.tolist() == [parts * (task + 1) for task in range(60)]
    assert record.local_queue_cycles[-1, 0] == 0.0


def test_equal_backlogs_share_equally():
    """Two equal services of a device, and four at the edge: equal ones have equal backlogs in every slot."""
    net = network([0, SLOT_CYCLES], [500, 0])
    arrivals = np.zeros((64, 4), np.int64)
    arrivals[[0, 1, 5]] = 1
    arrivals[9] = 3
    for points, capacity in (([1] * 4, 2.0**40), ([0] * 4, float(SLOT_CYCLES))):
        system = whole_number_system((net, net), (net, net), edge_slot_cycles=capacity)
        result = run(system, arrivals, points)
        for name in (*QUEUES, "completed", "local_cpu_hz", "rate_bps", "edge_cpu_hz"):
            values = getattr(result.record, name)
            np.testing.assert_array_equal(values, np.broadcast_to(values[:, :1], values.shape), err_msg=name)
        workload = Workload(system, arrivals, result.record.channel_gain, result.record.partition)
        assert_same_tasks(workload, result, workload.simulate_slowly())
        assert result.queued == 0


def test_the_larger_backlog_goes_first():
    """One and a half slots of work between two halves."""
    half, more = network([0, SLOT_CYCLES // 2], [500, 0]), network([0, 3 * SLOT_CYCLES // 2], [500, 0])
    arrivals = np.zeros((5, 3), np.int64)
    arrivals[0] = 1
    record = run(whole_number_system((half, more, half)), arrivals, [1, 1, 1]).record
    queue = record.local_queue_cycles / SLOT_CYCLES
    # Slot 1: all to the larger. Slot 2: three equal halves share one slot. Slot 3: the rest of them.
    assert queue[1].tolist() == [0.5, 1.5, 0.5]
    assert queue[2].tolist() == [0.5, 0.5, 0.5]
    np.testing.assert_allclose(queue[3], 1 / 6, rtol=1e-14)
    assert queue[4].tolist() == [0, 0, 0]
    assert record.latency_slots.tolist() == [3, 3, 3]


def test_nothing_arrives():
    net = network([0, 1000, 2000], [500, 600, 0])
    result = run(whole_number_system((net, net), (net,)), np.zeros((50, 3), np.int64), [0, 1, 2])
    assert (result.born, result.completed, result.queued) == (0, 0, 0)
    assert result.mean_energy_j == 0.0
    assert np.isnan(result.mean_latency_s)
    for name in (*QUEUES, "power_w", "local_energy_j", "completed", "latency_slots"):
        assert not getattr(result.record, name).any(), name


@pytest.mark.parametrize("broken", ["cpu", "power", "gain"])
def test_backlog_beyond_the_capacity_waits(broken):
    """Tasks wait at a stage without capacity, with all their work."""
    net = network([0, 1000, 2000], [500, 600, 0])
    local, power = (0.0 if broken == name else 1.0 for name in ("cpu", "power"))
    system = System(
        (Device(200.0, (Service(net),), local * 1e9, power, bandwidth_hz=1e6),), cycles_per_mac=1.0
    )
    gain = np.full((300, 1), 0.0 if broken == "gain" else GAIN)
    arrivals = np.full((300, 1), 7)
    result = Workload(system, arrivals, gain, np.ones((30, 1), np.int64)).simulate()
    assert (result.born, result.completed, result.queued) == (2100, 0, 2100)
    amount, queue = (1000, QUEUES[0]) if broken == "cpu" else (600, QUEUES[1])
    assert getattr(result.record, queue)[-1, 0] == amount * (2100 if broken == "cpu" else 2093)
    assert not result.record.power_w.any()


def test_a_million_tasks_in_one_slot():
    cycles = 131  # of which no number of slots is a multiple
    net = network([0, cycles], [500, 0])
    result = run(whole_number_system((net,)), born_at_once(10**6, 130), [1])
    assert (result.born, result.completed, result.queued) == (10**6, 10**6, 0)
    done = -(-(1 + np.arange(10**6)) * cycles // SLOT_CYCLES)
    np.testing.assert_array_equal(result.record.latency_slots, done)
    assert result.record.local_queue_cycles[1, 0] == 10**6 * cycles


@pytest.mark.parametrize("slots", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_overload_grows_and_loses_nothing(slots):
    """Three tasks a slot and time for 0.7 of one: each is completed in its slot, however long the queue.

    Nothing here is a multiple of anything, so what rounding adds up to over the slots would show.
    """
    cycles, capacity = 123_456_789, 1_034_567_891.0
    system = System(
        (Device(200.0, (Service(network([0, cycles], [500, 0])),), capacity),), energy_coefficient=0.0
    )
    arrivals = np.full((slots, 1), 3)
    result = run(system, arrivals, [1])
    # Task i is done in the first slot by whose end the work of i + 1 tasks is; serving starts in slot 1.
    work, speed = Fraction(float(system.local_cycles[0, 1])), Fraction(capacity) * Fraction(0.01)
    ratio = work / speed
    count = (slots - 1) * ratio.denominator // ratio.numerator
    last = np.array([-(-(i + 1) * ratio.numerator // ratio.denominator) for i in range(count)])
    assert (result.born, result.completed, result.queued) == (3 * slots, count, 3 * slots - count)
    np.testing.assert_array_equal(result.record.latency_slots, last - np.arange(count) // 3)
    expected = float(3 * slots * work - (slots - 1) * speed)
    assert result.record.local_queue_cycles[-1, 0] == pytest.approx(expected, rel=1e-14)


@given(workloads(), st.data())
@settings(max_examples=40)
def test_a_run_in_pieces_is_the_same_run(workload, data):
    """Divided at any slot, also within a period."""
    trace = Trace(workload.arrivals, workload.channel_gain, workload.partition)
    first = data.draw(st.integers(0, workload.slots))
    simulator = Simulator(workload.system, None, trace=trace, record=True)
    for slots in (first, workload.slots - first):
        if slots:
            simulator.run(slots)
    assert_bitwise_equal(simulator.result().record, workload.simulate().record)


def test_one_device_with_one_service_among_many_idle_ones():
    """Devices without tasks change nothing if bandwidths are fixed and the edge has ample capacity."""
    net = network([0, SLOT_CYCLES, 3 * SLOT_CYCLES], [500, 600, 0])
    rng = np.random.default_rng(0)
    arrivals = rng.poisson(0.3, (200, 1))
    alone = run(whole_number_system((net,)), arrivals, [1]).record
    crowd = whole_number_system(*[(net, net)] * 3)
    busy = run(crowd, np.pad(arrivals, ((0, 0), (3, 2))), [1] * 6).record
    for name in (*QUEUES, "completed"):
        np.testing.assert_array_equal(getattr(busy, name)[:, 3], getattr(alone, name)[:, 0], err_msg=name)
    np.testing.assert_array_equal(busy.power_w[:, 1], alone.power_w[:, 0])


def test_copies_of_a_large_run_keep_their_tasks():
    """The replications share one table of tasks, which grows without mixing them."""
    net = network([0, 3 * SLOT_CYCLES], [500, 0])
    system = whole_number_system((net, net))
    arrivals = np.full((500, 2), 2)
    trace = Trace(arrivals, np.full((500, 1), GAIN), np.tile([1, 1], (50, 1)))
    result = simulate(system, None, slots=500, trace=trace, replications=20)
    one = simulate(system, None, slots=500, trace=trace)
    assert (result.born, result.completed, result.queued) == (40_000, 20 * one.completed, 20 * one.queued)
    np.testing.assert_array_equal(result.queues, np.broadcast_to(one.queues, result.queues.shape))


def test_a_result_does_not_change_when_the_run_continues():
    net = network([0, SLOT_CYCLES], [500, 0])
    system = whole_number_system((net,))
    trace = Trace(np.full((400, 1), 2), np.full((400, 1), GAIN))
    simulator = Simulator(system, Fixed([1]), trace=trace, record=True)
    simulator.run(150)
    before = simulator.result()
    document, record = before.to_dict(), before.record.to_bytes()
    simulator.run(250)
    assert simulator.result().completed > before.completed
    assert before.to_dict() == document
    assert before.record.to_bytes() == record


@pytest.mark.parametrize("for_good", [True, False])
def test_a_policy_that_decides_no_period_is_refused(for_good):
    class Nothing:
        name = "nothing"

        def decide(self, observation):
            return Decision(np.zeros((0, 1, 1), np.int64), for_good)

    system = whole_number_system((network([0, SLOT_CYCLES], [500, 0]),))
    with pytest.raises(ValueError, match="policy nothing"):
        simulate(system, Nothing(), slots=20)


def test_records_are_equal_files_for_any_division_of_the_run():
    net = network([0, SLOT_CYCLES], [500, 0])
    system = whole_number_system((net, net), (net,))
    files = []
    for pieces in (1, 6):
        simulator = Simulator(system, Random(), seed=2, record=True)
        for _ in range(pieces):
            simulator.run(60 // pieces)
        files.append(simulator.result().record.to_bytes())
    assert files[0] == files[1]
