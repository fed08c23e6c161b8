"""What a slot problem refuses, and what it keeps of its arguments."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest

from lyaopt import ProblemError, SlotProblem, format_solution, solve_slot
from tests.slot.one_device import slot


@pytest.fixture(params=["exact", "bisection"])
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("name", ["cpu_capacity_hz", "edge_capacity_hz", "max_power_w", "channel_gain"])
@pytest.mark.parametrize("value", [math.inf, math.nan, -1.0])
def test_infinite_negative_and_nan_values_are_refused(name: str, value: float) -> None:
    """So no problem is unbounded: infinite capacities with free energy cannot be stated."""
    with pytest.raises(ProblemError, match=name):
        slot(**{name: value if name == "edge_capacity_hz" else [value]})


def test_the_choice_of_method_is_checked() -> None:
    with pytest.raises(ValueError, match="expected one of exact, bisection, got 'newton'"):
        solve_slot(slot(), "newton")


@pytest.mark.parametrize("value", [1 + 1j, "1", np.datetime64(1, "s"), pytest.param(10**400, id="huge")])
def test_values_that_are_not_real_numbers_are_refused(value: Any) -> None:
    with pytest.raises(ProblemError, match=r"\$\.local_queue_cycles: expected numbers"):
        slot(local_queue_cycles=[[value, value]])


@pytest.mark.parametrize("name", ["slot_duration_s", "edge_capacity_hz", "noise_psd_dbm_per_hz"])
@pytest.mark.parametrize("value", [np.complex128(1), pytest.param(10**400, id="huge")])
def test_scalars_that_are_no_real_number_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ProblemError, match=name) as caught:
        slot(**{name: value})
    assert len(str(caught.value)) < 160


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service_counts", 2),
        ("service_counts", (1.5,)),
        ("service_counts", "2"),
        ("device_ids", ("a", "b")),
        ("service_ids", (("a",),)),
    ],
)
def test_counts_and_ids_that_do_not_fit_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ProblemError, match=name):
        slot(**{name: value})


def test_arrays_changed_after_the_problem_was_built_change_nothing(method: str) -> None:
    queue = np.array([[3.0, 5.0]])
    problem = slot(local_queue_cycles=queue)
    before = solve_slot(problem, method)
    queue[:] = math.nan
    after = solve_slot(problem, method)
    assert np.array_equal(before.local_cpu_hz, after.local_cpu_hz)
    assert np.array_equal(problem.local_queue_cycles, [[3.0, 5.0]])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"device_ids": ("a", "a")}, "$.device_ids: duplicate id 'a'"),
        ({"service_ids": (("a",), ("b", "b"))}, "$.service_ids[1]: duplicate id 'b'"),
    ],
)
def test_ids_are_not_given_twice(names, message):
    fields = {"service_counts": (1, 2), **names}
    with pytest.raises(ProblemError) as refused:
        SlotProblem(1.0, 0.0, 0.0, 0.0, 1.0, *[np.ones(2)] * 4, *[np.zeros((2, 2))] * 3, **fields)
    assert str(refused.value) == message


def test_the_arrays_of_a_problem_cannot_be_changed():
    problem = SlotProblem(1.0, 0.0, 0.0, 0.0, 1.0, *[np.ones(1)] * 4, *[np.ones((1, 1))] * 3)
    for one in (problem, copy.deepcopy(problem), pickle.loads(pickle.dumps(problem))):
        for name in ("channel_gain", "local_queue_cycles"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(one, name)[:] = 2.0


@pytest.mark.parametrize("number", [np.float32, np.float16, np.int64])
def test_scalars_of_numpy_are_taken_as_floats(number: Any) -> None:
    """NumPy's numbers would compute in their own precision, and could not be written as JSON."""
    names = ("slot_duration_s", "energy_coefficient", "edge_capacity_hz", "noise_psd_dbm_per_hz")
    expected = slot(**dict.fromkeys(names, 2.0))
    given = slot(**dict.fromkeys(names, number(2)))
    assert [type(getattr(given, name)) for name in names] == [float] * len(names)
    assert format_solution(solve_slot(given)) == format_solution(solve_slot(expected))


def test_short_floats_do_not_limit_the_range() -> None:
    slot(slot_duration_s=np.float16(0.01), edge_queue_cycles=[[1e8, 1e8]])


def test_the_message_about_a_wrong_array_is_one_line() -> None:
    with pytest.raises(ProblemError, match="expected numbers, got array") as caught:
        slot(local_queue_cycles=np.full((3, 2), "a"))
    assert "\n" not in str(caught.value)
