"""References to the arrays that kernels take and return: none is lost, none is kept, whatever threads do.

The counters of the ahead-of-time core are not atomic (lyaopt/_kernels/toolchain/aot_flags.py).
"""

import json
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lyaopt import load_scenario, make_policy, parse_slot_document, simulate, solve_slot, solve_slots
from lyaopt.simulation.state import State
from tests.kernels.test_sizes import make_batch
from tests.support.slot_text import example

THREADS = 4


def arrays_in(values):
    """All arrays in nested tuples."""
    for value in values:
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, tuple):
            yield from arrays_in(value)


def references(values):
    """How often each array is referred to; the views that the loop holds for itself count alike each time."""
    return [sys.getrefcount(array) for array in arrays_in(values)]


def new_state(replications=50):
    return State(load_scenario("default"), replications, seed=1, trace=None, distinct_streams=replications)


def advance(state, slots):
    state.advance(slots, state.kernel_state.points[None].copy())


def add_many_tasks(state):
    services, replications = state.layout.services, state.layout.replications
    state.add_tasks(np.full((services, replications), 20), np.zeros((services, replications), np.int64))


@pytest.mark.parametrize("services", [2, 9, 300])
def test_solvers_keep_no_reference(services):
    batch = make_batch(services, slots=3)
    solution = solve_slots(batch)
    views = (batch._local_problem, batch._transmit_problem, batch._edge_problem)
    views += (solution._local_allocation, solution._transmit_allocation, solution._edge_allocation)
    before = references(views)
    for _ in range(10):
        for method in ("exact", "bisection"):
            assert solve_slots(batch, method, out=solution).certificate.relative_gap.max() < 1e-12
    assert references(views) == before


def test_the_kernel_of_one_slot_keeps_no_reference():
    problem = parse_slot_document(json.dumps(example()))
    before = references(problem._packed)
    solutions = [solve_slot(problem) for _ in range(10)]
    assert references(problem._packed) == before
    assert all((one.rate_bps == solutions[0].rate_bps).all() for one in solutions)


def test_a_simulation_keeps_no_reference():
    def counted():
        return references((state.kernel_state, state._model, state._streams, state._trace, state._part.tasks))

    state = new_state()
    advance(state, 100)
    before = counted()
    for _ in range(5):
        advance(state, 100)
        state.forget_finished()
    assert counted() == before


def test_tables_that_did_not_grow_are_the_same_arrays():
    state = new_state(2)
    table, _, log = state._part.tasks
    advance(state, 10)
    assert state._part.tasks.table is table
    assert state._part.tasks.log is log


def test_tables_that_grew_are_taken_again_and_freed():
    state = new_state()
    for _ in range(4):
        table, log = (weakref.ref(array) for array in (state._part.tasks.table, state._part.tasks.log))
        room = state.room
        while room[0] == state.room[0] or room[1] == state.room[1]:
            add_many_tasks(state)
        assert table() is None
        assert log() is None
    advance(state, 50)
    for array in arrays_in(state._part.tasks):
        assert getattr(array.base, "refcount", 1) == 1  # Numba's own counter, of what a kernel allocated
    born, completed, queued = (count.sum() for count in state.task_counts())
    assert born == completed + queued


def in_threads(function):
    """Results of many calls at once, with threads that switch as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(function, range(40)))
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("services", [2, 9, 300])
def test_threads_solve_the_same_batch(services):
    batch = make_batch(services, slots=20)
    expected = solve_slots(batch)
    views = (batch._local_problem, batch._transmit_problem, batch._edge_problem)
    before = references(views)
    for solution in in_threads(lambda _: solve_slots(batch)):
        for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "transmit_multiplier"):
            np.testing.assert_array_equal(getattr(solution, name), getattr(expected, name))
        assert solution.certificate.relative_gap.max() < 1e-12
    assert references(views) == before


def test_threads_simulate_from_the_same_arrays():
    shared = new_state()
    before = references((shared._model, shared._streams, shared._trace))

    def run(_):
        state = new_state()
        state._model, state._streams, state._trace = shared._model, shared._streams, shared._trace
        add_many_tasks(state)
        advance(state, 100)
        return state.arrays()

    expected = run(0)
    for arrays in in_threads(run):
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, expected[name], err_msg=name)
    assert references((shared._model, shared._streams, shared._trace)) == before


def test_threads_run_whole_simulations():
    system = load_scenario("default")
    policy = make_policy("middle", system)

    def run(_):
        return simulate(system, policy, slots=200, replications=3, seed=2)

    expected = run(0)
    for result in in_threads(run):
        np.testing.assert_array_equal(result.local_energy_j, expected.local_energy_j)
        assert (result.born, result.completed) == (expected.born, expected.completed)
