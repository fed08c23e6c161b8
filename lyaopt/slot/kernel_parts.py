"""Calls of the kernels of a batch, cut into parts that run in threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lyaopt.threads import in_threads

KernelCall = tuple[Any, ...]
"""A kernel, and what it takes before the part."""

_LEAST_BACKLOGS = 80_000
"""Backlogs of a stage, 10,000 slots of four devices with two services: with fewer, one thread is faster."""


def parts_of(shape: tuple[int, int, int], workers: int) -> int:
    """Return into how many parts the kernels of a batch are cut.

    Parameters
    ----------
    shape : (int, int, int)
        (B, M, N) of the batch.
    workers : int
        How many threads there may be, at least 1.
    """
    return workers if math.prod(shape) >= _LEAST_BACKLOGS else 1


def run_in_parts(calls: Sequence[KernelCall], parts: int) -> None:
    """Run calls in threads; each takes its part of all of them.

    Parameters
    ----------
    calls : sequence of KernelCall
        None may read or write what another one writes.
    parts : int
        How many threads there are.
    """

    def run(number: int) -> None:
        for kernel, *arguments in calls:
            kernel(*arguments, (number, parts))

    in_threads(run, parts)
