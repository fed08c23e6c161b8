"""`lyaopt reproduce`: the figures of the paper, remade."""

from __future__ import annotations

import click

from lyaopt_cli.commands.scenario import load_system
from lyaopt_cli.support.experiment_options import SOME_FAILED, engine_options, run_experiment
from lyaopt_cli.support.output_files import check_drawing

_FIGURES = ("fig3", "fig4", "fig5", "fig6", "fig7")
_MOST_SEEDS = 3_999  # the next one is that of the evaluation


@click.command("reproduce")
@click.argument(
    "figures", nargs=-1, required=True, type=click.Choice((*_FIGURES, "all")), metavar="FIGURE..."
)
@click.option("--out", required=True, metavar="DIR", help="Folder of the results; what is there stays.")
@click.option("--quick", is_flag=True, help="Fewer points, one seed, small budgets: does it work at all?")
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
    help="The base system.",
)
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each row, not tables.")
def command(
    figures: tuple[str, ...],
    out: str,
    quick: bool,
    training_seeds: int | None,
    scenario: str,
    engine_name: str,
    jobs: int | None,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Remake each FIGURE of the paper (fig3 to fig7, or all): sweeps, tables and a page to read.

    Fig. 3 is the convergence of the learners, the others sweep N_m, F^l, pmax and F^e.
    Cells are kept as soon as they are finished; run again, the command does what is missing.

    \b
    Examples:
      lyaopt reproduce all --quick --out quick
      lyaopt reproduce fig5 fig7 --out figures --training-seeds 10
      lyaopt reproduce all --out paper --engine dask --jobs 16

    \b
    Exit status: 0 done, 1 some cells failed, 2 bad usage or input, 130 interrupted,
    143 terminated (cells that were finished stay), 141 output closed.
    """
    from lyaopt.experiments.paper_figures import parts

    check_drawing("lyaopt reproduce")
    wanted = _FIGURES if "all" in figures else tuple(dict.fromkeys(figures))
    found = parts(wanted, load_system(scenario), scenario, quick=quick, training_seeds=training_seeds)
    outcome, results = run_experiment("reproduce", found, out, engine_name, jobs, timeout_s)
    if results:
        from lyaopt.experiments.outputs import write_figures
        from lyaopt.experiments.store import Store
        from lyaopt_cli.commands.report import write_report

        write_report("reproduce", out, found=results)
        write_figures(Store(out), results)
    from lyaopt_cli.tables.experiments import print_outcome  # not at the top: help needs no NumPy

    print_outcome(outcome, results, out, as_json)
    return SOME_FAILED if outcome.failed else 0
