"""Values that hold for a while, and their means over slots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError

_GAP = 5.0
"""A pause of more than this many usual intervals is a gap, by default."""


@dataclass(frozen=True, eq=False)
class Log:
    """What was measured, as values that each hold from a start to an end; between them there is nothing.

    Attributes
    ----------
    name : str
        Of the file.
    starts_s, ends_s : ndarray (n,)
        Seconds since the first start; segments do not overlap.
    values : ndarray (n,)
        In bit/s of rates, otherwise as in the file.
    """

    name: str
    starts_s: Floats
    ends_s: Floats
    values: Floats

    @property
    def duration_s(self) -> float:
        """Seconds from the first start to the last end."""
        return float(self.ends_s[-1])

    @property
    def covered_share(self) -> float:
        """Share of the duration in which there is a value."""
        return float((self.ends_s - self.starts_s).sum() / self.duration_s)

    @property
    def gaps(self) -> int:
        """How often there is nothing between two values."""
        return int((self.starts_s[1:] > self.ends_s[:-1]).sum())


def log_of_samples(name: str, times_s: Floats, values: Floats, max_gap_s: float | None = None) -> Log:
    """Let each sample hold to the next one, and over a gap for the usual interval only.

    Parameters
    ----------
    name : str
        Of the file.
    times_s : ndarray (n,)
        Increasing, n at least 2.
    values : ndarray (n,)
        NaN where nothing was measured.
    max_gap_s : float, optional
        Longest pause over which a sample holds; by default five times the median interval.

    Returns
    -------
    Log
    """
    steps = np.diff(times_s)
    usual = float(np.median(steps))
    longest = _GAP * usual if max_gap_s is None else max_gap_s
    lasts = np.append(np.where(steps > longest, np.minimum(usual, longest), steps), usual)
    return _log(name, times_s, times_s + lasts, values)


def log_of_intervals(name: str, ends_s: Floats, lengths_s: Floats, values: Floats) -> Log:
    """Let each value hold over the interval that ends at its time.

    Parameters
    ----------
    name : str
        Of the file.
    ends_s : ndarray (n,)
        Increasing.
    lengths_s : ndarray (n,)
        Lengths of the intervals; one that reaches back over the end before is cut there.
    values : ndarray (n,)
        NaN where nothing was measured.

    Returns
    -------
    Log
    """
    before = np.append(-np.inf, ends_s[:-1])
    return _log(name, np.maximum(ends_s - lengths_s, before), ends_s, values)


def _log(name: str, starts: Floats, ends: Floats, values: Floats) -> Log:
    kept = np.isfinite(values) & (ends > starts)
    if not kept.any():
        raise ProblemError("$", "expected at least one interval with a value, got none")
    first = starts[0]
    return Log(name, (starts - first)[kept], (ends - first)[kept], values[kept])


def slot_means(log: Log, step_s: float, slots: int) -> Floats:
    """Mean of a log over each slot, with 0 where there is nothing.

    The integral over a stretch of slots is that of the log: no data is lost or made.

    Parameters
    ----------
    log : Log
        Its values are to be such that 0 means nothing, as of rates and gains.
    step_s : float
        Length of a slot, in seconds.
    slots : int
        T.

    Returns
    -------
    ndarray (T,)
    """
    bounds = step_s * np.arange(slots + 1)
    edges = np.unique(np.concatenate([bounds, log.starts_s, log.ends_s]))
    edges = edges[edges <= bounds[-1]]
    # Each piece between edges lies within one slot, and within one segment or none. Sums over a slot's own
    # pieces keep their digits where values differ by many orders of magnitude, as gains do.
    middles = 0.5 * (edges[:-1] + edges[1:])
    segment = np.searchsorted(log.starts_s, middles, side="right") - 1
    inside = (segment >= 0) & (middles < log.ends_s[segment])
    amounts = np.where(inside, log.values[segment], 0.0) * np.diff(edges)
    slot = np.searchsorted(bounds, middles, side="right") - 1
    sums = np.bincount(slot, weights=amounts, minlength=slots)
    # Rounding would give a slot within one segment a little more than its value.
    return np.minimum(sums / step_s, log.values.max(initial=0.0))
