"""`SlotSolver`: one slot after the other of the same system, without building a problem for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import as_floats, check_type
from lyaopt.errors import ProblemError
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.slot_block import SlotBlock, next_slot_kernel
from lyaopt.slot.solution import SlotSolution
from lyaopt.slot.solve import certified

_FLOAT64 = np.dtype(np.float64)
_NAMES = (*QUEUE_FIELDS, "channel_gain", "cpu_capacity_hz", "max_power_w", "bandwidth_hz")
_SOLVED = (0, 2)  # what `lyaopt._kernels.slot.next_slot` returns: with a proof, and without


class SlotSolver:
    """Solves slot after slot of one system: what changes is put in place, and the rest stays.

    The answers are those of `solve_slot`, to the last bit for up to 256 services in all. Solutions own their
    arrays: an update or another solve does not change them. A solver must not be used by two threads at once.

    Parameters
    ----------
    problem : SlotProblem
        The first slot, of at least one device and one service, without weights, tables or a shared spectrum.
        It is copied.

    Raises
    ------
    ProblemError
        If the problem has one of these, which `solve_slot` takes, or no service.

    Examples
    --------
    >>> solver = SlotSolver(problem)  # doctest: +SKIP
    >>> solver.update(local_queue_cycles=backlogs, channel_gain=gains)  # doctest: +SKIP
    >>> solver.solve().local_cpu_hz  # doctest: +SKIP
    """

    def __init__(self, problem: SlotProblem) -> None:
        check_type(problem, SlotProblem, "problem", "of the first slot")
        if problem.is_general:
            raise ProblemError("$.problem", "weights, tables and a shared spectrum are for solve_slot")
        if not problem.local_queue_cycles.size:
            raise ProblemError("$.problem", "expected at least one device, and one service")
        self._first = problem
        # where numbers are put one field after the other
        self._work = SlotBlock.of(problem)
        queues, devices, _ = self._work.packed
        self._queues = queues
        self._views = dict(
            zip((*DEVICE_FIELDS, *QUEUE_FIELDS), (*devices, *queues.transpose(0, 2, 1)), strict=True)
        )
        counts = np.array(problem.service_counts)
        beyond = np.arange(queues.shape[1])[:, np.newaxis] >= counts
        self._beyond = beyond if beyond.any() else None
        self._kernel = next_slot_kernel()
        self._solved: SlotBlock
        self._solution: SlotSolution | None
        self._work.solve(checked=False)
        self._keep()

    def update(
        self,
        *,
        local_queue_cycles: ArrayLike | None = None,
        transmit_queue_bits: ArrayLike | None = None,
        edge_queue_cycles: ArrayLike | None = None,
        channel_gain: ArrayLike | None = None,
        cpu_capacity_hz: ArrayLike | None = None,
        max_power_w: ArrayLike | None = None,
        bandwidth_hz: ArrayLike | None = None,
    ) -> None:
        """Replace numbers of the slot; what is not given stays as it is.

        Parameters
        ----------
        local_queue_cycles, transmit_queue_bits, edge_queue_cycles : (M, N) array_like, optional
            Backlogs in cycles, bits, cycles.
        channel_gain, cpu_capacity_hz, max_power_w, bandwidth_hz : (M,) array_like, optional
            h, F^l in Hz, p^max in W, and b_w in Hz.

        Raises
        ------
        ProblemError
            As `SlotProblem`, with the same path of the field; the solver is then as before.
        """
        local, transmit, edge, gain = local_queue_cycles, transmit_queue_bits, edge_queue_cycles, channel_gain
        if (
            type(local) is type(transmit) is type(edge) is type(gain) is np.ndarray
            and local.dtype is transmit.dtype is edge.dtype is gain.dtype is _FLOAT64
            and local.ndim == transmit.ndim == edge.ndim == 2 == gain.ndim + 1
            and (cpu_capacity_hz is None and max_power_w is None and bandwidth_hz is None)
            and self._beyond is None
        ):  # the usual case, in one step: the kernel looks at sizes and numbers in passing
            before, services, devices = self._solved
            values = np.empty(before.size)
            status = self._kernel(before, values, local, transmit, edge, gain, services, devices)
            if status in _SOLVED:
                self._solved = SlotBlock(values, services, devices)
                self._certified = not status
                self._solution = None
                return
        given = (local, transmit, edge, gain, cpu_capacity_hz, max_power_w, bandwidth_hz)
        self._replace({name: array for name, array in zip(_NAMES, given, strict=True) if array is not None})

    def solve(self) -> SlotSolution:
        """Return the solution of the present slot, with its certificate.

        Returns
        -------
        SlotSolution
            As of `solve_slot`.

        Raises
        ------
        ProblemError
            As `solve_slot`.
        """
        if self._solution is None:
            block = self._solved
            if self._certified:
                self._solution = SlotSolution._from_block(block, self._problem_of)
            else:
                self._solution = certified(block, self._problem_of)
        return self._solution

    def _replace(self, given: dict[str, Any]) -> None:
        """Put fields in place and solve the slot, whatever its numbers are."""
        work = self._work
        work.values[:] = self._solved.values
        try:
            for name, values in given.items():
                view = self._views[name]
                right = type(values) is np.ndarray and values.dtype is _FLOAT64 and values.shape == view.shape
                view[...] = values if right else as_floats(values, name, view.shape)
            self._solve_now()
        except BaseException:
            work.values[:] = self._solved.values  # what was refused is not to be there when bytes are solved
            raise
        self._keep()

    def _keep(self) -> None:
        """Keep what was solved, as a block of its own."""
        work = self._work
        self._solved = SlotBlock(work.values.copy(), work.services, work.devices)
        self._certified = False  # which is looked at when the solution is asked for
        self._solution = None

    def _solve_now(self) -> None:
        """Solve what was put in place; what is wrong with its numbers is found out by name."""
        work = self._work
        within = self._beyond is None or not self._queues[:, self._beyond].any()
        if within and work.solve(checked=True):
            return
        if within and self._problem_of(work)._looks_valid():
            work.solve(checked=False)  # many services a device, which kernels do not check
        else:
            self._check_and_solve()

    def _check_and_solve(self) -> None:
        """Check all numbers by name, which costs more, and solve what is right."""
        problem = self._problem_of(self._work)
        problem = SlotProblem(**problem.__getstate__())
        for values, checked in zip(self._work.packed, problem._packed, strict=True):
            values[:] = checked
        self._work.solve(checked=False)

    def _problem_of(self, block: SlotBlock) -> SlotProblem:
        """Return the problem in a block, unchecked, of which it keeps views."""
        first = self._first
        names = {
            "service_counts": first.service_counts,
            "device_ids": first.device_ids,
            "service_ids": first.service_ids,
        }
        return SlotProblem._from_packed(block.packed, first.noise_psd_dbm_per_hz, **names)

    def __reduce__(self) -> tuple[Any, ...]:  # copies would have views of other arrays
        return type(self), (self._problem_of(self._solved),)

    def __repr__(self) -> str:
        return f"SlotSolver({self._work.devices} devices, {sum(self._first.service_counts or ())} services)"
