"""What LB4 rests on, part by part, each against values found another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from lyaopt.bounds.queueing.arrivals import arrival_states
from lyaopt.bounds.queueing.device_program import DeviceProgram, Prices
from lyaopt.bounds.queueing.fading_nodes import rayleigh
from lyaopt.bounds.queueing.long_run_mean import LongRun
from lyaopt.bounds.queueing.queueing_bound import Accuracy, device_program
from lyaopt.bounds.queueing.resources import Resource, local_resource, transmit_resource
from lyaopt.bounds.queueing.task_table import task_table
from lyaopt.bounds.queueing.usage import expected_use
from lyaopt.bounds.queueing.work_grid import work_grid
from lyaopt.model.profiles import Cut, Profile
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import Arrivals, Device, Service, System

THETA = 0.05
COARSE = Accuracy(chain_steps=3, fading_nodes=8, finest=0.5, growth=1.4, price_steps=0, passes=8)


def small_system(busy: float = 1.0, most_power: float = 0.3) -> System:
    """Two services on a device; the middle cut of one has work at both machines, and is its best."""
    cuts = Cut("in", 0, 400_000), Cut("middle", 5 * 10**7, 30_000), Cut("out", 3 * 10**8, 0)
    split = Profile("split", "made up", 400_000, 3 * 10**8, 8, cuts)
    cuts = Cut("in", 0, 900_000), Cut("middle", 10**7, 60_000), Cut("out", 10**8, 0)
    local = Profile("local", "made up", 900_000, 10**8, 8, cuts)
    device = Device(200.0, (Service(split, 3.0), Service(local, 2.0)), max_power_w=most_power)
    return System((device,), bandwidth_hz=250e3, arrivals=Arrivals(busy_rate_factor=busy))


def resources_of(system: System, nodes: int = 8) -> tuple[Resource, Resource]:
    return local_resource(system, 0, THETA), transmit_resource(system, 0, THETA, nodes)


def program_of(system: System, accuracy: Accuracy = COARSE) -> DeviceProgram:
    both = resources_of(system, accuracy.fading_nodes)
    tasks = task_table(system, 0, np.full(len(system.services), THETA), 0.0, both)
    return device_program(system, 0, both, tasks, accuracy)


def random_prices(program: DeviceProgram, seed: int) -> Prices:
    rng = np.random.default_rng(seed)
    shapes = (len(side.tasks) for side in (program.chain.local, program.chain.transmit))
    local, transmit = (
        rng.uniform(0, 3, (count, 1)) * rng.uniform(0, 1, (count, len(part.machine.share)))
        for count, part in zip(shapes, program.resources, strict=True)
    )
    transmit[:, -1] = 0.0
    return Prices(local, transmit)


SMALL = program_of(small_system())


# --- fading


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(1 / 64, 5)), max_size=4), st.floats(0.1, 20))
@settings(max_examples=50)
def test_nodes_of_fading_lose_and_little(lines, waiting):
    """Least of a constant and of lines in q = 1 / beta, which rise: the mean of the nodes is just below E.

    Slopes are at least a 64th of the constant: below, all of the mean lies in the tail beyond the last node.
    """
    quantile = (np.arange(200_000) + 0.5) / 200_000
    lines = [(waiting, 0.0), *((start * waiting, slope * waiting) for start, slope in lines)]
    exact = np.min([a + b / -np.log(quantile) for a, b in lines], axis=0).mean()
    for nodes, share in ((4, 0.4), (8, 0.8), (24, 0.97)):
        states = rayleigh(nodes)
        found = np.min([a + b * states.inverse_gain for a, b in lines], axis=0) @ states.share
        assert share * exact <= found <= exact * (1 + 1e-4) + 1e-9


def test_nodes_of_fading_are_a_law_with_the_right_mean_above_the_first():
    states = rayleigh(16)
    assert states.share.min() > 0
    assert states.share.sum() == pytest.approx(1.0, abs=1e-14)
    first = 1.0 / states.inverse_gain[0]
    quantile = (np.arange(10**6) + 0.5) / 10**6
    gain = np.maximum(-np.log(quantile), first)
    assert states.share @ states.inverse_gain == pytest.approx((1.0 / gain).mean(), rel=1e-4)


def test_power_limits_no_step_that_is_possible_beside_a_node():
    """At a node, steps go as far as the largest power allows up to the next one."""
    states = rayleigh(16)
    assert states.best_gain[:-2] == pytest.approx(1.0 / states.inverse_gain[1:-1])
    assert np.isinf(states.best_gain[-2:]).all()


# --- tolls


@pytest.mark.parametrize("machine", [0, 1])
@given(st.floats(0, 50), st.floats(0.01, 3), st.integers(0, 8))
@settings(max_examples=60)
def test_the_cost_of_a_step_is_least_over_shares_of_the_slot(machine, wanted, work, state):
    """min over the speed s, at which the share is y / s, of (P(s) + toll) y / s."""
    resource = resources_of(small_system())[machine]
    one = resource.machine
    j = state % len(one.share)
    tolls = resource.tolls(np.full((1, len(one.share)), wanted))
    toll, knee, slope = (float(table[0, j]) for table in tolls)
    work = min(work, float(one.most[j]))

    def power(speed):
        return one.scale[j] * (speed**3 if one.cubic else np.expm1(speed))

    speed = np.minimum(work * np.geomspace(1.0, 1e4, 40_000), min(one.most[j], 600.0))
    best = ((power(speed) + toll) * work / speed).min()
    cost = slope * work if work <= knee else power(work) + toll
    assert cost == pytest.approx(best, rel=1e-5, abs=1e-12)
    if one.scale[j] > 0.0 and wanted > 1e-6:
        assert toll == pytest.approx(wanted, rel=1e-6)


# --- the chain


@pytest.mark.parametrize("busy", [1.0, 4.0])
def test_each_machine_sees_a_chain_of_its_own(busy):
    chain = program_of(small_system(busy)).chain
    for side in (chain.local, chain.transmit):
        lump = sparse.csr_matrix(
            (np.ones(len(side.of_joint)), (np.arange(len(side.of_joint)), side.of_joint))
        )
        assert abs(chain.joint @ lump - lump @ side.matrix).max() < 1e-14
        assert side.matrix.sum(axis=1) == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("busy", [1.0, 4.0])
def test_tasks_are_born_at_their_rates(busy):
    system = small_system(busy)
    chain = program_of(system).chain
    born = [float((chain.long_run.law @ matrix).sum()) for matrix in chain.born]
    assert born == pytest.approx(system.arrival_rate_per_s * system.slot_duration_s, rel=1e-9)
    # Of the slots in which a service gets tasks, as many as there are: 1 - exp(-mean) in each state.
    states = arrival_states(system, 0)
    law = LongRun(sparse.csr_matrix(states.matrix)).law
    assert states.tasks @ law == pytest.approx(born, rel=1e-9)


def test_a_step_is_one_with_tasks_of_a_service_or_without():
    """P = (1 - p) P(no task of n) + p P(a task of n); only the second has its work."""
    system, chain, tasks = small_system(), SMALL.chain, SMALL.tasks
    best = tasks.alone.argmin(axis=1)
    rate = system.arrival_rate_per_s
    for n, mean in enumerate(rate * system.slot_duration_s):
        given_one, chance = chain.born[n] / mean, -math.expm1(-mean)
        without = chain.joint - chance * given_one
        assert without.min() > -1e-15
        assert without.sum(axis=1) == pytest.approx(1.0 - chance, abs=1e-13)
        for side, work in ((chain.local, tasks.local), (chain.transmit, tasks.transmit)):
            amounts = work[np.arange(2), best]
            busy = amounts > 0.0
            typical = rate[busy] @ amounts[busy] / rate[busy].sum()
            more = (given_one - without / (1.0 - chance)) @ side.tasks[side.of_joint]
            assert more[0] == pytest.approx(amounts[n] / typical, rel=1e-9, abs=1e-12)


@given(st.integers(0, 10**6), st.integers(2, 12))
@settings(max_examples=30)
def test_least_means_are_means_from_below(seed, states):
    rng = np.random.default_rng(seed)
    matrix = rng.dirichlet(np.full(states, 0.3), states) * 0.9 + 0.1 / states
    values = rng.normal(size=states)
    law = np.linalg.matrix_power(matrix, 4000)[0]
    found = LongRun(sparse.csr_matrix(matrix))
    assert found.law == pytest.approx(law, abs=1e-9)
    assert law @ values - 1e-9 <= found.least_mean(values) <= law @ values + 1e-12


def test_grids_hold_all_amounts():
    amounts = np.array([0.001, 3.0, 3.01, 70.0, 71.0])
    grid = work_grid(amounts, 1.0, 0.15, 1.05)
    assert set(amounts) <= set(grid)
    assert grid[0] == 0.0
    assert grid[-1] == 71.0
    assert (np.diff(grid) > 0).all()


# --- the Bellman inequality, between the nodes, by brute force


def interpolated(solution, work):
    """U at any work > 0 in all states (X, len(work))."""
    grid = solution.problem.grid.work
    return np.stack([np.interp(work, grid, row) for row in solution.values])


def next_costs(solution, left):
    """E U(X', b') in all states, with what follows at b' = 0."""
    chain = solution.problem.chain
    count = len(chain.first) - 1
    matrix = sparse.csr_matrix((chain.chance, chain.state, chain.first), (count, count))
    later = matrix @ interpolated(solution, left)
    later[:, left == 0.0] = solution.problem.grid.after[:, None]
    return later


def steps_from(solution, work, most):
    """Works of a slot: many, all that there is, and those that lead to nodes."""
    done = np.r_[np.linspace(0.0, min(work, most), 400), work - solution.problem.grid.work, work]
    return done[(done >= 0.0) & (done <= min(work, most))]


def local_excess(solution, x, work):
    """U less the least of some steps: above 0, U is too high."""
    problem = solution.problem
    machine, toll = problem.machine, problem.tolls.toll[x, 0]
    done = steps_from(solution, work, machine.most[0])
    speed = np.minimum(np.maximum(done, 1e-12)[:, None] * np.geomspace(1.0, 1e3, 400), machine.most[0])
    paid = ((machine.scale[0] * speed**3 + toll) * done[:, None] / speed).min(axis=1)
    least = problem.hold + (paid + next_costs(solution, work - done)[x]).min()
    return interpolated(solution, np.array([work]))[x, 0] - least


def transmit_excess(solution, x, work, noise, most_power):
    """The same under Rayleigh fading itself; the toll is linear in 1 / beta between the nodes."""
    problem = solution.problem
    order = np.argsort(problem.machine.scale)
    quantile = (np.arange(400) + 0.5) / 400
    scale = noise / -np.log(quantile)
    toll = np.interp(scale, problem.machine.scale[order], problem.tolls.toll[x, order])
    done = steps_from(solution, work, 12.0)
    speed = np.maximum(done, 1e-12)[:, None] * np.geomspace(1.0, 100.0, 60)
    later = next_costs(solution, work - done)[x]
    total = 0.0
    for q, phi in zip(scale, toll, strict=True):
        capped = np.minimum(speed, math.log1p(most_power / q))
        paid = ((q * np.expm1(capped) + phi) * done[:, None] / capped).min(axis=1)
        total += np.where(done <= capped[:, -1] * (1 + 1e-12), paid + later, np.inf).min() / len(scale)
    return interpolated(solution, np.array([work]))[x, 0] - (problem.hold + total)


def random_places(solution, rng, count):
    states, top = len(solution.values), solution.problem.grid.work[-1]
    nodes = rng.choice(solution.problem.grid.work[1:], count // 3)
    works = np.r_[nodes, rng.uniform(0, top, count // 3), top * rng.uniform(0, 1, count // 3) ** 4]
    return zip(rng.integers(0, states, len(works)), works, strict=True)


@pytest.mark.parametrize(("seed", "passes"), [(0, 1), (1, 1), (0, 8), (1, 8), (2, 8)])
def test_certified_costs_at_the_cpu_are_below_every_step(seed, passes):
    found = SMALL.evaluate(random_prices(SMALL, seed), passes)
    rng = np.random.default_rng(seed)
    staged = [solution for costs in found.services for solution in costs.staged.values()]
    assert staged
    for solution in (found.local[1.0], *staged):
        for x, work in random_places(solution, rng, 150):
            assert local_excess(solution, x, work) <= 1e-9


def test_costs_that_are_not_certified_are_not_all_below():
    solution = SMALL.evaluate(random_prices(SMALL, 0)).local[1.0]
    places = random_places(solution, np.random.default_rng(0), 300)
    assert max(local_excess(solution, x, work) for x, work in places) > 1e-3


@pytest.mark.parametrize(("seed", "passes", "most"), [(0, 8, 0.3), (1, 1, 0.3), (2, 8, 0.002)])
def test_certified_costs_at_the_radio_are_below_every_step_under_fading(seed, passes, most):
    """Also where the largest power binds at most gains, 0.002 W."""
    system = small_system(most_power=most)
    program = program_of(system)
    noise = system.device_bandwidth_hz[0] * system.noise_w_per_hz / system.mean_channel_gain()[0] / THETA
    solution = program.evaluate(random_prices(program, seed), passes).transmit[1.0]
    for x, work in random_places(solution, np.random.default_rng(seed), 30):
        excess = transmit_excess(solution, x, work, noise, system.max_power_w[0] / THETA)
        assert excess <= 2e-3  # the quadrature's error


# --- slopes and values


@pytest.mark.parametrize("seed", range(3))
def test_use_is_a_slope_of_a_concave_function(seed):
    """V(b) <= V(a) + <use(a) - law, b - a> for tolls a, b: LB4 is a least of linear functions."""
    first, second = random_prices(SMALL, seed), random_prices(SMALL, 100 + seed)
    near = Prices(*(a + 1e-3 * (b - a) for a, b in zip(*map(vars_of, (first, second)), strict=True)))
    here = SMALL.evaluate(first)
    sides = SMALL.chain.local, SMALL.chain.transmit
    law = [side.summed(SMALL.chain.long_run.law)[:, None] for side in sides]
    spare = [
        used - there * resource.machine.share
        for used, there, resource in zip(expected_use(SMALL, here), law, SMALL.resources, strict=True)
    ]
    for other in (second, near):
        there = SMALL.evaluate(other)
        moved = [b.toll - a.toll for a, b in zip(here.tolls, there.tolls, strict=True)]
        rise = sum(float((s * d).sum()) for s, d in zip(spare, moved, strict=True))
        assert there.value <= here.value + rise + 1e-6
    assert there.value == pytest.approx(here.value + rise, rel=1e-4)


def vars_of(prices: Prices) -> tuple[np.ndarray, np.ndarray]:
    return prices.local, prices.transmit


def test_without_tolls_it_is_the_cost_of_tasks_alone():
    for name in ("balanced", "scarce-edge"):
        system = load_scenario(name)
        for m in range(len(system.devices)):
            both = local_resource(system, m, THETA), transmit_resource(system, m, THETA, 24)
            tasks = task_table(system, m, np.full(len(system.services), THETA), 1e-12, both)
            program = device_program(system, m, both, tasks, Accuracy(chain_steps=2))
            free = Prices(
                np.zeros((len(program.chain.local.tasks), 1)),
                np.zeros((len(program.chain.transmit.tasks), len(both[1].machine.share))),
            )
            rate = system.arrival_rate_per_s[list(system.services_of(m))] * system.slot_duration_s
            alone = float(rate @ tasks.alone.min(axis=1))
            # Costs of tasks alone have a certificate of their own, which loses as little.
            assert program.evaluate(free, 8).value == pytest.approx(alone, rel=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_no_cut_that_is_left_out_is_cheaper(seed):
    """With a dear CPU, and a radio that is dear in a few states."""
    prices = random_prices(SMALL, seed)
    dear = np.where(np.arange(len(prices.transmit)) > 5, 40.0, float(seed))[:, None]
    found = SMALL.evaluate(Prices(prices.local + 4.0, dear * (prices.transmit > 0.0)), 8)
    tasks = SMALL.tasks
    for n, costs in enumerate(found.services):
        for k in range(tasks.local.shape[1]):
            local, radio = found.local[1.0], found.transmit[1.0]
            if tasks.local[n, k] > 0.0 and tasks.transmit[n, k] > 0.0:
                both = SMALL.staged(n, k, local, radio, 8).values[:, -1]
                assert (costs.least <= both + tasks.edge[n, k] + 1e-6).all()


def test_certification_loses_little():
    fine = program_of(small_system(), Accuracy(chain_steps=4))
    prices = random_prices(fine, 1)
    rough, certain = fine.evaluate(prices), fine.evaluate(prices, 8)
    assert rough.value - 0.02 * abs(rough.value) <= certain.value <= rough.value + 1e-6
    assert certain.residual < 1e-3
