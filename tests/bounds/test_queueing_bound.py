"""LB4 against the best policy of one service, against LB3 and against policies."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import queueing_bound, waiting_bound
from lyaopt.bounds.queueing.arrivals import arrival_states
from lyaopt.bounds.queueing.queueing_bound import Accuracy
from lyaopt.errors import ProblemError
from lyaopt.model.profiles import Cut, Profile
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import Arrivals, Channel, Device, Service, System
from lyaopt.policies import make_policy
from lyaopt.simulation import simulate
from tests.bounds.single_service import least_cost

TAU = 0.01
QUICK = Accuracy(chain_steps=5, fading_nodes=8, finest=0.5, growth=1.3, price_steps=8, passes=4)
STEADY = Arrivals()
BURSTS = Arrivals(busy_rate_factor=4.0, busy_share=0.2, busy_duration_s=5.0)


def one_service(machine: str, rate: float, fading: str = "none", arrivals: Arrivals = STEADY) -> System:
    """One service that can only compute on its device, or only send."""
    macs, bits = (3e8, 1e6) if machine == "cpu" else (1e8, 1.5e5)
    cuts = Cut("in", 0, int(bits)), Cut("out", int(macs), 0)
    profile = Profile("net", "made up", int(bits), int(macs), 8, cuts)
    hertz, watts = (1.5e9, 0.0) if machine == "cpu" else (0.0, 0.3)
    device = Device(200.0, (Service(profile, rate),), hertz, watts)
    channel = Channel(fading=fading)
    return System((device,), channel=channel, bandwidth_hz=250e3, arrivals=arrivals)


def cpu_energy(system: System, theta: float, pieces: int) -> np.ndarray:
    piece = system.local_cycles[0, -1] / pieces
    most = int(system.cpu_capacity_hz[0] * TAU / piece)
    speed = np.arange(most + 1) * piece / TAU
    return (system.energy_coefficient * speed**3 / theta)[None, :]


def radio_energy(system: System, theta: float, pieces: int, gains: np.ndarray) -> np.ndarray:
    noise = system.device_bandwidth_hz[0] * system.noise_w_per_hz / system.mean_channel_gain()[0]
    piece = system.transmit_bits[0, 0] / pieces
    nats = np.arange(2 * pieces) * piece / TAU / system.device_bandwidth_hz[0] * math.log(2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(nats > 0.0, noise / gains[:, None] * np.expm1(np.minimum(nats, 50.0)), 0.0)
    return np.where(power <= system.max_power_w[0], power / theta, np.inf)


def exact_cost(system: System, theta: float, machine: str) -> float:
    """Cost per slot, in J, of the best policy that serves whole pieces, and takes gains for lower ones."""
    states = arrival_states(system, 0)
    if machine == "cpu":
        pieces, gains = 30, np.ones(1)
        energy, at_edge = cpu_energy(system, theta, pieces), 0.0
    else:
        pieces = 60
        gains = np.abs(np.log1p(-np.arange(60) / 60)) if system.channel.fading == "rayleigh" else np.ones(1)
        energy, at_edge = radio_energy(system, theta, pieces, gains), 1.0
    share = np.full(len(gains), 1.0 / len(gains))
    found = least_cost(energy, share, pieces, 8, states.tasks[0], states.matrix)
    return (found + at_edge * system.arrival_rate_per_s[0] * TAU) * theta * TAU


# --- the best policy of one service


@pytest.mark.parametrize(
    ("machine", "fading", "rate", "theta"),
    [
        ("cpu", "none", 0.2, 0.01),
        ("cpu", "none", 2.0, 0.01),
        ("cpu", "none", 4.0, 0.1),
        ("radio", "none", 2.0, 0.01),
        ("radio", "none", 8.0, 0.1),
        ("radio", "rayleigh", 4.0, 0.01),
    ],
)
def test_the_bound_is_just_below_the_best_policy(machine, fading, rate, theta):
    system = one_service(machine, rate, fading)
    best = exact_cost(system, theta, machine)
    found = queueing_bound(system, theta)
    alone = waiting_bound(system, theta)
    assert 0.9 * best <= found.bound_j <= best
    assert found.bound_j >= alone.bound_j * (1 - 1e-3)
    # What the bound of a task alone misses, this one mostly sees.
    if rate > 1.0:
        assert best - found.bound_j < 0.6 * (best - alone.bound_j)


def test_bursts_raise_the_bound():
    steady, bursty = one_service("cpu", 2.0), one_service("cpu", 2.0, arrivals=BURSTS)
    best = exact_cost(bursty, 0.01, "cpu")
    found = queueing_bound(bursty, 0.01)
    assert queueing_bound(steady, 0.01).bound_j * 1.02 < found.bound_j
    assert 0.9 * best <= found.bound_j <= best


# --- LB3


@pytest.mark.parametrize("name", ["balanced", "scarce-edge"])
def test_no_device_is_below_its_tasks_alone(name):
    system = load_scenario(name)
    found, alone = queueing_bound(system, 0.01, accuracy=QUICK), waiting_bound(system, 0.01)
    assert (found.device_bound_j >= found.device_alone_j).all()
    assert found.bound_j >= alone.bound_j * (1 - 1e-6)
    earned = found.edge_price * system.edge_capacity_hz * system.slot_duration_s
    assert found.bound_j == pytest.approx(found.device_bound_j.sum() - earned, rel=1e-12)


def busier(system: System, factor: float) -> System:
    def service(old: Service) -> Service:
        return replace(old, arrival_rate_per_s=factor * old.arrival_rate_per_s)

    devices = (replace(d, services=tuple(map(service, d.services))) for d in system.devices)
    return replace(system, devices=tuple(devices))


def test_it_grows_faster_than_the_load():
    balanced = load_scenario("balanced")
    low, high = (queueing_bound(busier(balanced, load), 0.01, accuracy=QUICK).bound_j for load in (1.0, 4.0))
    assert high > 4.2 * low


@pytest.mark.slow
@pytest.mark.parametrize(("load", "least"), [(1.0, 1.02), (2.0, 1.055), (4.0, 1.16)])
def test_it_is_well_above_the_closed_form(load, least):
    system = busier(load_scenario("balanced"), load)
    closed = waiting_bound(system, 0.01, whole_slots=False).bound_j
    assert queueing_bound(system, 0.01).bound_j >= least * closed


@pytest.mark.slow
@pytest.mark.parametrize(("theta", "least"), [(0.1, 1.25), (0.01, 1.44)])
def test_it_is_far_above_the_closed_form_at_frame_rate(theta, least):
    """Light networks, 20 tasks a second each."""
    names = "hand_landmark", "face_landmark", "iris_landmark", "palm_detection"
    places = load_scenario("balanced").distance_m
    system = System(tuple(Device(d, (Service(name, 20.0),)) for d, name in zip(places, names, strict=True)))
    closed = waiting_bound(system, theta, whole_slots=False).bound_j
    assert queueing_bound(system, theta).bound_j >= least * closed


# --- policies


@pytest.mark.parametrize("name", ["balanced", "bursty", "scarce-edge"])
def test_no_policy_is_below(name):
    system, theta = load_scenario(name), 0.05
    found = queueing_bound(system, theta, accuracy=QUICK).bound_j
    for policy in ("middle", "all-local", "greedy"):
        run = simulate(
            system, make_policy(policy, system), slots=20_000, warmup=2_000, replications=8, seed=3
        )
        energy = run.mean_local_energy_j + run.mean_transmit_energy_j
        # Little's law, without the tasks that are never done.
        waiting = theta * TAU * system.arrival_rate_per_s.sum() * run.mean_latency_s
        assert found < energy + waiting


# --- services that differ


def two_services(costs: tuple[float, float]) -> System:
    system = one_service("cpu", 1.0)
    one = system.devices[0].services[0]
    services = tuple(replace(one, waiting_cost_j_per_s=cost) for cost in costs)
    return replace(system, devices=(replace(system.devices[0], services=services),))


def test_each_service_has_its_waiting_cost():
    pairs = (0.01, 0.01), (0.01, 0.02), (0.02, 0.02)
    bounds = [queueing_bound(two_services(costs)).bound_j for costs in pairs]
    assert bounds[0] < bounds[1] < bounds[2]
    free = queueing_bound(two_services((0.01, 0.0)))
    assert 0.0 < free.bound_j < bounds[0]
    assert queueing_bound(two_services((0.01, 0.01)), 0.02).bound_j == bounds[2]


def test_what_cannot_be_done_costs_infinitely_much():
    system = one_service("cpu", 1.0)
    dead = replace(system, devices=(replace(system.devices[0], cpu_capacity_hz=0.0),))
    assert queueing_bound(dead, 0.01, edge_price=0.0).bound_j == math.inf
    idle = replace(dead, devices=(replace(dead.devices[0], services=(Service("alexnet", 0.0),)),))
    assert queueing_bound(idle, 0.01, edge_price=0.0).bound_j == 0.0


# --- arguments


@pytest.mark.parametrize("price", [None, 0.0])
def test_devices_that_move_are_refused(price):
    system = replace(load_scenario("balanced"), channel=Channel(walk_m_per_sqrt_s=1.0))
    with pytest.raises(ProblemError) as error:
        queueing_bound(system, 0.01, edge_price=price)
    assert error.value.path == "$.channel.walk_m_per_sqrt_s"


@pytest.mark.parametrize("theta", [0.0, -1.0, math.nan])
def test_waiting_must_cost(theta):
    with pytest.raises(ProblemError, match="waiting_cost_j_per_s"):
        queueing_bound(load_scenario("balanced"), theta)


def test_a_negative_edge_price_is_refused():
    with pytest.raises(ProblemError, match="edge_price"):
        queueing_bound(load_scenario("balanced"), 0.01, edge_price=-1.0)


def test_bursts_of_many_services_are_refused():
    system = one_service("cpu", 1.0, arrivals=BURSTS)
    device = system.devices[0]
    many = replace(system, devices=(replace(device, services=device.services * 5),))
    with pytest.raises(ProblemError) as error:
        queueing_bound(many, 0.01)
    assert error.value.path == "$.devices[0].services"


def test_progress_is_told_and_may_stop():
    system = one_service("cpu", 1.0)
    told = []
    queueing_bound(system, 0.01, accuracy=QUICK, progress=lambda *steps: told.append(steps))
    assert told == [(step, QUICK.price_steps) for step in range(QUICK.price_steps)]
    stopped = []

    def stop(*steps: int) -> bool:
        stopped.append(steps)
        return False

    found = queueing_bound(system, 0.01, accuracy=QUICK, progress=stop)
    assert len(stopped) == 1
    assert found.bound_j > 0.0
