"""``--trace`` of commands that compare or train policies: one part is searched, the rest is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import DocumentError, ProblemError
from lyaopt_cli.support.simulation import load_trace_file, read_trace
from lyaopt_cli.support.tuning import MOST_SEARCHED, Tuned, tuned_to

if TYPE_CHECKING:
    from lyaopt.model.system import System
    from lyaopt.simulation import RecordedTrace, Trace, TraceParts


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
        help=f"Search and train policies on this many first slots of --trace, and judge them on the others "
        f"(default: half of them, at most {MOST_SEARCHED}).",
    )
    return trace(searched(command))


@dataclass(frozen=True)
class Parts:
    """How a command uses a trace, if one is named.

    Attributes
    ----------
    divided : TraceParts or None
        None where arrivals and channels are drawn.
    system : System or None
        That serves it.
    replications : int
        Of the judgement.
    """

    divided: TraceParts | None = None
    system: System | None = None
    replications: int = 1

    @property
    def searched(self) -> tuple[Trace, ...]:
        """The part on which policies are searched."""
        return () if self.divided is None else (self.divided.searched,)

    @property
    def judged(self) -> Trace | None:
        """The part on which they are compared, with a start for each replication."""
        return None if self.divided is None else self.divided.judged.spread_over(self.replications)

    def tuned(self, names: Sequence[str]) -> dict[str, Tuned]:
        """What each policy is tuned to, where it is anything."""
        if self.divided is None or self.system is None:
            return {}
        # The judged part comes after the searched one, as the slots after a warm-up do in `simulate`.
        part = self.divided.searched
        given = self.system, part, part.slots, self.divided.sha256
        found = {name: tuned_to(name, *given) for name in names}
        return {name: tuned for name, tuned in found.items() if tuned is not None}

    def document(self, names: Sequence[str] = ()) -> dict[str, Any]:
        """For JSON: how the trace was used."""
        if self.divided is None:
            return {}
        tuned = {name: each.document() for name, each in self.tuned(names).items()}
        return {"trace": self.divided.to_dict()} | ({"tuned": tuned} if tuned else {})

    def lines(self, names: Sequence[str] = ()) -> list[str]:
        """For people: how the trace was used."""
        if self.divided is None:
            return []
        tuned = [f"Tuned    {name}: {tuned.words()}" for name, tuned in self.tuned(names).items()]
        return lines_of(self.divided.to_dict()) + tuned


def lines_of(used: Mapping[str, Any]) -> list[str]:
    """For people: which part of a trace is judged, and what it lacks."""
    lines = [f"Trace    judged on the {used['judged_slots']} slots after the first {used['searched_slots']}"]
    if "drawn" in used:
        lines.append(f"Trace    without {used['drawn']}: drawn from the scenario with the seed")
    return lines


def recorded_of(name: str | None, search_slots: int | None) -> RecordedTrace | None:
    """Load a trace of which each system of a sweep gets parts; raise `InputError` if it cannot be read."""
    from lyaopt.simulation import RecordedTrace

    return None if name is None else read_trace(name, lambda: RecordedTrace.load(name, search_slots))


def check_options(name: str | None, search_slots: int | None) -> None:
    """Raise `click.UsageError` where slots of no trace are to be searched."""
    if name is None and search_slots is not None:
        raise click.UsageError("--search-slots is for --trace.", click.get_current_context())


def parts_of(
    name: str | None, search_slots: int | None, system: System, *, seed: int, replications: int
) -> Parts:
    """Load a trace, if one is named, and divide it.

    Raises `InputError` if it does not fit the system, and `click.UsageError` if nothing is left to judge.
    """
    check_options(name, search_slots)
    trace = load_trace_file(name, system, seed)
    if trace is None:
        return Parts()
    from lyaopt.simulation import divide

    with option_errors("trace", "search_slots"):
        return Parts(divide(trace, system, search_slots), system, replications)


@contextmanager
def option_errors(*fields: str) -> Iterator[None]:
    """Inside the block an error of a field that is an option becomes a `click.UsageError` that names it.

    `fields` are those that were given as options, ``trace`` or ``search_slots``.
    """
    options = {f"$.{name}": f"--{name.replace('_', '-')}" for name in fields}
    try:
        yield
    except DocumentError:
        raise
    except ProblemError as error:
        if error.path not in options:
            raise
        message = f"{options[error.path]}: {error.reason}."
        raise click.UsageError(message, click.get_current_context()) from None
