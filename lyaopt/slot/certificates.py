"""Which kernels certify a solution: lanes side by side where there are such, and one lane at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lyaopt._kernels.slot.certificate import edge_certificate, local_certificate, transmit_certificate
from lyaopt._kernels.slot.certificate_lanes import edge_gaps, local_gaps, transmit_gaps
from lyaopt._kernels.slot.general_certificate import (
    general_edge_certificate,
    general_local_certificate,
    general_transmit_certificate,
)
from lyaopt._kernels.slot.spectrum_certificate import spectrum_certificate
from lyaopt.arrays import Floats
from lyaopt.slot.kernel_parts import KernelCall, run_in_parts

if TYPE_CHECKING:
    from lyaopt.slot.batch_solution import BatchSolution


def find_worst(solution: BatchSolution, worst: Floats) -> None:
    """Raise gap and violation of every slot to the worst of its problems.

    Parameters
    ----------
    solution : BatchSolution
        Not empty.
    worst : (2, B) array
        Zeros; receives relative gaps and violations.
    """
    batch, reports = solution.batch, list[Floats]()
    calls: list[KernelCall] = []
    local, transmit, edge = batch._is_general
    if local:
        reports.append(local_report(solution))
    else:
        calls.append((local_gaps, batch._local_problem, solution._local_allocation, worst))
    if transmit or solution.spectrum is not None:
        reports.append(transmit_report(solution))
    else:
        calls.append((transmit_gaps, batch._transmit_problem, solution._transmit_allocation, worst))
    if edge:
        reports.append(edge_report(solution))
    else:
        calls.append((edge_gaps, batch._edge_problem, solution._edge_allocation, worst))
    run_in_parts(calls, solution._parts)  # a part of each takes the same slots, in one thread
    for report in reports:
        _raise_to(worst, report)


def _raise_to(worst: Floats, report: Floats) -> None:
    lanes = report[::2].reshape(2, -1, worst.shape[1]).max(axis=1)
    np.maximum(worst, lanes, out=worst)  # it keeps every NaN


def local_report(solution: BatchSolution) -> Floats:
    """Certify Problem 3, one lane at a time.

    Parameters
    ----------
    solution : BatchSolution
        Not empty.

    Returns
    -------
    ndarray (3, M B)
        Relative gap, gross gain and violation of every lane.
    """
    batch, report = solution.batch, _no_report(solution)
    if batch._is_general[0]:
        call: KernelCall = general_local_certificate, batch._general_local, solution._local_allocation, report
    else:
        call = local_certificate, batch._local_problem, solution._local_allocation, report
    run_in_parts([call], solution._parts)
    return report


def transmit_report(solution: BatchSolution) -> Floats:
    """Certify Problem 4, as above.

    Parameters
    ----------
    solution : BatchSolution
        Not empty.

    Returns
    -------
    ndarray (3, M B)
    """
    batch, spectrum, report = solution.batch, solution.spectrum, _no_report(solution)
    allocation, rounds = solution._transmit_allocation, list[KernelCall]()
    if spectrum is None and not batch._is_general[1]:
        rounds.append((transmit_certificate, batch._transmit_problem, allocation, report))
    elif spectrum is None or batch.radio is not None:
        # beside a shared spectrum it is for the measured radios: the next round overwrites the others
        rounds.append((general_transmit_certificate, batch._general_transmit, allocation, report))
    if spectrum is not None:
        pooled = spectrum.allocation(allocation)
        rounds.append((spectrum_certificate, batch._general_transmit, pooled, report))
    for call in rounds:
        run_in_parts([call], solution._parts)
    return report


def edge_report(solution: BatchSolution) -> Floats:
    """Certify Problem 5, as above.

    Parameters
    ----------
    solution : BatchSolution
        Not empty.

    Returns
    -------
    ndarray (3, B)
    """
    batch = solution.batch
    report = np.zeros((3, batch.shape[0]))
    if batch._is_general[2]:
        call: KernelCall = general_edge_certificate, batch._general_edge, solution._edge_allocation, report
    else:
        call = edge_certificate, batch._edge_problem, solution._edge_allocation, report
    run_in_parts([call], solution._parts)
    return report


def _no_report(solution: BatchSolution) -> Floats:
    slots, devices, _ = solution.batch.shape
    return np.zeros((3, devices * slots))
