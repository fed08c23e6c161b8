"""LB3 under shadowing: its prices meet their condition everywhere, and no simulated policy is below it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import waiting_bound
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import radio_gain, radio_price
from lyaopt.bounds.shadowing import Shadowing, bit_prices
from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy
from lyaopt.simulation import simulate
from tests.bounds.test_bounds import small_system
from tests.bounds.test_waiting_campaign import RUN, energies, surely_below, waiting

SHADOWED = load_scenario("shadowing")
TAU = 0.01


def shadowed(system, std_db, sojourn_s=10.0):
    channel = replace(system.channel, shadowing_std_db=std_db, shadowing_sojourn_s=sojourn_s)
    return replace(system, channel=channel)


def one_radio(signal, rayleigh=True):
    return Radio(np.array([250e3]), np.array([0.3]), np.array([[0.3 / 10**signal]]), np.ones(1), rayleigh)


@pytest.mark.parametrize("rayleigh", [True, False])
@pytest.mark.parametrize(
    ("std_db", "sojourn_s", "bits", "kappa"),
    [(25.0, 10.0, 2e5, 0.4), (25.0, 10.0, 2e4, 1.0), (8.0, 3.0, 1e6, 0.15), (4.0, 0.2, 1e5, 1.0)],
)
def test_the_condition_holds_between_and_beyond_the_nodes(std_db, sojourn_s, bits, kappa, rayleigh):
    """(R) at random states, with the mean over the next state by quadrature."""
    theta, radio = 0.01, one_radio(1.0, rayleigh)
    shadowing = Shadowing.of(std_db, sojourn_s, TAU)
    arguments = (np.array([theta]), np.array([bits]), np.array([0.01]), np.array([kappa]))
    prices = bit_prices(radio, shadowing, *arguments)
    x = np.concatenate([np.random.default_rng(0).uniform(-7.5, 7.5, 1500), shadowing.node])
    z = np.linspace(-9, 9, 4001)
    density = np.exp(-0.5 * z**2) / np.exp(-0.5 * z**2).sum()
    a, noise = math.exp(-TAU / sojourn_s), math.sqrt(1 - math.exp(-2 * TAU / sojourn_s))

    def price(state):
        return np.where(state > shadowing.node[-1], 0.0, np.interp(state, shadowing.node, prices.price[0]))

    after = price(a * x[:, None] + noise * z) @ density
    scale = std_db * math.log(10) / 10
    levels = replace(
        radio,
        bandwidth_hz=radio.bandwidth_hz.repeat(x.size),
        max_power_w=radio.max_power_w.repeat(x.size),
        noise_w=radio.noise_w * np.exp(-scale * x)[:, None],
    )
    drift = bits * np.maximum(price(x) - after, 0.0) / TAU
    assert (drift + radio_gain(levels, after) <= theta * (1 + 1e-5)).all()
    assert (drift <= prices.drift_w[0] * (1 + 1e-5)).all()
    assert (np.diff(prices.price[0]) <= 0).all()
    assert prices.excess[0] < 0.25
    good = price(np.array([1.0]))[0] / radio_price(
        replace(radio, noise_w=radio.noise_w * math.exp(-scale)), theta
    )
    assert 0.0 < good <= 1.0


def test_weights_of_states_are_means_over_the_normal_law():
    shadowing = Shadowing.of(8.0, 5.0, TAU)
    ends = np.stack([shadowing.node[:-1], shadowing.node[1:]])
    assert (shadowing.weight >= 0).all()
    assert shadowing.weight.sum() == pytest.approx(1.0, abs=1e-8)
    assert (shadowing.weight * ends).sum() == pytest.approx(0.0, abs=1e-7)
    assert (shadowing.weight * ends**2).sum() == pytest.approx(1.0, abs=1e-3)


def test_little_shadowing_is_none():
    clear = waiting_bound(load_scenario("balanced"), 0.01, whole_slots=False).bound_j
    assert 0.97 * clear < waiting_bound(shadowed(SHADOWED, 0.01), 0.01, whole_slots=False).bound_j < clear


def test_slower_shadowing_makes_waiting_for_a_better_channel_dearer():
    fast, slow = (waiting_bound(shadowed(SHADOWED, 8.0, s), 0.01).bound_j for s in (0.3, 30.0))
    assert fast < slow
    assert slow < 1.2 * waiting_bound(load_scenario("balanced"), 0.01).bound_j


@pytest.mark.parametrize("seed", range(4))
def test_no_policy_is_below_the_bound(seed):
    rng = np.random.default_rng(seed)
    fading = ("rayleigh", "none")[seed % 2]
    system = shadowed(small_system(seed, fading), rng.uniform(1, 25), 10 ** rng.uniform(-0.5, 1))
    theta = 10.0 ** rng.uniform(-3, 0, len(system.services))
    bound = waiting_bound(system, theta)
    for name in ("middle", "all-local", "greedy"):
        result = simulate(system, make_policy(name, system), seed=seed, **RUN)
        total = energies(result) + waiting(result, theta, RUN["slots"])
        if result.queued < 0.1 * result.born:
            assert not surely_below(total, bound.bound_j), name


def correlated(system, correlation=0.95):
    return replace(system, channel=replace(system.channel, fading_correlation=correlation))


def test_correlated_fading_has_one_price_for_all_gains():
    """Valid, and below the bound of gains that are drawn anew."""
    anew = waiting_bound(load_scenario("balanced"), 0.01)
    bound = waiting_bound(correlated(load_scenario("balanced")), 0.01)
    assert bound.form == "stationary"
    assert 0.1 * anew.bound_j < bound.bound_j < anew.bound_j
    assert 0 < waiting_bound(correlated(SHADOWED), 0.01).bound_j < waiting_bound(SHADOWED, 0.01).bound_j
    scarce = waiting_bound(correlated(load_scenario("scarce-edge")), 0.01)
    assert scarce.edge_price > 0
    assert scarce.bound_j < waiting_bound(load_scenario("scarce-edge"), 0.01).bound_j
    steady = replace(load_scenario("balanced").channel, fading="none", fading_correlation=0.5)
    assert waiting_bound(replace(load_scenario("balanced"), channel=steady), 0.01).form == "whole slots"


@pytest.mark.parametrize("seed", range(4))
def test_no_policy_is_below_the_bound_of_correlated_fading(seed):
    rng = np.random.default_rng(seed)
    system = correlated(shadowed(small_system(seed), 8.0 * (seed % 2), 1.0), rng.uniform(0.5, 0.99))
    theta = 10.0 ** rng.uniform(-3, 0, len(system.services))
    bound = waiting_bound(system, theta)
    for name in ("middle", "all-local", "all-offload"):
        result = simulate(system, make_policy(name, system), seed=seed, **RUN)
        total = energies(result) + waiting(result, theta, RUN["slots"])
        if result.queued < 0.1 * result.born:
            assert not surely_below(total, bound.bound_j), name


def test_devices_that_move_are_refused():
    moving = replace(SHADOWED, channel=replace(SHADOWED.channel, walk_m_per_sqrt_s=1.0))
    for system in (moving, correlated(moving)):
        with pytest.raises(ProblemError, match=r"^\$\.channel\.walk_m_per_sqrt_s"):
            waiting_bound(system, 0.01)
