"""CVXPY programs: their optima against decimal arithmetic, on every regime, and their errors."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from lyaopt.errors import MissingExtraError, ProblemError, SolverError
from lyaopt.slot.inputs import SlotInputs
from lyaopt.verify import (
    cvxpy_programs,
    cvxpy_reference,
    cvxpy_scaling,
    decimal_reference,
    random_problems,
)

# Solvers stop at 1e-8 in scaled units; the relative gap that remains depends on the slot.
CLOSE = {"CLARABEL": 1e-5, "ECOS": 1e-5, "SCS": 1e-3}


def slots(regime: str, count: int) -> list[SlotInputs]:
    batch = random_problems.random_batch(regime, count, np.random.default_rng(2), devices=2, services=2)
    return [random_problems.take_slot(batch, i) for i in range(count)]


def assert_close(problem: SlotInputs, solver: str) -> None:
    found = cvxpy_reference.solve_reference(problem, solver)
    verdict = decimal_reference.judge(
        problem, found.local_cpu_hz, found.rate_bps, found.edge_cpu_hz, found.power_w
    )
    assert verdict.pool_gap < CLOSE[solver]
    assert verdict.pool_violation < CLOSE[solver]


@pytest.mark.parametrize("regime", random_problems.REGIMES)
def test_clarabel_finds_the_optimum_in_every_regime(regime: str) -> None:
    for problem in slots(regime, 3):
        assert_close(problem, "CLARABEL")


@pytest.mark.parametrize("solver", ["ECOS", "SCS"])
@pytest.mark.parametrize("regime", ["energy-limited", "capacity-limited", "backlog-limited", "low-signal"])
def test_other_solvers_find_it_too(regime: str, solver: str) -> None:
    assert_close(slots(regime, 1)[0], solver)


@pytest.mark.parametrize(
    "signal", [1e-9, 1e-4, 0.99 * cvxpy_scaling.WEAK_SIGNAL, 1.01 * cvxpy_scaling.WEAK_SIGNAL, 0.1]
)
def test_both_forms_of_the_rate_agree_at_their_boundary(signal: float) -> None:
    base = slots("backlog-limited", 1)[0]
    noise = base.bandwidth_hz * 10 ** ((base.noise_psd_dbm_per_hz - 30) / 10)
    rate = base.bandwidth_hz * np.log1p(signal) / np.log(2)
    problem = replace(
        base,
        channel_gain=signal * noise / base.max_power_w,
        transmit_queue_bits=(rate * base.slot_duration_s)[:, None] * np.array([0.3, 2.0]),
        energy_weight_transmit=0.0,
    )
    assert_close(problem, "CLARABEL")


def test_the_objective_is_the_value_of_the_returned_point() -> None:
    problem = slots("energy-limited", 1)[0]
    found = cvxpy_reference.solve_reference(problem)
    tau = problem.slot_duration_s
    energy = tau * problem.energy_coefficient * np.sum(found.local_cpu_hz.sum(axis=1) ** 3)
    local = problem.energy_weight_local * energy - tau * np.sum(
        found.local_cpu_hz * problem.local_queue_cycles
    )
    spent = problem.energy_weight_transmit * tau * np.sum(found.power_w)
    transmit = spent - tau * np.sum(found.rate_bps * problem.transmit_queue_bits)
    edge = -tau * np.sum(found.edge_cpu_hz * problem.edge_queue_cycles)
    assert found.objective.local == pytest.approx(local, rel=1e-6)
    assert found.objective.transmit == pytest.approx(transmit, rel=1e-6)
    assert found.objective.edge == pytest.approx(edge, rel=1e-6)
    assert (found.solver, found.status) == ("CLARABEL", "optimal")


@pytest.mark.parametrize("kind", ["linear", "cubic", "table", "transmit", "weak"])
def test_problems_compile_once(kind: str) -> None:
    program = cvxpy_programs.rate_program(kind, 3, "CLARABEL", 4)
    assert program.problem.is_dcp(dpp=True)
    assert cvxpy_programs.rate_program(kind, 3, "CLARABEL", 4) is program


def test_a_slot_with_nothing_to_allocate_needs_no_solver() -> None:
    problem = replace(slots("zero-capacity", 1)[0], max_power_w=np.zeros(2), cpu_capacity_hz=np.zeros(2))
    found = cvxpy_reference.solve_reference(problem)
    assert found.objective.total == 0
    assert not np.any([found.local_cpu_hz, found.rate_bps, found.edge_cpu_hz])


def test_an_unknown_solver_is_refused_with_the_installed_ones() -> None:
    with pytest.raises(ProblemError, match=r"^\$\.solver: expected one of .*CLARABEL.*, got 'NOSUCH'"):
        cvxpy_reference.solve_reference(slots("mixed", 1)[0], "NOSUCH")


def test_names_of_solvers_are_read_in_either_case() -> None:
    assert cvxpy_programs.check_solver("clarabel") == "CLARABEL"


def test_a_solver_that_cannot_take_the_problem_is_named() -> None:
    with pytest.raises(SolverError, match="HIGHS did not solve the local problem of device 0"):
        cvxpy_reference.solve_reference(slots("energy-limited", 1)[0], "HIGHS")


@pytest.mark.parametrize(("sign", "status"), [(1, "unbounded"), (-1, "infeasible")])
def test_a_status_without_an_optimum_is_an_error(sign: int, status: str) -> None:
    x = cp.Variable(2)
    constraints = [] if status == "unbounded" else [x >= 1, x <= 0]
    program = cvxpy_programs.Program(cp.Problem(cp.Minimize(sign * cp.sum(x)), constraints), "CLARABEL", x)
    with pytest.raises(SolverError, match=f"CLARABEL did not solve the edge problem: {status}") as e:
        program.solve("edge problem")
    assert (e.value.problem, e.value.solver, e.value.status) == ("edge problem", "CLARABEL", status)


def test_without_cvxpy_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lyaopt\[check\]'"):
        cvxpy_reference.solve_reference(slots("mixed", 1)[0])


def test_importing_the_module_does_not_import_cvxpy() -> None:
    code = "import sys, lyaopt.verify.cvxpy_reference; sys.exit('cvxpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
