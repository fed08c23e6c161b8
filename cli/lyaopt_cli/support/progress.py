"""Progress bars on standard error, shown only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar, and yield a function that takes the number of finished items of `total`."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    from lyaopt_cli.support.time_left import TimeLeft

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeLeft())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def progress_in_steps(what: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """Show a bar, and yield a function that takes the number of newly finished items; None without a bar."""
    if not sys.stderr.isatty():
        yield None
        return
    with progress_bar(what, total) as show:
        done = 0

        def advance(more: int) -> None:
            nonlocal done
            done += more
            show(done)

        yield advance
