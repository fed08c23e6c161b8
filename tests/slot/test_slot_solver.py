"""`SlotSolver`: the answers and errors of `SlotProblem` and `solve_slot`, slot after slot."""

from __future__ import annotations

import copy
import pickle
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from lyaopt import ProblemError, SlotProblem, SlotSolution, SlotSolver, solve_slot, solve_slots
from lyaopt._kernels.slot import next_slot
from lyaopt.slot.batch import as_batch
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS
from lyaopt.slot.solve import LARGEST_GAP
from lyaopt.verify.random_problems import batches, to_problem
from lyaopt.verify.regimes import PLAIN
from tests.kernels.test_sizes import make_batch
from tests.support.capi import slot_of

ARRAYS = (*QUEUE_FIELDS, *DEVICE_FIELDS)
VALUES = [field.name for field in fields(SlotSolution) if field.name not in ("problem", "status")]


def slots(services: int, devices: int, count: int = 4, seed: int = 0) -> list[SlotProblem]:
    """Slots of one system."""
    batch = make_batch(services, devices=devices, slots=count, seed=seed)
    return [slot_of(batch, slot) for slot in range(count)]


def assert_same(ours: SlotSolution, theirs: SlotSolution) -> None:
    for name in VALUES:
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    assert ours.status == theirs.status


def state_of(problem: SlotProblem) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in (*QUEUE_FIELDS, "channel_gain")}


@pytest.mark.parametrize(("services", "devices"), [(1, 1), (2, 4), (3, 3), (4, 2), (4, 11), (2, 8), (5, 3)])
def test_slot_after_slot_is_solved_as_by_itself(services: int, devices: int) -> None:
    first, *others = slots(services, devices)
    solver = SlotSolver(first)
    assert_same(solver.solve(), solve_slot(first))
    for problem in others:
        solver.update(**state_of(problem))
        solution = solver.solve()
        assert_same(solution, solve_slot(problem))
        assert solver.solve() is solution


@pytest.mark.parametrize("regime", PLAIN)
def test_every_regime_is_solved_and_certified(regime: str) -> None:
    """Rates and powers are those of a batch to the last bit; magnitudes go over sixty orders."""
    for batch in batches(regime, 40, 5):
        solution = solve_slots(batch)
        for slot in range(min(batch.shape[0], 3)):
            if batch.shape[1] * batch.shape[2] > 256:
                continue
            problem = to_problem(batch, slot)
            one = SlotSolver(problem).solve()
            for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "cpu_hz", "power_w"):
                np.testing.assert_array_equal(getattr(one, name), getattr(solution, name)[slot], err_msg=name)
            assert one.certificate.relative_gap <= 1e-12
            assert one.certificate.max_violation <= 1e-14


def test_fields_agree_with_those_of_a_batch() -> None:
    for problem in slots(3, 5):
        one, many = solve_slot(problem), solve_slots(as_batch(problem))
        for name in VALUES:
            if name not in ("objective", "certificate", "edge_multiplier", "spectrum_price"):
                np.testing.assert_allclose(
                    getattr(one, name), getattr(many, name)[0], rtol=1e-15, err_msg=name
                )
        parts = [one.objective.local, one.objective.transmit, one.objective.edge]
        np.testing.assert_allclose(parts, many.objective[:, 0], rtol=1e-14)
        slow = many.independent_certificate()
        assert one.certificate.relative_gap == pytest.approx(slow.relative_gap[0], rel=1e-12, abs=1e-15)
        assert one.certificate.max_violation == pytest.approx(slow.max_violation[0], rel=1e-12, abs=1e-15)


def test_one_array_alone_can_be_replaced() -> None:
    first, second, *_ = slots(2, 4)
    for name in ARRAYS:
        solver = SlotSolver(first)
        solver.update(**{name: getattr(second, name).tolist()})
        assert_same(solver.solve(), solve_slot(replace(first, **{name: getattr(second, name)})))
        for other in ARRAYS:
            expected = getattr(second if other == name else first, other)
            np.testing.assert_array_equal(getattr(solver.solve().problem, other), expected)


def test_solutions_are_not_changed_by_what_follows() -> None:
    first, second, *_ = slots(2, 4)
    given = {name: np.array(values) for name, values in state_of(second).items()}
    solver = SlotSolver(first)
    early = solver.solve()
    solver.update(**given)
    late = solver.solve()
    for values in given.values():
        values[:] = np.nan
    solver.update(**state_of(first))
    assert_same(early, solve_slot(first))
    assert_same(late, solve_slot(second))
    np.testing.assert_array_equal(late.problem.channel_gain, second.channel_gain)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, 5e-324, "none", None])
def test_bad_values_are_refused_as_by_a_problem(name: str, bad: Any) -> None:
    """With the same words and path, and nothing changes."""
    problem = slots(2, 4)[0]
    values = getattr(problem, name).tolist()
    row = values[-1] if name in QUEUE_FIELDS else values
    row[-1] = bad
    solver = SlotSolver(problem)
    before = solver.solve()
    expected = error = None
    try:
        expected = solve_slot(replace(problem, **{name: values}))
    except ProblemError as refused:
        error = str(refused)
    if expected is not None:  # an odd number may be right
        solver.update(**{name: values})
        assert_same(solver.solve(), expected)
        return
    with pytest.raises(ProblemError) as caught:
        solver.update(**{QUEUE_FIELDS[0]: 2.0 * problem.local_queue_cycles, name: values})
    assert str(caught.value) == error
    assert solver.solve() is before
    solver.update(max_power_w=problem.max_power_w)
    assert_same(solver.solve(), before)


@pytest.mark.parametrize("shape", [(), (3,), (4, 3), (2, 4), (4, 2, 1)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    solver = SlotSolver(slots(2, 4)[0])
    for name in ARRAYS:
        with pytest.raises(ProblemError, match=rf"^\$\.{name}: expected"):
            solver.update(**{name: np.ones(shape)})


def test_bandwidth_must_be_positive() -> None:
    solver = SlotSolver(slots(2, 4)[0])
    with pytest.raises(ProblemError, match=r"^\$\.devices\[2\]\.bandwidth_hz"):
        solver.update(bandwidth_hz=[1e6, 1e6, 0.0, 1e6])


def test_services_that_a_device_lacks_stay_empty() -> None:
    problem = slots(2, 4)[0]
    empty = {
        name: getattr(problem, name) * np.array([[1, 1], [1, 0], [1, 1], [1, 1]]) for name in QUEUE_FIELDS
    }
    solver = SlotSolver(replace(problem, **empty, service_counts=(2, 1, 2, 2)))
    with pytest.raises(ProblemError, match=r"^\$\.devices\[1\]\.services\[1\]: beyond"):
        solver.update(edge_queue_cycles=np.ones((4, 2)))
    solver.update(edge_queue_cycles=2.0 * empty["edge_queue_cycles"])
    assert solver.solve().problem.service_counts == (2, 1, 2, 2)


def test_a_signed_zero_is_a_zero() -> None:
    problem = slots(2, 4)[0]
    for name in ARRAYS[:-1]:
        solver = SlotSolver(problem)
        values = [np.array(getattr(problem, name)) for _ in range(2)]
        values[0].flat[0], values[1].flat[0] = 0.0, -0.0
        solutions = []
        for zero in values:
            solver.update(**{name: zero})
            solutions.append(solver.solve())
        assert_same(*solutions)
        assert not np.signbit(getattr(solutions[1].problem, name)).any()


def test_what_it_does_not_solve_is_refused() -> None:
    problem = slots(2, 4)[0]
    weighted = replace(problem, local_weight=np.ones((4, 2)))
    with pytest.raises(ProblemError, match="solve_slot"):
        SlotSolver(weighted)
    nothing = {name: np.empty((4, 0)) for name in QUEUE_FIELDS}
    none = replace(problem, **nothing, service_counts=None)
    with pytest.raises(ProblemError, match="at least one"):
        SlotSolver(none)
    with pytest.raises(ProblemError, match="SlotProblem"):
        SlotSolver("slot.json")  # type: ignore[arg-type]


def _unaligned(values: Any) -> Any:
    moved = np.empty(values.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(values.shape)
    moved[...] = values
    return moved


def _spread(values: Any) -> Any:
    """The values in an array of its own, with other numbers between them, backwards."""
    wide = np.full([3 * size for size in values.shape], np.nan)
    view = wide[tuple(slice(None, None, -3) for _ in values.shape)]
    view[...] = values
    return view


FORMS = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "reversed": lambda values: np.array(values[::-1])[::-1],
    "spread": _spread,
    "unaligned": _unaligned,
    "swapped": lambda values: values.astype(">f8"),
    "lists": lambda values: values.tolist(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("services", "devices"), [(1, 1), (2, 4), (3, 3), (4, 11), (5, 3)])
def test_arrays_of_any_form_are_taken(form: str, services: int, devices: int) -> None:
    first, second, *_ = slots(services, devices)
    solver = SlotSolver(first)
    solver.update(**{name: FORMS[form](values) for name, values in state_of(second).items()})
    assert_same(solver.solve(), solve_slot(second))
    for name, values in state_of(second).items():
        np.testing.assert_array_equal(getattr(solver.solve().problem, name), values)


def test_one_number_everywhere_is_taken() -> None:
    """Arrays whose entries lie in one place."""
    first = slots(2, 4)[0]
    solver = SlotSolver(first)
    fields = {name: np.broadcast_to(values.max(), values.shape) for name, values in state_of(first).items()}
    solver.update(**fields)
    assert_same(solver.solve(), solve_slot(replace(first, **fields)))


def test_arrays_of_its_own_solution_are_taken() -> None:
    first, second, *_ = slots(2, 4)
    solver = SlotSolver(first)
    solver.update(**state_of(second))
    before = solver.solve()
    solver.update(**(state_of(before.problem) | {"edge_queue_cycles": before.problem.local_queue_cycles}))
    expected = replace(second, edge_queue_cycles=second.local_queue_cycles)
    assert_same(solver.solve(), solve_slot(expected))
    assert_same(before, solve_slot(second))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_is_a_solver_of_its_own(copied: Any) -> None:
    first, second, third, _ = slots(2, 4)
    solver = SlotSolver(first)
    solver.update(**state_of(second))
    other = copied(solver)
    solver.update(**state_of(third))
    assert_same(other.solve(), solve_slot(second))
    other.update(local_queue_cycles=first.local_queue_cycles)
    assert_same(other.solve(), solve_slot(replace(second, local_queue_cycles=first.local_queue_cycles)))
    assert_same(solver.solve(), solve_slot(third))


def test_a_slot_without_a_proof_is_refused_when_its_solution_is_asked_for() -> None:
    first, second, *_ = slots(2, 4)
    solver = SlotSolver(first)
    kernel = solver._kernel

    def without_proof(*args: Any) -> int:
        status = kernel(*args)
        args[1][-2] = 2e-9  # the gap
        return status or 2

    solver._kernel = without_proof
    solver.update(**state_of(second))
    with pytest.raises(ProblemError, match="no solution can be certified"):
        solver.solve()
    solver._kernel = kernel
    solver.update(**state_of(first))
    assert_same(solver.solve(), solve_slot(first))


def test_the_kernel_tells_whether_a_certificate_holds() -> None:
    """By each of its three numbers."""
    good = np.array([0.0, -1.0, -1.0, -1.0, next_slot.LARGEST_GAP, next_slot.LARGEST_GAP])
    assert next_slot.LARGEST_GAP == LARGEST_GAP
    assert next_slot._is_certified(good)
    for place, value in [(1, np.inf), (2, np.nan), (3, -np.inf), (4, 1.1e-9), (4, np.nan), (5, 1.1e-9)]:
        bad = good.copy()
        bad[place] = value
        assert not next_slot._is_certified(bad)


def test_solutions_are_copied_and_pickled_with_their_fields() -> None:
    solver = SlotSolver(slots(2, 4)[0])
    solution = solver.solve()
    for other in (copy.copy(solution), copy.deepcopy(solution), pickle.loads(pickle.dumps(solution))):
        assert_same(other, solution)
        np.testing.assert_array_equal(other.problem.channel_gain, solution.problem.channel_gain)
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = solution.nothing
    assert "4 devices, 8 services" in repr(solver)
