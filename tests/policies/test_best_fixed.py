"""The search for fixed points: against enumeration and simpler points, within its budget, and stable."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import Device, Service, System
from lyaopt.policies import Fixed, SearchOptions, all_local, all_offload, best_fixed, middle, search_fixed
from lyaopt.policies.best_fixed import SearchResult, _search_by_device, _search_by_service
from lyaopt.policies.paired_trials import Outcome, Trials, search_seed, standard_error
from lyaopt.simulation import Simulator, Trace, simulate, slot_costs
from tests.policies.small import GROWING, SHRINKING, pair

DEFAULT = load_scenario("default")


def costs_of(system, policy, *, seed, slots=4000, replications=8):
    result = simulate(system, policy, slots=slots, warmup=slots // 10, replications=replications, seed=seed)
    return slot_costs(system, result.local_energy_j + result.transmit_energy_j, result.queues).sum(axis=0)


def numpy_trace(system, slots, seed):
    rng = np.random.default_rng(seed)
    mean = system.arrival_rate_per_s * system.slot_duration_s
    gain = system.mean_channel_gain() * rng.exponential(size=(slots, len(system.devices)))
    return Trace(rng.poisson(mean, (slots, mean.size)), gain)


@pytest.mark.parametrize("far", [150.0, 200.0, 240.0])
@pytest.mark.parametrize("edge", [20e9, 0.4e9])
def test_the_best_of_all_nine_points_is_found(far, edge):
    system = pair(edge_capacity_hz=edge)
    system = replace(system, devices=(replace(system.devices[0], distance_m=far),))
    found = search_fixed(system, SearchOptions(slots=3000, replications=8))
    trials = Trials(system, search_seed(0), 3000, 8, 10**9)
    every = np.array(list(product(range(3), repeat=2))).T
    total = trials.run(every).total()
    best = total.costs[0].mean(axis=1).argmin()
    mine = int(np.flatnonzero((found.points == every.T).all(axis=1))[0])
    behind = total.costs[0, mine] - total.costs[0, best]
    assert total.stable(0)[mine]
    assert behind.mean() <= standard_error(behind)
    assert found.stable
    assert found.finished


def test_points_of_a_real_system_beat_simple_ones_on_other_arrivals_and_channels():
    system = replace(DEFAULT, devices=DEFAULT.devices[:2])
    found = best_fixed(system, SearchOptions(slots=3000, replications=4))
    mine = costs_of(system, found, seed=0)
    for simple in (middle(system), all_local(system), all_offload(system)):
        behind = mine - costs_of(system, simple, seed=0)
        assert behind.mean() <= standard_error(behind)
    assert mine.mean() < 0.8 * costs_of(system, all_offload(system), seed=0).mean()


def test_recorded_traffic_is_searched_on():
    system = pair()
    traces = [numpy_trace(system, 2000, seed) for seed in range(4)]
    found = best_fixed(system, SearchOptions(traces=traces))
    for points in product(range(3), repeat=2):
        behind = np.array(
            [
                _mean_cost(simulate(system, found, slots=1800, warmup=200, trace=trace))
                - _mean_cost(simulate(system, Fixed(points), slots=1800, warmup=200, trace=trace))
                for trace in traces
            ]
        )
        assert behind.mean() <= standard_error(behind)


def _mean_cost(result):
    return slot_costs(pair(), result.local_energy_j + result.transmit_energy_j, result.queues).sum()


def test_cheap_points_that_let_the_backlog_grow_are_refused():
    # Only energy counts, and offloading needs least of it; but the edge cannot serve all the work.
    careless = replace(pair().learning, reward_backlog_weight=0.0)
    loads = {}
    for capacity in (20e9, 50e6):
        system = pair(learning=careless, edge_capacity_hz=capacity)
        found = best_fixed(system, SearchOptions(slots=4000))
        loads[capacity] = system.arrival_rate_per_s @ system.edge_cycles[[0, 1], found.points]
    assert loads[20e9] > 50e6 > loads[50e6]


def test_a_system_beyond_its_capacity_is_refused():
    services = (Service(SHRINKING, 60.0), Service(GROWING, 60.0))
    system = System((Device(distance_m=200.0, services=services),), edge_capacity_hz=1e6)
    with pytest.raises(ProblemError, match="stable"):
        best_fixed(system, SearchOptions(slots=400, replications=2))


def test_excluded_cuts_are_not_tried():
    system = pair(learning=replace(pair().learning, exclude_cut_zero=True, reward_backlog_weight=0.0))
    assert (best_fixed(system, SearchOptions(slots=1000, replications=2)).points >= 1).all()


def test_devices_may_differ_in_services_and_cuts():
    short = replace(SHRINKING, cuts=(SHRINKING.cuts[0], SHRINKING.cuts[2]))
    devices = (
        Device(
            distance_m=160.0, services=(Service(GROWING, 0.3), Service(short, 0.3), Service(GROWING, 0.3))
        ),
        Device(distance_m=230.0, services=()),
        Device(distance_m=240.0, services=(Service(short, 0.3),)),
    )
    system = System(devices)
    found = search_fixed(system, SearchOptions(slots=1000, replications=2))
    assert found.finished
    assert (found.points < system.cut_counts).all()


def test_searches_are_repeatable_and_have_other_draws_than_runs():
    system = pair()
    first, again = (search_fixed(system, SearchOptions(slots=1000, seed=7)) for _ in range(2))
    assert first.points.tolist() == again.points.tolist()
    assert first.slots == again.slots
    assert search_seed(7) not in (7, search_seed(8))


def test_budgets_are_kept():
    system, spent = pair(), []

    def look(used, budget):
        spent.append(used)
        assert budget == 40_000

    found = search_fixed(system, SearchOptions(slots=500, replications=4, budget=40_000, progress=look))
    assert not found.finished
    assert 30_000 < found.slots <= 40_000
    assert spent == sorted(set(spent))
    assert search_fixed(system, SearchOptions(slots=500, replications=4, budget=10**6)).finished


def test_a_stopped_search_returns_its_best_points():
    found = search_fixed(
        pair(), SearchOptions(slots=500, replications=2, progress=lambda used, budget: used < 5_000)
    )
    assert not found.finished
    assert 5_000 <= found.slots < 10_000


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("$.budget", {"budget": 100}),
        ("$.budget", {"budget": 0}),
        ("$.slots", {"slots": 3}),
        ("$.replications", {"replications": 2.5}),
        ("$.seed", {"seed": -1}),
        ("$.seed", {"seed": 2**64}),
        ("$.progress", {"progress": lambda used, budget: False}),
    ],
)
def test_bad_options_are_named(path, options):
    with pytest.raises(ProblemError) as caught:
        search_fixed(pair(), SearchOptions(**options))
    assert caught.value.path == path


def test_candidates_have_the_same_arrivals_and_channels():
    outcome = Trials(DEFAULT, 3, 1000, 5, 10**9).run(np.repeat(middle(DEFAULT).points[:, None], 4, axis=1))
    assert (outcome.costs == outcome.costs[:, :1]).all()
    assert len(np.unique(outcome.costs[0, 0])) == 5


@pytest.mark.parametrize("systems", [6, 200])
def test_distinct_streams_repeat_the_draws(systems):
    def run(**options):
        simulator = Simulator(DEFAULT, middle(DEFAULT), seed=9, **options)
        simulator.run(700)
        return simulator.result().queues

    queues = run(replications=systems, distinct_streams=2)
    np.testing.assert_array_equal(queues, np.tile(run(replications=2), systems // 2))


def outcome(costs, growth=None):
    costs = np.array(costs)[None]
    growth = np.zeros_like(costs) if growth is None else np.array(growth)[None]
    return Outcome(costs, growth, np.array([1.0]))


def test_a_gain_within_its_standard_error_is_no_gain():
    noisy = [[1.0, 1.0, 1.0], [0.5, 1.4, 0.9]]
    assert outcome(noisy).better(0, 0) == 0
    assert outcome(noisy).better(0, 1) == 1
    # The same mean gain, without noise.
    assert outcome([[1.0, 5.0, 2.0], [0.93, 4.93, 1.93]]).better(0, 0) == 1


def test_stable_points_are_preferred_to_cheap_ones():
    costs = [[5.0, 5.0], [1.0, 1.0], [4.9, 5.2]]
    growth = [[9.0, 9.5], [9.0, 9.5], [0.0, 0.1]]
    assert outcome(costs, growth).better(0, 0) == 2
    assert outcome(costs[:2], growth[:2]).better(0, 0) == 1


class Tables:
    """Trials whose costs are known: `costs(points)` (M,) for points (S,)."""

    def __init__(self, system, costs):
        self.system, self.costs, self.used, self.tried = system, costs, 0, 0

    def run(self, points):
        self.tried += points.shape[1]
        costs = np.array([self.costs(column) for column in points.T]).T[..., None]
        return Outcome(costs, np.zeros_like(costs), np.ones(len(costs)))


def test_each_device_is_searched_by_its_own_cost():
    system = replace(DEFAULT, devices=DEFAULT.devices[:3])
    goal = np.array([3, 20, 10, 0, 33, 18])

    def costs(points):
        # An offset of each device, and a penalty that is 0 when both services are at their goals.
        away = (np.abs(points - goal) > 0).reshape(3, 2)
        return np.array([1.0, -5.0, 100.0]) + (1.0 + away[:, 0]) * (2.0 * away[:, 0] + away[:, 1])

    tables = Tables(system, costs)
    np.testing.assert_array_equal(_search_by_device(tables, middle(system).points), goal)


def test_services_are_searched_again_after_a_change():
    system = replace(pair(), devices=pair().devices * 2)

    def costs(points):
        # A staircase from (0, 0, 0, 0) to (2, 2, 2, 2), one step at a time and the last service first.
        steps = points.sum()
        legal = sorted(points.tolist()) == points.tolist() and points.max() - points.min() <= 1
        return np.array([-float(steps) if legal else 9.0, 0.0])

    start = SearchResult(np.zeros(4, np.int64), True, False, 0)
    tables = Tables(system, costs)
    found = _search_by_service(tables, start)
    assert found.finished
    np.testing.assert_array_equal(found.points, [2, 2, 2, 2])
    # If no change gains, one pass over all services is enough.
    again = Tables(system, costs)
    _search_by_service(again, found)
    assert again.tried == 4 * 3
