"""`lyaopt sweep`: policies and learners over settings of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lyaopt_cli.commands.scenario import load_system
from lyaopt_cli.support.experiment_options import SOME_FAILED, engine_options, run_experiment
from lyaopt_cli.support.input_files import InputError, read_whole, shown_name

if TYPE_CHECKING:
    from lyaopt.experiments.sweeps import Part


@click.command("sweep")
@click.argument("file", metavar="FILE|-")
@click.option("--out", required=True, metavar="DIR", help="Folder of the results; what is there stays.")
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each row, not tables.")
def command(file: str, out: str, engine_name: str, jobs: int | None, timeout_s: float, as_json: bool) -> int:
    """Run the sweep that FILE (TOML) defines: settings of a scenario x policies x training seeds.

    Every cell is kept as soon as it is finished. Run again, the command does what is missing.

    \b
    A definition:
      scenario = "balanced"
      policies = ["lyappo", "best-fixed", "middle", "bound"]
      training_seeds = 5
      [vary]
      edge_capacity_hz = [1e9, 5e9, 20e9]

    \b
    Examples:
      lyaopt sweep edge.toml --out edge
      lyaopt sweep edge.toml --out edge --engine dask --jobs 8
      lyaopt report edge

    \b
    Exit status: 0 done, 1 some cells failed, 2 bad usage or input, 130 interrupted,
    143 terminated (cells that were finished stay), 141 output closed.
    """
    outcome, found = run_experiment("sweep", [_read(file)], out, engine_name, jobs, timeout_s)
    from lyaopt_cli.tables.experiments import print_outcome  # not at the top: help needs no NumPy

    print_outcome(outcome, found, out, as_json)
    return SOME_FAILED if outcome.failed else 0


def _read(file: str) -> Part:
    from lyaopt.errors import ProblemError
    from lyaopt.experiments.definition import parse_sweep, placed
    from lyaopt.experiments.sweeps import Part
    from lyaopt.io.strict_json import decode

    text = read_whole(file)
    try:
        sweep = parse_sweep(text)
        part = Part(sweep, load_system(sweep.scenario))
        try:
            _ = part.cells  # whether policies and values fit the system
        except ProblemError as error:
            raise placed(error, decode(text)) from None
    except ProblemError as error:
        line = getattr(error, "line", None)
        place = shown_name(file) if line is None else f"{shown_name(file)}:{line}"
        raise InputError(f"{place}: {error}") from None
    return part
