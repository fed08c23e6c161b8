"""`lyaopt check`: how accurate the solvers are, regime by regime."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from lyaopt_cli.support.input_files import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lyaopt.verify.campaign import AccuracyReport


@click.command("check")
@click.option(
    "--instances",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Random problems in all.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of the problems."
)
@click.option(
    "--solver",
    metavar="NAME",
    default="CLARABEL",
    show_default=True,
    help="Convex solver to set beside ours (CLARABEL, ECOS, ...), or none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(instances: int, seed: int, solver: str, as_json: bool) -> int:
    """Solve random and degenerate problems and report each regime's worst gap and violation.

    \b
    Examples:
      lyaopt check --instances 100000 --seed 1
      lyaopt check --instances 200 --solver ECOS --json

    \b
    Exit status: 0 all within bounds, 1 some are not, 2 bad usage, 130
    interrupted, 141 output closed.
    """
    from lyaopt.verify.campaign import run_accuracy

    try:
        with _progress(instances) as advance:
            report = run_accuracy(instances, seed, None if solver.lower() == "none" else solver, advance)
    except ImportError as error:
        raise InputError(f"lyaopt check: {error} (or --solver none)") from None
    except ValueError as error:
        raise InputError(f"lyaopt check: --solver: {error}") from None
    if as_json or not sys.stdout.isatty():
        from lyaopt.io.json_lines import encode

        sys.stdout.buffer.write(encode(report.to_dict()) + b"\n")
    else:
        _print_table(report)
    return 0 if report.passed else 1


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None] | None]:
    """A function that takes how many more instances are done, shown as a bar if someone watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("solving", total=total)
        yield lambda done: bar.advance(task, done)


def _print_table(report: AccuracyReport) -> None:
    from rich.console import Console

    from lyaopt_cli.tables.solution import plain_table

    table = plain_table("regime")
    headings = ["instances", "worst\ngap", "worst\nviolation"]
    if report.solver is not None:
        headings += [f"{report.solver}\nsolved", "failed", "worst\ngap", "worst\nviolation"]
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in report.rows:
        cells = [f"{row.instances}", _figure(row.worst_gap), _figure(row.worst_violation)]
        cells += [f"{row.solver_instances}", f"{row.solver_failures}"]
        cells += [_figure(row.solver_worst_gap), _figure(row.solver_worst_violation)]
        table.add_row(row.regime, *cells[: len(headings)])
    console = Console(highlight=False)
    console.print(table)
    console.print()
    console.print("passed" if report.passed else "not passed: a gap or violation of ours exceeds its limit")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"
