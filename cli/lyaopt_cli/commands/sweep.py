"""`lyaopt sweep`: policies and learners over settings of a scenario."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import ProblemError
from lyaopt_cli.support.experiments import SOME_FAILED, EngineOptions, engine_options, run_experiment
from lyaopt_cli.support.input_files import input_errors, read_whole
from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import results_option
from lyaopt_cli.support.output import json_option
from lyaopt_cli.support.traces import check_options, option_errors, recorded_of, trace_options

if TYPE_CHECKING:
    from lyaopt.experiments.sweeps import Part


@new_command("sweep", "Run policies and learners over settings of a scenario")
@click.argument("file", metavar="FILE|-")
@results_option
@trace_options
@engine_options
@json_option("Print a line of JSON for each row.")
def command(
    file: str, out: str, as_json: bool, trace: str | None, search_slots: int | None, **engine: Any
) -> int:
    """Run the sweep that FILE (TOML) defines: settings of a scenario x policies x training seeds.

    Every cell is kept as soon as it is finished. Run again, the command computes the missing cells.
    Policies may be classes of your own, as MODULE:CLASS. With a trace, also as
    trace and search_slots of FILE, policies are searched and trained on its
    first part and judged on the rest.

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
      lyaopt sweep edge.toml --out edge --trace radio.npz
      lyaopt report edge

    \b
    Exit status: 0 done, 1 some cells failed, 2 bad usage or input, 130
    interrupted, 143 terminated (finished cells are kept), 141 output closed.
    """
    part = _load_sweep(file, trace, search_slots)
    outcome, results = run_experiment("sweep", [part], out, EngineOptions(**engine))
    from lyaopt_cli.tables.experiments import print_outcome  # not at the top: help is printed without NumPy

    print_outcome(outcome, results, out, as_json)
    return SOME_FAILED if outcome.failed else 0


def _load_sweep(file: str, trace: str | None, search_slots: int | None) -> Part:
    from lyaopt.experiments.definition import parse_sweep, placed
    from lyaopt.experiments.sweeps import Part
    from lyaopt.io.strict_json import decode

    text = read_whole(file)
    with input_errors(file):
        sweep = parse_sweep(text)
        check_options(trace or sweep.trace, search_slots)
        given = {"trace": trace, "search_slots": search_slots}
        named: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        sweep = replace(sweep, **named)
        recorded = recorded_of(sweep.trace, sweep.search_slots)
        part = Part(sweep, load_system(sweep.scenario), trace=recorded)
        try:
            with option_errors(*named):
                _ = part.cells  # raises where policies, values or the trace do not fit the system
        except ProblemError as error:
            raise placed(error, decode(text)) from None
    return part
