"""Copies of the present state of a replication, and added tasks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import System
from lyaopt.simulation import Trace
from lyaopt.simulation.state import State

SEED = 11


def busy_system() -> System:
    """A state with queues of several tasks, slow channels and busy services."""
    system = load_scenario("bursty")
    devices = tuple(
        replace(device, services=tuple(replace(s, arrival_rate_per_s=6.0) for s in device.services[: 2 - m]))
        for m, device in enumerate(system.devices[:3])
    )
    channel = replace(
        system.channel,
        fading_correlation=0.9,
        shadowing_std_db=6.0,
        walk_m_per_sqrt_s=3.0,
        walk_farthest_m=260.0,
    )
    return replace(system, devices=devices, channel=channel)


SYSTEM = busy_system()


def advance(state: State, slots: int, points: np.ndarray) -> None:
    """Run at points (periods, S), the same in all replications."""
    wide = np.repeat(points[..., None], state.layout.replications, axis=-1)
    state.advance(slots, state.layout.to_lanes(wide, np.int64))


def some_points(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, SYSTEM.cut_counts, (60, SYSTEM.cut_counts.size))


def present(systems: int = 400, slots: int = 470) -> State:
    state = State(SYSTEM, systems, SEED, None, systems)
    advance(state, slots, some_points())
    return state


def seen_of(state: State, system: int) -> list[np.ndarray]:
    """All observable quantities of a replication."""
    arrays = [state.backlog(), state.mean_gain(), state.last_gain(), state.points(), *state.present_sums()]
    return [array[..., system] for array in (*arrays, *state.task_counts())]


def finished_of(state: State, system: int) -> list[list[int]]:
    done = state.take_finished()
    return sorted(done[done[:, 0] == system, 1:].tolist())


@pytest.mark.parametrize("of", [0, 171, 399])
@pytest.mark.parametrize("slots", [470, 473])
@pytest.mark.parametrize("count", [1, 300])
def test_a_copy_with_the_same_draws_gives_the_same_run(of, slots, count):
    state = present(slots=slots)
    assert state.layout.blocks > 1
    assert state.task_counts()[2][:, of].max() > 1  # tasks behind others
    copy = state.copies(of, np.full(count, of), SEED)
    for expected, found in zip(seen_of(state, of), seen_of(copy, count - 1), strict=True):
        np.testing.assert_array_equal(found, expected)
    state.forget_finished()
    state.take_sums()
    for system in (state, copy):
        advance(system, 600, some_points(1))
    for number in {0, count - 1}:
        for expected, found in zip(seen_of(state, of), seen_of(copy, number), strict=True):
            np.testing.assert_array_equal(found, expected)
    for expected, found in zip(state.take_sums(), copy.take_sums(), strict=True):
        np.testing.assert_allclose(found[..., -1], expected[..., of], rtol=1e-12)
    assert finished_of(copy, count - 1) == finished_of(state, of) != []


def test_copies_leave_the_original_and_each_other_alone():
    state, alone = present(70), present(70)
    together = state.copies(5, np.arange(3, 90), 99)
    single = state.copies(5, np.array([40]), 99)
    for copy in (together, single, state, alone):
        advance(copy, 500, some_points(2))
    for expected, found in zip(seen_of(single, 0), seen_of(together, 37), strict=True):
        np.testing.assert_array_equal(found, expected)
    for expected, found in zip(seen_of(alone, 5), seen_of(state, 5), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len({backlog.tobytes() for backlog in np.moveaxis(together.backlog(), -1, 0)}) > 80


def test_copies_do_not_keep_earlier_sums():
    state = present(3)
    copy = state.copies(1, np.zeros(4, np.int64), 0)
    assert not len(copy.take_finished())
    assert all((sums == 0.0).all() for sums in copy.take_sums())
    assert len(state.take_finished())


@pytest.mark.parametrize("systems", [1, 150])
def test_tasks_that_are_added_are_served_like_tasks_that_arrived(systems):
    rng = np.random.default_rng(3)
    gain = SYSTEM.mean_channel_gain() * rng.exponential(size=(400, len(SYSTEM.devices)))
    arrivals = rng.poisson(0.02, (400, SYSTEM.cut_counts.size))
    less, more = arrivals.copy(), np.arange(SYSTEM.cut_counts.size) % 3
    less[199] = 0
    arrivals[199] = more
    arrived, added = (State(SYSTEM, systems, 0, Trace(tasks, gain), 1) for tasks in (arrivals, less))
    points = some_points(5)
    for state in (arrived, added):
        advance(state, 200, points[:20])
    wide = np.repeat(np.stack([more, points[19]])[..., None], systems, axis=-1)
    added.add_tasks(wide[0], wide[1])
    for expected, found in zip(arrived.task_counts(), added.task_counts(), strict=True):
        np.testing.assert_array_equal(found, expected)
    for state in (arrived, added):
        advance(state, 200, points[20:])
    for expected, found in zip(seen_of(arrived, systems - 1), seen_of(added, systems - 1), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert arrived.task_counts()[1].sum() > 0
