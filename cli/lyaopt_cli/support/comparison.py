"""Comparisons of `lyaopt evaluate` and `frontier`: how policies are made, and how all of them run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lyaopt_cli.support.interrupts import Interrupts
from lyaopt_cli.support.policy_names import make_policy
from lyaopt_cli.support.progress import progress_bar
from lyaopt_cli.support.traces import Parts
from lyaopt_cli.support.waiting import NO_WAITING, Waiting

if TYPE_CHECKING:
    from lyaopt.model.system import System
    from lyaopt.simulation import Policy


@dataclass(frozen=True)
class Comparison:
    """Policies on the same replications.

    Attributes
    ----------
    system : System
    interrupts : Interrupts
        A signal ends searches and runs.
    parts : Parts
        Of a trace, if there is one.
    runs : dict
        `replications`, `slots`, `warmup`, `seed` and `workers`, as of `lyaopt.evaluation.evaluate`.
    """

    system: System
    interrupts: Interrupts
    parts: Parts
    runs: dict[str, Any]

    def policy(self, name: str, waiting: Waiting = NO_WAITING) -> Policy:
        """Make a policy from its name; what is searched is searched on the first part of the trace."""
        given = self.runs["seed"], self.interrupts, waiting, self.parts.searched, self.runs["workers"]
        return make_policy(name, self.system, *given)

    @contextmanager
    def running(self, policies: int) -> Iterator[dict[str, Any]]:
        """Show the progress of so many policies, and yield the options of their runs."""
        with progress_bar("slots", policies * (self.runs["slots"] + self.runs["warmup"])) as show:

            def report(done: int) -> bool:
                show(done)
                return not self.interrupts.seen

            yield {**self.runs, "trace": self.parts.judged, "progress": report}
