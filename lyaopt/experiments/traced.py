"""Sweeps on a trace: what of a definition goes with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.experiments.definition import Sweep
from lyaopt.model.system import System
from lyaopt.simulation import RecordedTrace

_OF_TRACE = {
    "arrivals": ("arrival_rate_per_s", "arrivals."),
    "channel_gain": ("distance_m", "channel."),
}
"""Settings, or the beginnings of their names, on which nothing depends where an array is recorded."""


def check_trace(sweep: Sweep, systems: Sequence[System], trace: RecordedTrace) -> None:
    """Check that a trace goes with all points, policies and learners of a sweep.

    Parameters
    ----------
    sweep : Sweep
        The definition.
    systems : sequence of System
        Of its points.
    trace : RecordedTrace
        Arrivals, channels or both.

    Raises
    ------
    ProblemError
        With the path of the field of the definition.
    """
    for name in sweep.vary:
        for array, settings in _OF_TRACE.items():
            if array in trace.arrays and name.startswith(settings):
                raise ProblemError(f"$.vary.{name}", f"expected none: the trace has {array}")
    for number, policy in enumerate(sweep.policies):
        if sweep.is_bound(policy):
            reason = "expected no bound beside a trace: it would be of the scenario's law"
            raise ProblemError(f"$.policies[{number}]", reason)
        learner = sweep.learner(policy)
        if learner is not None and learner.once:
            reason = "expected none: the trace is that of one system"
            raise ProblemError(f"$.learners.{policy}.ranges", reason)
    for system in systems:
        try:
            trace.parts(system, sweep.evaluation.seed)
        except DocumentError as error:
            raise ProblemError("$.trace", f"{trace.file}: {error}") from None


def trace_words(used: Mapping[str, Any]) -> str:
    """Say how a trace was used.

    Parameters
    ----------
    used : mapping
        As the document of an experiment holds it.
    """
    words = (
        f"On the trace {used['file']} (SHA-256 {used['sha256']}): policies are searched and trained on its "
        f"first {used['searched_slots']} slots, and judged on the {used['judged_slots']} after them, from "
        "evenly spaced slots on and around."
    )
    drawn = used.get("drawn")
    return words if drawn is None else f"{words} It has no {drawn}, drawn from the scenario."
