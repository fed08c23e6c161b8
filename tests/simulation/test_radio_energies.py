"""Energies of radios that are affine in the rate and stay awake: recomputed by a slow program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import lyaopt
from lyaopt.model.cpus import load_cpu
from lyaopt.model.system import Device, MeasuredRadio, Service, System
from lyaopt.policies import Fixed
from lyaopt.simulation import Simulator
from tests.simulation.test_record_invariants import assert_bitwise_equal

TAU = 0.01
SERVICES = (Service("alexnet", 1.0), Service("mobilenetv2", 2.0))
TAILS_S = (0.0, 0.004, 0.01, 0.025, 0.4, 1e9)
"""None, within a slot, a slot, some slots, some periods, longer than any run."""


def radio(tail_s, **changes):
    known = {"slope_w_per_mbps": 0.077, "idle_power_w": 0.05, "tail_s": tail_s, "tail_power_w": 0.3}
    return MeasuredRadio(12e6, 0.8, **known | changes)


def system_of(**changes):
    """A device for each tail, beside one with Shannon's radio and one with an idle power of its own."""
    devices = [Device(200.0, SERVICES, radio=radio(tail)) for tail in TAILS_S]
    devices += [
        Device(180.0, SERVICES),
        Device(170.0, SERVICES, radio=radio(0.05, tail_power_w=0.0, idle_power_w=0.0), idle_power_w=0.2),
        Device(160.0, SERVICES, cpu_points=load_cpu("rk3588_a55").points, radio=radio(0.03)),
    ]
    return System(tuple(devices), **{"energy_weight_transmit": 1e4, "energy_weight_local": 1e13} | changes)


def sending(record, system, device):
    """Seconds from which to which a radio sends in each slot, and its rate then: (slot, from, to, bit/s)."""
    services = list(system.services_of(device))
    for slot in range(len(record.rate_bps)):
        carried = float(record.rate_bps[slot, services].sum())
        rate = system.devices[device].radio.rate_bps * float(record.channel_gain[slot, device])
        if carried > 0.0:
            yield slot, slot * TAU, slot * TAU + TAU * min(carried / rate, 1.0), rate


def slow_energies(record, system, device):
    """Energies of sending and of tails in each slot, from intervals of time."""
    measured, slots = system.devices[device].radio, len(record.rate_bps)
    sent, tails = np.zeros(slots), np.zeros(slots)
    intervals = list(sending(record, system, device))
    for number, (slot, first, last, rate) in enumerate(intervals):
        sent[slot] = (last - first) * (measured.power_w + measured.slope_w_per_mbps * rate / 1e6)
        again = intervals[number + 1][1] if number + 1 < len(intervals) else slots * TAU
        asleep = min(last + measured.tail_s, again)
        for of_tail in range(slot, slots):
            begin, end = max(last, of_tail * TAU), min(asleep, (of_tail + 1) * TAU)
            if begin > asleep:
                break
            tails[of_tail] += max(end - begin, 0.0) * measured.tail_power_w
    return sent, tails


def check(record, system):
    tailed = 0
    for m, device in enumerate(system.devices):
        idle = device.idle_power_w + (0.0 if device.radio is None else device.radio.idle_power_w)
        np.testing.assert_allclose(record.idle_energy_j[:, m], TAU * idle, rtol=1e-15)
        if device.radio is None:
            assert not record.tail_energy_j[:, m].any()
            continue
        sent, tails = slow_energies(record, system, m)
        np.testing.assert_allclose(record.transmit_energy_j[:, m], sent, rtol=1e-10, atol=1e-16)
        np.testing.assert_allclose(record.tail_energy_j[:, m], tails, rtol=1e-9, atol=1e-13)
        tailed += tails.any()
    return tailed


def trace_of(system, slots=600, seed=2):
    rng = np.random.default_rng(seed)
    shape = slots, len(system.devices)
    share = rng.uniform(0.05, 1.0, shape) * (rng.random(shape) < 0.8)
    measured = ~np.isnan(system.radio_rate_bps)
    gain = np.where(measured, share, system.mean_channel_gain())
    arrivals = rng.poisson(0.02, (slots, len(system.services)))
    arrivals[slots // 2 : slots // 2 + 150] = 0  # all queues run empty
    arrivals[-5:] = 1  # the run ends while radios send, or in their tails
    return lyaopt.Trace(arrivals, gain, None)


@pytest.mark.parametrize("rule", ["weights", "price"])
@pytest.mark.parametrize("traced", [True, False])
def test_energies_are_those_of_a_program_that_looks_at_each_second(rule, traced):
    system = system_of(waiting_cost_j_per_s=5.0)
    slow = tuple(replace(device, cpu_capacity_hz=5e7) for device in system.devices)  # so that prices send
    system = replace(system, devices=slow)
    cuts = Fixed(np.zeros(len(system.services), np.int64))
    policy = lyaopt.make_policy("price", system) if rule == "price" else cuts
    trace = trace_of(system) if traced else None
    result = lyaopt.simulate(system, policy, slots=600, trace=trace, record=True, seed=3)
    record = result.record
    assert check(record, system) >= 6
    for name in ("local", "transmit", "tail", "idle"):
        mean = getattr(record, f"{name}_energy_j").mean(axis=0)
        np.testing.assert_allclose(getattr(result, f"{name}_energy_j")[:, 0], mean, rtol=1e-12)
    total = sum(getattr(record, f"{name}_energy_j").sum() for name in ("local", "transmit", "tail", "idle"))
    assert result.mean_energy_j == pytest.approx(total / 600, rel=1e-12)
    assert result.energy_j.sum() == pytest.approx(result.mean_energy_j, rel=1e-12)


def one_task(slot, tail_s, slots=12, period=10):
    """A device that sends one task of 1.5 slots, born in a slot."""
    system = System(
        (Device(200.0, (Service("alexnet", 0.0),), radio=radio(tail_s)),),
        slots_per_period=period,
        energy_weight_transmit=0.0,
    )
    bits = float(system.transmit_bits[0, 0])
    system = replace(system, devices=(replace(system.devices[0], radio=radio_at(bits / 0.015, tail_s)),))
    arrivals = np.zeros((slots, 1), np.int64)
    arrivals[slot] = 1
    trace = lyaopt.Trace(arrivals, np.ones((slots, 1)), None)
    record = lyaopt.simulate(system, Fixed([0]), slots=slots, trace=trace, record=True).record
    return record.tail_energy_j[:, 0] / 0.3


def radio_at(rate, tail_s):
    return replace(radio(tail_s), rate_bps=rate)


@pytest.mark.parametrize("period", [1, 4, 10])
@pytest.mark.parametrize(
    ("tail_s", "awake_s"),
    [
        (0.0, [0.0, 0.0, 0.0, 0.0, 0.0]),
        (0.003, [0.0, 0.003, 0.0, 0.0, 0.0]),  # ends in the slot in which it began
        (0.005, [0.0, 0.005, 0.0, 0.0, 0.0]),
        (0.012, [0.0, 0.005, 0.007, 0.0, 0.0]),
        (0.025, [0.0, 0.005, 0.01, 0.01, 0.0]),
        (0.5, [0.0, 0.005, 0.01, 0.01, 0.01]),  # longer than the run
    ],
)
def test_a_tail_begins_where_sending_ends(tail_s, awake_s, period):
    """Sent from slot 3 on: the whole slot, and half of the next one."""
    awake = one_task(2, tail_s, period=period)
    np.testing.assert_allclose(awake[3:8], awake_s, atol=1e-12)
    assert not awake[:3].any()
    assert awake.sum() <= tail_s + 1e-12


def test_a_run_may_end_in_a_tail_and_go_on_from_there():
    system = system_of()
    policy = Fixed(np.zeros(len(system.services), np.int64))
    whole = lyaopt.simulate(system, policy, slots=300, record=True, seed=5).record
    pieces = Simulator(system, policy, record=True, seed=5)
    for slots in (1, 1, 9, 28, 61, 200):
        pieces.run(slots)
    assert_bitwise_equal(whole, pieces.result().record)
    warm = Simulator(system, policy, seed=5)
    warm.run(200, warmup=100)
    np.testing.assert_allclose(
        warm.result().tail_energy_j[:, 0], whole.tail_energy_j[100:].mean(axis=0), rtol=1e-12
    )


def test_tails_are_those_of_each_replication_and_worker():
    system = system_of()
    policy = Fixed(np.zeros(len(system.services), np.int64))
    together = lyaopt.simulate(system, policy, slots=230, replications=19, seed=4)
    shared = lyaopt.simulate(system, policy, slots=230, replications=19, seed=4, workers=2)
    alone = lyaopt.simulate(system, policy, slots=230, seed=4)
    np.testing.assert_array_equal(together.tail_energy_j, shared.tail_energy_j)
    np.testing.assert_array_equal(together.tail_energy_j[:, 0], alone.tail_energy_j[:, 0])
    assert len(np.unique(together.tail_energy_j[4])) > 10


def test_copies_stay_awake_as_the_original_does():
    system = system_of()
    policy = Fixed(np.zeros(len(system.services), np.int64))
    whole = Simulator(system, policy, replications=3, seed=6)
    whole.run(137)  # within a period
    copy = whole._state.copies(1, np.array([1, 1]), 6)
    whole._state.take_sums()
    points = np.zeros((1, len(system.services), 2), np.int64)
    copy.advance(83, copy.layout.to_lanes(points, np.int64))
    whole.run(83)
    np.testing.assert_array_equal(copy.kernel_state.efforts[0].reshape(4, -1, 2)[..., 0].shape, (4, 9))
    ours = copy.layout.by_device(copy.kernel_state.efforts)
    theirs = whole._state.layout.by_device(whole._state.kernel_state.efforts)
    for number in range(2):
        np.testing.assert_array_equal(ours[..., number], theirs[..., 1])
    assert theirs[2, :, 1].any()  # some are awake


@pytest.mark.parametrize("price", [False, True])
def test_full_rate_of_a_slot_is_no_limit_of_energy(price):
    """Where energy is free, radios always send at the rate of the slot, whose power is below the largest."""
    system = system_of(energy_weight_transmit=0.0, energy_weight_local=0.0, waiting_cost_j_per_s=1e9)
    slow = tuple(replace(device, cpu_capacity_hz=5e7) for device in system.devices)
    system = replace(system, devices=slow)
    trace = trace_of(system, slots=80 if price else 40)
    policy = lyaopt.make_policy("price", system) if price else Fixed(np.zeros(len(system.services), np.int64))
    result = lyaopt.simulate(system, policy, slots=trace.slots, trace=trace, record=True)
    measured = ~np.isnan(system.radio_rate_bps)
    power = result.record.power_w[:, measured]
    assert ((power > 0.0) & (power < 0.9 * system.max_power_w[measured])).any()
    assert result.transmit_limited_share == 0.0


def test_rewards_hold_tails_but_no_idle_power():
    """Of two systems that differ in idle power only, and of two that differ in tails."""
    from lyaopt.learning.systems import VectorSystems

    def mean_reward(system):
        systems = VectorSystems(system, replications=1, seed=1)
        systems.reset()
        total, energy = 0.0, np.zeros(2)
        for _ in range(40):
            systems.step(np.zeros((1, len(system.services)), np.int64))
            total += float(systems.reward[0])
            energy += systems.energy[0]
        return total, energy

    plain = system_of()
    more_idle = replace(plain, devices=tuple(replace(d, idle_power_w=5.0) for d in plain.devices))
    no_tails = replace(
        plain,
        devices=tuple(
            d if d.radio is None else replace(d, radio=replace(d.radio, tail_power_w=0.0))
            for d in plain.devices
        ),
    )
    reward, energy = mean_reward(plain)
    assert mean_reward(more_idle)[0] == reward
    without, less = mean_reward(no_tails)
    weight = plain.learning.reward_energy_weight
    assert energy[0] == less[0]
    assert without - reward == pytest.approx(weight * (energy[1] - less[1]), rel=1e-5)
    assert energy[1] > 1.05 * less[1]
