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
        drawn = {} if self.judged.drawn is None else {"drawn": self.judged.drawn}
        used = {"searched_slots": self.searched.slots, "judged_slots": self.judged.slots}
        return {"sha256": self.sha256, **used, **drawn}


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
    count = min(MOST_SEARCHED, trace.slots // 2) if search_slots is None else search_slots
    if search_slots is None and count < LEAST_SEARCHED:
        reason = f"expected at least {2 * LEAST_SEARCHED} slots, half of them to search on, got {trace.slots}"
        raise ProblemError("$.trace", reason)
    if count < LEAST_SEARCHED:
        raise ProblemError("$.search_slots", f"expected at least {LEAST_SEARCHED}, got {count}")
    if count >= trace.slots:
        reason = f"expected more slots than the {count} that are searched, got {trace.slots}"
        raise ProblemError("$.trace", reason)
    return TraceParts(trace.first(count, system), trace.after(count), trace.sha256)
