"""``--trace`` of commands that compare policies: one part is searched, the rest is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.support.simulation import load_trace_file
from lyaopt_cli.support.tuning import MOST_SEARCHED, Tuned, tuned_to

if TYPE_CHECKING:
    from lyaopt.model.system import System
    from lyaopt.simulation import Trace


def trace_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--trace`` and ``--search-slots``."""
    trace = click.option(
        "--trace",
        metavar="FILE",
        help="Arrivals and channels from an .npz file. Replications start at evenly spaced slots of the part "
        "that is judged, and go around.",
    )
    searched = click.option(
        "--search-slots",
        type=click.IntRange(min=4),
        metavar="SLOTS",
        help=f"Search policies on this many first slots of --trace, and judge them on the others (default: "
        f"half of them, at most {MOST_SEARCHED}).",
    )
    return trace(searched(command))


@dataclass(frozen=True)
class Parts:
    """The parts of a trace; both empty where arrivals and channels are drawn.

    Attributes
    ----------
    searched : tuple of Trace
        The part on which policies are searched.
    judged : Trace or None
        The part on which they are compared, with a start for each replication.
    """

    searched: tuple[Trace, ...] = ()
    judged: Trace | None = None

    def tuned(self, names: Sequence[str]) -> dict[str, Tuned]:
        """What each policy is tuned to, where it is anything."""
        if not self.searched:
            return {}
        # The judged part comes after the searched one, as the slots after a warm-up do in `simulate`.
        part = self.searched[0]
        found = {name: tuned_to(name, part, part.slots) for name in names}
        return {name: tuned for name, tuned in found.items() if tuned is not None}

    def document(self, names: Sequence[str]) -> dict[str, Any]:
        """For JSON: how the trace was used."""
        if self.judged is None:
            return {}
        tuned = {name: each.document() for name, each in self.tuned(names).items()}
        used = {"searched_slots": self.searched[0].slots, "judged_slots": self.judged.slots}
        drawn = {} if self.judged.drawn is None else {"drawn": self.judged.drawn}
        return {"trace": used | drawn} | ({"tuned": tuned} if tuned else {})

    def lines(self, names: Sequence[str]) -> list[str]:
        """For people: how the trace was used."""
        if self.judged is None:
            return []
        first = self.searched[0].slots
        lines = [f"Trace    judged on the {self.judged.slots} slots after the first {first}"]
        if self.judged.drawn is not None:
            lines.append(f"Trace    without {self.judged.drawn}: drawn from the scenario with the seed")
        return lines + [f"Tuned    {name}: {tuned.words()}" for name, tuned in self.tuned(names).items()]


def parts_of(
    name: str | None, search_slots: int | None, system: System, *, seed: int, replications: int
) -> Parts:
    """Load a trace, if one is named, and divide it.

    Raises `InputError` if it does not fit the system, and `click.UsageError` if nothing is left to judge.
    """
    context = click.get_current_context()
    if name is None:
        if search_slots is not None:
            raise click.UsageError("--search-slots is for --trace.", context)
        return Parts()
    trace = load_trace_file(name, system, seed)
    assert trace is not None, "one is named"
    count = min(MOST_SEARCHED, trace.slots // 2) if search_slots is None else search_slots
    if not 0 < count < trace.slots:
        reason = f"expected more slots than the {max(count, 1)} that are searched, got {trace.slots}"
        raise click.UsageError(f"--trace: {reason}.", context)
    return Parts((trace.first(count, system),), trace.after(count).spread_over(replications))
