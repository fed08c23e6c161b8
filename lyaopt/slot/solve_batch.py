"""`solve_slots`: the three problems of many slots at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lyaopt._kernels.slot.dispatch import NETWORK_ITEMS, SEARCHED_ITEMS
from lyaopt._kernels.slot.edge import edge_bisection, edge_exact, edge_many
from lyaopt._kernels.slot.general_edge import general_edge_bisection, general_edge_exact, general_edge_many
from lyaopt._kernels.slot.general_local import (
    general_local_bisection,
    general_local_exact,
    general_local_many,
)
from lyaopt._kernels.slot.general_transmit import (
    general_transmit_bisection,
    general_transmit_exact,
    general_transmit_many,
)
from lyaopt._kernels.slot.local import local_bisection, local_exact, local_many
from lyaopt._kernels.slot.shared_spectrum import spectrum_exact
from lyaopt._kernels.slot.transmit import transmit_bisection, transmit_exact, transmit_many
from lyaopt.arrays import Floats, check_type
from lyaopt.errors import ProblemError
from lyaopt.slot.batch import SlotBatch
from lyaopt.slot.batch_solution import ALLOCATIONS, BatchCertificate, BatchSolution
from lyaopt.slot.certificates import find_worst
from lyaopt.slot.inputs import with_spectrum
from lyaopt.slot.kernel_parts import KernelCall, parts_of, run_in_parts
from lyaopt.slot.limits import check_method
from lyaopt.slot.shared_spectrum import SharedSpectrum, no_spectrum
from lyaopt.threads import checked_workers

# Solvers of each problem: by sorting, by selection, by bisection
_LOCAL = local_exact, local_many, local_bisection
_TRANSMIT = transmit_exact, transmit_many, transmit_bisection
_EDGE = edge_exact, edge_many, edge_bisection
_GENERAL_LOCAL = general_local_exact, general_local_many, general_local_bisection
_GENERAL_TRANSMIT = general_transmit_exact, general_transmit_many, general_transmit_bisection
_GENERAL_EDGE = general_edge_exact, general_edge_many, general_edge_bisection

_APART = "_apart_from"
"""The batch whose memory a solution is known not to share."""
_WORST = "_worst"
"""Memory (B, 2) for the certificate of a solution that was asked for with it."""


def solve_slots(
    batch: SlotBatch,
    method: str = "exact",
    out: BatchSolution | None = None,
    spectrum: str | None = None,
    workers: int = 1,
    certificates: bool = False,
) -> BatchSolution:
    """Solve Problems 3, 4 and 5 of every slot of a batch.

    Parameters
    ----------
    batch : SlotBatch
        The slots.
    method : {"exact", "bisection"}
        Closed form by sorting or selection, or bisection on the Lagrange multiplier. A shared spectrum, CPU
        tables and measured radios are solved in the same way by both.
    out : BatchSolution, optional
        An earlier solution of a batch of the same shape: its arrays are overwritten, and it is returned as
        the solution of this batch. None are allocated, except those of a shared spectrum where the earlier
        one was split.
    spectrum : {"split", "shared"}, optional
        Replaces the batch's own.
    workers : int
        Threads that share the slots, here and in the certificate; -1 for as many as there are cores. Results
        are the same, bit for bit. Fewer than 80,000 backlogs of a stage stay in one thread, which is faster.
    certificates : bool
        Certify every slot in this call, which takes as long again; else that is done on first access. An
        `out` that was certified so is certified into its arrays.

    Returns
    -------
    BatchSolution
        Its arrays are parts of one block of memory. Unlike `solve_slot`, nothing is raised for a weak
        certificate where magnitudes leave double precision.

    Raises
    ------
    ProblemError
        For an unknown method, an `out` of another shape, or whose arrays overlap others or the batch's, or a
        wrong number of workers.
    """
    check_type(batch, SlotBatch, "batch", "or one problem for solve_slot")
    if out is not None:
        check_type(out, BatchSolution, "out", "of an earlier call")
    check_method(method)
    workers = checked_workers(workers)
    batch = with_spectrum(batch, spectrum)
    solution = _empty_solution(batch, certificates) if out is None else _reused(out, batch)
    vars(solution)["_parts"] = parts_of(batch.shape, workers)
    if 0 not in batch.shape:
        _solve_into(solution, method)
    if certificates:
        _certify(solution)
    return solution


def _certify(solution: BatchSolution) -> None:
    """Certify every slot into the memory that the solution has for it."""
    slots, _, _ = solution.batch.shape
    fields = vars(solution)
    worst = fields.setdefault(_WORST, np.empty((slots, 2), order="F")).T
    worst.fill(0.0)
    if 0 not in solution.batch.shape:
        find_worst(solution, worst)
    fields["certificate"] = BatchCertificate(*worst)


def _solution_shapes(batch: SlotBatch) -> dict[str, tuple[int, ...]]:
    shape = batch.shape
    per_service = dict.fromkeys(("local_cpu_hz", "rate_bps", "edge_cpu_hz"), shape)
    per_device = ("cpu_hz", "power_w", "local_multiplier", "transmit_multiplier")
    return {**per_service, **dict.fromkeys(per_device, shape[:2]), "edge_multiplier": shape[:1]}


def _empty_solution(batch: SlotBatch, certificates: bool) -> BatchSolution:
    shapes = _solution_shapes(batch) | ({_WORST: (batch.shape[0], 2)} if certificates else {})
    arrays = _one_block(shapes, np.zeros if 0 in batch.shape else np.empty)
    worst = arrays.pop(_WORST, None)
    solution = BatchSolution(batch, spectrum=_spectrum_of(batch, None), **arrays)
    if worst is not None:
        vars(solution)[_WORST] = worst
    return solution


def _one_block(shapes: dict[str, tuple[int, ...]], new: Any) -> dict[str, Any]:
    """Arrays in Fortran's order that follow one another in one block.

    A block of some megabytes is given large pages, and is given again in the next call; the system clears
    page after page for many smaller ones, which takes longer than to solve the slots.
    """
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    block, arrays, start = new(sum(sizes.values())), {}, 0
    for name, size in sizes.items():
        arrays[name] = block[start : start + size].reshape(shapes[name], order="F")
        start += size
    return arrays


def _spectrum_of(batch: SlotBatch, earlier: SharedSpectrum | None) -> SharedSpectrum | None:
    """What is known of a shared spectrum, in the arrays of an earlier solution if it has them."""
    slots, devices, _ = batch.shape
    if batch.spectrum != "shared":
        return None
    if earlier is None:
        return no_spectrum(slots, devices)
    _check_usable(earlier.bandwidth_hz, "spectrum.bandwidth_hz", (slots, devices))
    _check_usable(earlier.multiplier, "spectrum.multiplier", (slots,))
    return earlier


def _check_apart(batch: SlotBatch, results: dict[str, Floats]) -> None:
    """Refuse results in one place of memory, or in that of the batch: each would overwrite the others."""
    spans = [(*_span(array), f"out.{name}", True) for name, array in results.items()]
    spans += [(*_span(v), name, False) for name, v in vars(batch).items() if isinstance(v, np.ndarray)]
    end = end_of_results = 0
    last = last_result = ""
    for start, stop, name, is_result in sorted(spans):
        if start < (end if is_result else end_of_results):
            places = {name, last if is_result else last_result}
            path = min(place for place in places if place.startswith("out."))
            other = next(iter(places - {path}))
            raise ProblemError(f"$.{path}", f"expected memory of its own, got that of {other}")
        if stop > end:
            end, last = stop, name
        if is_result and stop > end_of_results:
            end_of_results, last_result = stop, name


def _span(array: Floats) -> tuple[int, int]:
    """First and last address of a contiguous array; the empty one is nowhere."""
    start = array.__array_interface__["data"][0] if array.size else 0
    return start, start + array.nbytes


def _reused(out: BatchSolution, batch: SlotBatch) -> BatchSolution:
    """Reuse the arrays of an earlier solution for this batch, and drop its cached values."""
    arrays = {}
    for name, shape in _solution_shapes(batch).items():
        arrays[name] = getattr(out, name)
        _check_usable(arrays[name], name, shape)
    spectrum, cached = _spectrum_of(batch, out.spectrum), vars(out)
    if cached.get(_APART) is not batch:
        shared = {} if spectrum is None else {f"spectrum.{name}": v for name, v in vars(spectrum).items()}
        _check_apart(batch, arrays | shared)
    kept = (*ALLOCATIONS, _WORST)  # views of the same arrays, and memory for a certificate
    allocations = {name: cached[name] for name in kept if name in cached}
    cached.clear()
    cached.update(arrays, **allocations, batch=batch, spectrum=spectrum, **{_APART: batch})
    return out


def _check_usable(array: Floats, name: str, shape: tuple[int, ...]) -> None:
    flags = array.flags
    usable = flags.f_contiguous and flags.writeable and array.dtype == np.float64
    if array.shape != shape or not usable:
        expected = f"expected a writeable float64 array of shape {shape} in Fortran's order"
        raise ProblemError(f"$.out.{name}", f"{expected}, got {array.dtype} of shape {array.shape}")


def _solve_into(solution: BatchSolution, method: str) -> None:
    batch, transmission = solution.batch, solution._transmit_allocation
    per_device = _which(method, batch.shape[2])
    batch.refill_lanes()
    if solution.spectrum is not None and batch.radio is not None:
        # for the measured radios, which take no part in the spectrum; those that do are overwritten
        call = _GENERAL_TRANSMIT[per_device], batch._general_transmit, transmission
        run_in_parts([call], solution._parts)
    # all calls are there before the threads start, so that what is cached is made once
    run_in_parts(_calls(solution, method), solution._parts)


def _calls(solution: BatchSolution, method: str) -> list[KernelCall]:
    """The kernels that solve a batch, with what they take."""
    batch, spectrum = solution.batch, solution.spectrum
    _, devices, services = batch.shape
    local, transmit, edge = batch._is_general
    per_device = _which(method, services)
    at_edge = _which(method, services * devices, NETWORK_ITEMS if edge else SEARCHED_ITEMS)
    calls: list[KernelCall] = []
    if local:
        calls.append((_GENERAL_LOCAL[per_device], batch._general_local, solution._local_allocation))
    else:
        calls.append((_LOCAL[per_device], batch._local_problem, solution._local_allocation))
    transmission = solution._transmit_allocation
    if spectrum is not None:
        calls.append((spectrum_exact, batch._general_transmit, spectrum.allocation(transmission)))
    elif transmit:
        calls.append((_GENERAL_TRANSMIT[per_device], batch._general_transmit, transmission))
    else:
        calls.append((_TRANSMIT[per_device], batch._transmit_problem, transmission))
    if edge:
        calls.append((_GENERAL_EDGE[at_edge], batch._general_edge, solution._edge_allocation))
    else:
        calls.append((_EDGE[at_edge], batch._edge_problem, solution._edge_allocation))
    return calls


def _which(method: str, items: int, most: int = NETWORK_ITEMS) -> int:
    """Return the place of a solver in the tuples above."""
    if method == "bisection":
        return 2
    return 1 if items > most else 0
