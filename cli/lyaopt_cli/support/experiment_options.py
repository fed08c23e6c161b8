"""What commands share that compute cells: their options, a bar, and what is said of cells that failed."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.support.input_files import InputError, visible
from lyaopt_cli.support.interrupts import ended_by
from lyaopt_cli.support.options import SECONDS
from lyaopt_cli.support.progress import progress_bar

if TYPE_CHECKING:
    from lyaopt.experiments.results import Results
    from lyaopt.experiments.sweeps import Outcome, Part

SOME_FAILED = 1


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--engine``, ``--jobs`` and ``--timeout``."""
    for option in (
        click.option(
            "--timeout",
            "timeout_s",
            type=SECONDS,
            default=3600.0,
            show_default=True,
            metavar="SECONDS",
            help="Of one cell; a worker that takes longer is ended.",
        ),
        click.option("--jobs", type=click.IntRange(min=1), help="Cells at once (default: as many as cores)."),
        click.option(
            "--engine",
            "engine_name",
            type=click.Choice(["local", "dask", "ray"]),
            default="local",
            show_default=True,
            help="Who computes: processes of this machine, or workers of Dask or Ray.",
        ),
    ):
        command = option(command)
    return command


def run_experiment(
    name: str, parts: Sequence[Part], out: str, engine_name: str, jobs: int | None, timeout_s: float
) -> tuple[Outcome, list[Results]]:
    """Do what is missing in a folder, say which cells failed, and write the tables.

    Raises
    ------
    InputError
        If a definition is wrong, or the folder is in use.
    """
    from lyaopt.errors import LyaoptError, ProblemError
    from lyaopt.experiments.engines import cores
    from lyaopt.experiments.outputs import write_tables
    from lyaopt.experiments.store import Store
    from lyaopt.experiments.sweeps import run_parts

    store = Store(out)
    if store.path.exists() and not store.path.is_dir():
        raise InputError(f"{out}: expected a folder, or none yet")
    try:
        with ended_by(signal.SIGTERM):
            outcome = run_parts(
                parts,
                store,
                command=shlex.join(["lyaopt", *sys.argv[1:]]),
                engine_name=engine_name,
                jobs=jobs or cores(),
                timeout_s=timeout_s,
                watched=lambda missing: progress_bar("cells", missing),
            )
    except LyaoptError as error:
        raise InputError(f"lyaopt {name}: {error}") from None
    for label, reason in outcome.failed.items():
        print(visible(f"lyaopt {name}: {label}: {reason}"), file=sys.stderr)
    try:
        return outcome, write_tables(store)
    except ProblemError:  # nothing is done, and why is said
        return outcome, []


def check_folder(out: str) -> Path:
    """The folder of an experiment, if it can be one."""
    path = Path(out)
    if not path.is_dir():
        raise InputError(f"{out}: expected the folder of a sweep or reproduction")
    return path
