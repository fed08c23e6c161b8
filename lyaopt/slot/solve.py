"""`solve_slot`: the three problems of one slot, solved and certified."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple

import numpy as np

from lyaopt.arrays import check_type
from lyaopt.errors import ProblemError
from lyaopt.slot.inputs import with_spectrum
from lyaopt.slot.limits import check_method
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.slot_block import SlotBlock
from lyaopt.slot.solution import Certificate, Objective, SlotSolution

# As `lyaopt._kernels.slot.dispatch.NETWORK_ITEMS`, restated as the constants of slot_block.py are.
NETWORK_ITEMS = 256
# Largest gap and violation of a certificate; over sixty orders of magnitude they are at most 1e-14.
LARGEST_GAP = 1e-9


def solve_slot(problem: SlotProblem, method: str = "exact", spectrum: str | None = None) -> SlotSolution:
    """Solve Problems 3, 4 and 5 of one slot.

    Parameters
    ----------
    problem : SlotProblem
        The slot.
    method : {"exact", "bisection"}
        Closed form by sorting or selection, or bisection on the Lagrange multiplier. A shared spectrum, CPU
        tables and measured radios are solved in the same way by both.
    spectrum : {"split", "shared"}, optional
        Replaces the problem's own.

    Returns
    -------
    SlotSolution

    Raises
    ------
    ProblemError
        If magnitudes are so extreme that the optimum overflows, or cannot be certified to LARGEST_GAP.
    """
    check_type(problem, SlotProblem, "problem", "or a batch for solve_slots")
    check_method(method)
    problem = with_spectrum(problem, spectrum)
    devices, services = problem.local_queue_cycles.shape
    if method != "exact" or not 0 < devices * services <= NETWORK_ITEMS or not problem._has_weights_only:
        solution = _solve_as_batch(problem, method)
        check_certificate(solution.objective.total, *astuple(solution.certificate))
        return solution
    block = SlotBlock.of(problem)
    weights = problem._packed_weights if problem.is_general else None
    if weights is None:
        block.solve(checked=False)
    else:
        block.solve_weighted(weights)
    return certified(block, lambda _: problem)


def certified(block: SlotBlock, problem: Callable[[SlotBlock], SlotProblem]) -> SlotSolution:
    """Return the solution in a block.

    Parameters
    ----------
    block : SlotBlock
        Solved; it must not change any more.
    problem : callable
        Returns what was solved.

    Raises
    ------
    ProblemError
        As `solve_slot`.
    """
    _, local, transmit, edge, gap, violation = block.summary
    check_certificate(local + transmit + edge, gap, violation)
    return SlotSolution._from_block(block, problem)


def check_certificate(objective: float, gap: float, violation: float) -> None:
    """Refuse what magnitudes beyond double precision leave without a proof.

    Parameters
    ----------
    objective : float
        Of all three problems.
    gap, violation : float
        Of the certificate.

    Raises
    ------
    ProblemError
    """
    if not math.isfinite(objective):
        raise ProblemError("$", "the optimal objective is not finite in double precision")
    if not (gap <= LARGEST_GAP and violation <= LARGEST_GAP):
        reason = (
            f"no solution can be certified in double precision: relative gap "
            f"{gap:.1e}, violation {violation:.1e}"
        )
        raise ProblemError("$", reason)


# Energies and prices may overflow although the allocation does not: no warning, they are infinite then.
@np.errstate(over="ignore", invalid="ignore")
def _solve_as_batch(problem: SlotProblem, method: str) -> SlotSolution:
    # Late: batches import all kernels, which takes longer than solving a slot.
    from lyaopt.slot.batch import as_batch
    from lyaopt.slot.solve_batch import solve_slots

    solution = solve_slots(as_batch(problem), method)
    local, transmit, edge = solution.objective[:, 0].tolist()
    certificate = solution.certificate
    return SlotSolution(
        problem,
        Objective(local, transmit, edge),
        Certificate(float(certificate.relative_gap[0]), float(certificate.max_violation[0])),
        solution.local_cpu_hz[0],
        solution.rate_bps[0],
        solution.edge_cpu_hz[0],
        solution.cpu_hz[0],
        solution.power_w[0],
        solution.local_multiplier[0],
        solution.transmit_multiplier[0],
        float(solution.edge_multiplier[0]),
        solution.local_energy_j[0],
        solution.transmit_energy_j[0],
        solution.local_price[0],
        solution.rate_price[0],
        solution.bandwidth_hz[0],
        float(solution.spectrum_price[0]),
    )
