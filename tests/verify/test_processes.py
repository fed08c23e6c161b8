"""Calls in other processes: results, errors, and processes that die."""

from __future__ import annotations

import math
import operator
import os
from typing import Any

import pytest

from lyaopt.errors import EngineError, ProblemError
from lyaopt.threads import checked_workers
from lyaopt.verify.processes import in_processes


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_with_their_place(workers: int) -> None:
    results = dict(in_processes(math.factorial, [(n,) for n in range(4)], workers))
    assert results == {0: 1, 1: 1, 2: 2, 3: 6}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_here(workers: int) -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_processes(operator.truediv, [(1, 1), (1, 0), (1, 2)], workers))


def test_a_process_that_dies_is_an_error() -> None:
    with pytest.raises(EngineError, match="status 7"):
        list(in_processes(os._exit, [(7,), (7,)], 2))


def test_calls_behind_one_whose_process_died_are_not_waited_for() -> None:
    with pytest.raises(EngineError, match="status 7"):
        list(in_processes(os._exit, [(7,)] * 20, 2))


def test_what_a_call_prints_is_no_result(capfd: pytest.CaptureFixture[str]) -> None:
    assert dict(in_processes(print, [("a",), ("b",)], 2)) == {0: None, 1: None}
    assert sorted(capfd.readouterr().err.split()) == ["a", "b"]


@pytest.mark.parametrize("workers", [0, -2, 1.5, True, "2", None])
def test_other_numbers_of_workers_are_refused(workers: Any) -> None:
    with pytest.raises(ProblemError, match=r"^\$\.workers: expected a whole number >= 1, or -1"):
        checked_workers(workers)


def test_minus_one_is_every_core() -> None:
    assert checked_workers(-1) == len(os.sched_getaffinity(0))
