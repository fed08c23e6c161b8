"""`lyaopt tune`: energy against latency, and the energy weights for a target latency."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.support.experiments import SOME_FAILED, EngineOptions, engine_options, run_experiment
from lyaopt_cli.support.input_files import input_errors
from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import SECONDS, plot_option
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.output_files import check_picture, write_whole
from lyaopt_cli.support.traces import check_options, option_errors, recorded_of, trace_options

if TYPE_CHECKING:
    from lyaopt.experiments.sweeps import Part
    from lyaopt.experiments.tradeoff import Point
    from lyaopt.model.system import System
    from lyaopt.simulation import RecordedTrace


@new_command("tune", "Find energy weights for a target latency")
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
    help="Chooses the partition points (default: middle, best-fixed and lyappo), also a class of your own as "
    "MODULE:CLASS; may be repeated.",
)
@click.option(
    "--training-seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of training seeds.",
)
@click.option(
    "--out", metavar="DIR", help="Folder of the results; finished cells in it are kept (default: none)."
)
@trace_options
@plot_option("energy against latency")
@engine_options
@json_option("Print JSON.")
def command(
    scenario: str,
    policies: tuple[str, ...],
    training_seeds: int,
    out: str | None,
    plot: str | None,
    as_json: bool,
    trace: str | None,
    search_slots: int | None,
    **options: Any,
) -> int:
    """Scale the energy weights U^l and U^t of SCENARIO together, and show energy against latency.

    At each of twelve factors from 1e-4 to 31.6, partition points are searched for and policies trained
    anew. With a target latency, the weights of least energy that meet it are picked, between these
    factors too. Prices do not depend on the weights: under price and value the waiting costs of the
    scenario are scaled, or one of 1 J/s if it has none. With --trace all of this is
    done on its first part, and what is found is judged on the rest.

    \b
    Examples:
      lyaopt tune default --latency-p95 1
      lyaopt tune s.toml --latency-mean 0.4 --policy best-fixed --out tuned
      lyaopt tune default --policy price --policy best-fixed --plot tradeoff.svg
      lyaopt tune s.toml --latency-p95 1 --policy price --trace radio.npz

    \b
    Exit status: 0 done, 1 no weights meet the target or some cells failed,
    2 bad usage or input, 130 interrupted, 141 output closed.
    """
    from lyaopt.experiments.tradeoff import POLICIES, document, pick

    latency, target = _target(options)
    if plot is not None:
        check_picture("lyaopt tune", plot)
    check_options(trace, search_slots)
    system, recorded = load_system(scenario), recorded_of(trace, search_slots)
    search = _Search(scenario, system, policies or POLICIES, training_seeds, latency, target, recorded)
    with nullcontext(out) if out is not None else tempfile.TemporaryDirectory() as folder:
        points, failed = _points(search, str(folder), EngineOptions(**options))
    if not points:
        return SOME_FAILED

    def print_text() -> None:
        from lyaopt_cli.tables.experiments import print_tradeoff

        print_tradeoff(points, latency, target, used)

    used = None if recorded is None else recorded.to_dict()
    print_output(as_json, lambda: [dict(document(points, latency, target, used))], print_text)
    chosen = None if target is None else pick(points, target)
    if plot is not None:  # last: results are printed even if the picture fails
        from lyaopt.experiments.tradeoff_plot import draw_tradeoff

        write_whole(Path(plot), draw_tradeoff(points, latency, plot, target_s=target, chosen=chosen))
    return SOME_FAILED if failed or (target is not None and chosen is None) else 0


def _target(options: dict[str, Any]) -> tuple[str, float | None]:
    """Remove the latencies from the options; return the limited one and its limit (None without one)."""
    limits = {name: options.pop(name) for name in ("mean", "p50", "p95", "p99")}
    limited = {name: seconds for name, seconds in limits.items() if seconds is not None}
    if len(limited) > 1:
        raise click.UsageError("Give one latency.", click.get_current_context())
    (latency, target), *_ = [*limited.items(), ("p95", None)]
    return latency, target


@dataclass(frozen=True)
class _Search:
    """Policies on a system, and the target latency."""

    scenario: str
    system: System
    policies: Sequence[str]
    training_seeds: int
    latency: str
    target: float | None
    trace: RecordedTrace | None

    def parts(self, policies: Sequence[str], factors: Sequence[float]) -> list[Part]:
        """Sweeps over factors."""
        from lyaopt.experiments.tradeoff import tradeoff_parts

        return tradeoff_parts(self.system, self.scenario, policies, factors, self.training_seeds, self.trace)


def _points(search: _Search, out: str, engine: EngineOptions) -> tuple[list[Point], bool]:
    """All points, with refinements near the pick, and whether cells failed."""
    from lyaopt.experiments.tradeoff import FACTORS, REFINEMENTS, factor_between, pick, points_of

    with input_errors("lyaopt tune"), option_errors("trace", "search_slots"):
        all_factors = search.parts(search.policies, FACTORS)
        for part in all_factors:
            _ = part.cells  # raises where policies or the trace do not fit the system
    outcome, results = run_experiment("tune", all_factors, out, engine)
    points = points_of(results, search.system, search.latency)
    closer: dict[str, list[float]] = {}
    for _ in range(REFINEMENTS):
        chosen = None if search.target is None else pick(points, search.target)
        factor = None if chosen is None else factor_between(points, chosen)
        if chosen is None or factor is None:
            break
        closer.setdefault(chosen.policy, []).append(factor)
        parts = list(all_factors)
        for policy, factors in closer.items():
            parts += search.parts([policy], factors)
        outcome, results = run_experiment("tune", parts, out, engine)
        points = points_of(results, search.system, search.latency)
    return points, bool(outcome.failed)
