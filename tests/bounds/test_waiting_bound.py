"""LB3: each step of its proof (docs/explanation/waiting-bound.md), and no simulated policy below it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyaopt.bounds import energy_at_latency, energy_bound, frontier, waiting_bound
from lyaopt.bounds.bit_program import bit_costs, fading_bins
from lyaopt.bounds.edge_dual import best_edge_price, edge_value
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import local_price, radio_price, transmit_price
from lyaopt.bounds.task_costs import edge_costs, local_costs, transmit_costs
from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import System
from tests.bounds.test_bounds import small_system

BALANCED = load_scenario("balanced")
COSTS = (0.0005, 0.002, 0.01, 0.03, 0.1, 1.0)


def steady(system: System) -> System:
    return replace(system, channel=replace(system.channel, fading="none"))


# --- step 1: tasks together pay no less than tasks alone


@given(st.lists(st.floats(0, 20), min_size=1, max_size=6))
def test_powers_are_superadditive(parts):
    for power in (lambda s: s**3, np.expm1):
        assert power(sum(parts)) >= sum(map(power, parts)) * (1 - 1e-12)


# --- step 2: the cost of a task alone


@pytest.mark.parametrize("theta", COSTS)
def test_the_closed_form_is_the_formula(theta):
    """Of a system where the edge is not scarce: psi = 0."""
    held = np.full(4, theta)
    device = BALANCED.device_of_service
    nu_local, nu_transmit = local_price(BALANCED, held)[device], transmit_price(BALANCED, held)[device]
    costs = nu_local[:, None] * BALANCED.local_cycles + nu_transmit[:, None] * BALANCED.transmit_bits
    costs += theta / BALANCED.edge_capacity_hz * BALANCED.edge_cycles
    bound = waiting_bound(BALANCED, theta, whole_slots=False)
    assert bound.bound_j == pytest.approx(0.01 * 0.2 * costs.min(axis=1).sum(), rel=1e-9)
    assert (bound.edge_price, bound.form, bound.method) == (0.0, "closed", "lb3")
    assert bound.cuts.tolist() == costs.argmin(axis=1).tolist()


@pytest.mark.parametrize("theta", [0.002, 0.1, 100.0])
@pytest.mark.parametrize("channel", ["rayleigh", "none"])
def test_whole_slots_cost_no_less_and_little_more(theta, channel):
    system = replace(BALANCED, channel=replace(BALANCED.channel, fading=channel))
    costs = np.full(8, theta)
    for stage in (local_costs, transmit_costs, edge_costs):
        closed, whole = stage(system, costs, False), stage(system, costs, True)
        assert (whole >= closed).all()
        assert (whole <= closed + 2 * theta * system.slot_duration_s).all()
        assert ((whole > 0) == (closed > 0)).all()


def brute_force(cost, most: int) -> float:
    return min(cost(n) for n in range(1, most + 1))


@given(st.integers(0, 9), st.floats(-4, 2))
@settings(max_examples=20, deadline=None)
def test_whole_slots_are_the_best_number_of_them(seed, exponent):
    """Local work and a steady channel, against every number of slots; the edge, counted."""
    system, theta = steady(small_system(seed)), 10.0**exponent
    tau, radio = system.slot_duration_s, Radio.of(system)
    costs = np.full(len(system.services), theta)
    local, sent = local_costs(system, costs, True), transmit_costs(system, costs, True)
    edge = edge_costs(system, costs, True)
    for s, m in enumerate(system.device_of_service.tolist()):
        capacity, noise = system.cpu_capacity_hz[m], radio.noise_w[m, 0]
        unit, most = radio.bandwidth_hz[m] / math.log(2), system.max_power_w[m]
        c, d, e = (t[s, 0 if t is system.transmit_bits else -1] for t in tables(system))

        def local_cost(n: int, c=c, capacity=capacity) -> float:
            late = c > n * tau * capacity * (1 + 1e-12)
            return math.inf if late else system.energy_coefficient * c**3 / (n * tau) ** 2 + theta * n * tau

        def bit_cost(n: int, d=d, noise=noise, unit=unit, most=most) -> float:
            power = noise * math.expm1(min(d / (n * tau * unit), 700))
            return math.inf if power > most * (1 + 1e-12) else n * tau * (power + theta)

        assert local[s, -1] == pytest.approx(brute_force(local_cost, 3000), rel=1e-9)
        assert sent[s, 0] == pytest.approx(brute_force(bit_cost, 3000), rel=1e-9)
        slots = math.ceil(e / (system.edge_capacity_hz * tau))
        assert edge[s, 0] == pytest.approx(theta * tau * slots)


def tables(system: System):
    return system.local_cycles, system.transmit_bits, system.edge_cycles[:, ::-1]


# --- step 3: the Bellman inequality of the dynamic program


def radio_with(signal: float) -> Radio:
    return Radio(np.array([250e3]), np.array([0.3]), np.array([[0.3 / 10**signal]]), np.ones(1), True)


@pytest.mark.parametrize("signal", [-1.0, 1.0, 2.5])
@pytest.mark.parametrize("theta", [1e-3, 0.05, 5.0])
def test_the_program_is_below_its_own_bellman_operator(signal, theta):
    """U(b) <= theta tau + E_h min_y [...]: bits off its grid, the mean by a finer rule of its own."""
    radio, tau = radio_with(signal), 0.01
    unit = 250e3 * tau / math.log(2)
    most = 60.0 * radio.carried(radio_price(radio, np.array([theta])))[0] * tau
    program = bit_costs(radio, np.array([theta]), tau, most)
    limit = program.cells.shape[1] * program.cell_bits[0]
    bits = np.array([1e-6, 0.003, 0.05, 0.21, 0.43, 0.77, 0.999, 1.001, 1.3, 2.1]) * limit
    bits = np.minimum(bits, most[0])
    nodes = np.polynomial.legendre.leggauss(24)
    edges = np.concatenate([[0.0], np.geomspace(1e-4, 40, 60)])
    x = (0.5 * np.diff(edges)[:, None] * (nodes[0] + 1) + edges[:-1, None]).ravel()
    weight = (0.5 * np.diff(edges)[:, None] * nodes[1]).ravel() * np.exp(-x)
    largest = unit * np.log1p(0.3 * x / radio.noise_w[0, 0])
    for b in bits:
        # Also the fewest bits to each cell, where a step function is least.
        ends = np.arange(1, program.cells.shape[1] + 1) * program.cell_bits[0]
        y = np.unique(np.concatenate([np.linspace(0, b, 1500), b - ends[ends < b] * (1 - 1e-9)]))
        sent = tau * radio.noise_w[0, 0] * np.expm1(y / unit)
        after = program.at((b - y)[None])[0]
        least = np.array(
            [
                (sent / z + after)[: np.searchsorted(y, r, "right")].min()
                for z, r in zip(x, largest, strict=True)
            ]
        )
        value = theta * tau + weight @ least
        assert program.at(np.array([[b]]))[0, 0] <= value * (1 + 1e-6)


def test_the_program_grows_with_bits_and_is_above_their_price():
    radio = radio_with(1.0).of_rows(np.zeros(5, np.int64))
    theta = np.geomspace(1e-3, 10, 5)
    bits = np.linspace(0, 1e6, 4001)[None].repeat(5, axis=0)
    values = bit_costs(radio, theta, 0.01, np.full(5, 1e6)).at(bits)
    assert (np.diff(values, axis=0)[:, 1:] > 0).all()
    assert (np.diff(values, axis=1) >= -0.05 * theta[:, None] * 0.01).all()  # but for steps between cells
    assert not values[:, 0].any()
    assert (values[:, 1] >= 0.99 * theta * 0.01).all()  # no bit is sent in less than a slot
    assert (values >= (1 - 2e-4) * radio_price(radio, theta)[:, None] * bits).all()


def test_the_program_is_near_the_bound_of_many_bits_and_far_above_it_for_few():
    """A few bits need a slot; many cost little more than nu a bit."""
    radio, theta = radio_with(1.0), np.array([0.01])
    nu = radio_price(radio, theta)[0]
    slot = radio.carried(np.array([nu]))[0][0] * 0.01
    program = bit_costs(radio, theta, 0.01, np.array([1000 * slot]))
    few, many = program.at(np.array([[slot, 900 * slot]]))[0] / (nu * np.array([slot, 900 * slot]))
    assert few > 1.15
    assert 1.0 <= many < 1.002


def test_bins_are_a_distribution_with_the_mean_of_the_inverse_gain():
    from scipy.special import exp1

    bins = fading_bins()
    assert (bins.weight >= 0).all()
    assert bins.weight.sum() + bins.beyond == pytest.approx(1.0, rel=1e-14)
    assert bins.share.sum() + bins.beyond == pytest.approx(1.0, rel=1e-14)
    first, last = bins.end[0], bins.end[-1]
    assert bins.weight[1:] @ bins.inverse[1:] == pytest.approx(exp1(first) - exp1(last), rel=1e-12)


# --- step 4: duality in the price of the edge


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_no_price_of_the_edge_gives_more(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 6, 2)
    costs, work, rates = rng.uniform(0, 1, shape), rng.uniform(0, 1, shape), rng.uniform(0, 1, shape[0])
    work[:, -1] = 0.0
    capacity = float(rng.uniform(0, 1))
    dual = best_edge_price(costs, work, rates, capacity)
    assert dual.value_w == pytest.approx(edge_value(costs, work, rates, capacity, dual.price))
    prices = np.concatenate([[0.0], np.geomspace(1e-6, 1e6, 400), dual.price * np.linspace(0.9, 1.1, 21)])
    assert max(edge_value(costs, work, rates, capacity, p) for p in prices) <= dual.value_w + 1e-12


def test_the_dual_is_the_best_mixture_of_cuts():
    """Strong duality: the linear program over shares of cuts has the same value."""
    from scipy.optimize import linprog

    rng = np.random.default_rng(3)
    costs, work, rates = rng.uniform(0, 1, (4, 5)), rng.uniform(0, 1, (4, 5)), rng.uniform(0.2, 1, 4)
    work[:, -1] = 0.0
    one = np.kron(np.eye(4), np.ones(5))
    load = (rates[:, None] * work).ravel()[None]
    program = linprog((rates[:, None] * costs).ravel(), load, [0.5], one, np.ones(4))
    dual = best_edge_price(costs, work, rates, 0.5)
    assert dual.price > 0
    assert dual.value_w == pytest.approx(program.fun, rel=1e-9)


def test_an_edge_that_cannot_carry_its_work_has_no_policy():
    work = np.array([[2.0, 1.0]])
    assert best_edge_price(np.ones((1, 2)), work, np.ones(1), 0.5).value_w == math.inf
    assert best_edge_price(np.ones((1, 2)), work, np.ones(1), 1.0).value_w == pytest.approx(1.0)
    dead = replace(BALANCED.devices[0], cpu_capacity_hz=0.0, max_power_w=0.0)
    assert waiting_bound(replace(BALANCED, devices=(dead,)), 0.01).bound_j == math.inf
    assert energy_at_latency(replace(BALANCED, devices=(dead,)), 1.0).bound_energy_j == math.inf


def test_a_scarce_edge_has_a_price():
    scarce = waiting_bound(load_scenario("scarce-edge"), 0.01)
    assert scarce.edge_price > 0
    assert scarce.bound_j > 2 * waiting_bound(BALANCED, 0.01).bound_j


# --- step 5: latency


def test_the_bound_is_concave_in_the_waiting_cost():
    theta = np.geomspace(1e-5, 100, 40)
    for name in ("balanced", "scarce-edge"):
        system = load_scenario(name)
        value = np.array([waiting_bound(system, t, whole_slots=False).bound_j for t in theta])
        slope = np.diff(value) / np.diff(theta)
        assert (slope > 0).all()
        assert (np.diff(slope) < 1e-9 * slope[:-1]).all()


@pytest.mark.parametrize("latency", [0.15, 0.375, 1.0])
def test_the_energy_at_a_latency_is_the_highest_line(latency):
    bound = energy_at_latency(BALANCED, latency, whole_slots=False)
    lines = frontier(BALANCED, np.geomspace(1e-5, 30, 400), whole_slots=False)
    assert bound.method == "lb3"
    assert bound.bound_energy_j >= lines.energy_at(latency) * (1 - 1e-9)
    assert bound.bound_energy_j == pytest.approx(float(lines.energy_at(latency)), rel=1e-2)
    at = waiting_bound(BALANCED, bound.waiting_cost_j_per_s, whole_slots=False).bound_j
    assert bound.bound_energy_j == pytest.approx(at - bound.waiting_cost_j_per_s * 0.016 * latency)
    assert energy_at_latency(BALANCED, latency).bound_energy_j > bound.bound_energy_j


def test_energy_falls_with_latency_to_the_bound_without_waiting():
    latencies = np.array([0.13, 0.2, 0.5, 1.0, 100.0, 1e6])
    energies = [energy_at_latency(BALANCED, float(t), whole_slots=False) for t in latencies]
    values = np.array([bound.bound_energy_j for bound in energies])
    assert (np.diff(values[:4]) < 0).all()
    assert values[-1] == values[-2] == energy_bound(BALANCED).energy_j
    assert energies[-1].method == "lb1"
    lines = frontier(BALANCED, np.geomspace(1e-4, 1, 20), whole_slots=False)
    assert (lines.energy_at(latencies) <= values * (1 + 1e-9)).all()


def test_no_policy_is_faster_than_full_speed():
    """The least latency: all of every capacity for each task."""
    radio = Radio.of(BALANCED)
    device = BALANCED.device_of_service
    seconds = BALANCED.local_cycles / BALANCED.cpu_capacity_hz[device, None]
    seconds = seconds + BALANCED.transmit_bits / radio.largest_rate()[device, None]
    seconds = seconds + BALANCED.edge_cycles / BALANCED.edge_capacity_hz
    least = float(seconds.min(axis=1).mean())
    assert energy_at_latency(BALANCED, 0.99 * least, whole_slots=False).bound_energy_j == math.inf
    assert energy_at_latency(BALANCED, 1.02 * least, whole_slots=False).bound_energy_j < math.inf


# --- arguments


def test_services_have_their_own_waiting_costs():
    theta = np.array([0.01, 0.02] * 4)
    own = waiting_bound(BALANCED, theta)
    assert own.waiting_cost_j_per_s.tolist() == theta.tolist()
    assert waiting_bound(BALANCED, 0.01).bound_j < own.bound_j < waiting_bound(BALANCED, 0.02).bound_j
    alone = [
        waiting_bound(replace(BALANCED, devices=(d,), bandwidth_hz=250e3), theta[:2])
        for d in BALANCED.devices
    ]
    assert own.bound_j == pytest.approx(sum(bound.bound_j for bound in alone))
    system = replace(BALANCED, waiting_cost_j_per_s=0.01)
    assert waiting_bound(system).bound_j == waiting_bound(BALANCED, 0.01).bound_j


def test_free_waiting_has_no_bound():
    assert waiting_bound(BALANCED, 0.0).bound_j == 0.0


@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf, "x", [0.1] * 7, [0.1] * 7 + [-1.0]])
def test_a_waiting_cost_that_is_none_is_refused(wrong):
    with pytest.raises(ProblemError) as caught:
        waiting_bound(BALANCED, wrong)
    assert caught.value.path.startswith("$.waiting_cost_j_per_s")


def test_a_system_without_a_waiting_cost_is_refused():
    with pytest.raises(ProblemError) as caught:
        waiting_bound(BALANCED)
    assert caught.value.path == "$.system.waiting_cost_j_per_s"


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, "x"])
def test_a_latency_that_is_none_is_refused(wrong):
    with pytest.raises(ProblemError) as caught:
        energy_at_latency(BALANCED, wrong)
    assert caught.value.path == "$.latency_s"


def test_devices_that_move_are_refused():
    walking = replace(BALANCED, channel=replace(BALANCED.channel, walk_m_per_sqrt_s=1.0))
    with pytest.raises(ProblemError) as caught:
        waiting_bound(walking, 0.01)
    assert caught.value.path == "$.channel.walk_m_per_sqrt_s"
