"""`lyaopt tune`: energy against latency, and the weights for a latency that is wanted."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.commands.scenario import load_system
from lyaopt_cli.support.experiment_options import SOME_FAILED, engine_options, run_experiment
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.options import SECONDS
from lyaopt_cli.support.output_files import check_picture, write_whole

if TYPE_CHECKING:
    from lyaopt.experiments.tradeoff import Point
    from lyaopt.model.system import System


@click.command("tune")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option("--latency-mean", "mean", type=SECONDS, metavar="SECONDS", help="Largest mean latency.")
@click.option("--latency-p50", "p50", type=SECONDS, metavar="SECONDS", help="Largest median.")
@click.option("--latency-p95", "p95", type=SECONDS, metavar="SECONDS", help="Largest 95th percentile.")
@click.option("--latency-p99", "p99", type=SECONDS, metavar="SECONDS", help="Largest 99th percentile.")
@click.option(
    "--policy",
    "policies",
    metavar="NAME",
    multiple=True,
    help="Who picks the partition points (default: middle, best-fixed and lyappo); several are compared.",
)
@click.option(
    "--training-seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Training training_seeds.",
)
@click.option("--out", metavar="DIR", help="Folder that keeps the results; what is there stays.")
@click.option("--plot", metavar="FILE", help="Draw energy against latency as FILE (.png or .svg).")
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")
def command(
    scenario: str,
    policies: tuple[str, ...],
    training_seeds: int,
    out: str | None,
    plot: str | None,
    as_json: bool,
    engine_name: str,
    jobs: int | None,
    timeout_s: float,
    **targets: float | None,
) -> int:
    """Scale the energy weights U^l and U^t of SCENARIO together, and show energy against latency.

    Points are searched for and policies are trained anew at each of twelve factors, from 1e-4 to 31.6.
    With a target, the weights of least energy that meet it are picked, between these factors too.

    \b
    Examples:
      lyaopt tune default --latency-p95 1
      lyaopt tune s.toml --latency-mean 0.4 --policy best-fixed --out tuned
      lyaopt tune default --policy middle --policy best-fixed --plot tradeoff.svg

    \b
    Exit status: 0 done, 1 no weights meet the target or some cells failed,
    2 bad usage or input, 130 interrupted, 141 output closed.
    """
    from lyaopt.experiments.tradeoff import POLICIES, document, pick

    given = {name: value for name, value in targets.items() if value is not None}
    if len(given) > 1:
        raise click.UsageError("Give one latency.", click.get_current_context())
    if plot is not None:
        check_picture("lyaopt tune", plot)
    (latency, target), *_ = [*given.items(), ("p95", None)]
    system = load_system(scenario)
    wanted = (scenario, policies or POLICIES, training_seeds, engine_name, jobs, timeout_s)
    with nullcontext(out) if out is not None else tempfile.TemporaryDirectory() as folder:
        points, failed = _points(system, latency, target, str(folder), *wanted)
    if not points:
        return SOME_FAILED
    chosen = None if target is None else pick(points, target)
    _print(points, latency, target, document(points, latency, target), as_json)
    if plot is not None:  # last: what is computed is told, whatever becomes of the picture
        from lyaopt.experiments.tradeoff_plot import draw_tradeoff

        write_whole(Path(plot), draw_tradeoff(points, latency, plot, target_s=target, chosen=chosen))
    return SOME_FAILED if failed or (target is not None and chosen is None) else 0


def _points(
    system: System,
    latency: str,
    target: float | None,
    out: str,
    scenario: str,
    policies: Sequence[str],
    training_seeds: int,
    *engine: Any,
) -> tuple[list[Point], bool]:
    """All points, with some more beside the one that a first look picks; and whether cells failed."""
    from lyaopt.errors import ProblemError
    from lyaopt.experiments.sweeps import Part
    from lyaopt.experiments.tradeoff import REFINEMENTS, factor_between, pick, points_of, tradeoff_sweep

    try:
        all_factors = Part(tradeoff_sweep(scenario, policies, training_seeds=training_seeds), system)
    except ProblemError as error:
        raise InputError(f"lyaopt tune: {error}") from None
    outcome, found = run_experiment("tune", [all_factors], out, *engine)
    points = points_of(found, system, latency)
    closer: list[float] = []
    for _ in range(REFINEMENTS):
        chosen = None if target is None else pick(points, target)
        factor = None if chosen is None else factor_between(points, chosen)
        if chosen is None or factor is None:
            break
        closer.append(factor)
        more = Part(tradeoff_sweep(scenario, [chosen.policy], closer, training_seeds), system)
        outcome, found = run_experiment("tune", [all_factors, more], out, *engine)
        points = points_of(found, system, latency)
    return points, bool(outcome.failed)


def _print(points: Sequence[Point], latency: str, target: float | None, document: Any, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        from lyaopt.io.json_lines import encode

        sys.stdout.buffer.write(encode(document) + b"\n")
    else:
        from lyaopt_cli.tables.experiments import print_tradeoff

        print_tradeoff(points, latency, target)
