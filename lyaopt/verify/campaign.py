"""A campaign over random and degenerate slots: accuracy of the exact solvers, and of a convex solver.

Both methods solve every slot; the worst figures of their certificates are kept. Because certificates come
from the code that they certify, a sample of every regime is also judged in decimal arithmetic.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyaopt.errors import SolverError
from lyaopt.slot.batch import SlotBatch
from lyaopt.slot.batch_solution import BatchSolution
from lyaopt.slot.inputs import SlotInputs
from lyaopt.slot.limits import METHODS
from lyaopt.slot.solve_batch import solve_slots
from lyaopt.threads import checked_workers
from lyaopt.verify.cvxpy_reference import check_solver, solve_reference
from lyaopt.verify.decimal_reference import Judge, Verdict
from lyaopt.verify.processes import in_processes
from lyaopt.verify.random_problems import REGIMES, SHARED_REGIMES, SMALL_SLOTS, batches, take_slot

GAP_LIMIT = 1e-12
VIOLATION_LIMIT = 1e-14
# Slots of a regime that are judged in decimal arithmetic (milliseconds each), and the number of those
# that the convex solver solves (tens of milliseconds each).
JUDGED = 40
SOLVED = 20
# Of a shared spectrum, where the decimal optimum is a search of a second for a small slot
JUDGED_SHARED = SMALL_SLOTS
CAMPAIGN = (*REGIMES, *SHARED_REGIMES)
PACKAGES = ("lyaopt", "numpy", "numba", "cvxpy", "clarabel", "ecos", "scs")


@dataclass(frozen=True)
class RegimeAccuracy:
    """Worst figures of one regime.

    Attributes
    ----------
    regime : str
        One of `lyaopt.verify.random_problems.REGIMES` or `SHARED_REGIMES`.
    instances : int
        Slots solved, by each method.
    worst_gap, worst_violation : float
        Worst over both methods, by certificate and by decimal arithmetic; see `Certificate`.
    judged_instances : int
        Slots that were also judged in decimal arithmetic.
    solver_instances : int
        Slots that the convex solver solved.
    solver_worst_gap, solver_worst_violation : float or None
        Its worst `Verdict.pool_gap` and `Verdict.pool_violation`; None without a solved slot.
    solver_failures : int
        Slots that it failed on or called infeasible or unbounded.
    """

    regime: str
    instances: int
    worst_gap: float
    worst_violation: float
    judged_instances: int
    solver_instances: int
    solver_worst_gap: float | None
    solver_worst_violation: float | None
    solver_failures: int

    @property
    def passed(self) -> bool:
        """Whether the exact solvers stay within both limits; NaN does not."""
        return self.worst_gap <= GAP_LIMIT and self.worst_violation <= VIOLATION_LIMIT


@dataclass(frozen=True)
class AccuracyReport:
    """Result of `run_accuracy`.

    Attributes
    ----------
    rows : tuple of RegimeAccuracy
        One for each regime.
    seed : int
        Seed of the instances.
    solver : str or None
        Convex solver that was compared.
    versions : dict
        Versions of the libraries used.
    """

    rows: tuple[RegimeAccuracy, ...]
    seed: int
    solver: str | None
    versions: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether every regime stays within both limits."""
        return all(row.passed for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values; a figure that is not finite is None."""
        return {
            "passed": self.passed,
            "seed": self.seed,
            "solver": self.solver,
            "instances": sum(row.instances for row in self.rows),
            "gap_limit": GAP_LIMIT,
            "violation_limit": VIOLATION_LIMIT,
            "versions": self.versions,
            "regimes": [{k: _finite(v) for k, v in asdict(row).items()} for row in self.rows],
        }


def run_accuracy(
    instances: int,
    seed: int,
    solver: str | None = "CLARABEL",
    progress: Callable[[int], None] | None = None,
    regimes: Sequence[str] = CAMPAIGN,
    workers: int = 1,
) -> AccuracyReport:
    """Solve random slots of every regime by both methods, and a few of each by a convex solver.

    Parameters
    ----------
    instances : int
        Total number of slots, spread evenly over the regimes.
    seed : int
        Seed; the same seed gives the same slots.
    solver : str or None
        CVXPY solver to compare with, as in `solve_reference`; None leaves the comparison out.
    progress : callable, optional
        Called with the number of slots done since its last call.
    regimes : sequence of str
        Names of the regimes.
    workers : int
        Number of processes, each of which takes whole regimes; -1 for one on each core. The report does not
        depend on it.

    Returns
    -------
    AccuracyReport
        Worst gaps and violations by regime.

    Raises
    ------
    MissingExtraError, ProblemError
        As `solve_reference`, or if `workers` is out of range; before anything is solved.
    EngineError
        If a process dies.
    """
    processes = checked_workers(workers)
    name = check_solver(solver) if solver is not None else None
    share, extra = divmod(instances, len(regimes))
    calls = [(regime, share + (position < extra), seed, name) for position, regime in enumerate(regimes)]
    alone = processes == 1
    rows: dict[int, RegimeAccuracy] = {}
    row_of = functools.partial(_row, progress=progress if alone else None)
    for position, row in in_processes(row_of, calls, processes):
        rows[position] = row
        if progress is not None and not alone:
            progress(row.instances)
    return AccuracyReport(tuple(rows[position] for position in sorted(rows)), seed, name, _versions())


def _row(
    regime: str, instances: int, seed: int, solver: str | None, progress: Callable[[int], None] | None
) -> RegimeAccuracy:
    """Figures of one regime, see `run_accuracy`."""
    tally = _Tally(regime, instances, seed, solver)
    for batch in batches(regime, instances, seed):
        done = tally.add(batch)
        if progress is not None:
            progress(done)
    return tally.row()


@dataclass
class _Tally:
    """Accumulates the figures of one regime."""

    regime: str
    instances: int
    seed: int
    solver: str | None
    done: int = 0
    done_judged: int = 0
    failures: int = 0
    # Of the exact solvers and of the convex one; a NumPy maximum keeps infinities and NaN.
    gaps: list[float] = field(default_factory=lambda: [0.0])
    violations: list[float] = field(default_factory=lambda: [0.0])
    solver_gaps: list[float] = field(default_factory=list)
    solver_violations: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, self.instances])
        shared = self.regime in SHARED_REGIMES
        judged = min(JUDGED_SHARED if shared else JUDGED, self.instances)
        among = judged if shared else self.instances  # small slots come first
        self.judged: NDArray[np.intp] = rng.choice(among, judged, replace=False, shuffle=True)

    def add(self, batch: SlotBatch) -> int:
        """Solve a batch by both methods, and its sampled slots by the convex solver; return its size."""
        size = batch.shape[0]
        sampled = [int(i) - self.done for i in self.judged if 0 <= i - self.done < size]
        shared = batch.spectrum == "shared"
        self.done_judged += len(sampled)
        judges = {index: Judge(take_slot(batch, index)) for index in sampled}
        for method in METHODS:
            solution = solve_slots(batch, method=method)
            for certificate in (solution.certificate, solution.independent_certificate()):
                self._keep(certificate.relative_gap.max(), certificate.max_violation.max())
            # a shared spectrum is solved in one way by both
            for index in sampled if method == METHODS[0] or not shared else ():
                verdict = _verdict(judges[index], solution, index)
                self._keep(verdict.relative_gap, verdict.max_violation)
        solved = {int(i) - self.done for i in self.judged[:SOLVED]} if self.solver else set()
        for index in sampled:
            if index in solved:
                self._compare(take_slot(batch, index), judges[index])
        self.done += size
        return size

    def row(self) -> RegimeAccuracy:
        """Return the figures of all batches."""
        return RegimeAccuracy(
            regime=self.regime,
            instances=self.done,
            worst_gap=float(np.max(self.gaps)),
            worst_violation=float(np.max(self.violations)),
            judged_instances=self.done_judged,
            solver_instances=len(self.solver_gaps),
            solver_worst_gap=float(np.max(self.solver_gaps)) if self.solver_gaps else None,
            solver_worst_violation=float(np.max(self.solver_violations)) if self.solver_gaps else None,
            solver_failures=self.failures,
        )

    def _keep(self, gap: float, violation: float) -> None:
        self.gaps.append(float(gap))
        self.violations.append(float(violation))

    def _compare(self, problem: SlotInputs, judge: Judge) -> None:
        try:
            point = solve_reference(problem, str(self.solver))
        except SolverError:
            self.failures += 1
            return
        allocation = point.local_cpu_hz, point.rate_bps, point.edge_cpu_hz, point.power_w, point.bandwidth_hz
        verdict = judge(*allocation)
        self.solver_gaps.append(verdict.pool_gap)
        self.solver_violations.append(verdict.pool_violation)


def _verdict(judge: Judge, solution: BatchSolution, index: int) -> Verdict:
    return judge(
        solution.local_cpu_hz[index],
        solution.rate_bps[index],
        solution.edge_cpu_hz[index],
        solution.power_w[index],
        solution.bandwidth_hz[index],
    )


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _finite(value: Any) -> Any:
    return value if not isinstance(value, float) or math.isfinite(value) else None
