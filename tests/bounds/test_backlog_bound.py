"""LB3 of the cost (34): the cost of a task alone, and no simulated policy below it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.integrate import quad

from lyaopt.bounds import backlog_bound
from lyaopt.bounds.backlog import _blocks, _edge_costs, _in_slots, _integral
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import (
    cubic_gain,
    cubic_price,
    local_price,
    radio_gain,
    radio_price,
    transmit_price,
)
from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import make_policy
from lyaopt.simulation import simulate
from lyaopt.simulation.costs import backlog_shares, slot_costs
from tests.bounds.test_bounds import small_system
from tests.bounds.test_waiting_campaign import RUN, surely_below

BALANCED = load_scenario("balanced")


def test_a_task_alone_costs_the_integral_of_its_price():
    """The trapezoidal rule is below the integral, and near it."""
    system, tau = BALANCED, BALANCED.slot_duration_s
    shares = backlog_shares(system) / system.learning.reward_energy_weight
    for stage, work, price in (
        (0, system.local_cycles, local_price),
        (1, system.transmit_bits, transmit_price),
    ):
        amounts = work[:, [0, work.shape[1] // 2, -1]]
        device = system.device_of_service

        def held(x, s, price=price, stage=stage, device=device):
            return price(system, np.full(4, shares[stage, s] * x / tau))[device[s]]

        ours = _integral(
            amounts,
            shares[stage] / tau,
            lambda w, price=price, device=device: np.stack(
                [price(system, np.repeat(w[:, s : s + 1], 4, axis=1))[:, device[s]] for s in range(8)], axis=1
            ),
        )
        for s in (0, 5):
            for k in range(3):
                expected = quad(held, 0, amounts[s, k], args=(s,), epsrel=1e-6)[0]
                assert ours[s, k] <= expected * (1 + 1e-6)
                assert ours[s, k] == pytest.approx(expected, rel=1e-3)


def test_no_schedule_of_a_cpu_costs_less():
    """Dynamic programming over a grid of cycles: all that a task alone can do, a little restricted."""
    delta, tau, most, h, work, points = 1e-28, 0.01, 1.5e9, 3e-13, 1e8, 800
    grid = np.linspace(0, work, points + 1)
    energy = tau * delta * (grid / tau) ** 3
    able = grid <= most * tau
    value = np.zeros(points + 1)
    for i in range(1, points + 1):
        y = np.arange(1, i + 1)
        y = y[able[y]]
        value[i] = h * grid[i] + (energy[y] + value[i - y]).min()
    bound = _integral(
        grid[None, 1:], np.array([h / tau]), lambda held: cubic_price(delta, np.array([most]), held)
    )[0]
    assert (bound <= value[1:] * (1 + 1e-9)).all()
    assert bound[-1] > 0.85 * value[-1]


def exact_cost(energy: np.ndarray, share: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Least cost of 0, 1, ... pieces: dynamic programming; `energy` (J, Y + 1) of a slot in each state."""
    value = np.zeros(len(held))
    for i in range(1, len(held)):
        most = min(i, energy.shape[1] - 1)
        step = energy[:, 1 : most + 1] + value[i - np.arange(1, most + 1)]
        best = np.sort(step.min(axis=1))
        # Waiting in the states in which a step is dearest: the mean is least for some number of them.
        idle = held[i]
        weight = share[np.argsort(step.min(axis=1))]
        value[i] = ((idle + np.cumsum(weight * best)) / np.cumsum(weight)).min()
    return value


@pytest.mark.parametrize("fading", ["none", "rayleigh"])
@pytest.mark.parametrize("bits", [2e3, 2e4, 3e5])
def test_no_schedule_of_a_radio_costs_less_and_the_best_little_more(fading, bits):
    """In pieces of the work, with gains at the worse ends of 400 bins, which costs a little more."""
    system = replace(BALANCED, channel=replace(BALANCED.channel, fading=fading))
    tau, width, h, pieces = 0.01, 250e3, 3e-12, 300
    noise = width * system.noise_w_per_hz / system.mean_channel_gain()[0]
    radio = Radio(np.array([width]), np.array([0.3]), np.array([[noise]]), np.ones(1), fading == "rayleigh")
    gain = -np.log(np.arange(1, 401) / 400.0 - 1e-9) if fading == "rayleigh" else np.ones(1)
    sent = np.arange(pieces + 1) * bits / pieces
    power = noise / gain[:, None] * np.expm1(np.minimum(sent / width / tau * math.log(2), 500))
    energy = np.where(power <= 0.3, tau * power, np.inf)
    best = exact_cost(energy, np.full(len(gain), 1 / len(gain)), h * sent)[-1]
    machine = partial(radio_price, radio), partial(radio_gain, radio)
    found = _in_slots(np.array([[bits]]), np.array([h]), tau, machine)[0, 0]
    closed = _integral(np.array([[bits]]), np.array([h / tau]), machine[0])[0, 0]
    # Few bits wait for one good slot: a price that holds in the mean over paths lets some send more.
    assert (0.75 if bits < 1e4 else 0.9) * best < found < best
    assert found > closed


@pytest.mark.parametrize("work", [3e5, 3e6, 1e8])
def test_whole_slots_of_a_cpu_are_the_convex_program(work):
    """The dual of a convex program in the work of each slot is its value."""
    delta, tau, most, h = 1e-28, 0.01, 1.5e9, 3e-13
    slot = np.arange(1, 3000)
    low, high = 0.0, 1.0
    for _ in range(200):
        mu = 0.5 * (low + high)
        done = np.minimum(tau * np.sqrt(np.maximum(mu - h * slot, 0.0) / (3 * delta)), most * tau)
        low, high = (mu, high) if done.sum() < work else (low, mu)
    exact = (h * slot * done + delta * done**3 / tau**2).sum()
    machine = partial(cubic_price, delta, np.array([most])), partial(cubic_gain, delta, np.array([most]))
    found = _in_slots(np.array([[work]]), np.array([h]), tau, machine)[0, 0]
    assert 0.98 * exact < found <= exact * (1 + 1e-9)


def test_blocks_of_slots_are_summed_from_above():
    for last in (3.0, 40.0, 12345.6):
        first, end = _blocks(last)
        assert first[0] == 1
        assert end[-1] >= math.floor(last)
        assert (first[1:] == end[:-1] + 1).all()
        ends = [np.maximum(last - slot, 0.0) ** 1.5 for slot in (first, end)]
        total = ((end - first + 1) * 0.5 * (ends[0] + ends[1])).sum()
        exact = (np.maximum(last - np.arange(1, int(last) + 2), 0) ** 1.5).sum()
        assert exact <= total * (1 + 1e-12)
        assert total <= 1.01 * exact


@pytest.mark.parametrize("name", ["balanced", "scarce-edge"])
def test_whole_slots_are_above_the_closed_form(name):
    system = load_scenario(name)
    closed, whole = (backlog_bound(system, whole_slots=which) for which in (False, True))
    assert (closed.form, whole.form) == ("closed", "whole slots")
    assert 1.0 < whole.bound_cost / closed.bound_cost < 1.2


def test_edge_work_waits_a_slot_less_each_slot():
    system = replace(BALANCED, edge_capacity_hz=1e9)
    share = backlog_shares(system)[2]
    costs = _edge_costs(system, share)
    for s, k in ((0, 0), (3, 5), (7, 0), (2, -1)):
        left, cost = system.edge_cycles[s, k], 0.0
        while left > 1e-6:
            cost += share[s] * left
            left = max(left - 1e7, 0.0)
        assert costs[s, k] == pytest.approx(cost)


@pytest.mark.parametrize("seed", range(6))
def test_no_policy_costs_less(seed):
    system = small_system(seed)
    weight = 10.0 ** np.random.default_rng(seed).uniform(-3, 3)
    system = replace(
        system,
        energy_weight_local=system.energy_weight_local * weight,
        energy_weight_transmit=system.energy_weight_transmit * weight,
        learning=replace(system.learning, reward_energy_weight=100.0),
    )
    bound = backlog_bound(system)
    for name in ("middle", "all-local", "all-offload", "greedy"):
        result = simulate(system, make_policy(name, system), seed=seed, **RUN)
        energy = result.local_energy_j + result.transmit_energy_j
        costs = slot_costs(system, energy, result.queues).sum(axis=0)
        assert not surely_below(costs, bound.bound_cost), name


def test_the_bound_scales_with_the_weights_and_prices_a_scarce_edge():
    bound = backlog_bound(BALANCED)
    learning = BALANCED.learning
    twice = replace(learning, reward_energy_weight=2e3, reward_backlog_weight=2.0)
    assert backlog_bound(replace(BALANCED, learning=twice)).bound_cost == pytest.approx(2 * bound.bound_cost)
    assert bound.edge_price == 0.0
    scarce = backlog_bound(load_scenario("scarce-edge"))
    assert scarce.edge_price > 0.0
    assert scarce.bound_cost > 2 * bound.bound_cost
    free = replace(learning, reward_backlog_weight=0.0)
    assert backlog_bound(replace(BALANCED, learning=free)).bound_cost == 0.0


def test_what_has_no_bound_is_refused():
    free = replace(BALANCED.learning, reward_energy_weight=0.0)
    with pytest.raises(ProblemError, match=r"^\$\.learning\.reward_energy_weight"):
        backlog_bound(replace(BALANCED, learning=free))
    dead = replace(BALANCED.devices[0], cpu_capacity_hz=0.0, max_power_w=0.0)
    assert backlog_bound(replace(BALANCED, devices=(dead,))).bound_cost == math.inf
