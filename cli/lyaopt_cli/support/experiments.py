"""Shared by commands that run experiments: engine options, the run, errors of cells."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import ProblemError
from lyaopt_cli.support.input_files import input_errors, visible
from lyaopt_cli.support.interrupts import exit_on
from lyaopt_cli.support.options import SECONDS
from lyaopt_cli.support.output_files import check_folder
from lyaopt_cli.support.progress import progress_bar

if TYPE_CHECKING:
    from lyaopt.experiments.results import Results
    from lyaopt.experiments.sweeps import Outcome, Part

SOME_FAILED = 1


@dataclass(frozen=True)
class EngineOptions:
    """Values of `engine_options`: engine, number of cells at once, and time limit of a cell."""

    engine_name: str
    jobs: int | None
    timeout_s: float


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--engine``, ``--jobs`` and ``--timeout``, which `EngineOptions` takes by name."""
    for option in (
        click.option(
            "--timeout",
            "timeout_s",
            type=SECONDS,
            default=3600.0,
            show_default=True,
            metavar="SECONDS",
            help="Time limit of one cell; a worker that exceeds it is killed.",
        ),
        click.option(
            "--jobs", type=click.IntRange(min=1), help="Cells at once (default: the number of cores)."
        ),
        click.option(
            "--engine",
            "engine_name",
            type=click.Choice(["local", "dask", "ray"]),
            default="local",
            show_default=True,
            help="Workers: processes of this machine, or those of Dask or Ray.",
        ),
    ):
        command = option(command)
    return command


def run_experiment(
    name: str, parts: Sequence[Part], out: str, engine: EngineOptions
) -> tuple[Outcome, list[Results]]:
    """Compute the missing cells of a folder, report those that failed, and write the tables.

    Parameters
    ----------
    name : str
        Name of the command, for messages.
    parts : sequence of Part
        Sweeps with their systems.
    out : str
        Folder of the results.
    engine : EngineOptions
        Workers.

    Raises
    ------
    InputError
        If a definition is wrong, or the folder is in use.
    """
    from lyaopt.experiments.engines import cores
    from lyaopt.experiments.outputs import write_tables
    from lyaopt.experiments.store import Store
    from lyaopt.experiments.sweeps import run_parts

    check_folder(Path(out))
    store = Store(out)
    with input_errors(f"lyaopt {name}"), exit_on(signal.SIGTERM):
        outcome = run_parts(
            parts,
            store,
            command=shlex.join(["lyaopt", *sys.argv[1:]]),
            engine_name=engine.engine_name,
            jobs=engine.jobs or cores(),
            timeout_s=engine.timeout_s,
            watched=lambda missing: progress_bar("cells", missing),
        )
    for label, reason in outcome.failed.items():
        print(visible(f"lyaopt {name}: {label}: {reason}"), file=sys.stderr)
    try:
        return outcome, write_tables(store)
    except ProblemError:  # no cell is finished; the reasons are printed above
        return outcome, []
