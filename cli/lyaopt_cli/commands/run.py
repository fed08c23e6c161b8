"""`lyaopt run`: a scenario on this machine, with a real network, beside its simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lyaopt.errors import LyaoptError, ProblemError, ProfileError
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.interrupts import INTERRUPTED, Interrupts
from lyaopt_cli.support.live import DIED, LiveOptions, LiveRuns, run_live
from lyaopt_cli.support.network_options import input_shape_option, selection_option
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import SECONDS, plot_option, seed_option
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.output_files import check_picture, check_writable
from lyaopt_cli.support.waiting import waiting_options

_LOGS = (".csv", ".ndjson")


@new_command("run", "Run a network on this machine beside its simulation")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option(
    "--network",
    default="small",
    show_default=True,
    metavar="MODULE:FACTORY",
    help="PyTorch network of all services, in place of those of the scenario, or small, which ships.",
)
@input_shape_option
@selection_option
@click.option("--trace", metavar="FILE", help="Arrivals and channels, an .npz file (default: drawn).")
@click.option(
    "--policy",
    "policies",
    metavar="NAME",
    multiple=True,
    help="Chooses the cuts (default: middle), or fixed:K for cut K of all services; may be repeated.",
)
@click.option("--seconds", type=SECONDS, default=30.0, show_default=True, help="In which tasks are born.")
@click.option(
    "--rounds",
    type=click.IntRange(min=3),
    default=15,
    show_default=True,
    help="Timed runs of each cut before the first policy.",
)
@seed_option
@waiting_options
@click.option("--log", metavar="FILE", help="Write what became of each task, .csv or .ndjson.")
@plot_option("latencies, measured and simulated")
@json_option("Print JSON, a line for each policy.")
def command(scenario: str, log: str | None, plot: str | None, as_json: bool, **options: Any) -> int:
    """Run SCENARIO here: a process for each device with the heads of a network, one for the edge
    with the tails, and features over loopback at the rates of the trace.

    Every period the policy chooses cuts by the backlogs that are measured. The same
    births, cuts and rates are then simulated with the times that heads and tails
    take on this machine, and the latencies compared.

    \b
    Examples:
      lyaopt run camera.toml --trace radio.npz --policy price --seconds 60
      lyaopt run s.toml --network mynets:build --policy fixed:0 --policy fixed:3
      lyaopt run s.toml --policy price --log tasks.csv --plot live.svg

    \b
    Exit status: 0 done, 1 a process died (what was logged until then is written),
    2 bad usage or input, 130 interrupted (likewise), 141 output closed.
    """
    asked = LiveOptions(**options)
    asked.check()
    _check_files(log, plot)
    system = load_system(scenario)
    runs = LiveRuns(system, seed=asked.seed)
    with Interrupts() as interrupts:
        try:
            run_live(runs, asked, interrupts)
        except (ProblemError, ProfileError) as error:
            raise InputError(f"lyaopt run: {error}") from None
        except LyaoptError as error:
            runs.failure = runs.failure or error
    runs.write(log, plot)
    if runs.done:
        print_output(as_json, runs.documents, lambda: _print(runs))
    if runs.failure is not None and not interrupts.seen:
        click.echo(f"lyaopt run: {' '.join(str(runs.failure).split())}", err=True)
        return DIED
    return INTERRUPTED if interrupts.seen else 0


def _print(runs: LiveRuns) -> None:
    from lyaopt_cli.tables.live import print_runs

    print_runs(runs)


def _check_files(log: str | None, plot: str | None) -> None:
    """Check before the run that files can be written."""
    if log is not None:
        if Path(log).suffix not in _LOGS:
            raise InputError(f"lyaopt run: --log: expected a name that ends in .csv or .ndjson, got {log!r}")
        check_writable(Path(log))
    if plot is not None:
        check_picture("lyaopt run", plot)
