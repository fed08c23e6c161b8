"""`lyaopt check`: its calls of `lyaopt.verify.campaign`, and its output."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from lyaopt.errors import ProblemError
from lyaopt.verify import campaign
from lyaopt.verify.campaign import AccuracyReport, RegimeAccuracy, run_accuracy
from lyaopt_cli.main import run
from tests.support.slot_text import on_a_terminal


def report(gap: float) -> AccuracyReport:
    row = RegimeAccuracy("ties", 7, gap, 0.0, 1, 0, None, None, 3)
    return AccuracyReport((row,), 5, "ECOS", {})


def run_with(monkeypatch: Any, outcome: Any, *arguments: str) -> tuple[int, list[Any]]:
    """Exit status of the command, and the arguments of `run_accuracy`, which is replaced by `outcome`."""
    calls = []

    def replacement(*values: Any, workers: int) -> AccuracyReport:
        calls.append((*values, workers))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(campaign, "run_accuracy", replacement)
    return run(["check", *arguments]), calls


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_small_campaign_is_reported(capsysbinary, workers):
    options = ["--solver", "none", "--workers", workers, "--json"]
    assert run(["check", "--instances", "40", "--seed", "3", *options]) == 0
    captured = capsysbinary.readouterr()
    assert captured.err == b""
    assert json.loads(captured.out) == run_accuracy(40, 3, None).to_dict()


@pytest.mark.parametrize(("solver", "expected"), [("ECOS", "ECOS"), ("none", None), ("None", None)])
def test_options_reach_the_campaign(monkeypatch, solver, expected):
    status, calls = run_with(
        monkeypatch, report(0.0), "--instances", "12", "--seed", "9", "--solver", solver, "--json"
    )
    assert status == 0
    assert calls == [(12, 9, expected, None, -1)]


def test_the_defaults_are_those_of_the_help(monkeypatch):
    assert run_with(monkeypatch, report(0.0))[1] == [(10_000, 1, "CLARABEL", None, -1)]


@pytest.mark.parametrize("gap", [1e-11, float("nan"), float("inf")])
def test_a_gap_beyond_its_limit_is_status_1(monkeypatch, capsysbinary, gap):
    assert run_with(monkeypatch, report(gap), "--json")[0] == 1
    assert json.loads(capsysbinary.readouterr().out)["passed"] is False


@pytest.mark.parametrize("error", [ImportError("needs CVXPY"), ProblemError("$.solver", "no such solver")])
def test_a_solver_that_is_not_there_is_bad_input(monkeypatch, capsysbinary, error):
    assert run_with(monkeypatch, error)[0] == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    assert len(captured.err.splitlines()) == 1
    assert getattr(error, "reason", str(error)) in captured.err.decode()


def test_no_workers_are_bad_input(capsysbinary):
    assert run(["check", "--workers", "0", "--solver", "none"]) == 2
    assert b"--workers: expected a whole number >= 1" in capsysbinary.readouterr().err


def test_a_missing_cvxpy_names_the_extra(monkeypatch, capsysbinary):
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    assert run(["check", "--instances", "10"]) == 2
    assert b"pip install 'lyaopt[check]'" in capsysbinary.readouterr().err


def test_a_terminal_gets_a_table():
    text = on_a_terminal("check", "--instances", "20", "--solver", "none")
    assert text.rstrip().endswith("passed")
    for row in run_accuracy(20, 1, None).rows:
        assert any(line.startswith(row.regime) and str(row.instances) in line for line in text.splitlines())


def test_a_missing_figure_is_a_dash(monkeypatch, capsysbinary):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run_with(monkeypatch, report(2e-12))[0] == 1
    lines = capsysbinary.readouterr().out.decode().splitlines()
    row = next(line for line in lines if line.startswith("ties"))
    assert row.split() == ["ties", "7", "2.0e-12", "0.0e+00", "0", "3", "-", "-"]
    assert lines[-1].startswith("not passed")
