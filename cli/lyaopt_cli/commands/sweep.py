"""`lyaopt sweep`: policies and learners over settings of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import ProblemError
from lyaopt_cli.support.experiments import SOME_FAILED, EngineOptions, engine_options, run_experiment
from lyaopt_cli.support.input_files import input_errors, read_whole
from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import results_option
from lyaopt_cli.support.output import json_option

if TYPE_CHECKING:
    from lyaopt.experiments.sweeps import Part


@new_command("sweep", "Run policies and learners over settings of a scenario")
@click.argument("file", metavar="FILE|-")
@results_option
@engine_options
@json_option("Print a line of JSON for each row.")
def command(file: str, out: str, as_json: bool, **engine: Any) -> int:
    """Run the sweep that FILE (TOML) defines: settings of a scenario x policies x training seeds.

    Every cell is kept as soon as it is finished. Run again, the command computes the missing cells.
    Policies may be classes of your own, as MODULE:CLASS.

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
    Exit status: 0 done, 1 some cells failed, 2 bad usage or input, 130
    interrupted, 143 terminated (finished cells are kept), 141 output closed.
    """
    outcome, results = run_experiment("sweep", [_load_sweep(file)], out, EngineOptions(**engine))
    from lyaopt_cli.tables.experiments import print_outcome  # not at the top: help is printed without NumPy

    print_outcome(outcome, results, out, as_json)
    return SOME_FAILED if outcome.failed else 0


def _load_sweep(file: str) -> Part:
    from lyaopt.experiments.definition import parse_sweep, placed
    from lyaopt.experiments.sweeps import Part
    from lyaopt.io.strict_json import decode

    text = read_whole(file)
    with input_errors(file):
        sweep = parse_sweep(text)
        part = Part(sweep, load_system(sweep.scenario))
        try:
            _ = part.cells  # raises where policies or values do not fit the system
        except ProblemError as error:
            raise placed(error, decode(text)) from None
    return part
