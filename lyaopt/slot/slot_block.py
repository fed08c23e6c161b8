"""A slot and its solution in one array, as the kernel of one slot takes them."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.toolchain.core_choice import built_kernel
from lyaopt.arrays import Floats
from lyaopt.slot.problem import SlotProblem

# As in the modules of the kernels, which import for longer than a slot takes, and are not needed where they
# were built: tests compare them.
SCALARS = 6
RESULT_ROWS = 8
SUMMARY_PLACES = 6
_STAGES, _DEVICE_ROWS = 3, 4
_FLOAT64 = np.dtype(np.float64)
_BYTES = _FLOAT64.itemsize


def part_shapes(services: int, devices: int) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the parts of a block, in their order: three that are given, three that are found.

    Parameters
    ----------
    services, devices : int
        N and M.
    """
    queues, results = (_STAGES, services, devices), (RESULT_ROWS, devices)
    return queues, (_DEVICE_ROWS, devices), (SCALARS,), queues, results, (SUMMARY_PLACES,)


class _Places(NamedTuple):
    """Where the parts of a block end, where its rates begin in bytes, and the rows of `SlotBlock.arrays`."""

    ends: tuple[int, ...]
    rates: tuple[int, ...]
    rows: tuple[slice, ...]
    strides: tuple[int, int]


@functools.lru_cache(maxsize=64)
def _places(services: int, devices: int) -> _Places:
    items = services * devices
    ends = tuple(itertools.accumulate(map(math.prod, part_shapes(services, devices))))
    rates = tuple(_BYTES * (ends[2] + stage * items) for stage in range(_STAGES))
    starts = (ends[1] - devices, *(ends[3] + row * devices for row in range(RESULT_ROWS)))
    rows = tuple(slice(start, start + devices) for start in starts)
    return _Places(ends, rates, rows, (_BYTES, _BYTES * devices))


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


@functools.cache
def next_slot_kernel() -> Callable[..., Any]:
    """Return `slot_next`, the kernel of a slot that follows another one; backlogs may lie in any order."""
    if function := built_kernel("slot_next"):
        return function
    from lyaopt._kernels.slot.next_slot import slot_next

    def call(before: Floats, block: Floats, *args: Any) -> int:
        # compiled at run time it takes aligned arrays that can be written only
        *given, services, devices = args
        return int(slot_next(before, block, *map(np.array, given), services, devices))

    return call


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
        ends = _places(services, count).ends
        values = np.empty(ends[-1])
        values[: ends[0]] = queues.ravel()
        values[ends[0] : ends[1]] = devices.ravel()
        values[ends[1] : ends[2]] = scalars
        return cls(values, services, count)

    @property
    def packed(self) -> tuple[Floats, Floats, Floats]:
        """Views of what is given: queues (3, N, M), devices (4, M) and scalars, packed as in a problem."""
        values, services, count = self
        queues, devices, scalars = _places(services, count).ends[:3]
        return (
            values[:queues].reshape(_STAGES, services, count),
            values[queues:devices].reshape(_DEVICE_ROWS, count),
            values[devices:scalars],
        )

    @property
    def arrays(self) -> list[Floats]:
        """Views of the rates of Problems 3 to 5, (M, N) each, then of bandwidths and results, (M,) each."""
        values, services, count = self
        places, view = _places(services, count), np.ndarray
        # in one step each; a slice, a shape and a transpose would take three times as long
        shape, strides = (count, services), places.strides
        arrays = [view(shape, _FLOAT64, values, place, strides) for place in places.rates]
        arrays += [values[row] for row in places.rows]
        return arrays

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
        status = one_slot_kernel(False)(self.values, self.services, self.devices, int(checked))
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
        _, _, scalars, rates, results, _ = _places(services, count).ends
        one_slot_kernel(True)(
            weights,
            *self.packed,
            values[scalars:rates].reshape(_STAGES, services, count),
            values[rates:results].reshape(RESULT_ROWS, count),
            values[results:],
        )
