"""`lyaopt reproduce`: recompute the figures of the paper."""

from __future__ import annotations

from typing import Any

import click

from lyaopt_cli.support.experiments import SOME_FAILED, EngineOptions, engine_options, run_experiment
from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import SECONDS, results_option
from lyaopt_cli.support.output import json_option
from lyaopt_cli.support.output_files import check_drawing
from lyaopt_cli.support.report_page import write_report

_FIGURES = ("fig3", "fig4", "fig5", "fig6", "fig7")
_PRICES = "prices"
_MOST_SEEDS = 3_999  # evaluations use the next one


@new_command("reproduce", "Reproduce the figures of the paper")
@click.argument(
    "figures", nargs=-1, required=True, type=click.Choice((*_FIGURES, _PRICES, "all")), metavar="FIGURE..."
)
@results_option
@click.option(
    "--quick", is_flag=True, help="Fewer points, one training seed, small budgets: a test of minutes."
)
@click.option(
    "--training-seeds",
    type=click.IntRange(1, _MOST_SEEDS),
    help=f"Training seeds (default 5; 1 with --quick; at most {_MOST_SEEDS}).",
)
@click.option(
    "--scenario",
    default="balanced",
    show_default=True,
    metavar="NAME|FILE|-",
    help="System in the middle of the sweeps.",
)
@click.option(
    "--waiting-cost",
    type=click.FloatRange(0.0, min_open=True),
    default=0.01,
    show_default=True,
    metavar="THETA",
    help="Of prices: joules that a second of a task's latency is worth.",
)
@click.option(
    "--target-latency",
    "latencies",
    type=SECONDS,
    multiple=True,
    default=(0.45, 0.25),
    show_default=True,
    metavar="S",
    help="Of prices: mean latency at which energies are compared; may be repeated.",
)
@engine_options
@json_option("Print a line of JSON for each row.")
def command(
    figures: tuple[str, ...],
    out: str,
    quick: bool,
    training_seeds: int | None,
    scenario: str,
    waiting_cost: float,
    latencies: tuple[float, ...],
    as_json: bool,
    **engine: Any,
) -> int:
    """Recompute each FIGURE of the paper (fig3 to fig7, or all): sweeps, tables and a page.

    Fig. 3 is the convergence of the learners; the others sweep N_m, F^l, p^max and F^e. Every cell
    is kept as soon as it is finished. Run again, the command computes the missing cells. "prices"
    are Figures 4 to 7 under the price rule, at a waiting cost and at mean latencies, beside the
    schemes that need no training and the bounds: it trains nothing.

    \b
    Examples:
      lyaopt reproduce all --quick --out quick
      lyaopt reproduce fig5 fig7 --out figures --training-seeds 10
      lyaopt reproduce all --out paper --engine dask --jobs 16
      lyaopt reproduce prices --out prices

    \b
    Exit status: 0 done, 1 some cells failed, 2 bad usage or input, 130
    interrupted, 143 terminated (finished cells are kept), 141 output closed.
    """
    from lyaopt.experiments.paper_figures import parts
    from lyaopt.experiments.price_figures import price_parts

    check_drawing("lyaopt reproduce")
    names = (
        _FIGURES if "all" in figures else tuple(name for name in dict.fromkeys(figures) if name != _PRICES)
    )
    system = load_system(scenario)
    sweeps = parts(names, system, scenario, quick=quick, training_seeds=training_seeds)
    if _PRICES in figures:
        sweeps += price_parts(
            system, scenario, quick=quick, waiting_cost_j_per_s=waiting_cost, latencies_s=latencies
        )
    outcome, results = run_experiment("reproduce", sweeps, out, EngineOptions(**engine))
    if results:
        from lyaopt.experiments.outputs import write_figures
        from lyaopt.experiments.store import Store

        write_report("reproduce", out, results=results)
        write_figures(Store(out), results)
    from lyaopt_cli.tables.experiments import print_outcome  # not at the top: help is printed without NumPy

    print_outcome(outcome, results, out, as_json)
    return SOME_FAILED if outcome.failed else 0
