"""What `lyaopt train` will do and how far it is: a bar on a terminal, else lines, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lyaopt_cli.support.input_files import visible

if TYPE_CHECKING:
    from lyaopt.learning.training import Training

LogLine = dict[str, Any]
_SHARES = 10
_BETWEEN_LINES_S = 30.0
"""Lines come after a tenth of the updates or this time, whichever is first."""


def announce(training: Training, algorithm: str) -> None:
    """Print one line about what is to come, before a search for a start that may take minutes."""
    config, done = training.config, training.learner.done
    start = getattr(config, "start", "nothing")
    todo = f"{config.updates - done} updates"
    if done:
        todo += f" after the first {done}"
    elif start != "nothing":
        todo = f"searches a start ({start}), which may take minutes, and imitates it, then {todo}"
    decisions = (config.updates - done) * config.rollout * config.replications
    _say(f"{algorithm}: {todo} with {decisions} decisions of {config.replications} replications")


@contextmanager
def progress_shown(updates: int, done: int) -> Iterator[Callable[[LogLine], None]]:
    """Yield a function that takes each line of the log, and shows a bar on a terminal, else lines.

    Parameters
    ----------
    updates, done : int
        Updates of the whole training, and those already done.
    """
    if not sys.stderr.isatty():
        yield _lines(updates, done)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    measures = TextColumn(
        "{task.description}  "
        "return {task.fields[reward]:.1f}  energy {task.fields[energy]:.3f} mJ/slot  "
        "backlog {task.fields[backlog]:.3f} tasks"
    )
    unknown: dict[str, Any] = {"reward": float("nan"), "energy": float("nan"), "backlog": float("nan")}
    console = Console(stderr=True)
    with Progress(BarColumn(), TimeRemainingColumn(), measures, console=console, transient=True) as bar:
        start = "resuming" if done else "searching a start"
        task = bar.add_task(start, total=updates, completed=done, **unknown)
        yield lambda line: bar.update(
            task, description="training", completed=line["update"], **_measures(line)
        )


def _measures(line: LogLine) -> dict[str, Any]:
    energy = 1e3 * (line["local_energy_j"] + line["transmit_energy_j"])
    return {"reward": line["return"], "energy": energy, "backlog": line["backlog"]}


def _lines(updates: int, done: int) -> Callable[[LogLine], None]:
    """A function that prints a line for the first update, and for later ones at intervals."""
    said, said_s = None, 0.0

    def show(line: LogLine) -> None:
        nonlocal said, said_s
        update, now = line["update"], time.monotonic()
        due = said is None or (update - said) * _SHARES >= updates or now - said_s >= _BETWEEN_LINES_S
        if not due and update < updates:
            return
        said, said_s = update, now
        words = "return {reward:.1f}, energy {energy:.3f} mJ/slot, backlog {backlog:.3f} tasks"
        _say(f"update {update} of {updates}: {words.format(**_measures(line))}")

    return show


def _say(text: str) -> None:
    print(visible(f"lyaopt train: {text}"), file=sys.stderr, flush=True)
