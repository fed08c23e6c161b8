"""`SlotSolver`: one slot after the other of the same system, without building a problem for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import as_floats, check_type
from lyaopt.errors import ProblemError
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.slot_block import SlotBlock
from lyaopt.slot.solution import SlotSolution
from lyaopt.slot.solve import certified

_FLOAT64 = np.dtype(np.float64)


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
        self._work = SlotBlock.of(problem)
        queues, devices, _ = self._work.packed
        self._queues = queues
        self._views = dict(
            zip((*DEVICE_FIELDS, *QUEUE_FIELDS), (*devices, *queues.transpose(0, 2, 1)), strict=True)
        )
        counts = np.array(problem.service_counts)
        beyond = np.arange(queues.shape[1])[:, np.newaxis] >= counts
        self._beyond = beyond if beyond.any() else None
        self._work.solve(checked=False)
        self._solution: SlotSolution | None = None
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
        put = self._put
        try:
            if local_queue_cycles is not None:
                put("local_queue_cycles", local_queue_cycles)
            if transmit_queue_bits is not None:
                put("transmit_queue_bits", transmit_queue_bits)
            if edge_queue_cycles is not None:
                put("edge_queue_cycles", edge_queue_cycles)
            if channel_gain is not None:
                put("channel_gain", channel_gain)
            if cpu_capacity_hz is not None:
                put("cpu_capacity_hz", cpu_capacity_hz)
            if max_power_w is not None:
                put("max_power_w", max_power_w)
            if bandwidth_hz is not None:
                put("bandwidth_hz", bandwidth_hz)
            self._solve_now()
        except BaseException:
            self._work.values[:] = self._solved.values
            raise
        self._keep()

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
            self._solution = certified(self._solved, self._problem_of)
        return self._solution

    def _solve_now(self) -> None:
        """Check and solve: the kernel looks at the numbers in passing."""
        within = self._beyond is None or not self._queues[:, self._beyond].any()
        if not (within and self._work.solve(checked=True)):
            self._check_and_solve()

    def _put(self, name: str, values: Any) -> None:
        view = self._views[name]
        if not (type(values) is np.ndarray and values.dtype is _FLOAT64 and values.shape == view.shape):
            values = as_floats(values, name, view.shape)
        view[...] = values

    def _keep(self) -> None:
        """Keep what was solved, as a block of its own."""
        work = self._work
        self._solved = SlotBlock(work.values.copy(), work.services, work.devices)
        self._solution = None

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

    def __repr__(self) -> str:
        return f"SlotSolver({self._work.devices} devices, {sum(self._first.service_counts or ())} services)"
