"""Files of task times: one time in seconds a line, not decreasing; lines that begin with # are comments."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np

from lyaopt.arrays import Floats, read_only
from lyaopt.errors import ProblemError
from lyaopt.io.input_files import read_capped


def load_task_times(path: str) -> Floats:
    """Load the times of a file, once for each version of it.

    Parameters
    ----------
    path : str
        Of the file, in UTF-8.

    Returns
    -------
    ndarray (J,)
        In seconds, read-only.

    Raises
    ------
    ProblemError
        If there is no such file, or it does not hold task times; the reason names file and line.
    """
    try:
        status = Path(path).stat()
        return _cached_times(path, status.st_mtime_ns, status.st_size)
    except ProblemError:
        raise
    except OSError as failure:
        raise ProblemError("$", f"expected a file, got {path!r}: {failure.strerror}") from None
    except ValueError:
        raise ProblemError("$", f"expected a path, got {path!r}") from None


@lru_cache(maxsize=64)
def _cached_times(path: str, changed: int, size: int) -> Floats:
    try:
        lines = read_capped(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ProblemError("$", f"{path}: expected text in UTF-8") from None
    times: list[float] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            times.append(_time(text, times[-1] if times else 0.0, f"{path}: line {number}"))
    if not times or times[-1] == 0.0:
        raise ProblemError("$", f"{path}: expected times of tasks, the last one > 0, got {len(times)} times")
    return read_only(np.array(times))


def _time(text: str, before: float, place: str) -> float:
    try:
        time = float(text)
    except ValueError:
        time = math.nan
    if not 0.0 <= time < math.inf or "_" in text:
        raise ProblemError("$", f"{place}: expected a time in seconds, got {text[:100]!r}")
    if time < before:
        raise ProblemError("$", f"{place}: expected a time from {before!r} on, got {text[:100]}")
    return time
