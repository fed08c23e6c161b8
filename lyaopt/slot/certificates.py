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
from lyaopt.arrays import Floats

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
    batch = solution.batch
    local, transmit, edge = batch._is_general
    if local:
        _raise_to(worst, local_report(solution))
    else:
        local_gaps(batch._local_problem, solution._local_allocation, worst)
    if transmit or solution.spectrum is not None:
        _raise_to(worst, transmit_report(solution))
    else:
        transmit_gaps(batch._transmit_problem, solution._transmit_allocation, worst)
    if edge:
        _raise_to(worst, edge_report(solution))
    else:
        edge_gaps(batch._edge_problem, solution._edge_allocation, worst)


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
        general_local_certificate(batch._general_local, solution._local_allocation, report)
    else:
        local_certificate(batch._local_problem, solution._local_allocation, report)
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
    batch, report = solution.batch, _no_report(solution)
    if solution.spectrum is not None:
        solution.spectrum.certify(batch, solution._transmit_allocation, report)
    elif batch._is_general[1]:
        general_transmit_certificate(batch._general_transmit, solution._transmit_allocation, report)
    else:
        transmit_certificate(batch._transmit_problem, solution._transmit_allocation, report)
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
        general_edge_certificate(batch._general_edge, solution._edge_allocation, report)
    else:
        edge_certificate(batch._edge_problem, solution._edge_allocation, report)
    return report


def _no_report(solution: BatchSolution) -> Floats:
    slots, devices, _ = solution.batch.shape
    return np.zeros((3, devices * slots))
