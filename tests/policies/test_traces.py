"""Policies with `traces` are tuned to them, not to the law of the scenario."""

from __future__ import annotations

import numpy as np
import pytest

from lyaopt.model.system import Device, Service, System
from lyaopt.policies import make_policy
from lyaopt.policies.fixed import Fixed
from lyaopt.policies.gain_guess import guess_of_traces
from lyaopt.policies.paired_trials import SearchOptions
from lyaopt.simulation import Trace, simulate, slot_costs

SYSTEM = System((Device(200.0, (Service("alexnet"),)), Device(210.0, (Service("alexnet"),))))
SLOTS = 4000


def trace_of(relative_gain, tasks_per_slot, seed=0):
    rng = np.random.default_rng(seed)
    gain = relative_gain * SYSTEM.mean_channel_gain() * rng.exponential(size=(SLOTS, 2))
    return Trace(rng.poisson(tasks_per_slot, (SLOTS, 2)), gain)


def cost_of(points, trace):
    """Cost (34) of fixed points on the trace, after the warm-up of a search."""
    result = simulate(SYSTEM, Fixed(points), slots=SLOTS * 9 // 10, warmup=SLOTS // 10, trace=trace)
    energy = result.local_energy_j + result.transmit_energy_j
    return float(slot_costs(SYSTEM, energy, result.queues).sum())


TRACES = {"weak": (1e-3, 0.002), "strong": (1e2, 0.002), "idle": (1.0, 0.0), "busy": (1e-2, 0.05)}


@pytest.mark.parametrize("kind", TRACES)
def test_best_fixed_is_the_best_of_all_points_on_the_trace(kind):
    trace = trace_of(*TRACES[kind])
    found = make_policy("best-fixed", SYSTEM, traces=[trace]).points
    cuts = range(int(SYSTEM.cut_counts[0]))
    costs = {(a, b): cost_of(np.array([a, b]), trace) for a in cuts for b in cuts}
    assert cost_of(np.asarray(found), trace) <= min(costs.values()) * (1 + 1e-9)


def test_the_law_would_choose_otherwise():
    trace = trace_of(*TRACES["weak"])
    of_law = make_policy("best-fixed", SYSTEM, budget=5_000_000).points
    of_trace = make_policy("best-fixed", SYSTEM, traces=[trace]).points
    assert cost_of(np.asarray(of_trace), trace) < 0.9 * cost_of(np.asarray(of_law), trace)


def test_the_table_is_searched_on_the_trace():
    trace = trace_of(*TRACES["weak"])
    table = make_policy("table", SYSTEM, traces=[trace])
    result = simulate(SYSTEM, table, slots=SLOTS * 9 // 10, warmup=SLOTS // 10, trace=trace)
    energy = result.local_energy_j + result.transmit_energy_j
    fixed = cost_of(np.asarray(make_policy("best-fixed", SYSTEM, traces=[trace]).points), trace)
    assert slot_costs(SYSTEM, energy, result.queues).sum() <= fixed * (1 + 1e-9)


def test_growth_that_a_trace_allows_is_that_of_its_own_tasks():
    """Not of the scenario's rate: of two busy traces a per cent of growth is many tasks."""
    traces = [trace_of(1.0, 0.5, seed) for seed in range(2)]
    outcome = SearchOptions(traces=traces).trials(SYSTEM).run(np.zeros((2, 1), np.int64))
    tasks = np.mean([trace.arrivals.sum(axis=0) for trace in traces], axis=0) * 0.45  # in half a trial
    np.testing.assert_allclose(outcome.allowed_growth, 0.02 * tasks)


@pytest.mark.parametrize("memory", [0.0, 0.9, 1.0])
def test_the_guess_of_gains_is_the_least_squares_fit(memory):
    rng = np.random.default_rng(4)
    log = np.zeros((SLOTS, 2))
    for t in range(1, SLOTS):
        log[t] = memory * log[t - 1] + rng.standard_normal(2)
    log = np.log(1e-12) + 0.1 * log
    trace = Trace(np.zeros((SLOTS, 2), np.int64), np.exp(log))
    guess = guess_of_traces(SYSTEM, [trace])
    periods = log.reshape(-1, SYSTEM.slots_per_period, 2)
    for m in range(2):
        slope, _ = np.polyfit(periods[:-1, -1, m], periods[1:, :, m].mean(axis=1), 1)
        assert guess.weight[m] == pytest.approx(min(max(slope, 0.0), 1.0), abs=1e-9)
        assert guess.log_mean[m] == pytest.approx(log[:, m].mean())


def test_greedy_guesses_the_gains_of_the_trace():
    """It sends over channels that are strong, whatever the law of the scenario says of them."""
    points = {}
    for kind in ("weak", "strong"):
        trace = trace_of(*TRACES[kind])
        greedy = make_policy("greedy", SYSTEM, traces=[trace])
        points[kind] = simulate(SYSTEM, greedy, slots=50, trace=trace).points
    assert (points["weak"] > points["strong"]).all()
    blind = make_policy("greedy", SYSTEM)
    assert (simulate(SYSTEM, blind, slots=50, trace=trace_of(*TRACES["weak"])).points < points["weak"]).all()


def test_silent_gains_are_no_trouble():
    trace = Trace(np.ones((40, 2), np.int64), np.zeros((40, 2)))
    for name in ("greedy", "best-fixed", "table"):
        policy = make_policy(name, SYSTEM, traces=[trace])
        result = simulate(SYSTEM, policy, slots=40, trace=trace)
        assert result.mean_transmit_energy_j == 0.0
