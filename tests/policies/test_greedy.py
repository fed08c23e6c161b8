"""Greedy: minimises its documented model, uses the speed of the slot solver, and is stable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt import SlotProblem, solve_slot
from lyaopt.model.cpus import load_cpu
from lyaopt.model.scenarios import list_scenarios, load_scenario
from lyaopt.model.system import Channel, Device, MeasuredRadio, Service, System
from lyaopt.policies import Greedy, all_offload, drift_plus_penalty
from lyaopt.policies.greedy import likely_gain, queue_weights
from lyaopt.simulation import simulate
from tests.policies.small import pair, random_backlog, seen

INSTANT = 1e-7
"""A slot so short that no backlog is emptied: energy or capacity limits the speed."""


def energy_of(system, device, gain, cycles, bits):
    """U E of each cycle and of each bit, at the speed of the slot solver for a backlog."""
    problem = SlotProblem(
        slot_duration_s=INSTANT,
        energy_coefficient=system.energy_coefficient,
        energy_weight_local=system.energy_weight_local,
        energy_weight_transmit=system.energy_weight_transmit,
        edge_capacity_hz=system.edge_capacity_hz,
        cpu_capacity_hz=system.cpu_capacity_hz[[device]],
        max_power_w=system.max_power_w[[device]],
        channel_gain=np.array([gain]),
        bandwidth_hz=system.device_bandwidth_hz[[device]],
        local_queue_cycles=np.array([[cycles]]),
        transmit_queue_bits=np.array([[bits]]),
        edge_queue_cycles=np.zeros((1, 1)),
        noise_psd_dbm_per_hz=system.noise_psd_dbm_per_hz,
    )
    solution = solve_slot(problem)
    pace, rate = solution.cpu_hz[0], solution.rate_bps[0, 0]
    local = system.energy_weight_local * system.energy_coefficient * pace**2
    return local, system.energy_weight_transmit * solution.power_w[0] / rate if rate > 0.0 else 0.0


def model_cost(system, weights, s, k, backlog, gain):
    """J(k) of one service, as the docstring defines it."""
    device = int(system.device_of_service[s])
    work = [table[s, k] for table in (system.local_cycles, system.transmit_bits, system.edge_cycles)]
    waiting = [queue + amount / 2 for queue, amount in zip(backlog, work, strict=True)]
    cycle, bit = energy_of(system, device, gain[device], waiting[0], waiting[1])
    energies = (work[0] * cycle, work[1] * bit, 0.0)
    terms = zip(weights, backlog, work, energies, strict=True)
    return sum(weight * (queue * amount + amount**2 / 2 + energy) for weight, queue, amount, energy in terms)


@pytest.mark.parametrize("name", ["paper", "balanced", "scarce-edge", "shadowing"])
@pytest.mark.parametrize("weights", [None, (1.0, 1.0, 1.0), (1e-17, 3e-13, 1e-18)])
def test_cuts_are_the_least_of_the_model_by_brute_force(name, weights):
    system = load_scenario(name)
    systems = 4
    backlog = random_backlog(system, systems)
    last = system.mean_channel_gain()[:, None] * np.random.default_rng(1).exponential(size=(4, systems))
    gain = likely_gain(system, last)
    points = Greedy(weights).decide(seen(system, backlog, last)).points
    for s, cuts in enumerate(system.cut_counts):
        for b in range(systems):
            costs = [
                model_cost(system, weights or queue_weights(system), s, k, backlog[:, s, b], gain[:, b])
                for k in range(cuts)
            ]
            assert points[s, b] < cuts
            assert costs[points[s, b]] <= min(costs) * (1.0 + 1e-9)
            table = drift_plus_penalty(system, backlog, gain, weights)[:cuts, s, b]
            np.testing.assert_allclose(table, costs, rtol=1e-9)


def test_weights_of_all_stages_together_change_nothing():
    system = load_scenario("default")
    observation = seen(system, random_backlog(system, 20))
    doubled = tuple(2.0 * weight for weight in queue_weights(system))
    np.testing.assert_array_equal(
        Greedy().decide(observation).points, Greedy(doubled).decide(observation).points
    )


def test_full_queues_are_avoided():
    system = load_scenario("default")
    services = len(system.services)
    tasks = np.stack([system.local_cycles[:, -1], system.transmit_bits[:, 0], system.edge_cycles[:, 0]])
    full = [np.where(np.arange(3) == stage, 1e4, 0.0)[:, None] * tasks for stage in range(3)]
    points = Greedy().decide(seen(system, np.stack(full, axis=-1))).points
    least_bits = [
        np.flatnonzero(system.transmit_bits[s, :n] == 0.0)[0] for s, n in enumerate(system.cut_counts)
    ]
    np.testing.assert_array_equal(system.local_cycles[np.arange(services), points[:, 0]], 0.0)
    np.testing.assert_array_equal(points[:, 1], least_bits)
    np.testing.assert_array_equal(system.edge_cycles[np.arange(services), points[:, 2]], 0.0)


def test_the_best_of_the_cuts_that_are_not_excluded_is_taken():
    free = load_scenario("default")
    system = replace(free, learning=replace(free.learning, exclude_cut_zero=True))
    backlog = random_backlog(system, 50)
    gain = likely_gain(system, np.ones((4, 50)))
    costs = drift_plus_penalty(system, backlog, gain)
    points = Greedy().decide(seen(system, backlog)).points
    assert points.min() == 1
    np.testing.assert_array_equal(
        np.take_along_axis(costs, points[None], 0)[0], np.where(points > 0, costs[1:].min(axis=0), np.nan)
    )
    assert (Greedy().decide(seen(free, backlog)).points == 0).any()


@pytest.mark.parametrize(
    "settings",
    [
        {"energy_weight_local": 0.0},
        {"energy_weight_transmit": 0.0},
        {"energy_coefficient": 0.0},
        {"edge_capacity_hz": 0.0},
        {"energy_weight_local": 0.0, "energy_weight_transmit": 0.0, "edge_capacity_hz": 0.0},
    ],
)
def test_zeros_give_finite_costs_and_legal_points(settings):
    system = pair(**settings)
    backlog = random_backlog(system, 6)
    gain = np.array([[0.0, 1e-300, 1e-12, 1e-9, 1.0, 1e9]])
    assert not np.isnan(drift_plus_penalty(system, backlog, gain)).any()
    points = Greedy().decide(seen(system, backlog, gain)).points
    assert ((points >= 0) & (points < system.cut_counts[:, None])).all()


def test_stages_without_capacity_get_no_work():
    system = pair(edge_capacity_hz=0.0)
    backlog = np.zeros((3, 2, 1))
    assert (Greedy().decide(seen(system, backlog)).points == 2).all()
    system = pair()
    deaf = (
        Greedy()
        .decide(
            seen(
                replace(system, channel=Channel(fading="none", shadowing_std_db=8.0)),
                backlog,
                np.zeros((1, 1)),
            )
        )
        .points
    )
    assert (deaf == 2).all()
    slow = replace(system, devices=(replace(system.devices[0], cpu_capacity_hz=0.0),))
    assert (Greedy().decide(seen(slow, backlog)).points == 0).all()


def test_gains_without_fading_are_used():
    system = replace(pair(), channel=Channel(fading="none", shadowing_std_db=8.0))
    np.testing.assert_allclose(likely_gain(system, np.array([[3e-12, 5e-11]])), [[3e-12, 5e-11]])


def test_independent_fading_is_ignored():
    gains = likely_gain(pair(), np.array([[0.0, 1e-15, 1e-9]]))
    draws = np.log(np.random.default_rng(0).exponential(size=200_000))
    expected = np.log(pair().mean_channel_gain()) + draws.mean()
    np.testing.assert_allclose(np.log(gains), np.repeat(expected[:, None], 3, axis=1), atol=0.02)


@pytest.mark.parametrize("walk", [0.0, 10.0])
def test_the_estimate_of_a_slow_gain_is_the_best_linear_one(walk):
    system = replace(pair(), channel=Channel(shadowing_std_db=8.0, walk_m_per_sqrt_s=walk))
    rng = np.random.default_rng(2)
    distance = rng.uniform(150.0, 250.0, 100_000) if walk else 200.0
    slow = np.log(system.channel.mean_gain(distance) * 10.0 ** (0.8 * rng.standard_normal(100_000)))
    fading = np.log(rng.exponential(size=100_000))
    slope, offset = np.polyfit(slow + fading, slow + fading.mean(), 1)
    guess = np.log(likely_gain(system, np.exp(slow + fading)[None]))[0]
    np.testing.assert_allclose(guess, slope * (slow + fading) + offset, atol=0.2)


def test_greedy_keeps_a_scarce_edge_stable_where_offloading_does_not():
    system = load_scenario("scarce-edge")
    runs = {}
    for policy in (Greedy(), all_offload(system)):
        halves = [
            simulate(system, policy, slots=slots, replications=8, seed=4).queued for slots in (5000, 10_000)
        ]
        runs[policy.name] = halves
    assert runs["all-offload"][1] > 1.5 * runs["all-offload"][0] > 0
    assert runs["greedy"][1] < 8 * len(system.services)


@pytest.mark.parametrize("name", list_scenarios())
def test_greedy_keeps_shipped_scenarios_stable(name):
    system = load_scenario(name)
    result = simulate(system, Greedy(), slots=4000, replications=8, seed=4)
    # at most one task of each service on average, or those of a second where they come faster
    assert result.queued < 8 * np.maximum(system.arrival_rate_per_s, 1.0).sum()
    assert result.completed > 0.9 * result.born


def test_tables_cost_what_the_slot_solver_takes_at_a_backlog():
    """In a slot so short that only energy limits the speed; at or above what the first segment costs."""
    services = (Service("alexnet"), Service("mobilenetv2"))
    radio = MeasuredRadio(12e6, 0.8)
    device = Device(200.0, services, cpu_points=load_cpu("rk3588_a76").points, radio=radio)
    system = System((device,), energy_weight_local=1e16, energy_weight_transmit=1e13)
    for queue in (2.1e6, 4e6, 5e6, 1e8):
        backlog = np.zeros((3, 2, 1))
        backlog[:2] = [[[queue]], [[1e8]]]
        table = drift_plus_penalty(system, backlog, np.ones((1, 1)), (1.0, 1.0, 1.0))
        for s, cuts in enumerate(system.cut_counts):
            for k in range(cuts):
                work = [t[s, k] for t in (system.local_cycles, system.transmit_bits, system.edge_cycles)]
                waiting = queue + work[0] / 2
                slot = SlotProblem(
                    slot_duration_s=INSTANT,
                    energy_coefficient=0.0,
                    energy_weight_local=system.energy_weight_local,
                    energy_weight_transmit=system.energy_weight_transmit,
                    edge_capacity_hz=1.0,
                    cpu_capacity_hz=system.cpu_capacity_hz,
                    max_power_w=[0.0],
                    channel_gain=[0.0],
                    bandwidth_hz=[1.0],
                    local_queue_cycles=[[waiting]],
                    transmit_queue_bits=[[1e9]],
                    edge_queue_cycles=[[0.0]],
                    cpu_points=system.cpu_points,
                    radio=((radio.rate_bps, radio.power_w),),
                )
                found = solve_slot(slot)
                cycle = found.local_energy_j[0] / (found.cpu_hz[0] * INSTANT)
                bit = found.transmit_energy_j[0] / (found.rate_bps[0, 0] * INSTANT)
                energy = 1e16 * work[0] * cycle + 1e13 * work[1] * bit
                drift = sum(q * w + w**2 / 2 for q, w in zip(backlog[:, s, 0], work, strict=True))
                assert table[k, s, 0] == pytest.approx(drift + energy, rel=1e-9)
