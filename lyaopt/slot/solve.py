"""`solve_slot`: the three problems of one slot, solved and certified."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lyaopt._kernels.toolchain.core_choice import built_kernel
from lyaopt.arrays import Floats, check_type
from lyaopt.errors import ProblemError
from lyaopt.slot.inputs import with_spectrum
from lyaopt.slot.limits import check_method
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.solution import Certificate, Objective, SlotSolution

# As in the modules of the kernels, which import for longer than a slot takes, and are not needed where they
# were built: tests compare them.
NETWORK_ITEMS = 256
RESULT_ROWS = 8
SUMMARY_PLACES = 6

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
    general = problem.is_general
    one_call = not general or problem._has_weights_only
    if method == "exact" and 0 < devices * services <= NETWORK_ITEMS and one_call:
        solution = _solve_in_one_call(problem, problem._packed_weights if general else None)
    else:
        solution = _solve_as_batch(problem, method)
    _check_certificate(solution)
    return solution


def _check_certificate(solution: SlotSolution) -> None:
    """Raise `ProblemError` if magnitudes beyond double precision leave the solution without a proof."""
    certificate = solution.certificate
    if not math.isfinite(solution.objective.total):
        raise ProblemError("$", "the optimal objective is not finite in double precision")
    if not (certificate.relative_gap <= LARGEST_GAP and certificate.max_violation <= LARGEST_GAP):
        reason = (
            f"no solution can be certified in double precision: relative gap "
            f"{certificate.relative_gap:.1e}, violation {certificate.max_violation:.1e}"
        )
        raise ProblemError("$", reason)


@functools.cache
def one_slot_kernel(weighted: bool) -> Callable[..., Any]:
    """Return the kernel of one slot, `slot_exact` or `slot_weighted`, for arrays that the caller has made.

    Parameters
    ----------
    weighted : bool
        Whether weights come first among the arguments.
    """
    if function := built_kernel("slot_weighted" if weighted else "slot_exact"):
        return function
    if weighted:
        from lyaopt._kernels.slot.weighted_slot import slot_weighted

        return slot_weighted
    from lyaopt._kernels.slot.one_slot import slot_exact

    return slot_exact


def _solve_in_one_call(problem: SlotProblem, weights: Floats | None) -> SlotSolution:
    queues, devices, scalars = problem._packed
    rates = np.empty(queues.shape)
    results = np.empty((RESULT_ROWS, queues.shape[2]))
    summary = np.empty(SUMMARY_PLACES)
    if weights is None:
        one_slot_kernel(False)(queues, devices, scalars, rates, results, summary)
    else:
        one_slot_kernel(True)(weights, queues, devices, scalars, rates, results, summary)
    cpu, power, local_nu, transmit_nu, local_energy, transmit_energy, local_price, rate_price = results
    edge_nu, local, transmit, edge, gap, violation = summary.tolist()
    return SlotSolution._from_values(
        problem,
        Objective(local, transmit, edge),
        Certificate(gap, violation),
        rates[0].T,
        rates[1].T,
        rates[2].T,
        cpu,
        power,
        local_nu,
        transmit_nu,
        edge_nu,
        local_energy,
        transmit_energy,
        local_price,
        rate_price,
        problem.bandwidth_hz,
        0.0,
    )


# Energies and prices may overflow although the allocation does not: no warning, they are infinite then.
@np.errstate(over="ignore", invalid="ignore")
def _solve_as_batch(problem: SlotProblem, method: str) -> SlotSolution:
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
