"""Periods of a monotonic clock: absolute times, so that no error adds up."""

from __future__ import annotations

import time

PERIOD_NS = 10_000_000


class Periods:
    """Periods of 10 ms on a grid that starts when it is made.

    Attributes
    ----------
    number : int
        Of the period that has begun.
    """

    def __init__(self) -> None:
        self._start = time.monotonic_ns()
        self.number = -1

    def begins_at(self, number: int) -> int:
        """Time in ns at which a period begins."""
        return self._start + number * PERIOD_NS

    @property
    def ends_at(self) -> int:
        """Time in ns by which the decision of this period must have been made."""
        return self.begins_at(self.number + 1)

    def left_s(self) -> float:
        """Seconds until the end of this period; negative afterwards."""
        return (self.ends_at - time.monotonic_ns()) / 1e9

    def next(self) -> list[int]:
        """Wait for the next period; return those that passed meanwhile, none unless the process was late."""
        wait = self.begins_at(self.number + 1) - time.monotonic_ns()
        if wait > 0:
            time.sleep(wait / 1e9)
        now = (time.monotonic_ns() - self._start) // PERIOD_NS
        missed = list(range(self.number + 1, now))
        self.number = now
        return missed
