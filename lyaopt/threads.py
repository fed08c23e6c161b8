"""Parts of a call in threads: compiled kernels release Python's global lock while they run."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

from lyaopt.errors import ProblemError

_Found = TypeVar("_Found")
_MOST_THREADS = 256
_here = threading.local()


def available_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def checked_workers(workers: Any) -> int:
    """Return how many threads an argument `workers` asks for.

    Parameters
    ----------
    workers : int
        At least 1, or -1 for all cores, as in SciPy.

    Raises
    ------
    ProblemError
        If it is something else.
    """
    whole = hasattr(workers, "__index__") and not isinstance(workers, bool)
    if not whole or (workers < 1 and workers != -1):
        raise ProblemError("$.workers", f"expected a whole number >= 1, or -1 for all cores, got {workers!r}")
    return available_cores() if workers == -1 else int(workers)


def in_threads(task: Callable[[int], _Found], parts: int) -> list[_Found]:
    """Return ``[task(0), ..., task(parts - 1)]``, computed at once: the first in this thread.

    The parts of a part run one after the other, so that threads are not multiplied by threads. All have
    ended when it returns, or raises the error of the first that failed.

    Parameters
    ----------
    task : callable
        Takes the number of a part.
    parts : int
        How many there are.
    """
    if parts == 1 or getattr(_here, "in_part", False):
        return [task(part) for part in range(parts)]
    others = [_pool().submit(_alone, task, part) for part in range(1, parts)]
    try:
        first = _alone(task, 0)
    finally:
        wait(others)  # they write into the caller's arrays
    return [first, *(other.result() for other in others)]


def _alone(task: Callable[[int], _Found], part: int) -> _Found:
    _here.in_part = True
    try:
        return task(part)
    finally:
        _here.in_part = False


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """The threads of this process, which start when they are first needed, and stay."""
    return ThreadPoolExecutor(_MOST_THREADS, "lyaopt")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has no threads but one
