"""LB4 of slow channels: its parts by brute force and simulated tasks, the bound against LB3 and policies."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import queueing_bound, waiting_bound
from lyaopt.bounds.queueing import Accuracy
from lyaopt.bounds.queueing.arrivals import arrival_states
from lyaopt.bounds.queueing.radio_table import nodes_of_bits, steady_price_table
from lyaopt.bounds.queueing.resources import local_resource, transmit_resource
from lyaopt.bounds.queueing.shadowed_proof import ShadowedCosts, largest_excess, shadowed_costs_of
from lyaopt.bounds.queueing.shadowed_radio import ShadowedRadio, shadowed_values
from lyaopt.bounds.queueing.slow_program import SlowProgram
from lyaopt.bounds.queueing.slow_tasks import slow_tasks
from lyaopt.bounds.shadowing import Shadowing
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import System
from lyaopt.policies import make_policy
from lyaopt.simulation import simulate
from tests.bounds.test_bounds import small_system
from tests.bounds.test_queueing_bound import BURSTS, one_service
from tests.bounds.test_shadowing_bound import correlated, shadowed
from tests.bounds.test_waiting_campaign import RUN, energies, surely_below, waiting

THETA, TAU = 0.01, 0.01
QUICK = Accuracy(chain_steps=4, fading_nodes=6, finest=0.5, growth=1.3, price_steps=8, passes=3)
CHANNELS = [(25.0, 10.0, "rayleigh"), (8.0, 3.0, "none"), (4.0, 0.2, "rayleigh")]


def radio_of(std_db: float, sojourn_s: float, fading: str, nodes: int = 8) -> ShadowedRadio:
    resource = transmit_resource(one_service("radio", 1.0, fading), 0, THETA, nodes)
    return ShadowedRadio(resource.machine, Shadowing.of(std_db, sojourn_s, TAU))


def solved(radio: ShadowedRadio, most: float = 40.0, hold: float = 1.0) -> ShadowedCosts:
    return shadowed_costs_of(radio, nodes_of_bits(np.array([most]), 3.0), hold, 5)


def value_at(radio: ShadowedRadio, costs: ShadowedCosts, z: np.ndarray, work: np.ndarray) -> np.ndarray:
    """U of states and works (any shape), 0 where there is no work."""
    node = radio.shadowing.node
    cell = np.clip(np.searchsorted(node, z) - 1, 0, len(node) - 2)
    share = np.clip((z - node[cell]) / (node[1] - node[0]), 0.0, 1.0)
    i = np.clip(np.searchsorted(costs.work, work) - 1, 0, len(costs.work) - 2)
    part = (work - costs.work[i]) / (costs.work[i + 1] - costs.work[i])
    table = costs.values
    lower = table[cell, i] * (1 - share) + table[cell + 1, i] * share
    upper = table[cell, i + 1] * (1 - share) + table[cell + 1, i + 1] * share
    return np.where(work > 0.0, lower * (1 - part) + upper * part, 0.0)


# --- a task that only sends


def least_cost(radio: ShadowedRadio, costs: ShadowedCosts, z: float, work: float) -> float:
    """Waiting for a slot and the cheapest of many steps, with the fading and the next state by quadrature."""
    shadowing, rayleigh = radio.shadowing, len(radio.median.share) > 1
    quantile = (np.arange(300) + 0.5) / 300
    gain = -np.log(quantile) if rayleigh else np.ones(1)
    unit = one_noise(radio) * np.exp(-shadowing.std * z)
    done = np.unique(np.r_[np.linspace(0.0, work, 300), np.maximum(work - costs.work, 0.0)])
    noise = np.linspace(-7, 7, 1501)
    density = np.exp(-0.5 * noise**2) / np.exp(-0.5 * noise**2).sum()
    after = shadowing.correlation * z + shadowing.noise * noise
    later = density @ value_at(radio, costs, after[:, None], (work - done)[None, :])
    power = unit / gain[:, None] * np.expm1(np.minimum(done, 500.0))
    allowed = power <= 0.3 / THETA
    return 1.0 + np.where(allowed, power + later, np.inf).min(axis=1).mean()


def one_noise(radio: ShadowedRadio) -> float:
    """Noise over the mean gain, in waiting costs."""
    system = one_service("radio", 1.0)
    return float(
        system.device_bandwidth_hz[0] * system.noise_w_per_hz / system.mean_channel_gain()[0] / THETA
    )


@pytest.mark.parametrize(("std_db", "sojourn_s", "fading"), CHANNELS)
def test_certified_costs_are_below_every_step(std_db, sojourn_s, fading):
    """At random states, between and beyond the nodes, and random works."""
    radio = radio_of(std_db, sojourn_s, fading)
    costs = solved(radio)
    rng = np.random.default_rng(0)
    z = np.r_[rng.uniform(-2.5, 2.5, 30), rng.uniform(-7.5, 7.5, 20), rng.choice(radio.shadowing.node, 10)]
    works = np.r_[rng.uniform(0, 40, 25), 40 * rng.uniform(0, 1, 25) ** 4, rng.choice(costs.work[1:], 10)]
    rng.shuffle(works)
    for state, work in zip(z, works, strict=True):
        below = value_at(radio, costs, np.array(state), np.array(work))
        assert below <= least_cost(radio, costs, state, work) + 3e-3  # the quadratures' errors
    assert costs.residual < 1e-3


def test_costs_that_are_not_certified_are_not_all_below():
    radio = radio_of(8.0, 3.0, "none")
    work = nodes_of_bits(np.array([40.0]), 3.0)
    values = shadowed_values(radio, work, np.ones((len(radio.shadowing.node), len(work))))
    found = ShadowedCosts(work, values, 0.0)
    excess = largest_excess(radio, work, values, 1.0)
    worst = np.unravel_index(excess.argmax(), excess.shape)
    assert excess.max() > 0.02
    z = radio.shadowing.node[worst[0]] + np.linspace(-0.025, 0.025, 9)
    near = work[max(worst[1] - 1, 0)], work[min(worst[1] + 1, len(work) - 1)]
    over = [
        float(value_at(radio, found, np.array(a), np.array(b))) - least_cost(radio, found, a, b)
        for a in z
        for b in np.linspace(*near, 9)[1:]
    ]
    assert max(over) > 3e-3
    assert max(over) <= excess.max() + 3e-3


@pytest.mark.parametrize(("std_db", "sojourn_s", "fading"), CHANNELS)
def test_a_task_that_follows_the_costs_pays_little_more(std_db, sojourn_s, fading):
    """Simulated: no less than U, and not much more, from a median channel and a good one."""
    radio, rng = radio_of(std_db, sojourn_s, fading, 24), np.random.default_rng(1)
    costs = solved(radio)
    mean = radio.shadowing.means(radio.shadowing.node) @ costs.values
    for start in (0.0, 1.5):
        paid = followed(radio, costs, mean, start, rng)
        bound = float(value_at(radio, costs, np.array(start), costs.work[-1:])[0])
        assert paid.mean() + 4 * paid.std() / math.sqrt(paid.size) > bound
        assert paid.mean() - 4 * paid.std() / math.sqrt(paid.size) < 1.1 * bound + 0.5


def followed(radio, costs, mean, start, rng, paths=200):
    """What tasks pay that take the cheapest step in every slot, M between the nodes by interpolation."""
    shadowing, rayleigh = radio.shadowing, len(radio.median.share) > 1
    z, left = np.full(paths, start), np.full(paths, costs.work[-1])
    paid, choices = np.zeros(paths), np.linspace(0.0, 1.0, 60) ** 2
    later_of = ShadowedCosts(costs.work, mean, 0.0)
    for _ in range(200_000):
        busy = np.flatnonzero(left > 0.0)
        if not busy.size:
            return paid
        gain = rng.exponential(size=busy.size) if rayleigh else np.ones(busy.size)
        unit = one_noise(radio) * np.exp(-shadowing.std * z[busy]) / gain
        most = np.minimum(np.log1p(0.3 / THETA / unit), left[busy])
        done = most[:, None] * choices
        after = np.maximum(left[busy, None] - done, 0.0)
        later = value_at(radio, later_of, np.repeat(z[busy, None], done.shape[1], axis=1), after)
        cost = unit[:, None] * np.expm1(done) + later
        best = cost.argmin(axis=1), np.arange(busy.size)
        paid[busy] += 1.0 + (cost - later)[best[1], best[0]]
        left[busy] = after[best[1], best[0]]
        z[busy] = shadowing.correlation * z[busy] + shadowing.noise * rng.normal(size=busy.size)
    raise AssertionError("tasks are never done")


def test_little_shadowing_is_none():
    """U of each amount is that of steady shadowing: of gains drawn anew in each slot."""
    radio = radio_of(0.01, 10.0, "rayleigh")
    costs = solved(radio)
    middle = costs.values[len(costs.values) // 2]
    again = solved(radio_of(0.01, 0.05, "rayleigh")).values[len(costs.values) // 2]
    assert middle == pytest.approx(again, rel=0.02)
    system = one_service("radio", 1.0, "rayleigh")
    alone = queueing_bound(system, THETA, accuracy=QUICK).device_alone_j[0]
    little = queueing_bound(shadowed(system, 0.01), THETA, accuracy=QUICK).device_alone_j[0]
    assert 0.95 * alone < little < 1.01 * alone


# --- the CPU


def cpu_program(busy=False) -> SlowProgram:
    """Two cuts, one with work at both machines, of a service whose fading is correlated."""
    system = correlated(load_scenario("balanced"))
    theta = np.full(len(system.services), THETA)
    table = steady_price_table(system, 0, theta, THETA * TAU)
    cpu = local_resource(system, 0, THETA)
    radio = transmit_resource(system, 0, THETA, 2)
    tasks = slow_tasks(system, 0, theta, 0.0, table, (cpu.unit, THETA * TAU))
    arrivals = arrival_states(replace(system, arrivals=BURSTS) if busy else system, 0)
    return SlowProgram((cpu, radio), tasks, arrivals, 4, (0.4, 1.2))


@pytest.mark.parametrize("busy", [False, True])
def test_tasks_of_all_kinds_are_born_at_their_rates(busy):
    program = cpu_program(busy)
    system = load_scenario("balanced")
    law = program.chain.long_run.law
    born = [float((law @ matrix).sum()) for matrix in program._born]
    assert born == pytest.approx(system.arrival_rate_per_s[:2] * TAU, rel=1e-9)


def test_use_is_a_slope_of_a_concave_function():
    program, rng = cpu_program(), np.random.default_rng(0)
    shape = (len(program.chain.local.tasks), 1)
    first, second = rng.uniform(0, 2, shape), rng.uniform(0, 2, shape)
    here, spare = program.evaluate(first), program.chain.long_run.law[:, None]
    toll = program.cpu.tolls(first).toll
    for share in (1.0, 1e-3):
        other = program.evaluate(first + share * (second - first))
        moved = program.cpu.tolls(first + share * (second - first)).toll - toll
        rise = float(((here.used - spare) * moved).sum())
        assert other.value <= here.value + rise + 1e-6
    assert other.value == pytest.approx(here.value + rise, rel=1e-4)


def test_costs_at_waiting_costs_between_two_are_below_every_step():
    """The mean of two certified solutions is one at the mean of their waiting costs."""
    program, rng = cpu_program(), np.random.default_rng(0)
    tolls = program.cpu.tolls(rng.uniform(0, 2, (len(program.chain.local.tasks), 1)))
    levels = program._solved(1.0, tolls, 8)
    low, high = levels[1], levels[2]
    grid, matrix = low.problem.grid.work, program.chain.local.matrix
    mixed = 0.5 * (low.values + high.values)
    hold = 0.5 * (low.problem.hold + high.problem.hold)
    machine = program.cpu.machine
    for x, work in zip(rng.integers(0, len(mixed), 100), rng.uniform(0, grid[-1], 100), strict=True):
        done = np.r_[np.linspace(0, work, 300), work - grid[grid < work]]
        done = done[done <= machine.most[0]]
        speed = np.minimum(np.maximum(done, 1e-9)[:, None] * np.geomspace(1, 1e3, 300), machine.most[0])
        energy = machine.scale[0] * speed**3 + tolls.toll[x, 0]
        paid = (energy * done[:, None] / speed).min(axis=1)
        later = np.stack([np.interp(work - done, grid, row) for row in mixed])
        later[:, work - done <= 0.0] = 0.0
        least = hold + (paid + (matrix @ later)[x]).min()
        assert np.interp(work, grid, mixed[x]) <= least + 1e-9


@pytest.mark.parametrize("change", ["shadowed", "correlated"])
def test_a_service_that_sends_nothing_has_the_bound_of_a_calm_channel(change):
    system = one_service("cpu", 2.0, "rayleigh")
    slow = shadowed(system, 8.0) if change == "shadowed" else correlated(system)
    calm, found = (queueing_bound(one, THETA).bound_j for one in (system, slow))
    assert found == pytest.approx(calm, rel=2e-3)
    assert found > 1.05 * waiting_bound(system, THETA).bound_j


# --- the bound


def busier(system: System, factor: float) -> System:
    def faster(device):
        services = tuple(
            replace(one, arrival_rate_per_s=factor * one.arrival_rate_per_s) for one in device.services
        )
        return replace(device, services=services)

    return replace(system, devices=tuple(map(faster, system.devices)))


@pytest.mark.slow
@pytest.mark.parametrize(("load", "least"), [(1.0, 1.07), (4.0, 1.07)])
def test_it_is_above_the_bound_of_tasks_alone(load, least):
    system = busier(load_scenario("shadowing"), load)
    assert queueing_bound(system, THETA).bound_j >= least * waiting_bound(system, THETA).bound_j


@pytest.mark.parametrize("kind", [shadowed, correlated])
def test_it_is_never_below_the_bound_of_tasks_alone(kind):
    system = small_system(1)
    slow = kind(system, 8.0) if kind is shadowed else kind(system)
    found, alone = queueing_bound(slow, THETA, accuracy=QUICK), waiting_bound(slow, THETA)
    assert found.bound_j >= alone.bound_j * (
        1 - 2e-3
    )  # prices of bits may rise further here, with other margins
    assert (found.device_bound_j >= found.device_alone_j).all()


@pytest.mark.slow
@pytest.mark.parametrize("load", [1.0, 4.0])
def test_the_price_rule_is_not_below_the_bound(load):
    system, slots = busier(load_scenario("shadowing"), load), 20_000
    bound = queueing_bound(system, THETA, accuracy=QUICK).bound_j
    rule = make_policy("price", system, waiting_cost_j_per_s=THETA)
    result = simulate(system, rule, slots=slots, warmup=4000, replications=16, seed=3)
    total = energies(result) + waiting(result, np.full(8, THETA), slots)
    assert not surely_below(total, bound)
    assert total.mean() < 2.0 * bound


SEEDS = [pytest.param(0, marks=pytest.mark.slow), 1, 2, pytest.param(3, marks=pytest.mark.slow)]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_policy_is_below_the_bound(seed):
    rng = np.random.default_rng(seed)
    system = small_system(seed, ("rayleigh", "none")[seed // 2])
    channel = replace(
        system.channel,
        shadowing_std_db=float(rng.uniform(1, 25)),
        shadowing_sojourn_s=float(10 ** rng.uniform(-0.5, 1)),
        fading_correlation=0.9 * (seed % 2),
    )
    system = replace(system, channel=channel)
    theta = 10.0 ** rng.uniform(-3, 0, len(system.services))
    bound = queueing_bound(system, theta, accuracy=QUICK)
    for name in ("middle", "all-local", "greedy"):
        result = simulate(system, make_policy(name, system), seed=seed, **RUN)
        total = energies(result) + waiting(result, theta, RUN["slots"])
        if result.queued < 0.1 * result.born:
            assert not surely_below(total, bound.bound_j), name
