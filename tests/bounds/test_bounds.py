"""Lower bounds: closed forms against quadrature, LB1 against solvers and policies, LB2 against paths."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from lyaopt.bounds import dual_value, energy_bound, realised_bound
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.errors import ProblemError
from lyaopt.model.profiles import Cut, Profile
from lyaopt.model.scenarios import list_scenarios, load_scenario
from lyaopt.model.system import Channel, Device, Service, System

SEEDS = range(10)


def small_system(seed: int, fading: str = "rayleigh") -> System:
    """Two or three devices with invented networks, loaded so that capacities may bind."""
    rng = np.random.default_rng(seed)

    def service() -> Service:
        cuts = int(rng.integers(1, 5))
        macs = np.sort(rng.integers(1, 10**9, cuts)).tolist()
        bits = rng.integers(10**4, 10**6, cuts).tolist()
        inner = [Cut("inner", a, b) for a, b in zip(macs[:-1], bits[1:], strict=True)]
        ends = (Cut("in", 0, bits[0]), Cut("out", macs[-1], 0))
        profile = Profile("net", "made up", bits[0], macs[-1], 8, (ends[0], *inner, ends[1]))
        return Service(profile, float(rng.uniform(0.2, 2)))

    devices = [
        Device(
            float(rng.uniform(150, 400)),
            tuple(service() for _ in range(rng.integers(1, 4))),
            float(10 ** rng.uniform(7.6, 9)),
            float(rng.uniform(0.05, 0.5)),
        )
        for _ in range(rng.integers(2, 4))
    ]
    edge = float(10 ** rng.uniform(7.5, 8.5))
    return System(tuple(devices), edge_capacity_hz=edge, channel=Channel(fading=fading))


BOUNDS = [energy_bound(small_system(seed)) for seed in SEEDS]
STABLE = [seed for seed in SEEDS if math.isfinite(BOUNDS[seed].power_w)]


# --- closed forms


@given(st.floats(-4, 4), st.floats(-3, 3), st.floats(0.01, 2))
@settings(max_examples=60)
def test_closed_forms_are_the_integrals(signal, level, most):
    """Rate and power at a water level, against quadrature over the fading; SNR from 1e-4 to 1e4."""
    noise = most / 10.0**signal
    width, water = 250e3, (most + noise) * 10.0**level
    radio = Radio(np.array([width]), np.array([most]), np.array([[noise]]), np.ones(1), True)
    rate, power = radio.carried(np.array([water * math.log(2) / width]))

    def power_at(x: float) -> float:
        return min(max(water - noise / x, 0.0), most) if x > 0 else 0.0

    start, full = noise / water, noise / (water - most) if water > most else math.inf
    edges = [
        start,
        *(point for point in (full, start + 1, start + 10, start + 60) if start < point < math.inf),
    ]
    edges = sorted({*edges, max(edges) + 60})

    def mean(value: Any) -> float:
        pieces = pairwise(edges)
        return sum(
            quad(lambda x: value(power_at(x), x) * math.exp(-x), a, b, epsabs=0, epsrel=1e-10, limit=400)[0]
            for a, b in pieces
        )

    if start < 500:
        expected = mean(lambda p, x: width / math.log(2) * math.log1p(p * x / noise))
        full_power_rate = radio.largest_rate()[0]
        assert rate[0] == pytest.approx(expected, rel=1e-8, abs=1e-12 * full_power_rate)
        assert power[0] == pytest.approx(mean(lambda p, x: p), rel=1e-8, abs=1e-12 * most)
        assert rate[0] <= full_power_rate * (1 + 1e-12)


@given(st.floats(-100, 20))
def test_full_power_is_the_limit_of_a_high_price(exponent):
    radio = Radio(np.array([1e6]), np.array([0.3]), np.array([[0.3 / 10.0**exponent]]), np.ones(1), True)
    most = radio.largest_rate()
    rate, power = radio.carried(np.array([1e30 * max(1.0, 10.0**-exponent)]))
    assert rate == pytest.approx(most, rel=1e-10)
    assert power == pytest.approx(0.3, rel=1e-10)


@pytest.mark.parametrize("fading", ["rayleigh", "none"])
@given(st.floats(0.001, 0.99))
def test_the_price_of_a_rate_is_the_slope_of_its_power(fading, share):
    radio = Radio.of(small_system(0, fading))
    rate = share * radio.largest_rate()
    price, power = radio.price_of(rate)
    assert radio.carried(price)[0] == pytest.approx(rate, rel=1e-9)
    step = 1e-4 * rate
    higher, lower = radio.price_of(rate + step)[1], radio.price_of(rate - step)[1]
    assert (higher - lower) / (2 * step) == pytest.approx(price, rel=1e-3)
    assert (higher - power >= power - lower).all()


def test_nothing_is_free_and_nothing_costs_nothing():
    radio = Radio.of(small_system(0))
    price, power = radio.price_of(np.zeros_like(radio.max_power_w))
    assert not price.any()
    assert not power.any()
    dead = replace(radio, max_power_w=np.zeros_like(radio.max_power_w))
    assert not dead.largest_rate().any()
    assert not np.array(dead.carried(np.ones_like(radio.max_power_w))).any()


def test_shadowing_is_a_mean_over_its_distribution():
    system = load_scenario("shadowing")
    level = np.random.default_rng(0).normal(0, system.channel.shadowing_std_db, 400_000)
    radio = Radio.of(system)
    clear = Radio.of(load_scenario("default"))
    noise = clear.noise_w / 10 ** (level / 10)
    sampled = replace(clear, noise_w=noise, weight=np.full(level.size, 1 / level.size))
    price = radio.price_of(0.3 * radio.largest_rate())[0]
    for ours, theirs in zip(radio.carried(price), sampled.carried(price), strict=True):
        assert ours == pytest.approx(theirs, rel=0.02)


# --- LB1


@pytest.mark.parametrize("name", list_scenarios())
def test_the_bound_of_a_shipped_scenario_is_tight(name):
    bound = energy_bound(load_scenario(name))
    assert 0 < bound.power_w < math.inf
    assert bound.relative_gap < 1e-6
    assert bound.energy_j == bound.power_w * 0.01


@pytest.mark.parametrize("seed", STABLE)
def test_the_bound_is_the_optimum_of_a_convex_solver(seed):
    """Without fading CVXPY can express P_m(r) = nb (2^(r/b) - 1)."""
    import cvxpy as cp

    system = small_system(seed, "none")
    bound = energy_bound(system)
    assert math.isfinite(bound.power_w)
    radio, rates = Radio.of(system), system.arrival_rate_per_s
    x = cp.Variable(system.local_cycles.shape, nonneg=True)
    watts, tasks, loads = 0, cp.multiply(rates[:, None], x), []
    scale = bound.power_w
    for m in range(len(system.devices)):
        of = (system.device_of_service == m).astype(float)
        cycles = cp.sum(cp.multiply(system.local_cycles * of[:, None], tasks)) / 1e8
        nats = cp.sum(cp.multiply(system.transmit_bits * of[:, None], tasks)) * (
            math.log(2) / radio.bandwidth_hz[m]
        )
        watts += system.energy_coefficient * 1e24 / scale * cp.power(cycles, 3)
        watts += radio.noise_w[m, 0] / scale * (cp.exp(nats) - 1)
        loads += [cycles <= system.cpu_capacity_hz[m] / 1e8]
        loads += [nats <= math.log1p(system.max_power_w[m] / radio.noise_w[m, 0])]
    edge = cp.sum(cp.multiply(system.edge_cycles, tasks)) / 1e8 <= system.edge_capacity_hz / 1e8
    problem = cp.Problem(cp.Minimize(watts), [cp.sum(x, axis=1) == 1, edge, *loads])
    problem.solve(solver=cp.CLARABEL)
    assert bound.power_w == pytest.approx(scale * problem.value, rel=1e-5)
    assert bound.power_w <= scale * problem.value * (1 + 1e-6)


def mixture_power(system: System, share: Any) -> float:
    """Mean power of the policy that draws cuts from `share` and serves evenly; inf if overloaded."""
    tasks = system.arrival_rate_per_s[:, None] * share
    m, radio = system.device_of_service, Radio.of(system)
    cycles = np.bincount(m, (tasks * system.local_cycles).sum(axis=1))
    bits = np.bincount(m, (tasks * system.transmit_bits).sum(axis=1))
    edge = float((tasks * system.edge_cycles).sum())
    over = (cycles > system.cpu_capacity_hz).any() or (bits > 0.999 * radio.largest_rate()).any()
    if over or edge > system.edge_capacity_hz:
        return math.inf
    return float((system.energy_coefficient * cycles**3).sum() + radio.price_of(bits)[1].sum())


@pytest.mark.parametrize("seed", STABLE)
def test_no_static_policy_is_below_the_bound(seed):
    system, bound = small_system(seed), BOUNDS[seed]
    rng = np.random.default_rng(seed)
    used = np.arange(system.local_cycles.shape[1]) < system.cut_counts[:, None]
    local = np.arange(used.shape[1]) == system.cut_counts[:, None] - 1
    powers = []
    for _ in range(200):
        share = rng.exponential(size=used.shape) ** rng.uniform(0.5, 6) * used
        share /= share.sum(axis=1, keepdims=True)
        # Near the best mixture, and away from the edge: otherwise few random ones are feasible.
        near, away = rng.dirichlet([3, 0.3, 0.3])[:2]
        share = near * bound.cut_share + away * local + (1 - near - away) * share
        powers.append(mixture_power(system, share))
    powers = [power for power in powers if math.isfinite(power)]
    assert len(powers) > 10
    assert min(powers) >= bound.power_w * (1 - 1e-9)
    assert min(powers) < 3 * bound.power_w


@pytest.mark.parametrize("seed", STABLE)
def test_random_multipliers_give_lower_bounds(seed):
    """Weak duality, with the maximum at the multipliers of the bound."""
    system, bound = small_system(seed), BOUNDS[seed]
    best = (bound.local_multiplier, bound.transmit_multiplier, bound.edge_multiplier)
    assert dual_value(system, *best) == bound.power_w
    rng = np.random.default_rng(seed)
    for spread in (1e-3, 0.1, 1, 5):
        for _ in range(25):
            alpha = best[0] * np.exp(spread * rng.normal(size=best[0].shape))
            nu = best[1] * np.exp(spread * rng.normal(size=best[1].shape))
            theta = max(best[2], best[0].mean() * rng.integers(2)) * math.exp(spread * rng.normal())
            assert dual_value(system, alpha, nu, theta) <= bound.power_w * (1 + 2e-9)
    assert dual_value(system, 0 * best[0], 0 * best[1], 0.0) == 0


@pytest.mark.parametrize("seed", STABLE)
def test_the_best_mixture_is_feasible(seed):
    system, bound = small_system(seed), BOUNDS[seed]
    tasks = system.arrival_rate_per_s[:, None] * bound.cut_share
    assert bound.cut_share.sum(axis=1) == pytest.approx(1)
    cycles = np.bincount(system.device_of_service, (tasks * system.local_cycles).sum(axis=1))
    bits = np.bincount(system.device_of_service, (tasks * system.transmit_bits).sum(axis=1))
    slack = 1 + 1e-7
    assert (cycles <= bound.local_cpu_hz * slack + 1).all()
    assert (bits <= bound.rate_bps * slack + 1).all()
    assert (bound.local_cpu_hz <= system.cpu_capacity_hz * slack).all()
    assert bound.edge_cpu_hz <= system.edge_capacity_hz * slack
    assert bound.local_power_w.sum() + bound.transmit_power_w.sum() == pytest.approx(bound.power_w, rel=1e-6)


@pytest.mark.parametrize("seed", STABLE)
def test_more_capacity_never_costs_energy(seed):
    system = small_system(seed)
    base = BOUNDS[seed].power_w * (1 + 1e-8)
    more_cpu = [replace(d, cpu_capacity_hz=1.5 * d.cpu_capacity_hz) for d in system.devices]
    more_power = [replace(d, max_power_w=1.5 * d.max_power_w) for d in system.devices]
    for richer in (
        replace(system, devices=more_cpu),
        replace(system, devices=more_power),
        replace(system, edge_capacity_hz=1.5 * system.edge_capacity_hz),
        replace(system, bandwidth_hz=1.5 * system.bandwidth_hz),
    ):
        assert energy_bound(richer).power_w <= base


def test_more_work_costs_more():
    system = load_scenario("default")
    powers = []
    for factor in (1, 2, 4):
        devices = [
            replace(d, services=[replace(s, arrival_rate_per_s=0.2 * factor) for s in d.services])
            for d in system.devices
        ]
        powers.append(energy_bound(replace(system, devices=devices)).power_w)
    # The power is convex in the load, and nothing at no load.
    assert powers[1] > 2 * powers[0]
    assert powers[2] > 2 * powers[1]


def test_a_scarce_edge_has_a_price():
    free, scarce = (energy_bound(load_scenario(name)) for name in ("default", "scarce-edge"))
    assert free.edge_multiplier == 0
    capped = energy_bound(replace(load_scenario("default"), edge_capacity_hz=0.9 * free.edge_cpu_hz))
    assert capped.edge_multiplier > 0
    assert capped.power_w > free.power_w
    assert scarce.power_w >= free.power_w * (1 - 1e-8)


def test_an_overload_has_no_bound():
    system = load_scenario("default")
    robot = replace(system.devices[3], cpu_capacity_hz=1e6, max_power_w=1e-6)
    assert energy_bound(replace(system, devices=(robot,))).power_w == math.inf


def test_no_arrivals_cost_nothing():
    idle = System((Device(200.0, (Service("alexnet", 0.0),)),))
    assert energy_bound(idle).power_w == 0


def test_walking_devices_are_refused():
    system = replace(load_scenario("default"), channel=Channel(walk_m_per_sqrt_s=1.0))
    with pytest.raises(ProblemError, match="walk_m_per_sqrt_s"):
        energy_bound(system)


@pytest.mark.parametrize("wrong", [([-1.0], [0.0], 0.0), ([0.0], [math.nan], 0.0), ([0.0, 0.0], [0.0], 0.0)])
def test_wrong_multipliers_are_refused(wrong):
    with pytest.raises(ProblemError):
        dual_value(System((Device(200.0, (Service("alexnet"),)),)), *wrong)


# --- LB2


@pytest.mark.parametrize("seed", SEEDS)
def test_no_path_is_below_its_bound(seed):
    system, rng = small_system(seed), np.random.default_rng(seed)
    slots, count, tau = 300, len(system.devices), system.slot_duration_s
    gain = system.mean_channel_gain() * rng.exponential(size=(slots, count))
    gain[rng.random(slots) < 0.1] = 0
    cpu = system.cpu_capacity_hz * rng.random((slots, count)) ** rng.uniform(0.1, 3)
    power = system.max_power_w * rng.random((slots, count)) ** rng.uniform(0.1, 3)
    width = system.device_bandwidth_hz
    rate = width * np.log2(1 + power * gain / (width * system.noise_w_per_hz))
    bound = realised_bound(system, tau * cpu.sum(axis=0), tau * rate.sum(axis=0), gain)
    local = tau * system.energy_coefficient * (cpu**3).sum(axis=0)
    sent = tau * power.sum(axis=0)
    assert (bound.local_energy_j <= local).all()
    assert (bound.transmit_energy_j <= sent).all()
    assert (bound.transmit_energy_j > 0).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("level", [0.01, 0.5, 1.5])
def test_the_bound_is_reached_by_constant_pace_and_water_filling(seed, level):
    system, rng = small_system(seed), np.random.default_rng(seed)
    tau, width = system.slot_duration_s, system.device_bandwidth_hz
    gain = system.mean_channel_gain() * rng.exponential(size=(200, len(system.devices)))
    noise = width * system.noise_w_per_hz / gain
    power = np.clip(level * system.max_power_w + noise.min(axis=0) - noise, 0, system.max_power_w)
    rate = width * np.log2(1 + power / noise)
    pace = 0.5 * system.cpu_capacity_hz
    bound = realised_bound(system, 200 * tau * pace, tau * rate.sum(axis=0), gain)
    assert bound.local_energy_j == pytest.approx(200 * tau * system.energy_coefficient * pace**3)
    assert bound.transmit_energy_j == pytest.approx(tau * power.sum(axis=0), rel=1e-6)


def test_wrong_paths_are_refused():
    system = System((Device(200.0, (Service("alexnet"),)),))
    for wrong in (
        ([1.0], [1.0], [1.0]),
        ([1.0], [-1.0], [[1.0]]),
        ([1.0, 2.0], [1.0], [[1.0]]),
        ([1.0], [1.0], []),
    ):
        with pytest.raises(ProblemError):
            realised_bound(system, *wrong)
