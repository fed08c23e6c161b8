"""No simulated policy lies below LB3, and at light load a good one is near it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import energy_at_latency, waiting_bound
from lyaopt.bounds.holding_price import local_price, transmit_price
from lyaopt.bounds.task_costs import edge_costs, local_costs, transmit_costs
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import System
from lyaopt.policies import Fixed, make_policy
from lyaopt.simulation import Result, simulate
from tests.bounds.test_bounds import small_system

RUN = {"slots": 6000, "warmup": 2000, "replications": 12}
POLICIES = ("middle", "all-local", "all-offload", "greedy", "random")


def energies(result: Result) -> np.ndarray:
    """Mean energy of a slot (B,)."""
    return (result.local_energy_j + result.transmit_energy_j).sum(axis=0)


def waiting(result: Result, theta: np.ndarray, slots: int) -> np.ndarray:
    """Mean waiting cost of a slot by completed tasks (B,), below that of all tasks."""
    service = result.latencies.group % len(theta)
    replication = result.latencies.group // len(theta)
    cost = theta[service] * result.latencies.slots * result.latencies.tasks * result.slot_duration_s
    total = np.bincount(replication, cost, minlength=result.replications)
    return total / slots


def surely_below(values: np.ndarray, bound: float) -> bool:
    """Whether the mean over replications is below a bound, beyond 4 standard errors."""
    return float(values.mean() + 4 * values.std(ddof=1) / np.sqrt(values.size)) < bound


def run(system: System, name: str, seed: int) -> Result:
    return simulate(system, make_policy(name, system), seed=seed, **RUN)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("fading", ["rayleigh", "none"])
def test_no_policy_is_below_the_bound(seed, fading):
    """Random systems and waiting costs by service, at several weights of energy."""
    system = small_system(seed, fading)
    rng = np.random.default_rng(seed)
    weight = 10.0 ** rng.uniform(-3, 3)
    system = replace(
        system,
        energy_weight_local=system.energy_weight_local * weight,
        energy_weight_transmit=system.energy_weight_transmit * weight,
    )
    theta = 10.0 ** rng.uniform(-3, 0, len(system.services))
    bound = waiting_bound(system, theta)
    for name in POLICIES:
        result = run(system, name, seed)
        total = energies(result) + waiting(result, theta, RUN["slots"])
        if result.queued < 0.1 * result.born:  # others only grow
            assert not surely_below(total, bound.bound_j), name


@pytest.mark.parametrize("name", ["balanced", "scarce-edge", "bursty"])
def test_no_policy_spends_less_at_its_latency(name):
    system = load_scenario(name)
    for policy in ("middle", "all-local"):
        result = run(system, policy, 3)
        bound = energy_at_latency(system, result.mean_latency_s * 1.02, whole_slots=False)
        assert not surely_below(energies(result), bound.bound_energy_j), policy


class Prices:
    """Constant weights, the prices of work: a task alone is served at the speed of the bound."""

    name = "prices"

    def __init__(self, local: np.ndarray, transmit: np.ndarray) -> None:
        self.weights = local[:, None], transmit[:, None], np.ones((len(local), 1))

    def __call__(self, seen):
        return self.weights


@pytest.mark.parametrize("theta", [0.01, 1.0, 100.0])
def test_a_policy_of_prices_is_near_the_bound_at_light_load(theta):
    """At a tenth of the load tasks are alone: each pays its V, and little more.

    Compared are sums over the tasks that arrived, service by service, which varies far less than the cost.
    """
    system = load_scenario("balanced")
    quiet = [
        replace(d, services=tuple(replace(s, arrival_rate_per_s=0.02) for s in d.services))
        for d in system.devices
    ]
    system = replace(system, devices=quiet, energy_weight_local=1.0, energy_weight_transmit=1.0)
    cuts = waiting_bound(system, theta).cuts
    device, held, costs = system.device_of_service, np.full(4, theta), np.full(8, theta)
    rule = Prices(local_price(system, held)[device], transmit_price(system, held)[device])
    result = simulate(system, Fixed(cuts), slots=20_000, warmup=1000, replications=64, rule=rule)
    alone = sum(stage(system, costs, True) for stage in (local_costs, transmit_costs, edge_costs))
    tasks = np.bincount(result.latencies.group, result.latencies.tasks, minlength=8 * 64).reshape(64, 8)
    expected = tasks @ alone[np.arange(8), cuts] / 20_000
    over = (energies(result) + waiting(result, costs, 20_000) - expected) / expected.mean()
    assert not surely_below(over, 0.0)
    assert over.mean() < 0.03
