"""Which bounds hold for which laws of arrivals and sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import (
    backlog_bound,
    best_energy_at_latency,
    best_waiting_bound,
    energy_at_latency,
    energy_bound,
    queueing_bound,
    waiting_bound,
)
from lyaopt.bounds.assumptions import why_not_lb4
from lyaopt.bounds.queueing.accuracy import Accuracy
from lyaopt.bounds.queueing.arrivals import arrival_states
from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import Arrivals, Channel, Device, MeasuredRadio, Service, System, TaskSize
from lyaopt.policies import make_policy
from lyaopt.simulation import simulate

THETA = 0.01
COARSE = Accuracy(chain_steps=3, fading_nodes=8, finest=0.5, growth=1.4, price_steps=0, passes=8)
SIZE = TaskSize(0.8)
OWN = ({"kind": "periodic"}, {"kind": "batches", "batch_size": 3})
NAMES = ("periodic arrivals", "arrivals in batches")


def small(*services: Service, **settings) -> System:
    return System((Device(180.0, services),), **settings)


def service(rate: float = 0.2, **settings) -> Service:
    return Service("alexnet", arrival_rate_per_s=rate, **settings)


def sized(system: System, size: TaskSize | None = SIZE) -> System:
    devices = tuple(
        replace(device, services=tuple(replace(each, task_size=size) for each in device.services))
        for device in system.devices
    )
    return replace(system, devices=devices)


@pytest.mark.parametrize(("law", "name"), list(zip(OWN, NAMES, strict=True)))
def test_bounds_by_mean_rates_hold_for_all_arrivals_and_lb4_does_not(law, name):
    system, plain = small(service(), service(arrivals=law)), small(service(), service())
    assert energy_bound(system).energy_j == energy_bound(plain).energy_j
    assert waiting_bound(system, THETA).bound_j == waiting_bound(plain, THETA).bound_j
    assert energy_at_latency(system, 0.3) == energy_at_latency(plain, 0.3)
    assert backlog_bound(system).bound_cost == backlog_bound(plain).bound_cost
    place = "$.devices[0].services[1].arrivals.kind"
    with pytest.raises(ProblemError) as caught:
        queueing_bound(system, THETA)
    assert (caught.value.path, caught.value.reason) == (place, f"LB4 does not hold for {name}")
    assert why_not_lb4(system) == f"{place}: LB4 does not hold for {name}"
    assert best_waiting_bound(system, THETA).method == "lb3"
    assert best_energy_at_latency(system, 0.3).method in ("lb1", "lb3")
    assert why_not_lb4(plain) is None


def test_lb4_of_on_and_off_is_that_of_bursts_with_the_same_numbers():
    bursts = Arrivals(busy_rate_factor=3.0, busy_share=0.25, busy_duration_s=2.0)
    off = 0.2 * bursts.quiet_rate_factor
    law = {"kind": "on-off", "on_duration_s": 2.0, "off_duration_s": 6.0, "off_rate_per_s": off}
    own, of_all = (
        small(service(arrivals=law), service(arrivals=law)),
        small(service(), service(), arrivals=bursts),
    )
    expected, found = arrival_states(of_all, 0), arrival_states(own, 0)
    np.testing.assert_allclose(found.matrix, expected.matrix, rtol=1e-12)
    np.testing.assert_allclose(found.tasks, expected.tasks, rtol=1e-12)
    bounds = [queueing_bound(system, THETA, accuracy=COARSE).bound_j for system in (own, of_all)]
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-9)


def test_the_states_of_a_device_are_those_of_the_services_that_switch():
    law = {"kind": "on-off", "on_duration_s": 1.0, "off_duration_s": 3.0}
    states = arrival_states(small(service(), service(1.0, arrivals=law), service(0.3)), 0)
    np.testing.assert_allclose(states.tasks, 0.01 * np.array([[0.2, 0.2], [0.0, 4.0], [0.3, 0.3]]))
    assert states.matrix.shape == (2, 2)
    both = arrival_states(small(service(1.0, arrivals=law), service(), service(2.0, arrivals=law)), 0)
    np.testing.assert_allclose(both.tasks[0], [0.0, 0.0, 0.04, 0.04])
    np.testing.assert_allclose(both.tasks[2], [0.0, 0.08, 0.0, 0.08])
    np.testing.assert_allclose(both.matrix.sum(axis=1), 1.0)
    stationary = np.linalg.matrix_power(both.matrix, 1 << 20)[0]
    np.testing.assert_allclose(both.tasks @ stationary, [0.01, 0.002, 0.02], rtol=1e-6)


def test_bounds_that_are_not_linear_in_the_work_refuse_sizes():
    system, place = small(service(), service(task_size=SIZE)), "$.devices[0].services[1].task_size"
    for bound in (lambda: queueing_bound(system, THETA), lambda: backlog_bound(system)):
        with pytest.raises(ProblemError, match="does not hold for tasks of varying size") as caught:
            bound()
        assert caught.value.path == place
    assert best_waiting_bound(system, THETA).method == "lb3"


@pytest.mark.parametrize("radio", [None, MeasuredRadio(2e6, 0.5)])
@pytest.mark.parametrize("channel", [Channel(), Channel(fading="none"), Channel(fading_correlation=0.9)])
def test_lb3_of_sizes_is_the_closed_form_of_the_mean(channel, radio):
    plain = System((Device(180.0, (service(), service(1.0)), radio=radio),), channel=channel)
    found = waiting_bound(sized(plain), THETA)
    expected = waiting_bound(plain, THETA, whole_slots=False)
    if channel.fading_correlation == 0.0 or radio is None:
        assert found.bound_j == pytest.approx(expected.bound_j, rel=1e-12)
    assert found.bound_j <= waiting_bound(plain, THETA).bound_j * (1.0 + 1e-12)
    assert found.form in ("closed", "stationary")
    assert energy_bound(sized(plain)).energy_j == energy_bound(plain).energy_j


@pytest.mark.parametrize("fading", ["rayleigh", "none"])
def test_under_shadowing_sizes_have_one_price_for_all_states(fading):
    plain = small(service(), channel=Channel(fading=fading, shadowing_std_db=6.0))
    found = waiting_bound(sized(plain), THETA)
    assert found.form == "stationary"
    assert 0.0 < found.bound_j <= waiting_bound(plain, THETA).bound_j


@pytest.mark.parametrize(
    ("law", "size", "channel"),
    [
        ({"kind": "periodic", "jitter_s": 0.02}, None, Channel()),
        ({"kind": "periodic"}, TaskSize(0.5, "uniform"), Channel()),
        ({"kind": "batches", "batch_size": 4, "batch_law": "geometric"}, None, Channel()),
        ({"kind": "on-off", "on_duration_s": 0.5, "off_duration_s": 1.0}, TaskSize(0.5), Channel()),
        ("poisson", TaskSize(1.5), Channel()),
        ("poisson", TaskSize(1.5), Channel(shadowing_std_db=4.0, shadowing_sojourn_s=0.5)),
    ],
)
def test_no_policy_is_below_the_bounds(law, size, channel):
    system = sized(small(service(3.0, arrivals=law), service(1.0, arrivals=law), channel=channel), size)
    policy = make_policy("price", system, waiting_cost_j_per_s=THETA)
    run = simulate(system, policy, slots=8000, warmup=2000, replications=32, seed=3)
    energy = (run.local_energy_j + run.transmit_energy_j).sum(axis=0)
    cost = energy + THETA * system.slot_duration_s * run.mean_tasks.sum(axis=0)
    error = cost.std() / np.sqrt(cost.size)
    assert cost.mean() > waiting_bound(system, THETA).bound_j - 4.0 * error
    latency = float(run.mean_tasks.sum(axis=0).mean() / system.arrival_rate_per_s.sum())
    assert energy.mean() > energy_at_latency(system, latency).bound_energy_j - 4.0 * energy.std() / np.sqrt(
        32
    )


def test_the_default_scenario_needs_no_excuse():
    assert why_not_lb4(load_scenario("bursty")) is None
