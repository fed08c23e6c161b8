"""Threads that share the replications of a run: the same bits, whatever their number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lyaopt import ProblemError, load_scenario, make_policy, simulate
from lyaopt.evaluation import evaluate
from lyaopt.policies import SearchOptions, search_fixed
from lyaopt.simulation import Decision, Shares, Simulator, Trace, layout, state_parts
from lyaopt.simulation.state import State
from tests.simulation.rules import Everything, backlogs_compiled
from tests.simulation.test_copies import SEED, advance, finished_of, seen_of, some_points
from tests.simulation.test_copies import SYSTEM as BURSTY

SYSTEM = load_scenario("default")


class SharesByTurns:
    """Divides resources by shares that differ between replications, in every other period."""

    name = "shares by turns"

    def decide(self, observation: Any) -> Decision:
        devices = np.linspace(0.1, 1.0, 4)[:, None] * np.ones(observation.replications)
        even = np.full((8, observation.replications), 0.125) * np.linspace(0.2, 1.0, observation.replications)
        points = np.add.outer(np.zeros(8, np.int64), np.arange(observation.replications) % 3)
        shares = Shares(devices, devices, even, even, even)
        return Decision(points, shares=shares if observation.period % 2 else None)


def one_plan(replications: int) -> Any:
    """Other points in each replication, for several periods at a time."""
    rng = np.random.default_rng(replications)

    class Plan:
        name = "plan"

        def decide(self, observation: Any) -> Decision:
            cuts = SYSTEM.cut_counts[:, None]
            return Decision(rng.integers(0, cuts, (3, cuts.size, observation.replications)))

    return Plan()


KINDS: dict[str, Any] = {
    **{name: lambda name=name: make_policy(name, SYSTEM) for name in ("middle", "random", "greedy")},
    "price": lambda: make_policy("price", SYSTEM, slots=400, replications=2),
    "shares": SharesByTurns,
    "plan": lambda: one_plan(5),
}


@pytest.fixture(autouse=True)
def short_runs_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_parts, "_LEAST_WORK", 0)
    monkeypatch.setattr(layout, "_LEAST_WIDTH", 1)


def assert_same_bits(one: Any, other: Any) -> None:
    for name in ("local_energy_j", "transmit_energy_j", "queues", "service_rates", "mean_tasks", "points"):
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name), err_msg=name)
    for name in ("group", "slots", "tasks"):
        np.testing.assert_array_equal(getattr(other.latencies, name), getattr(one.latencies, name))
    for name in ("born", "completed", "queued", "busy_share", "limited_share"):
        assert getattr(other, name) == getattr(one, name)


@pytest.mark.parametrize("replications", [2, 5, 150])
@pytest.mark.parametrize("kind", KINDS)
def test_bits_are_those_of_one_worker(kind: str, replications: int) -> None:
    runs = []
    for workers in (1, 2, 3):
        run = Simulator(SYSTEM, KINDS[kind](), replications=replications, seed=4, workers=workers)
        run.run(300, 105)
        run.run(73)
        runs.append(run.result())
    assert runs[0].completed > 0
    for other in runs[1:]:
        assert_same_bits(runs[0], other)


def test_slow_channels_and_bursts_are_those_of_one_worker() -> None:
    policy = make_policy("middle", BURSTY)
    one, two = (
        simulate(BURSTY, policy, slots=400, replications=7, seed=4, workers=workers) for workers in (1, 2)
    )
    assert_same_bits(one, two)


@pytest.mark.parametrize("rule", [Everything(), backlogs_compiled], ids=["Python", "compiled"])
def test_rules_of_ones_own_run_in_one_thread(rule: Any) -> None:
    run = Simulator(SYSTEM, make_policy("middle", SYSTEM), replications=4, rule=rule, workers=2)
    assert len(run._state.parts) == 1


def test_a_copy_is_taken_of_any_part() -> None:
    state = State(BURSTY, 9, SEED, None, 9, workers=3)
    assert [part.blocks for part in state.parts] == [slice(0, 1), slice(1, 2), slice(2, 3)]
    advance(state, 470, some_points())
    for of in (0, 4, 8):
        copy = state.copies(of, np.full(2, of), SEED)
        rest = State(BURSTY, 9, SEED, None, 9)
        advance(rest, 470, some_points())
        rest.forget_finished()
        for system in (rest, copy):
            advance(system, 300, some_points(1))
        for expected, found in zip(seen_of(rest, of), seen_of(copy, 1), strict=True):
            np.testing.assert_array_equal(found, expected)
        assert finished_of(copy, 1) == finished_of(rest, of) != []


def test_a_state_starts_again_in_all_parts() -> None:
    numbers = np.arange(5)
    state, new = (State(SYSTEM, 5, SEED, None, 5, workers=2) for _ in range(2))
    points = np.zeros((1, 8), np.int64)
    advance(state, 50, points)
    state.restart(SEED, numbers)
    for each in (state, new):
        advance(each, 200, points)
    for number in range(5):
        for expected, found in zip(seen_of(new, number), seen_of(state, number), strict=True):
            np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(new.take_finished(), state.take_finished())
    assert not len(state.take_finished())


@pytest.mark.parametrize("workers", [1, 2, 3, 8, 100])
@pytest.mark.parametrize("replications", [1, 2, 9, 64, 65, 200])
def test_parts_hold_all_blocks_evenly(replications: int, workers: int) -> None:
    state = State(SYSTEM, replications, 0, None, replications, workers=workers)
    blocks = [number for part in state.parts for number in range(part.blocks.start, part.blocks.stop)]
    assert blocks == list(range(state.layout.blocks))
    assert len({part.blocks.stop - part.blocks.start for part in state.parts}) == 1
    assert len(state.parts) == min(workers, replications)


def test_few_replications_stay_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert [len(State(SYSTEM, count, 0, None, count, workers=2).parts) for count in (1, 15, 16)] == [1, 1, 2]


def test_a_search_finds_the_same() -> None:
    options = SearchOptions(slots=300, replications=2, seed=5)
    one, two = (search_fixed(SYSTEM, replace(options, workers=workers)) for workers in (1, 2))
    np.testing.assert_array_equal(one.points, two.points)
    assert (one.stable, one.finished, one.slots) == (two.stable, two.finished, two.slots)


def test_an_evaluation_is_the_same() -> None:
    policies = [make_policy(name, SYSTEM) for name in ("middle", "random")]
    one, two = (
        evaluate(SYSTEM, policies, replications=5, slots=300, warmup=50, workers=workers).to_dict()
        for workers in (1, 2)
    )
    assert one == two


@pytest.mark.parametrize("workers", [0, -2, 1.5, True])
def test_a_wrong_number_of_workers_is_refused(workers: Any) -> None:
    policy = make_policy("middle", SYSTEM)
    with pytest.raises(ProblemError, match=r"\$\.workers: expected a whole number"):
        simulate(SYSTEM, policy, slots=10, workers=workers)
    with pytest.raises(ProblemError, match=r"\$\.workers: expected a whole number"):
        make_policy("best-fixed", SYSTEM, slots=100, replications=1, workers=workers)


def test_replications_that_start_anywhere_in_a_trace_are_those_of_one_worker() -> None:
    policy = make_policy("middle", SYSTEM)
    record = simulate(SYSTEM, policy, slots=400, seed=9, record=True).record
    trace = Trace(record.arrivals, record.channel_gain).spread_over(5)
    one, two = (
        simulate(SYSTEM, policy, slots=500, replications=5, trace=trace, workers=workers)
        for workers in (1, 2)
    )
    assert len({energy.tobytes() for energy in one.local_energy_j.T}) > 2
    assert_same_bits(one, two)
