"""Traces in two parts: policies are searched or trained on the first, and judged on the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation.traces import Trace

MOST_SEARCHED = 160_000
"""Slots of a long trace on which policies are searched by default: those of a trial without a trace."""
LEAST_SEARCHED = 4
"""A trial of a search has at least so many slots."""


@dataclass(frozen=True, eq=False)
class TraceParts:
    """Two parts of a trace, without a slot in common.

    Attributes
    ----------
    searched : Trace
        The first slots, on which policies are searched and trained.
    judged : Trace
        The others, on which they are judged.
    sha256 : str
        Of the whole trace, see `Trace.sha256`.
    """

    searched: Trace
    judged: Trace
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """How the trace is used, as JSON values."""
        return use_of(self.sha256, self.searched.slots, self.judged.slots, self.judged.drawn)


def use_of(sha256: str, searched_slots: int, judged_slots: int, drawn: str | None) -> dict[str, Any]:
    """How a trace is used, as JSON values.

    Parameters
    ----------
    sha256, drawn : str
        As of a `Trace`.
    searched_slots, judged_slots : int
        Of both parts.
    """
    used = {"sha256": sha256, "searched_slots": searched_slots, "judged_slots": judged_slots}
    return used if drawn is None else used | {"drawn": drawn}


def divide(trace: Trace, system: System, search_slots: int | None = None) -> TraceParts:
    """Divide a trace into a part for searches and trainings, and one for the judgement.

    Parameters
    ----------
    trace : Trace
        Of T slots.
    system : System
        Gives G, slots of a period.
    search_slots : int, optional
        Slots of the first part, from 4 to below T; by default half of them, at most `MOST_SEARCHED`.

    Returns
    -------
    TraceParts

    Raises
    ------
    ProblemError
        If the first part would have fewer than 4 slots, or the other one none.
    """
    count = first_slots(trace.slots, search_slots)
    return TraceParts(trace.first(count, system), trace.after(count), trace.sha256)


def first_slots(slots: int, search_slots: int | None = None) -> int:
    """Count the slots of the first part.

    Parameters
    ----------
    slots : int
        T.
    search_slots : int, optional
        As of `divide`.

    Returns
    -------
    int

    Raises
    ------
    ProblemError
        As `divide` raises it.
    """
    count = min(MOST_SEARCHED, slots // 2) if search_slots is None else search_slots
    if search_slots is None and count < LEAST_SEARCHED:
        reason = f"expected at least {2 * LEAST_SEARCHED} slots, half of them to search on, got {slots}"
        raise ProblemError("$.trace", reason)
    if count < LEAST_SEARCHED:
        raise ProblemError("$.search_slots", f"expected at least {LEAST_SEARCHED}, got {count}")
    if count >= slots:
        reason = f"expected more slots than the {count} that are searched, got {slots}"
        raise ProblemError("$.trace", reason)
    return count
