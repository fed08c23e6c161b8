"""Devices with operating points and measured radios, among others, in the loop over slots."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import lyaopt
from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.cpus import load_cpu
from lyaopt.model.system import Device, MeasuredRadio, OperatingPoint, Service, System
from lyaopt.policies import Fixed
from lyaopt.simulation import Decision, Shares, Simulator
from lyaopt.simulation.streams import make_streams
from tests.simulation.test_record_invariants import EPS, assert_bitwise_equal
from tests.simulation.test_shared_spectrum import batch_of

SLOTS = 400
SERVICES = (Service("alexnet", 2.0), Service("mobilenetv2", 3.0))
POINTS = load_cpu("rk3588_a76").points
RADIO = MeasuredRadio(12e6, 0.8)


def system_of(**changes):
    """Every kind of CPU with every kind of radio; of two tables one is used twice."""
    devices = (
        Device(200.0, SERVICES, cpu_points=POINTS),
        Device(150.0, SERVICES),
        Device(180.0, SERVICES, cpu_capacity_hz=1e9, radio=MeasuredRadio(5e6, 0.5)),
        Device(190.0, SERVICES, cpu_points=POINTS, cpu_capacity_hz=1.7e9, radio=RADIO),
        Device(190.0, SERVICES, cpu_points=(OperatingPoint(6e8, 0.05), OperatingPoint(9e8, 0.3))),
    )
    return System(devices, **changes)


def trace_of(system, seed=5, until=SLOTS):
    rng = np.random.default_rng(seed)
    shape = SLOTS, len(system.devices)
    share = rng.uniform(size=shape) * (rng.random(shape) < 0.9)
    fading = system.mean_channel_gain() * rng.exponential(size=shape)
    gain = np.where(np.isnan(system.radio_rate_bps), fading, share)
    arrivals = rng.poisson(0.04, (SLOTS, len(system.services)))
    arrivals[until:] = 0
    partition = rng.integers(0, system.cut_counts, (SLOTS // system.slots_per_period, len(system.services)))
    return lyaopt.Trace(arrivals, gain, partition)


def measured_batch(system, record, gain):
    rows = zip(system.radio_rate_bps, system.max_power_w, gain.T, strict=True)
    radio = [None if np.isnan(rate) else (rate * h, np.full(len(h), power)) for rate, power, h in rows]
    plain = batch_of(system, record, np.where(np.isnan(system.radio_rate_bps), gain, 0.0))
    return replace(plain, cpu_points=system.cpu_points, radio=radio)


@pytest.mark.parametrize("spectrum", ["split", "shared"])
def test_every_slot_is_solved_exactly(spectrum):
    system = system_of(spectrum=spectrum)
    trace = trace_of(system)
    record = lyaopt.simulate(system, slots=SLOTS, trace=trace, record=True).record
    solution = lyaopt.solve_slots(measured_batch(system, record, trace.channel_gain))
    assert solution.certificate.relative_gap.max() < 1e-12
    shape = record.rate_bps.shape
    for ours, theirs in (
        (record.local_cpu_hz, solution.local_cpu_hz),
        (record.rate_bps, solution.rate_bps),
        (record.edge_cpu_hz, solution.edge_cpu_hz),
        (record.power_w, solution.power_w),
        (record.local_energy_j, solution.local_energy_j),
        (record.transmit_energy_j, solution.transmit_energy_j),
    ):
        expected = theirs.reshape(shape) if ours.shape == shape else theirs
        np.testing.assert_allclose(ours, expected, rtol=1e-9)
        assert (ours > 0.0).any(axis=0).sum() > 0
    served = record.rate_bps.reshape(SLOTS, len(system.devices), -1).sum(axis=2)
    assert (served > 0.0).sum(axis=0).min() > 20  # of every device


def test_queues_follow_the_update_equations():
    """(7)-(9), until all tasks are done: what joins in all is what the cuts of the tasks say."""
    system = replace(system_of(energy_weight_local=1e15, energy_weight_transmit=1e11), edge_capacity_hz=1e11)
    trace = trace_of(system, until=40)
    record = lyaopt.simulate(system, slots=SLOTS, trace=trace, record=True).record
    assert record.completed.sum() == trace.arrivals.sum() > 0
    points = np.repeat(trace.partition, system.slots_per_period, axis=0)
    tau = system.slot_duration_s
    for queue, rate, work in (
        (record.local_queue_cycles, record.local_cpu_hz, system.local_cycles),
        (record.transmit_queue_bits, record.rate_bps, system.transmit_bits),
        (record.edge_queue_cycles, record.edge_cpu_hz, system.edge_cycles),
    ):
        joined = queue[1:] - (queue[:-1] - rate * tau)
        expected = (trace.arrivals * np.take_along_axis(work.T, points, axis=0)).sum(axis=0)
        assert (joined >= -8 * EPS * queue[:-1]).all()
        np.testing.assert_allclose(joined.sum(axis=0), expected, rtol=1e-10)


def cheapest_mixture(points, speed):
    """Least mean power of two points, or one and standstill, at a mean speed."""
    found = np.full(speed.shape, np.inf)
    for (low, less), (high, more) in combinations([(0.0, 0.0), *points], 2):
        share = (speed - low) / (high - low)
        inside = (share >= -1e-12) & (share <= 1.0 + 1e-12)
        found = np.where(inside, np.minimum(found, less + share * (more - less)), found)
    return found


def test_energies_are_those_of_the_cheapest_mixtures():
    system = system_of()
    trace, tau = trace_of(system), system.slot_duration_s
    result = lyaopt.simulate(system, slots=SLOTS, trace=trace, record=True)
    record, devices = result.record, len(system.devices)
    speed = record.local_cpu_hz.reshape(SLOTS, devices, -1).sum(axis=2)
    rate = record.rate_bps.reshape(SLOTS, devices, -1).sum(axis=2)
    cubic = tau * system.energy_coefficient * speed**3
    for m, points in enumerate(system.cpu_points):
        local = cubic[:, m] if points is None else tau * cheapest_mixture(points, speed[:, m])
        np.testing.assert_allclose(record.local_energy_j[:, m], local, rtol=1e-9, atol=1e-15)
        if not np.isnan(system.radio_rate_bps[m]):
            most = system.radio_rate_bps[m] * trace.channel_gain[:, m]
            assert (rate[:, m] <= most * (1.0 + 1e-12)).all()
            power = np.where(rate[:, m] > 0.0, system.max_power_w[m] * rate[:, m], 0.0)
            np.testing.assert_allclose(record.power_w[:, m] * most, power, rtol=1e-9)
    for ours, recorded in (
        (result.local_energy_j, record.local_energy_j),
        (result.transmit_energy_j, record.transmit_energy_j),
    ):
        np.testing.assert_allclose(ours[:, 0], recorded.mean(axis=0), rtol=1e-12)


def test_a_fine_table_of_the_cubic_law_is_the_cubic_law():
    """Its hull is above the law by next to nothing, so that queues are nearly the same."""
    hz = np.linspace(0.0, 1.5e9, 501)[1:]
    fine = tuple(OperatingPoint(float(f), float(1e-28 * f**3)) for f in hz)
    cubic = System(tuple(Device(150.0 + 10 * m, SERVICES) for m in range(3)))
    table = replace(cubic, devices=tuple(replace(device, cpu_points=fine) for device in cubic.devices))
    ours, theirs = (lyaopt.simulate(s, Fixed([5, 9] * 3), slots=2000, seed=2) for s in (table, cubic))
    np.testing.assert_allclose(ours.local_energy_j, theirs.local_energy_j, rtol=2e-3)
    assert ours.mean_latency_s == pytest.approx(theirs.mean_latency_s, rel=2e-3)


def test_without_a_trace_measured_radios_carry_their_rates():
    system = system_of()
    policy = Fixed(np.zeros(len(system.services), np.int64))
    seen = []

    def look(slot):
        seen.append(slot.channel_gain[:, 0])
        return tuple(slot.backlog)

    record = lyaopt.simulate(system, policy, slots=60, seed=4, record=True).record
    asked = lyaopt.simulate(system, policy, slots=60, seed=4, record=True, rule=look).record
    measured = ~np.isnan(system.radio_rate_bps)
    assert (record.channel_gain[:, measured] == 1.0).all()
    assert len(np.unique(record.channel_gain[:, ~measured])) == 60 * (~measured).sum()
    np.testing.assert_array_equal(np.array(seen), record.channel_gain)
    np.testing.assert_array_equal(make_streams(system, 4).draw_gains(0, 60), record.channel_gain)
    np.testing.assert_allclose(asked.rate_bps, record.rate_bps, rtol=1e-12)
    again = lyaopt.simulate(system, slots=60, trace=record.trace, record=True).record
    assert_bitwise_equal(record, again)


def test_replications_pieces_and_copies_are_alike():
    system = system_of()
    policy = Fixed(np.array([3, 5] * 5))
    together, alone = (lyaopt.simulate(system, policy, slots=300, replications=n, seed=3) for n in (5, 1))
    assert together.local_energy_j[:, 0].tolist() == alone.local_energy_j[:, 0].tolist()
    assert together.transmit_energy_j[:, 0].tolist() == alone.transmit_energy_j[:, 0].tolist()
    whole, pieces = (Simulator(system, policy, replications=3) for _ in range(2))
    whole.run(213)
    for slots in (7, 95, 1, 110):
        pieces.run(slots)
    np.testing.assert_array_equal(whole._state.backlog(), pieces._state.backlog())
    copy = whole._state.copies(1, np.array([1]), 0)
    copy.advance(100, copy.layout.to_lanes(np.array([3, 5] * 5)[None, :, None], np.int64))
    whole.run(100)
    np.testing.assert_array_equal(copy.backlog()[..., 0], whole._state.backlog()[..., 1])


def test_shares_and_rates_beyond_a_radios_are_refused():
    class Halves:
        name = "halves"

        def decide(self, observation):
            half = np.full(10, 0.5)
            return Decision(np.zeros(10, np.int64), True, Shares(np.ones(5), np.ones(5), half, half, half))

    system = system_of()
    with pytest.raises(ProblemError, match=r"cubic CPUs and Shannon's rates"):
        lyaopt.simulate(system, Halves(), slots=10)
    trace = trace_of(system)
    gain = trace.channel_gain.copy()
    gain[7, 2] = 1.5
    with pytest.raises(DocumentError, match=r"channel_gain\[7\]\[2\]: expected a share of the radio's rate"):
        lyaopt.simulate(system, slots=10, trace=replace(trace, channel_gain=gain))
