"""The session of a client that speaks in lines of JSON: its system, and slots of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.io import strict_json
from lyaopt.io.field_errors import unknown_key
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.slot_solver import SlotSolver
from lyaopt.slot.solution import SlotSolution
from lyaopt.slot.solve import solve_slot

_STATE = ("channel_gain", *QUEUE_FIELDS, *WEIGHT_FIELDS)


class JsonSession:
    """A system, which may have weights, tables and a shared spectrum, and its last slot.

    Parameters
    ----------
    problem : SlotProblem
        The first slot.
    """

    def __init__(self, problem: SlotProblem) -> None:
        self._problem = problem
        plain = not problem.is_general and problem.local_queue_cycles.size
        self._solver = SlotSolver(problem) if plain else None

    def solve(self, state: Any) -> SlotSolution:
        """Solve the next slot; what is left out is as before, and weights are the backlogs then.

        Parameters
        ----------
        state : object
            The value of ``state``.

        Raises
        ------
        ProblemError
            If it is not as docs/reference/formats.md says; the last slot is then as before.
        """
        fields = self._read(state)
        if self._solver is not None and fields.keys().isdisjoint(WEIGHT_FIELDS):
            self._solver.update(**fields)
            return self._solver.solve()
        last = self._problem if self._solver is None else self._solver.solve().problem
        solution = solve_slot(SlotProblem(**last.__getstate__() | dict.fromkeys(WEIGHT_FIELDS) | fields))
        self._problem = solution.problem
        if self._solver is not None:
            names = (*QUEUE_FIELDS, "channel_gain")
            self._solver.update(**{name: getattr(self._problem, name) for name in names})
        return solution

    def _read(self, state: Any) -> dict[str, Any]:
        if not isinstance(state, dict):
            raise ProblemError("$.state", f"expected an object, got {strict_json.show_value(state)}")
        for key in state:
            if key not in _STATE:
                raise ProblemError(strict_json.show_path(("state", key)), unknown_key(key, _STATE))
        counts, shape = self._problem.service_counts or (), self._problem.local_queue_cycles.shape
        return {
            name: _numbers(values, f"$.state.{name}", () if name == "channel_gain" else counts, shape)
            for name, values in state.items()
        }


def _numbers(values: Any, path: str, counts: tuple[int, ...], shape: tuple[int, ...]) -> Floats:
    """Numbers of the devices (M,), or with `counts` of their services (M, N), with zeros at the end."""
    devices, services = shape
    rows = values if counts else [values]
    lengths = counts or (devices,)
    right = isinstance(rows, list) and len(rows) == len(lengths)
    right = right and all(isinstance(row, list) for row in rows)
    right = right and [*map(len, rows)] == [*lengths]
    if not (right and {type(entry) for row in rows for entry in row} <= {int, float}):
        words = f"{devices} lists of {services} numbers or as many as it has services" if counts else ""
        raise ProblemError(path, f"expected {words or f'a list of {devices} numbers'}")
    try:
        if not counts:
            return np.array(values, dtype=np.float64)
        array = np.zeros((devices, services))
        for place, row in enumerate(rows):
            array[place, : len(row)] = row
        return array
    except OverflowError:  # of a whole number
        raise ProblemError(path, "expected numbers within double precision") from None
