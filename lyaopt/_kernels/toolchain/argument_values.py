"""Values of arguments by which kernels index: a wrong one would make them read or write beyond an array.

What kernels themselves wrote and only they read, links between queues and tasks, is not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Sizes = dict[str, int]
_FEW = 64
"""Entries of an array that is cheaper to remember than to look at."""
_MOST_KNOWN = 1000
_INFINITE = int(np.array(math.inf).view(np.uint64))
# As in task_queues.py: the entries of a pool
_FREE, _USED, _ALIVE, _LOGGED = range(4)


def _within(array: Any, low: float, high: float) -> bool:
    """Whether all entries are numbers from `low` up to but not including `high`."""
    if not array.size:
        return True
    # In one pass: as bits, what is negative, infinite or no number is large.
    if low == 0 and array.dtype.itemsize == 8:
        limit = min(high, 2**63) if array.dtype.kind == "i" else _INFINITE
        if np.maximum.reduce(array.view(np.uint64), axis=None) < limit:
            return True
    return bool(array.min() >= low and array.max() < high)


def _are_arrivals(array: Any, sizes: Sizes) -> bool:
    """The slots of a trace that are replayed: a count below 0 would hide others in the sum of a slot.

    Where replications start later, others are replayed; traces of the API are looked at when they are made.
    """
    replayed = array[max(sizes["s"], 0) : max(sizes["e"], 0)]
    return _within(replayed, 0, math.inf)


def _is_pool(array: Any, sizes: Sizes) -> bool:
    """Rows that are in use are within the tables of tasks."""
    free, used, alive, logged = array.tolist()
    return -1 <= free < sizes["t"] and 0 <= alive <= used <= sizes["t"] and 0 <= logged <= sizes["l"]


def _are_tables(array: Any, sizes: Sizes) -> bool:
    """Tables of prices (2, N, M): of a radio one for each state of the channel, side by side."""
    cpus, radios = array
    return _within(cpus, 0, sizes["q"]) and _within(radios, 0, sizes["q"] - sizes["x"] + 1)


def _are_rows(array: Any, sizes: Sizes) -> bool:
    """Where the rows of a chain begin, and the last one ends."""
    return _within(array, 0, sizes["h"] + 1)


def _are_kinds(array: Any, sizes: Sizes) -> bool:
    """Kinds of arrivals: those of arrival_laws.py."""
    return _within(array, 0, 5)


def _are_laws_of_sizes(array: Any, sizes: Sizes) -> bool:
    """Laws of sizes: those of task_sizes.py."""
    return _within(array, 0, 3)


_RULES: dict[str, tuple[Callable[[Any, Sizes], bool], str]] = {
    "arrivals": (_are_arrivals, "numbers of tasks >= 0"),
    "pool": (_is_pool, "rows within the tables of tasks"),
    "tables": (_are_tables, "rows of the tables of prices"),
    "kinds": (_are_kinds, "kinds of arrivals"),
    "sizes": (_are_laws_of_sizes, "laws of sizes"),
    "rows": (_are_rows, "places within the chain"),
}


class Values:
    """What one array among the arguments of a kernel must hold; see kernel_shapes.py for the words.

    Parameters
    ----------
    word : str
        What stands behind the colon.
    """

    def __init__(self, word: str) -> None:
        self._rule = _RULES.get(word)
        self._low = -1 if word.startswith("-") else 0
        self._limit = word.lstrip("-")
        self._known: set[tuple[bytes, float]] = set()

    def check(self, array: Any, sizes: Sizes, name: str) -> None:
        """Refuse an array that holds something else.

        Parameters
        ----------
        array : ndarray
            The argument.
        sizes : dict of str to int
            Of this call, by letter.
        name : str
            Of the kernel.

        Raises
        ------
        ValueError
            If it does.
        """
        if self._rule is not None:
            holds, expected = self._rule
            if not holds(array, sizes):
                raise ValueError(f"{name}: expected {expected}")
            return
        high = sizes.get(self._limit, math.inf)
        if not self._is_known(array, high) and not _within(array, self._low, high):
            upper = "finite numbers" if high == math.inf else f"whole numbers below {high}"
            raise ValueError(f"{name}: expected {upper} from {self._low} on, got {_worst(array)}")

    def _is_known(self, array: Any, high: float) -> bool:
        """Whether few entries are those of an earlier call, or fit and are remembered."""
        if array.size > _FEW:
            return False
        key = array.tobytes(), high
        if key in self._known:
            return True
        if not _within(array, self._low, high):
            return False
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known.add(key)
        return True


def _worst(array: Any) -> str:
    return f"{np.min(array)} to {np.max(array)}"
