"""`lyaopt simulate`: a scenario, slot by slot, under one policy or several."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import ProblemError
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.interrupts import INTERRUPTED, Interrupts
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import (
    plot_option,
    replications_option,
    seed_option,
    warmup_option,
    workers_option,
)
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.output_files import check_picture, check_writable
from lyaopt_cli.support.simulation import DEFAULT_SLOTS, RunOptions, load_trace_file, run_policy
from lyaopt_cli.support.tuning import MOST_SEARCHED
from lyaopt_cli.support.waiting import Judged, judge, judge_on_trace, waiting_options

if TYPE_CHECKING:
    from lyaopt.model.system import System
    from lyaopt.simulation import Trace


@new_command("simulate", "Simulate a scenario under one policy or several")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option(
    "--policy",
    "policies",
    metavar="NAME",
    multiple=True,
    help="Chooses the partition points (default: middle); may be repeated to compare policies.",
)
@click.option("--slots", type=click.IntRange(min=1), help=f"Measured slots (default {DEFAULT_SLOTS}).")
@warmup_option(0)
@seed_option
@replications_option(1)
@workers_option
@click.option("--trace", metavar="FILE", help="Replay arrivals and channels from an .npz file.")
@click.option(
    "--search-slots",
    type=click.IntRange(min=4),
    help="Search policies on this many first slots of --trace, and measure later ones (default: search on "
    f"all, at most {MOST_SEARCHED}, and measure them too).",
)
@click.option("--record", metavar="FILE", help="Write every slot into an .npz file.")
@click.option("--rule", metavar="MODULE:NAME", help="Weigh services by an allocation rule of your own.")
@waiting_options
@click.option(
    "--save-prices", metavar="FILE", help="Write the table of price or value for C: doubles, or a .h of them."
)
@plot_option("energy, backlogs and latency")
@click.option(
    "--bound",
    "with_bound",
    is_flag=True,
    help="Print the lower bound LB1 on the energy too, and the ratio to the least energy at this latency; "
    "with --trace LB2, the least energy for the work that was done.",
)
@click.option("--by-service", is_flag=True, help="With --json: each service's backlogs, tasks and latencies.")
@json_option("Print JSON, a line for each policy.")
def command(
    scenario: str,
    policies: tuple[str, ...],
    with_bound: bool,
    by_service: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Simulate SCENARIO (a shipped one by name, or a file) and print energy, backlogs and latency.

    \b
    Policies: middle, all-local, all-offload, random, greedy, best-fixed, table,
    planning, price, value, trace (the points of --trace), a folder with a
    trained policy, a class of your own as MODULE:CLASS, or the points
    themselves, one for each service, as in 3,0,12.
    One seed gives the same arrivals and channels under every policy. With
    --trace, policies are searched on the trace, and the output says so.

    \b
    Examples:
      lyaopt simulate default --policy all-offload
      lyaopt simulate default --policy middle --policy random --bound
      lyaopt simulate s.toml --slots 1000000 --warmup 10000 --plot run.png
      lyaopt simulate default --record r.npz --slots 2000
      lyaopt simulate default --trace r.npz --policy greedy --json
      lyaopt simulate default --rule my_rules:oldest_first
      lyaopt simulate default --policy price --waiting-cost 0.01
      lyaopt simulate default --policy price --save-prices prices.f64

    \b
    Exit status: 0 done, 2 bad usage or input, 130 interrupted (what was
    simulated until then is printed and written), 141 output closed.
    """
    if by_service and not as_json:
        raise click.UsageError("--by-service is for --json.", click.get_current_context())
    run_options = _run_options(options, policies)
    system = load_system(scenario)
    _check_files(run_options)
    bound = None
    runs: list[Judged] = []
    with Interrupts() as interrupts:
        try:
            trace = load_trace_file(run_options.trace, system, run_options.seed)
            bound = _bound(system, trace) if with_bound else None
            for name in policies or (None,):
                if not interrupts.seen:
                    runs.append(run_policy(system, name, trace, run_options, interrupts))
        except ProblemError as error:
            if not interrupts.seen:  # otherwise a signal ended the search for a policy
                raise InputError(f"lyaopt simulate: {error}") from None
        if runs:
            if trace is None:
                judged = judge(runs, system, by_latency=with_bound)
            else:
                judged = judge_on_trace(runs, system, trace, with_bound=with_bound)
            _print(judged, system, bound, as_json, by_service, None if trace is None else trace.drawn)
        return INTERRUPTED if interrupts.seen else 0


def _run_options(options: dict[str, Any], policies: tuple[str, ...]) -> RunOptions:
    """The options, checked, with slots that are searched in the warm-up."""
    searched = options["search_slots"]
    if searched is not None and options["trace"] is None:
        raise click.UsageError("--search-slots is for --trace.", click.get_current_context())
    found = RunOptions(**options | {"warmup": max(options["warmup"], searched or 0)})
    if len(policies) > 1 and (found.record or found.plot):
        raise click.UsageError("--record and --plot take one --policy.", click.get_current_context())
    found.waiting.check(policies)
    if found.save_prices is not None:
        _check_prices(policies)
    return found


def _check_files(options: RunOptions) -> None:
    """Check before the run that files can be written."""
    for name in (options.save_prices, options.record):
        if name is not None:
            check_writable(Path(name))
    if options.plot is not None:
        check_picture("lyaopt simulate", options.plot)


def _check_prices(policies: tuple[str, ...]) -> None:
    from lyaopt.policies import is_priced

    if len(policies) != 1 or not is_priced(policies[0]):
        context = click.get_current_context()
        raise click.UsageError("--save-prices takes one --policy, price or value.", context)


def _bound(system: System, trace: Trace | None) -> float | None:
    """LB1 per slot, infinite where no policy is stable; None on a trace, whose runs have LB2 each."""
    from lyaopt.bounds import energy_bound
    from lyaopt.bounds.task_costs import refuse_tables

    if trace is not None:
        refuse_tables(system, "LB2")  # before the runs
        return None
    return energy_bound(system).energy_j


def _print(
    runs: list[Judged],
    system: System,
    bound: float | None,
    as_json: bool,
    with_services: bool,
    drawn: str | None,
) -> None:
    def documents() -> Iterator[dict[str, Any]]:
        from lyaopt.simulation.service_results import by_service

        more: dict[str, Any] = {} if drawn is None else {"drawn": drawn}
        if bound is not None:
            more |= {"bound": "LB1", "bound_energy_j": bound if math.isfinite(bound) else None}
        for run in runs:
            services = {"services": by_service(run.result, system)} if with_services else {}
            yield run.document() | more | services

    def print_text() -> None:
        from lyaopt_cli.tables.simulation import print_comparison, print_ratios, print_result

        if len(runs) == 1:
            print_result(runs[0].result, system, bound)
        else:
            print_comparison([run.result for run in runs], system, bound)
        print_ratios(runs)
        if drawn is not None:
            click.echo(f"Trace    without {drawn}: drawn from the scenario with the seed")

    print_output(as_json, documents, print_text)
