"""The three slot problems in CVXPY: an independent reference for the exact solvers.

Needs the extra `check`. Every problem is stated in scaled units (cvxpy_scaling.py), because generic solvers
fail on SI magnitudes: Clarabel calls Problem 3 unbounded at the defaults. Problems are parametrised
(cvxpy_programs.py), so that CVXPY compiles each shape once and a further slot costs little more than the
solver itself. The compiled problems are cached and not thread-safe.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.inputs import SlotInputs
from lyaopt.slot.solution import Objective
from lyaopt.verify.cvxpy_programs import PRIMAL_STATUSES, check_solver
from lyaopt.verify.cvxpy_scaling import solve_edge, solve_local, solve_transmit


@dataclass(frozen=True, eq=False)
class ReferenceSolution:
    """Solution of a slot by a convex solver, neither clipped nor polished.

    Attributes
    ----------
    objective : Objective
        Value of Problems 3, 4 and 5, summed over devices, in the units of `SlotSolution.objective`.
    solver : str
        Name of the solver.
    status : str
        ``optimal``, or ``optimal_inaccurate`` where any of the problems reached reduced accuracy only.
    local_cpu_hz, rate_bps, edge_cpu_hz : (M, N) arrays
        Allocation in cycles/s, bit/s and cycles/s.
    power_w : (M,) array
        Transmit power in W.
    """

    objective: Objective
    solver: str
    status: str
    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: Floats
    power_w: Floats


def solve_reference(problem: SlotInputs, solver: str = "CLARABEL") -> ReferenceSolution:
    """Solve Problems 3, 4 and 5 of one slot with CVXPY: 2 M + 1 convex programs.

    Parameters
    ----------
    problem : SlotInputs
        The slot; a `SlotProblem` is one.
    solver : str
        Name of an installed CVXPY solver, such as CLARABEL, ECOS or SCS, in either case.

    Returns
    -------
    ReferenceSolution
        The solver's point and value.

    Raises
    ------
    MissingExtraError
        If cvxpy is not installed.
    ValueError
        If the solver is unknown; the message lists the installed ones.
    SolverError
        If the solver fails, or calls a problem infeasible or unbounded.
    """
    name = check_solver(solver)
    devices = range(len(problem.cpu_capacity_hz))
    local = [solve_local(problem, m, name) for m in devices]
    transmit = [solve_transmit(problem, m, name) for m in devices]
    edge = solve_edge(problem, name)
    statuses = [found.status for found in (*local, *transmit, edge)]
    shape = problem.local_queue_cycles.shape
    return ReferenceSolution(
        objective=Objective(
            math.fsum(found.value for found in local),
            math.fsum(found.value for found in transmit),
            edge.value,
        ),
        solver=name,
        status=max(statuses, key=PRIMAL_STATUSES.index),
        local_cpu_hz=np.array([found.rates for found in local]).reshape(shape),
        rate_bps=np.array([found.rates for found in transmit]).reshape(shape),
        edge_cpu_hz=edge.rates.reshape(shape),
        power_w=np.array([found.power for found in transmit]),
    )
