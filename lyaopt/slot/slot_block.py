"""A slot and its solution in one array, as the kernel of one slot takes them."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from lyaopt._kernels.slot.one_slot import RESULT_ROWS, SUMMARY_PLACES, slot_exact
from lyaopt._kernels.slot.problems import SCALARS
from lyaopt._kernels.slot.weighted_slot import slot_weighted
from lyaopt.arrays import Floats
from lyaopt.slot.problem import SlotProblem

_STAGES, _DEVICE_ROWS = 3, 4


@functools.lru_cache(maxsize=64)
def _ends(services: int, devices: int) -> tuple[int, ...]:
    """Where queues, devices, scalars, rates, results and summary end in a block."""
    items = _STAGES * services * devices
    sizes = (items, _DEVICE_ROWS * devices, SCALARS, items, RESULT_ROWS * devices, SUMMARY_PLACES)
    return tuple(np.cumsum(sizes).tolist())


class SlotBlock(NamedTuple):
    """What `lyaopt._kernels.slot.one_slot` reads and writes of a slot, one part after the other.

    Attributes
    ----------
    values : array
        All numbers.
    services, devices : int
        N and M, both at least 1.
    """

    values: Floats
    services: int
    devices: int

    @classmethod
    def of(cls, problem: SlotProblem) -> SlotBlock:
        """Copy a problem, which has been checked and is one of Problems 3 to 5 of the paper.

        Parameters
        ----------
        problem : SlotProblem
            With at least one device and one service.
        """
        queues, devices, scalars = problem._packed
        _, services, count = queues.shape
        ends = _ends(services, count)
        values = np.empty(ends[-1])
        values[: ends[0]] = queues.ravel()
        values[ends[0] : ends[1]] = devices.ravel()
        values[ends[1] : ends[2]] = scalars
        return cls(values, services, count)

    @property
    def packed(self) -> tuple[Floats, Floats, Floats]:
        """Views of what is given: queues (3, N, M), devices (4, M) and scalars, packed as in a problem."""
        values, services, count = self
        queues, devices, scalars = _ends(services, count)[:3]
        return (
            values[:queues].reshape(_STAGES, services, count),
            values[queues:devices].reshape(_DEVICE_ROWS, count),
            values[devices:scalars],
        )

    def rates(self, stage: int) -> Floats:
        """View (M, N) of the rates of Problem 3, 4 or 5.

        Parameters
        ----------
        stage : {0, 1, 2}
            Which of them.
        """
        values, services, count = self
        start = _ends(services, count)[2] + stage * services * count
        return values[start : start + services * count].reshape(services, count).T

    def results(self, row: int) -> Floats:
        """View (M,) of one of the results, which the kernel names.

        Parameters
        ----------
        row : int
            Which of them.
        """
        start = _ends(self.services, self.devices)[3] + row * self.devices
        return self.values[start : start + self.devices]

    @property
    def summary(self) -> list[float]:
        """Multiplier of Problem 5, objectives of Problems 3, 4 and 5, relative gap and violation."""
        return self.values[-SUMMARY_PLACES:].tolist()

    def solve(self, checked: bool) -> bool:
        """Solve and certify the slot; return False, with nothing written, if a number may be out of range.

        Parameters
        ----------
        checked : bool
            Whether to look at the numbers. False is the answer too for many services a device.
        """
        status = slot_exact(self.values, self.services, self.devices, int(checked))
        if status < 0:
            raise ValueError(f"expected a block of {self.services} services on {self.devices} devices")
        return not status

    def solve_weighted(self, weights: Floats) -> None:
        """Solve and certify the slot, with weights apart from backlogs.

        Parameters
        ----------
        weights : (3, N, M) array
            Of the services, checked.
        """
        values, services, count = self
        _, _, scalars, rates, results, _ = _ends(services, count)
        slot_weighted(
            weights,
            *self.packed,
            values[scalars:rates].reshape(_STAGES, services, count),
            values[rates:results].reshape(RESULT_ROWS, count),
            values[results:],
        )
