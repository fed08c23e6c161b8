"""`lyaopt evaluate`: policies side by side, with intervals."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyaopt_cli.commands.scenario import load_system
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.interrupts import INTERRUPTED, Interrupts
from lyaopt_cli.support.options import seed_option, warmup_option
from lyaopt_cli.support.output_files import check_picture, write_whole
from lyaopt_cli.support.policy_names import make_policy
from lyaopt_cli.support.progress import progress_bar

if TYPE_CHECKING:
    from lyaopt.evaluation import Evaluation
    from lyaopt.simulation import Policy


@click.command("evaluate")
@click.argument("policies", nargs=-1, required=True, metavar="POLICY...")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option(
    "--replications",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Copies of the system, each with its own arrivals and channels.",
)
@click.option("--slots", type=click.IntRange(min=1), default=20_000, show_default=True, help="Slots of each.")
@warmup_option(2_000)
@seed_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")
@click.option(
    "--plot", metavar="FILE", help="Draw energy and latency of all policies as FILE (.png or .svg)."
)
def command(
    policies: tuple[str, ...],
    scenario: str,
    replications: int,
    slots: int,
    warmup: int,
    seed: int,
    as_json: bool,
    plot: str | None,
) -> int:
    """Run each POLICY on the same copies of SCENARIO and print interquartile means with 95 % intervals.

    A POLICY is a name (middle, all-local, all-offload, random, greedy, best-fixed, table,
    planning), points as in 3,0,12, or a folder with a trained policy. Savings are of the first
    policy against each other one.

    \b
    Examples:
      lyaopt evaluate best-fixed middle random default
      lyaopt evaluate runs/a greedy best-fixed shadowing --replications 50 --json
      lyaopt evaluate runs/a best-fixed middle balanced --plot compare.svg

    \b
    Exit status: 0 done, 2 bad usage or input, 130 interrupted (policies that
    were done until then are printed), 141 output closed.
    """
    from lyaopt.errors import LyaoptError
    from lyaopt.evaluation import evaluate

    system = load_system(scenario)
    if plot is not None:
        check_picture("lyaopt evaluate", plot)
    with Interrupts() as interrupts:
        try:
            made = [make_policy(name, system, seed, interrupts) for name in policies]
            with progress_bar("slots", len(made) * (slots + warmup)) as show:

                def look_up(done: int) -> bool:
                    show(done)
                    return not interrupts.seen

                found = evaluate(
                    system,
                    made,
                    replications=replications,
                    slots=slots,
                    warmup=warmup,
                    seed=seed,
                    names=_names(policies, made),
                    progress=look_up,
                )
        except LyaoptError as error:
            if interrupts.seen:
                return INTERRUPTED
            raise InputError(f"lyaopt evaluate: {error}") from None
        _print(found, as_json)
        if plot is not None:
            from lyaopt.evaluation.plot import draw_evaluation

            write_whole(Path(plot), draw_evaluation(found, plot))
        return INTERRUPTED if interrupts.seen else 0


def _names(given: tuple[str, ...], made: list[Policy]) -> list[str]:
    """Names that tell the policies apart: two trainings, or two sets of points, go by what was given."""
    own = [policy.name for policy in made]
    return [text if own.count(name) > 1 else name for text, name in zip(given, own, strict=True)]


def _print(found: Evaluation, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        from lyaopt.io.json_lines import encode

        sys.stdout.buffer.write(encode(found.to_dict()) + b"\n")
    else:
        from lyaopt_cli.tables.evaluation import print_evaluation

        print_evaluation(found)
