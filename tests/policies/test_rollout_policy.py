"""Roll-out policy: it finds clearly better cuts, on futures that differ from the run's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.errors import ProblemError
from lyaopt.model.system import Channel, Device, System
from lyaopt.policies import Fixed, Planning, SearchOptions, Table, planning
from lyaopt.policies.channel_states import ChannelStates
from lyaopt.simulation import Observation, Trace, simulate, slot_costs
from lyaopt.simulation.state import State
from tests.policies.small import GROWING, SHRINKING, pair

ALL = np.array([0, 1, 2])


def base_of(system, *points):
    """A table of one state, or of two separated by the mean gain."""
    edges = np.zeros((len(system.devices), len(points) - 1))
    return Table(np.array(points), ChannelStates(0.5, edges))


def quiet_pair(**settings):
    """The pair with few other tasks in a roll-out and a constant channel."""
    device = pair().devices[0]
    services = tuple(replace(service, arrival_rate_per_s=1e-6) for service in device.services)
    settings.setdefault("channel", Channel(fading="none"))
    return System((replace(device, services=services),), **settings)


def cost_of_one_task(system, service, cut, slots):
    """Cost, summed over slots, of a task that is present from the second slot on."""
    arrivals = np.zeros((slots + 1, 2), np.int64)
    arrivals[0, service] = 1
    trace = Trace(arrivals, np.repeat(system.mean_channel_gain()[None], slots + 1, axis=0))
    result = simulate(system, Fixed(np.full(2, cut)), slots=slots, warmup=1, trace=trace)
    energy = result.local_energy_j + result.transmit_energy_j
    return slots * float(slot_costs(system, energy, result.queues).sum())


def first_decision(system, policy, replications=1, seed=0):
    return policy.decide(Observation(State(system, replications, seed, None, replications), seed)).points


@pytest.mark.parametrize("distance", [120.0, 200.0, 260.0, 400.0])
def test_one_task_in_a_constant_channel_gets_the_cheapest_cut(distance):
    system = quiet_pair()
    system = replace(system, devices=(replace(system.devices[0], distance_m=distance),))
    cheapest = [
        int(np.argmin([cost_of_one_task(system, service, cut, 600) for cut in ALL])) for service in range(2)
    ]
    for start in ((1, 1), (2, 0)):
        policy = Planning(base_of(system, start), horizon=60, futures=2)
        assert first_decision(system, policy)[:, 0].tolist() == cheapest


def test_planning_improves_far_on_a_poor_base():
    system = pair()
    base = base_of(system, [2, 1])  # the second service sends more than its input
    costs = []
    for policy in (base, Planning(base, horizon=40, futures=4)):
        result = simulate(system, policy, slots=1500, replications=3, seed=5)
        energy = result.local_energy_j + result.transmit_energy_j
        costs.append(slot_costs(system, energy, result.queues).sum(axis=0))
    assert (costs[1] < 0.6 * costs[0]).all()


def test_the_search_for_the_base_counts():
    base = replace(base_of(quiet_pair(), [2, 1]), searched=7)
    assert Planning(base).searched == 7


def test_the_base_is_kept_where_nothing_gains():
    system = quiet_pair()
    free = replace(system.learning, reward_energy_weight=0.0, reward_backlog_weight=0.0)
    system = replace(system, learning=free)
    for points in ([2, 1], [0, 0]):
        policy = Planning(base_of(system, points), horizon=5, futures=2)
        assert first_decision(system, policy)[:, 0].tolist() == points


def test_the_present_channel_decides():
    channel = Channel(fading="none", shadowing_std_db=40.0, shadowing_sojourn_s=1000.0)
    system = quiet_pair(channel=channel)
    state = State(system, 12, 1, None, 12)
    policy = Planning(base_of(system, [1, 1], [0, 0]), horizon=200, futures=2)
    policy.decide(Observation(state, 1))
    state.advance(system.slots_per_period, state.layout.to_lanes(np.zeros((1, 2, 12)), np.int64))
    points, gain = policy.decide(Observation(state, 1)).points[0], state.mean_gain()[0]
    sent = points < 2
    assert 0 < sent.sum() < 12
    assert gain[sent].min() > gain[~sent].max()


def test_decisions_depend_on_the_past_only():
    system, rng = pair(), np.random.default_rng(2)
    policy = Planning(base_of(system, [1, 1]), horizon=8, futures=2)
    services = len(system.services)

    def traffic(slots, load):
        gain = system.mean_channel_gain() * rng.exponential(size=(slots, 1))
        return rng.poisson(load, (slots, services)), gain

    past = traffic(200, 0.03)
    futures = [traffic(60, load) for load in (0.0, 0.5)]
    found = []
    for future in futures:
        trace = Trace(*(np.concatenate(parts) for parts in zip(past, future, strict=True)))
        found.append(simulate(system, policy, slots=260, trace=trace, record=True).record.partition)
    # The decision at slot 200 depends on the past only.
    np.testing.assert_array_equal(found[0][:21], found[1][:21])
    assert (found[0][21:] != found[1][21:]).any()
    assert len(np.unique(found[0][:21], axis=0)) > 1


def test_futures_are_new_in_each_period_and_not_the_runs_own(monkeypatch):
    system, met = pair(), []
    copies = State.copies

    def spy(state, of, numbers, seed):
        met.append((seed, *np.unique(numbers).tolist()))
        return copies(state, of, numbers, seed)

    monkeypatch.setattr(State, "copies", spy)
    policy = Planning(base_of(system, [1, 1]), horizon=1, futures=3)
    simulate(system, policy, slots=40, replications=2, seed=6)
    assert len(met) == len(set(met)) == 8
    assert {numbers for _, *numbers in map(tuple, met) for numbers in [tuple(numbers)]} == {
        (0, 1, 2),
        (3, 4, 5),
    }
    seeds = {seed for seed, *_ in met}
    assert len(seeds) == 4
    assert 6 not in seeds


def test_systems_plan_by_themselves():
    system = replace(pair(), channel=Channel(shadowing_std_db=15.0))
    base = base_of(system, [2, 2], [0, 1])
    one, three = (
        simulate(system, Planning(base, horizon=4, futures=2), slots=300, replications=systems, seed=8)
        for systems in (1, 3)
    )
    np.testing.assert_allclose(three.queues[..., 0], one.queues[..., 0], rtol=1e-12)


def test_a_trace_does_not_hold_slow_channels():
    system = replace(pair(), channel=Channel(shadowing_std_db=8.0))
    trace = Trace(np.zeros((50, 2), np.int64), np.ones((50, 1)))
    with pytest.raises(ProblemError, match="trace"):
        simulate(system, Planning(base_of(system, [1, 1])), slots=50, trace=trace)


def test_devices_may_have_no_services_and_queues_many_tasks():
    services = pair().devices[0].services
    devices = (Device(150.0, ()), Device(200.0, tuple(replace(s, arrival_rate_per_s=8.0) for s in services)))
    system = System((*devices, Device(240.0, services[:1])))
    assert {service.profile for service in system.services} == {SHRINKING, GROWING}
    policy = planning(system, SearchOptions(slots=1000, replications=2, budget=10**6), horizon=3, futures=2)
    result = simulate(system, policy, slots=500, replications=2)
    assert result.born == result.completed + result.queued > 50


@pytest.mark.parametrize(
    ("path", "options"),
    [("$.horizon", {"horizon": 0}), ("$.futures", {"futures": 1}), ("$.futures", {"futures": 4.0})],
)
def test_bad_options_are_named(path, options):
    with pytest.raises(ProblemError) as caught:
        Planning(base_of(pair(), [1, 1]), **options)
    assert caught.value.path == path
