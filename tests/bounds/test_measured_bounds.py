"""Bounds of systems with operating points and measured radios, against programs that know no hulls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from lyaopt.bounds import (
    best_waiting_bound,
    energy_at_latency,
    energy_bound,
    queueing_bound,
    realised_bound,
    waiting_bound,
)
from lyaopt.bounds.backlog import backlog_bound
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import local_gain, local_price, table_price, transmit_gain, transmit_price
from lyaopt.bounds.task_costs import local_costs, transmit_costs
from lyaopt.errors import ProblemError
from lyaopt.model.cpus import load_cpu
from lyaopt.model.system import Channel, Device, MeasuredRadio, OperatingPoint, Service, System
from lyaopt.slot.tables import hull_power, hull_within
from tests.simulation.test_measured_systems import cheapest_mixture

SERVICES = (Service("alexnet", 3.0), Service("mobilenetv2", 4.0))
POINTS = load_cpu("rk3588_a76").points
DEVICES = (
    Device(200.0, SERVICES, cpu_points=POINTS, radio=MeasuredRadio(12e6, 0.8)),
    Device(180.0, SERVICES, cpu_points=load_cpu("rk3588_a55").points, radio=MeasuredRadio(9e6, 0.5)),
)
MEASURED = System(DEVICES)
MIXED = System((*DEVICES, Device(150.0, SERVICES), Device(150.0, SERVICES, cpu_points=POINTS)))


@st.composite
def tables(draw):
    hz = np.cumsum([draw(st.floats(1e8, 1e9)) for _ in range(draw(st.integers(1, 6)))])
    return tuple((float(f), draw(st.floats(0.01, 2.0))) for f in hz)


@given(points=tables(), share=st.floats(0.01, 1.2))
@settings(max_examples=60)
def test_a_hull_within_a_capacity_is_the_cheapest_mixture_there(points, share):
    capacity = share * points[-1][0]
    hull = hull_within(points, capacity)
    assert hull[-1][0] == pytest.approx(min(capacity, points[-1][0]))
    speed = np.linspace(0.0, hull[-1][0], 57)
    np.testing.assert_allclose(hull_power(hull, speed), cheapest_mixture(points, speed), rtol=1e-9)
    assert not hull_within(points, 0.0)


@given(points=tables(), share=st.floats(0.05, 1.0), holding=st.floats(0.0, 3.0))
@settings(max_examples=60)
def test_the_price_is_the_least_of_all_speeds_and_undoes_the_gain(points, share, holding):
    capacity = share * points[-1][0]
    device = Device(200.0, SERVICES, capacity, cpu_points=tuple(OperatingPoint(*p) for p in points))
    system = System((device,))
    price = local_price(system, np.array([holding]))
    speed = np.union1d(np.linspace(0.0, capacity, 5001)[1:], [hz for hz, _ in points if hz <= capacity])
    assert price[0] == pytest.approx(((cheapest_mixture(points, speed) + holding) / speed).min(), rel=1e-9)
    assert local_gain(system, price)[0] == pytest.approx(holding, rel=1e-9, abs=1e-9)


def test_a_measured_radio_is_a_cpu_of_one_point():
    holding = np.geomspace(1e-6, 10.0, 30)[:, None] * np.ones(2)
    price = transmit_price(MEASURED, holding)
    for m, (rate, power) in enumerate([(12e6, 0.8), (9e6, 0.5)]):
        np.testing.assert_allclose(price[:, m], table_price([(rate, power)], holding[:, m]), rtol=1e-12)
    np.testing.assert_allclose(transmit_gain(MEASURED, price), holding, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(transmit_price(MEASURED, np.zeros(2)), [0.8 / 12e6, 0.5 / 9e6])
    radio = Radio.of(MIXED)
    assert radio.largest_rate()[:2].tolist() == [12e6, 9e6]
    alone = Radio.of(System(MIXED.devices[3:], bandwidth_hz=2.5e5))
    assert radio.largest_rate()[3] == alone.largest_rate()[0]
    assert radio.price_of(np.full(4, 3e6))[1][:2] == pytest.approx([0.2, 0.5 / 3])


@pytest.mark.parametrize("theta", [1e-3, 1e-2, 0.3])
def test_costs_of_a_task_alone_are_the_least_of_all_numbers_of_slots(theta):
    tau, slots = MEASURED.slot_duration_s, np.arange(1, 4000)
    costs = np.full(4, theta)
    local, transmit = (part(MEASURED, costs, True) for part in (local_costs, transmit_costs))
    closed = local_costs(MEASURED, costs, False), transmit_costs(MEASURED, costs, False)
    for s, m in enumerate(MEASURED.device_of_service.tolist()):
        points, rate = MEASURED.cpu_points[m], MEASURED.radio_rate_bps[m]
        for k in range(int(MEASURED.cut_counts[s])):
            cycles, bits = MEASURED.local_cycles[s, k], MEASURED.transmit_bits[s, k]
            if cycles > 0.0:
                power = cheapest_mixture(points, cycles / (slots * tau))
                least = (slots * tau * (power + theta)).min()
                assert local[s, k] == pytest.approx(least, rel=1e-9)
            if bits > 0.0:
                enough = slots[slots * rate * tau >= bits * (1 - 1e-12)].min()
                expected = bits * MEASURED.max_power_w[m] / rate + theta * tau * enough
                assert transmit[s, k] == pytest.approx(expected, rel=1e-12)
    for whole, part in zip((local, transmit), closed, strict=True):
        assert (whole >= part * (1 - 1e-12)).all()
        assert (whole[part == 0.0] == 0.0).all()


def test_the_long_run_bound_is_the_optimum_of_one_linear_program():
    """With shares of time at each point and while sending, and shares of tasks at each cut."""
    system, work = MEASURED, MEASURED.arrival_rate_per_s[:, None]
    cuts, count = system.local_cycles.shape[1], len(system.services)
    cost = [np.zeros(count * cuts)]
    rows, limits = [], []
    columns = count * cuts + sum(len(points) + 1 for points in system.cpu_points)
    place = count * cuts
    for m, points in enumerate(system.cpu_points):
        mine = system.device_of_service == m
        for amounts, speeds, powers in (
            (system.local_cycles, *zip(*points, strict=True)),
            (system.transmit_bits, (system.radio_rate_bps[m],), (system.max_power_w[m],)),
        ):
            row = np.zeros(columns)
            row[: count * cuts] = (work * amounts * mine[:, None]).ravel()
            row[place : place + len(speeds)] = -np.array(speeds)
            share = np.zeros(columns)
            share[place : place + len(speeds)] = speeds[-1]  # at most one slot, in the units of the row
            rows += [row / speeds[-1], share / speeds[-1]]
            limits += [0.0, 1.0]
            cost.append(np.array(powers))
            place += len(speeds)
    edge = np.zeros(columns)
    edge[: count * cuts] = (work * system.edge_cycles).ravel() / system.edge_capacity_hz
    each = np.zeros((count, columns))
    for s in range(count):
        each[s, s * cuts : s * cuts + system.cut_counts[s]] = 1.0
    used = (np.arange(cuts) < system.cut_counts[:, None]).ravel()
    upper = [(0, None) if use else (0, 0) for use in used] + [(0, None)] * (columns - used.size)
    found = linprog(
        np.concatenate(cost), np.array([*rows, edge]), [*limits, 1.0], each, np.ones(count), upper
    )
    bound = energy_bound(system)
    assert bound.power_w == pytest.approx(found.fun, rel=1e-7)
    assert bound.relative_gap < 1e-8


def test_fine_tables_of_the_cubic_law_have_its_bounds():
    hz = np.linspace(0.0, 1.5e9, 801)[1:]
    fine = tuple(OperatingPoint(float(f), float(1e-28 * f**3)) for f in hz)
    cubic = System(tuple(Device(150.0, SERVICES) for _ in range(2)))
    table = replace(cubic, devices=tuple(replace(device, cpu_points=fine) for device in cubic.devices))
    for bound in (
        lambda system: waiting_bound(system, 0.01).bound_j,
        lambda system: waiting_bound(system, 0.01, whole_slots=False).bound_j,
        lambda system: energy_bound(system).energy_j,
        lambda system: backlog_bound(system, whole_slots=False).bound_cost,
        lambda system: energy_at_latency(system, 0.2).bound_energy_j,
    ):
        assert bound(cubic) <= bound(table) * (1 + 1e-9)  # a hull lies above
        assert bound(table) == pytest.approx(bound(cubic), rel=1e-3)


def test_slow_channels_do_not_matter_where_all_radios_are_measured():
    fast = tuple(replace(device, radio=MeasuredRadio(1e8, 0.3)) for device in DEVICES)
    alone, mixed = System(fast), System((*fast, *MIXED.devices[2:]))
    steady = waiting_bound(alone, 0.01)
    expected = steady.bound_j
    assert alone.transmit_bits[np.arange(4), steady.cuts].any()
    for channel in (Channel(shadowing_std_db=8.0), Channel(fading_correlation=0.9)):
        slow = waiting_bound(replace(alone, channel=channel), 0.01).bound_j
        assert slow == pytest.approx(expected, rel=1e-9)
        other = waiting_bound(replace(mixed, channel=channel), 0.01).bound_j
        assert other > expected


def test_bounds_without_tables_say_so():
    with pytest.raises(ProblemError, match=r"devices\[0\]\.cpu_points: LB4 knows cubic CPUs"):
        queueing_bound(MEASURED, 0.01)
    with pytest.raises(ProblemError, match=r"devices\[0\]\.cpu_points: LB2 knows"):
        realised_bound(MEASURED, [1.0, 1.0], [0.0, 0.0], [[1.0, 1.0]])
    assert best_waiting_bound(MEASURED, 0.01).method == "lb3"


def test_the_cost_34_of_tables_has_its_closed_form():
    """Whole slots are counted of cubic CPUs and Shannon radios; where there are none, both forms agree."""
    closed = backlog_bound(MEASURED, whole_slots=False).bound_cost
    assert backlog_bound(MEASURED).bound_cost == pytest.approx(closed, rel=1e-12)
    assert backlog_bound(MIXED).bound_cost > backlog_bound(MIXED, whole_slots=False).bound_cost
