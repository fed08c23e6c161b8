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
from lyaopt.verify.cvxpy_spectrum import solve_spectrum_reference
from lyaopt.verify.spectrum_slot import sharing_devices, spectrum_slot


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
    power_w, bandwidth_hz : (M,) arrays
        Transmit power in W, and what every device has of the spectrum in Hz; of a shared one a measured radio
        has nothing.
    """

    objective: Objective
    solver: str
    status: str
    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: Floats
    power_w: Floats
    bandwidth_hz: Floats


@dataclass(frozen=True)
class _Transmitted:
    """Problem 4 of all devices; the fields of `ReferenceSolution`."""

    value: float
    statuses: list[str]
    rate_bps: Floats
    power_w: Floats
    bandwidth_hz: Floats


def solve_reference(problem: SlotInputs, solver: str = "CLARABEL") -> ReferenceSolution:
    """Solve Problems 3, 4 and 5 of one slot with CVXPY: 2 M + 1 convex programs.

    Devices that share the spectrum have Problem 4 in common, which is one program.

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
    local = [solve_local(problem, m, name) for m in range(len(problem.cpu_capacity_hz))]
    transmit, edge = _solve_transmit(problem, name), solve_edge(problem, name)
    statuses = [*(found.status for found in local), *transmit.statuses, edge.status]
    shape = problem.local_queue_cycles.shape
    return ReferenceSolution(
        objective=Objective(math.fsum(found.value for found in local), transmit.value, edge.value),
        solver=name,
        status=max(statuses, key=PRIMAL_STATUSES.index),
        local_cpu_hz=np.array([found.rates for found in local]).reshape(shape),
        rate_bps=transmit.rate_bps,
        edge_cpu_hz=edge.rates.reshape(shape),
        power_w=transmit.power_w,
        bandwidth_hz=transmit.bandwidth_hz,
    )


def _solve_transmit(problem: SlotInputs, solver: str) -> _Transmitted:
    """Solve Problem 4 of every device with a radio of its own, and once for those that share the spectrum."""
    sharing = sharing_devices(problem)
    rates, power = np.zeros(problem.transmit_queue_bits.shape), np.zeros(len(problem.channel_gain))
    shared = problem.spectrum == "shared"
    bandwidth = np.zeros_like(power) if shared else np.array(problem.bandwidth_hz, dtype=float)
    values, statuses = [], []
    for m in range(len(power)):
        if m not in sharing:
            found = solve_transmit(problem, m, solver)
            values.append(found.value)
            statuses.append(found.status)
            rates[m], power[m] = found.rates, found.power
    if sharing:
        pooled = solve_spectrum_reference(spectrum_slot(problem), solver)
        values.append(pooled.objective)
        statuses.append(pooled.status)
        rates[sharing], power[sharing] = pooled.rate_bps, pooled.power_w
        bandwidth[sharing] = pooled.bandwidth_hz
    return _Transmitted(math.fsum(values), statuses, rates, power, bandwidth)
