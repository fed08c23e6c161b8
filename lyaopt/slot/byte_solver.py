"""`ByteSolver`: slots that come as bytes, and go as bytes; for servers, whose messages have this form."""

from __future__ import annotations

import math

import numpy as np

from lyaopt.arrays import Floats, least_bits
from lyaopt.errors import ProblemError
from lyaopt.slot.inputs import DEVICE_FIELDS, WEIGHT_FIELDS
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.slot_block import SlotBlock
from lyaopt.slot.slot_solver import SlotSolver
from lyaopt.slot.solution import SlotSolution
from lyaopt.slot.solve import certified, check_certificate

Bytes = bytes | bytearray | memoryview


def bytes_of(devices: int, services: int) -> tuple[int, int, int]:
    """Return the lengths of a state, of one with weights, and of a solution, in bytes.

    Parameters
    ----------
    devices, services : int
        M and N.
    """
    items, width = devices * services, np.dtype(np.float64).itemsize
    return width * (3 * items + devices), width * (6 * items + devices), width * (3 * items + 8 * devices + 6)


class ByteSolver(SlotSolver):
    """A `SlotSolver` whose slots are bytes: float64 in the order of the kernels, and of this machine.

    A state is 8 (3 N M + M) bytes: backlogs (3, N, M) in cycles, bits, cycles, then channel gains (M,).
    Weights apart from them are 8 (3 N M) bytes more. A solution is 8 (3 N M + 8 M + 6) bytes: allocations
    (3, N, M), numbers of the devices (8, M) and of the slot (6,), see docs/reference/formats.md.

    Parameters
    ----------
    problem : SlotProblem
        As of `SlotSolver`.

    Attributes
    ----------
    state_bytes, weighted_bytes, solution_bytes : int
        As of `bytes_of`.
    """

    def __init__(self, problem: SlotProblem) -> None:
        super().__init__(problem)
        queues, devices, scalars = self._work.packed
        self.state_bytes, self.weighted_bytes, self.solution_bytes = bytes_of(
            devices.shape[1], queues.shape[1]
        )
        self._queue_bytes = _view(queues)
        self._gain_bytes = _view(devices[DEVICE_FIELDS.index("channel_gain")])
        given = queues.size + devices.size + scalars.size
        self._found = _view(self._work.values[given:]).toreadonly()
        self._weights = np.zeros(queues.shape)
        self._weight_bytes = _view(self._weights)
        self._weighted: tuple[SlotBlock | None, Floats] = None, self._weights
        """The last slot that had weights, and those."""

    def solve_bytes(self, state: Bytes) -> memoryview:
        """Solve a slot.

        Parameters
        ----------
        state : bytes-like
            Backlogs and gains; weights, if there are any, follow.

        Returns
        -------
        memoryview
            The solution; it changes with the next slot.

        Raises
        ------
        ProblemError
            As `update` and `solve`; the solver is then as before.
        """
        weighted = len(state) == self.weighted_bytes
        if len(state) != self.state_bytes and not weighted:
            sizes = f"{self.state_bytes} bytes, or {self.weighted_bytes} with weights"
            raise ProblemError("$", f"expected {sizes}, got {len(state)}")
        queues = len(self._queue_bytes)
        # the rest of the block never changes; what is refused is written over by the next slot
        self._queue_bytes[:] = state[:queues]
        self._gain_bytes[:] = state[queues : self.state_bytes]
        self._solve_now()  # which checks the numbers, also those of a slot with weights
        if weighted:
            self._weight_bytes[:] = state[self.state_bytes :]
            self._solve_weighted()
        _, local, transmit, edge, gap, violation = self._work.summary
        check_certificate(local + transmit + edge, gap, violation)
        self._keep()
        if weighted:
            self._weighted = self._solved, self._weights.copy()
        return self._found

    def _solve_weighted(self) -> None:
        weights = self._weights
        usual = least_bits(weights) >= 0 and float(weights.max()) < math.inf
        if not usual or self._beyond is not None:
            problem = self._problem_of(self._work)
            named = dict(zip(WEIGHT_FIELDS, weights.transpose(0, 2, 1), strict=True))
            problem = SlotProblem(**{**problem.__getstate__(), **named})  # which raises, or has no -0.0
            assert problem._packed_weights is not None
            weights[:] = problem._packed_weights
        self._work.solve_weighted(weights)

    def solve(self) -> SlotSolution:
        """Return the solution of the present slot, as `SlotSolver` does; its problem has the weights."""
        block, weights = self._weighted
        if block is None or block is not self._solved:
            return super().solve()
        if self._solution is None:
            self._solution = certified(block, lambda block: self._weighted_problem(block, weights))
        return self._solution

    def _weighted_problem(self, block: SlotBlock, weights: Floats) -> SlotProblem:
        problem = self._problem_of(block)
        problem._keep_weights(weights, WEIGHT_FIELDS)
        return problem


def _view(values: Floats) -> memoryview:
    return values.reshape(-1).data.cast("B")
