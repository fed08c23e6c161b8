"""`ByteSolver`: the answers and errors of `SlotProblem` and `solve_slot`, for slots in bytes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lyaopt import ProblemError, SlotProblem, SlotSolver, solve_slot
from lyaopt.slot.byte_solver import ByteSolver, bytes_of
from lyaopt.slot.documents import problem_from_dict
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS
from tests.slot.test_slot_solver import assert_same, slots
from tests.support.slot_text import EXAMPLE, general

RESULTS = (
    *("cpu_hz", "power_w", "local_multiplier", "transmit_multiplier"),
    *("local_energy_j", "transmit_energy_j"),
)
SIZES = [(1, 1), (2, 4), (4, 11), (5, 3), (9, 2)]


def state_of(problem: SlotProblem, weights: np.ndarray | None = None) -> bytes:
    """Built from the fields, [n, m] in each."""
    parts = [getattr(problem, name).T for name in QUEUE_FIELDS]
    parts += [problem.channel_gain, *([] if weights is None else weights)]
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def with_weights(problem: SlotProblem, weights: np.ndarray) -> SlotProblem:
    named = zip(WEIGHT_FIELDS, (row.T for row in weights), strict=True)
    return SlotProblem(**problem.__getstate__() | dict(named))


def check(found: memoryview, problem: SlotProblem) -> None:
    """Compare bytes with what `solve_slot` returns."""
    expected = solve_slot(problem)
    devices, services = problem.local_queue_cycles.shape
    numbers = np.frombuffer(found)
    items = devices * services
    rates = numbers[: 3 * items].reshape(3, services, devices)
    for row, name in zip(rates, ("local_cpu_hz", "rate_bps", "edge_cpu_hz"), strict=True):
        np.testing.assert_array_equal(row.T, getattr(expected, name), err_msg=name)
    rows = numbers[3 * items : -6].reshape(8, devices)
    names = (*RESULTS, "local_price", "rate_price")
    for row, name in zip(rows, names, strict=True):
        np.testing.assert_array_equal(row, getattr(expected, name), err_msg=name)
    objective, certificate = expected.objective, expected.certificate
    assert numbers[-6:].tolist() == [
        expected.edge_multiplier,
        *(objective.local, objective.transmit, objective.edge),
        *(certificate.relative_gap, certificate.max_violation),
    ]


@pytest.mark.parametrize(("services", "devices"), SIZES)
def test_slots_with_weights_and_without_in_turn(services, devices):
    first, *others = slots(services, devices, count=6)
    solver = ByteSolver(first)
    random = np.random.default_rng(7)
    for place, problem in enumerate(others):
        weights = 10 ** random.uniform(0, 9, (3, services, devices))
        weights.flat[0] = 0.0
        if place % 2:
            check(solver.solve_bytes(state_of(problem)), problem)
            assert_same(solver.solve(), solve_slot(problem))
        else:
            weighted = with_weights(problem, weights)
            check(solver.solve_bytes(state_of(problem, weights)), weighted)
            assert_same(solver.solve(), solve_slot(weighted))
            np.testing.assert_array_equal(solver.solve().problem.edge_weight, weights[2].T)


def test_weights_belong_to_their_slot():
    """Also to a solution that is read after the next slot; and not to what an update gives."""
    first, other = slots(2, 4, count=2)
    weights = 10 ** np.random.default_rng(7).uniform(0, 9, (3, 2, 4))
    solver = ByteSolver(first)
    solver.solve_bytes(state_of(other, weights))
    solution = solver.solve()
    assert solver.solve() is solution
    solver.update(channel_gain=first.channel_gain)
    assert not solver.solve().problem.is_general
    assert_same(
        solver.solve(), solve_slot(SlotProblem(**other.__getstate__() | {"channel_gain": first.channel_gain}))
    )
    solver.solve_bytes(state_of(first, 2.0 * weights))
    np.testing.assert_array_equal(solution.problem.edge_weight, weights[2].T)
    assert_same(solution, solve_slot(with_weights(other, weights)))


@pytest.mark.parametrize(("services", "devices"), SIZES)
def test_lengths_are_those_of_the_arrays(services, devices):
    (problem,) = slots(services, devices, count=1)
    solver = ByteSolver(problem)
    weights = np.ones((3, services, devices))
    sizes = solver.state_bytes, solver.weighted_bytes, solver.solution_bytes
    assert sizes == bytes_of(devices, services)
    assert len(state_of(problem)) == sizes[0]
    assert len(state_of(problem, weights)) == sizes[1]
    assert len(solver.solve_bytes(state_of(problem))) == sizes[2]
    for size in {0, 8, sizes[0] - 1, sizes[0] + 8, sizes[1] - 8, sizes[1] + 1} - {sizes[0], sizes[1]}:
        with pytest.raises(ProblemError, match="bytes"):
            solver.solve_bytes(bytes(size))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, -0.0])
@pytest.mark.parametrize("services", [2, 5])
def test_each_number_is_looked_at(services, bad):
    """Minus zero is zero; of all else the solver is as before."""
    problem, other = slots(services, 3, count=2)
    weights = np.ones((3, services, 3))
    solver = ByteSolver(problem)
    solver.solve_bytes(state_of(problem))
    numbers = np.frombuffer(state_of(other, weights)).copy()
    for place in range(numbers.size):
        changed = numbers.copy()
        changed[place] = bad
        if bad == 0.0:
            zero = numbers.copy()
            zero[place] = 0.0
            expected = bytes(ByteSolver(problem).solve_bytes(zero.tobytes()))
            assert bytes(solver.solve_bytes(changed.tobytes())) == expected
            continue
        before = solver.solve()
        with pytest.raises(ProblemError) as caught:
            solver.solve_bytes(changed.tobytes())
        assert caught.value.path.startswith("$.devices[")
        assert_same(solver.solve(), before)


def test_ragged_services_are_kept_apart():
    problem = problem_from_dict(EXAMPLE)
    assert problem.service_counts == (2, 1)
    solver = ByteSolver(problem)
    weights = np.ones((3, 2, 2))
    with pytest.raises(ProblemError, match=r"services\[1\]: beyond"):
        solver.solve_bytes(state_of(problem, weights))
    weights[:, 1, 1] = 0.0
    check(solver.solve_bytes(state_of(problem, weights)), with_weights(problem, weights))


def test_documents_that_are_read_strictly_are_as_plain_as_others():
    """The strict way passes tables of None, which are none."""
    problem = problem_from_dict(json.loads(json.dumps(EXAMPLE)))
    assert not problem.is_general
    assert_same(SlotSolver(problem).solve(), solve_slot(problem))
    assert problem_from_dict(general()).is_general


@pytest.mark.parametrize("bad", [{"max_power_w": [-1.0, 1.0]}, {"channel_gain": [1.0]}])
def test_an_update_that_is_refused_changes_no_bytes(bad):
    """Also not what was put in place before the field that is refused."""
    (problem,) = slots(3, 2, count=1)
    solver = ByteSolver(problem)
    with pytest.raises(ProblemError):
        solver.update(cpu_capacity_hz=0.5 * problem.cpu_capacity_hz, **bad)
    check(solver.solve_bytes(state_of(problem)), problem)
