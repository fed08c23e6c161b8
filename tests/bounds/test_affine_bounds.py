"""Bounds of devices that draw idle power and whose radios are affine in the rate and stay awake."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import lyaopt
from lyaopt.bounds import (
    best_waiting_bound,
    energy_at_latency,
    energy_bound,
    frontier,
    queueing_bound,
    waiting_bound,
)
from lyaopt.bounds.backlog import backlog_bound
from lyaopt.bounds.queueing import Accuracy
from lyaopt.evaluation import Evaluation, evaluate, trace_bound_j
from lyaopt.evaluation.over_bound import over_bound
from lyaopt.model.cpus import load_cpu
from lyaopt.model.system import Device, MeasuredRadio, Service, System
from lyaopt.policies import Fixed
from lyaopt.simulation.costs import slot_costs

SERVICES = (Service("alexnet", 1.0), Service("mobilenetv2", 2.0))
AFFINE = MeasuredRadio(12e6, 0.3, slope_w_per_mbps=0.05, idle_power_w=0.02, tail_s=0.05, tail_power_w=0.2)
PLAIN = MeasuredRadio(12e6, 0.3 + 12 * 0.05)
POINTS = load_cpu("rk3588_a55").points
IDLE_W = 2 * 0.02 + 0.5


def systems():
    """With idle power, tails and slopes; and the same radios by their power at full rate alone."""
    ours = (
        Device(200.0, SERVICES, cpu_points=POINTS, radio=AFFINE, idle_power_w=0.5),
        Device(180.0, SERVICES, cpu_capacity_hz=2e8, radio=AFFINE),
    )
    plain = tuple(replace(device, radio=PLAIN, idle_power_w=0.0) for device in ours)
    weights = {"energy_weight_transmit": 1e4, "energy_weight_local": 1e13, "waiting_cost_j_per_s": 0.2}
    return System(ours, **weights), System(plain, **weights)


def test_bounds_add_idle_power_and_count_tails_as_nothing():
    ours, plain = systems()
    idle = 0.01 * IDLE_W
    assert ours.idle_energy_j == pytest.approx(idle)
    for bound in (
        lambda system: energy_bound(system).energy_j,
        lambda system: waiting_bound(system).bound_j,
        lambda system: waiting_bound(system, whole_slots=False).bound_j,
        lambda system: energy_at_latency(system, 0.3).bound_energy_j,
        lambda system: float(frontier(system, [0.1, 1.0]).energy_at(0.2)),
        lambda system: best_waiting_bound(system).bound_j,  # LB3, as radios are measured
    ):
        assert bound(plain) > 0.0
        assert bound(ours) - idle == pytest.approx(bound(plain), rel=1e-9)
    found = energy_bound(ours)
    assert found.power_w == pytest.approx(found.energy_j / 0.01)
    assert found.idle_power_w == pytest.approx(IDLE_W)
    assert backlog_bound(ours).bound_cost == pytest.approx(backlog_bound(plain).bound_cost, rel=1e-9)


def test_the_bound_that_knows_queueing_adds_idle_power():
    device = Device(200.0, (Service("mobilenetv2", 5.0),))
    plain = System((device,), waiting_cost_j_per_s=0.01)
    ours = replace(plain, devices=(replace(device, idle_power_w=0.3),))
    quick = Accuracy(price_steps=4, passes=0)
    ours_j, plain_j = (queueing_bound(system, accuracy=quick).bound_j for system in (ours, plain))
    assert ours_j == pytest.approx(plain_j + 0.003, rel=1e-12)


@pytest.mark.parametrize("traced", [False, True])
def test_runs_pay_at_least_the_bounds(traced):
    system, _ = systems()
    trace = None
    if traced:  # lower rates make nothing cheaper: a bit costs active power for longer
        rng = np.random.default_rng(1)
        arrivals = rng.poisson(0.01 * system.arrival_rate_per_s, (20_000, 4))
        trace = lyaopt.Trace(arrivals, rng.uniform(0.2, 1.0, (20_000, 2)), None)
    sends = Fixed(np.zeros(4, np.int64))
    for policy in (sends, lyaopt.make_policy("price", system)):
        result = lyaopt.simulate(system, policy, slots=20_000, trace=trace, seed=2)
        assert result.mean_idle_energy_j == pytest.approx(0.01 * IDLE_W)
        assert result.mean_energy_j > energy_bound(system).energy_j
        waiting = result.waiting_cost_j(system.waiting_costs_j_per_s)
        assert result.mean_energy_j + waiting > waiting_bound(system).bound_j
        assert (result.mean_tail_energy_j > 0.0) or policy is not sends


def test_ratios_compare_the_same_energies():
    system, plain = systems()
    policy = Fixed(np.zeros(4, np.int64))
    result = lyaopt.simulate(system, policy, slots=4000, replications=3, seed=2)
    theta = system.waiting_costs_j_per_s
    kinds = result.local_energy_j, result.transmit_energy_j, result.tail_energy_j, result.idle_energy_j
    total = sum(energy.sum(axis=0) for energy in kinds).mean() + result.waiting_cost_j(theta)
    bound = 0.01 * IDLE_W + waiting_bound(plain).bound_j
    assert over_bound(system, result, theta).value == pytest.approx(total / bound, rel=1e-9)


def test_an_evaluation_states_each_kind_of_energy():
    system, _ = systems()
    policies = [lyaopt.make_policy(name, system) for name in ("all-offload", "middle")]
    found: Evaluation = evaluate(system, policies, slots=2000, warmup=100, replications=4)
    for score, shown in zip(found.scores, found.to_dict()["policies"], strict=True):
        kinds = ("local", "transmit", "tail", "idle")
        parts = [getattr(score, f"{kind}_energy_j") for kind in kinds]
        np.testing.assert_allclose(score.energy_j, np.sum(parts, axis=0), rtol=1e-12)
        assert shown["idle_energy_j"]["value"] == pytest.approx(0.01 * IDLE_W)
        assert shown["tail_energy_j"]["value"] > 0.0
        active = score.result.energy_j - score.result.idle_energy_j
        cost = slot_costs(system, active, score.result.queues).sum(axis=0)
        np.testing.assert_allclose(score.cost, cost, rtol=1e-9)
    assert found.bound_energy_j == pytest.approx(energy_bound(system).energy_j)
    assert found.bound_energy_j > 0.01 * IDLE_W


def test_the_bound_of_a_trace_adds_idle_power():
    plain = System((Device(200.0, SERVICES),))
    system = replace(plain, devices=(replace(plain.devices[0], idle_power_w=0.5),))
    rng = np.random.default_rng(3)
    gain = plain.mean_channel_gain() * rng.exponential(size=(3000, 1))
    trace = lyaopt.Trace(rng.poisson(0.01, (3000, 2)), gain, None)
    policy = Fixed(np.zeros(2, np.int64))
    ours, theirs = (lyaopt.simulate(s, policy, slots=3000, trace=trace) for s in (system, plain))
    bound = trace_bound_j(system, ours, trace)
    assert bound == pytest.approx(trace_bound_j(plain, theirs, trace) + 0.005, rel=1e-12)
    assert ours.mean_energy_j >= bound
