"""The accuracy campaign: its coverage, its report, and detection of a wrong solver."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pytest

from lyaopt.errors import MissingExtraError, ProblemError
from lyaopt.slot.batch import SlotBatch
from lyaopt.slot.batch_solution import BatchCertificate, BatchSolution
from lyaopt.slot.solve_batch import solve_slots
from lyaopt.verify import campaign
from lyaopt.verify.random_problems import REGIMES, SHARED_REGIMES

MIXED = ["mixed", "weights", "shared-mixed", "ties", "mixed"]


def test_ten_thousand_slots_are_exact_in_every_regime() -> None:
    done: list[int] = []
    report = campaign.run_accuracy(10_000, seed=1, solver=None, progress=done.append)
    assert [row.regime for row in report.rows] == [*REGIMES, *SHARED_REGIMES]
    assert sum(row.instances for row in report.rows) == sum(done) == 10_000
    for row in report.rows:
        assert row.worst_gap <= campaign.GAP_LIMIT, row
        assert row.worst_violation <= campaign.VIOLATION_LIMIT, row
        if row.regime in SHARED_REGIMES:
            assert row.judged_instances == campaign.JUDGED_SHARED
        else:
            assert row.judged_instances == campaign.JUDGED
        assert (row.solver_instances, row.solver_worst_gap) == (0, None)
    assert report.passed


def test_the_convex_solver_is_compared_on_a_sample() -> None:
    report = campaign.run_accuracy(2 * len(REGIMES) + 1, seed=3, solver="clarabel", regimes=REGIMES)
    assert report.solver == "CLARABEL"
    assert [row.instances for row in report.rows] == [3] + [2] * (len(REGIMES) - 1)
    for row in report.rows:
        assert row.solver_instances + row.solver_failures == row.instances
        # Far above our limit, far below a wrong answer.
        assert row.solver_worst_gap is not None
        assert campaign.GAP_LIMIT < row.solver_worst_gap < 1e-4 or row.solver_worst_gap == 0
        assert row.solver_worst_violation is not None
        assert row.solver_worst_violation < 1e-4


def test_shared_spectrum_is_judged_and_compared_as_such() -> None:
    """Against the optimum of the split spectrum every figure would be of the order of 1."""
    (row,) = campaign.run_accuracy(3, seed=2, solver="clarabel", regimes=["shared-mixed"]).rows
    assert row.passed
    assert row.judged_instances == row.solver_instances == 3
    assert row.solver_worst_gap is not None
    assert row.solver_worst_violation is not None
    assert row.solver_worst_gap < 1e-5
    assert row.solver_worst_violation < 1e-5


def changed(solution: BatchSolution, certificate: BatchCertificate, **arrays: Any) -> BatchSolution:
    other = replace(solution, **arrays)
    vars(other)["certificate"] = certificate  # overrides the cached property
    return other


@pytest.mark.parametrize("name", ["rate_bps", "power_w", "bandwidth_hz"])
def test_a_wrong_share_of_the_spectrum_is_caught(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def solve(batch: SlotBatch, method: str = "exact") -> BatchSolution:
        solution = solve_slots(batch, method=method)
        if name == "bandwidth_hz":
            assert solution.spectrum is not None
            spectrum = replace(solution.spectrum, bandwidth_hz=1.001 * solution.bandwidth_hz)
            return changed(solution, solution.certificate, spectrum=spectrum)
        return changed(solution, solution.certificate, **{name: 1.001 * getattr(solution, name)})

    monkeypatch.setattr(campaign, "solve_slots", solve)
    assert not campaign.run_accuracy(2, seed=2, solver=None, regimes=["shared-mixed"]).passed


def test_the_same_seed_gives_the_same_report() -> None:
    first, again, other = (
        campaign.run_accuracy(60, seed, solver=None, regimes=REGIMES).to_dict() for seed in (1, 1, 2)
    )
    assert first == again
    assert first["regimes"] != other["regimes"]


def test_processes_give_the_same_report() -> None:
    done: list[int] = []
    arguments = 30, 4, "clarabel"
    alone = campaign.run_accuracy(*arguments, regimes=MIXED)
    assert campaign.run_accuracy(*arguments, done.append, MIXED, workers=3) == alone
    assert sum(done) == 30


def test_the_report_is_json_with_seed_and_versions() -> None:
    read = json.loads(
        json.dumps(campaign.run_accuracy(30, seed=7, solver=None, regimes=REGIMES).to_dict(), allow_nan=False)
    )
    assert (read["seed"], read["solver"], read["passed"], read["instances"]) == (7, None, True, 30)
    assert {"lyaopt", "numpy", "numba"} <= set(read["versions"])
    assert {row["regime"] for row in read["regimes"]} == set(REGIMES)


@pytest.mark.parametrize("name", ["local_cpu_hz", "rate_bps", "edge_cpu_hz", "power_w"])
@pytest.mark.parametrize("factor", [1 + 1e-9, 1 - 1e-9, float("nan")])
def test_a_wrong_allocation_behind_a_perfect_certificate_is_caught(
    monkeypatch: pytest.MonkeyPatch, name: str, factor: float
) -> None:
    def solve(batch: SlotBatch, method: str = "exact") -> BatchSolution:
        solution = solve_slots(batch, method=method)
        wrong = getattr(solution, name) * (factor if method == "bisection" else 1)
        return changed(solution, solution.certificate, **{name: wrong})

    monkeypatch.setattr(campaign, "solve_slots", solve)
    assert not campaign.run_accuracy(30, seed=1, solver=None, regimes=REGIMES).passed


@pytest.mark.parametrize("bad", [1e-11, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["relative_gap", "max_violation"])
def test_one_bad_certificate_fails_the_campaign(
    monkeypatch: pytest.MonkeyPatch, name: str, bad: float
) -> None:
    def solve(batch: SlotBatch, method: str = "exact") -> BatchSolution:
        solution = solve_slots(batch, method=method)
        worst = getattr(solution.certificate, name).copy()
        worst[-1] = bad
        return changed(solution, replace(solution.certificate, **{name: worst}))

    monkeypatch.setattr(campaign, "solve_slots", solve)
    report = campaign.run_accuracy(15, seed=1, solver=None, regimes=REGIMES)
    assert not report.passed
    json.dumps(report.to_dict(), allow_nan=False)


def test_solver_and_extra_are_checked_before_anything_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "solve_slots", None)
    with pytest.raises(ProblemError, match=r"^\$\.solver: expected one of .*, got 'none-such'"):
        campaign.run_accuracy(10**6, seed=1, solver="none-such")
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    with pytest.raises(MissingExtraError):
        campaign.run_accuracy(10**6, seed=1)
