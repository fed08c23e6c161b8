"""`lyaopt check`: accuracy of the solvers in each regime."""

from __future__ import annotations

import click

from lyaopt.errors import ProblemError
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.progress import progress_in_steps


@new_command("check", "Measure the accuracy of the solvers on random problems")
@click.option(
    "--instances",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Number of random problems.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of the problems."
)
@click.option(
    "--solver",
    metavar="NAME",
    default="CLARABEL",
    show_default=True,
    help="Convex solver to compare with (CLARABEL, ECOS, ...; needs lyaopt[check]), or none.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=-1),
    default=-1,
    help="Processes; -1, the default, for one on each core.",
)
@json_option("Print the report as JSON.")
def command(instances: int, seed: int, solver: str, workers: int, as_json: bool) -> int:
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

    reference = None if solver.lower() == "none" else solver
    try:
        with progress_in_steps("solving", instances) as advance:
            report = run_accuracy(instances, seed, reference, advance, workers=workers)
    except ProblemError as error:
        option = error.path.removeprefix("$.")
        raise InputError(f"lyaopt check: --{option}: {error.reason}") from None

    def print_text() -> None:
        from lyaopt_cli.tables.accuracy import print_accuracy

        print_accuracy(report)

    print_output(as_json, lambda: [report.to_dict()], print_text)
    return 0 if report.passed else 1
