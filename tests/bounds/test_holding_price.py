"""Prices of work under a holding cost: closed forms against searches and quadrature."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import (
    cubic_gain,
    cubic_price,
    local_gain,
    local_price,
    radio_gain,
    radio_price,
    table_gain,
    table_price,
    transmit_gain,
    transmit_price,
)
from lyaopt.model.scenarios import load_scenario
from lyaopt.slot.tables import lower_hull

WATTS = st.just(0.0) | st.floats(1e-3, 10)
HOLDING = np.array([1e-300, 1e-30, 1e-12, 1e-6, 1e-3, 0.01, 0.1, 1.0, 10.0, 1e3, 1e9])


def one_radio(signal: float, most: float = 0.3, rayleigh: bool = True) -> Radio:
    return Radio(np.array([250e3]), np.array([most]), np.array([[most / 10.0**signal]]), np.ones(1), rayleigh)


@given(st.floats(-30, -26), st.floats(7, 10), st.floats(-8, 3))
def test_a_cycle_costs_least_at_the_best_speed(delta, capacity, holding):
    delta, capacity, holding = 10.0**delta, 10.0**capacity, 10.0**holding
    speeds = capacity * np.geomspace(1e-6, 1, 4001)
    searched = ((delta * speeds**3 + holding) / speeds).min()
    price = cubic_price(delta, np.array([capacity]), np.array([holding]))[0]
    assert price <= searched * (1 + 1e-12)
    assert price == pytest.approx(searched, rel=1e-4)
    assert cubic_gain(delta, np.array([capacity]), np.array([price]))[0] == pytest.approx(holding, rel=1e-12)


@given(st.lists(st.tuples(st.floats(1, 100), WATTS), min_size=1, max_size=6), WATTS)
def test_a_cycle_of_a_table_costs_least_on_its_hull(steps, holding):
    hz = np.cumsum([step for step, _ in steps]).tolist()
    points = list(zip(hz, [power for _, power in steps], strict=True))
    hull = np.array([(0.0, 0.0), *lower_hull(points)])
    speeds = np.linspace(0, hull[-1, 0], 2001)[1:]
    searched = ((np.interp(speeds, *hull.T) + holding) / speeds).min()
    price = table_price(points, np.array([holding]))
    assert price[0] <= searched * (1 + 1e-12)
    assert price[0] == pytest.approx(searched, rel=1e-2)
    assert table_gain(points, price)[0] == pytest.approx(holding, rel=1e-9, abs=1e-9 * (1 + holding))


@given(st.floats(-2, 4), st.floats(-4, 3))
@settings(max_examples=40)
def test_the_gain_of_a_radio_is_the_integral_over_its_fading(signal, nu):
    radio = one_radio(signal)
    width, most, noise = 250e3, 0.3, radio.noise_w[0, 0]
    price = 10.0**nu * (most + noise) * math.log(2) / width

    def best(x: float) -> float:
        power = min(max(price * width / math.log(2) - noise / x, 0.0), most)
        return price * width * math.log1p(power * x / noise) / math.log(2) - power

    level = price * width / math.log(2)
    kinks = [noise / level, *([noise / (level - most)] if level > most else [])]
    edges = sorted({*kinks, kinks[-1] + 1, kinks[-1] + 10, kinks[-1] + 60})
    pieces = pairwise(edges)
    expected = sum(quad(lambda x: best(x) * math.exp(-x), a, b, epsabs=0, epsrel=1e-9)[0] for a, b in pieces)
    assert radio_gain(radio, np.array([price]))[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("rayleigh", [True, False])
@given(signal=st.floats(-3, 6), share=st.floats(-3, 3))
@settings(max_examples=40)
def test_a_bit_costs_least_at_the_best_water_level(rayleigh, signal, share):
    radio = one_radio(signal, rayleigh=rayleigh)
    holding = 0.3 * 10.0**share
    price = radio_price(radio, np.array([holding]))
    assert radio_gain(radio, price)[0] == pytest.approx(holding, rel=1e-9)
    levels = price[0] * np.geomspace(0.1, 1e3, 2001)
    rate, power = radio.carried(levels[:, None])
    with np.errstate(divide="ignore"):
        costs = np.where(rate > 0, (power + holding) / rate, np.inf)
    assert price[0] <= costs.min() * (1 + 1e-12)
    assert price[0] == pytest.approx(costs.min(), rel=1e-3)


@pytest.mark.parametrize("name", ["balanced", "shadowing"])
def test_prices_undo_gains_over_all_magnitudes(name):
    system = load_scenario(name)
    holding = HOLDING[:, None, None] * np.ones((1, 2, 4))
    for price, gain in ((local_price, local_gain), (transmit_price, transmit_gain)):
        nu = price(system, holding)
        assert nu.shape == holding.shape
        assert (np.diff(nu, axis=0) > 0).all()
        assert gain(system, nu)[1:] == pytest.approx(holding[1:], rel=1e-9)
        assert nu[3] == pytest.approx(price(system, holding[3]), rel=1e-15)


def test_work_that_waits_for_nothing_costs_its_least_energy():
    system = load_scenario("balanced")
    free = np.zeros(4)
    assert not local_price(system, free).any()
    assert not transmit_price(system, free).any()
    steady = replace(system, channel=replace(system.channel, fading="none"))
    radio = Radio.of(steady)
    expected = radio.noise_w[:, 0] * math.log(2) / radio.bandwidth_hz
    assert transmit_price(steady, free) == pytest.approx(expected)
    assert transmit_price(steady, free + 1e-15) == pytest.approx(expected, rel=1e-4)


def test_what_can_do_no_work_has_no_price():
    """No capacity, power or gain: infinite prices, no gains; a free CPU runs at capacity."""
    system = load_scenario("balanced")
    dead = replace(system.devices[0], cpu_capacity_hz=0.0, max_power_w=0.0)
    system = replace(system, devices=(dead, *system.devices[1:]))
    for holding in (0.0, 1.0):
        for price, gain in ((local_price, local_gain), (transmit_price, transmit_gain)):
            nu = price(system, np.full(4, holding))
            assert np.isinf(nu[0])
            assert np.isfinite(nu[1:]).all()
            assert gain(system, nu)[0] == 0.0
            assert gain(system, np.full(4, 1e-9))[0] == 0.0
    silent = replace(one_radio(0.0), noise_w=np.array([[math.inf]]))
    assert np.isinf(radio_price(silent, np.array([1.0])))
    assert radio_gain(silent, np.array([1.0])) == 0.0
    free = replace(system, energy_coefficient=0.0)
    assert local_price(free, np.ones(4))[1:] == pytest.approx(1 / system.cpu_capacity_hz[1:])
    assert local_gain(free, local_price(free, np.ones(4)))[1:] == pytest.approx(1.0)
