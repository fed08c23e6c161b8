"""`lyaopt frontier`: energy against latency of policies, beside the least that any policy needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyaopt.errors import ProblemError
from lyaopt_cli.support.comparison import Comparison
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.input_systems import load_system
from lyaopt_cli.support.interrupts import INTERRUPTED, Interrupts
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.options import (
    COSTS,
    plot_option,
    replications_option,
    seed_option,
    warmup_option,
    workers_option,
)
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.output_files import check_picture, write_whole
from lyaopt_cli.support.policy_names import distinct_names
from lyaopt_cli.support.traces import Parts, parts_of, trace_options
from lyaopt_cli.support.waiting import Waiting

if TYPE_CHECKING:
    from lyaopt.evaluation import FrontierReport
    from lyaopt.simulation import Policy

_POLICIES = ("middle", "all-local", "all-offload", "best-fixed", "greedy")
_RULES = ("price",)
_COSTS = "0.0001,0.0005,0.002,0.01,0.03,0.1,0.3,1"


@new_command("frontier", "Set policies beside the least energy at a latency")
@click.argument("scenario", metavar="SCENARIO|-")
@click.option(
    "--policy",
    "policies",
    metavar="NAME",
    multiple=True,
    default=_POLICIES,
    help=f"A point; may be repeated (default: {', '.join(_POLICIES)}).",
)
@click.option(
    "--waiting-costs",
    type=COSTS,
    metavar="LIST",
    default=_COSTS,
    show_default=True,
    help="Joules that a second of a task's latency is worth: points of the curves of rules.",
)
@click.option(
    "--rule",
    "rules",
    type=click.Choice(["price", "value"]),
    multiple=True,
    default=_RULES,
    help="A rule by prices to draw as a curve; may be repeated (default: price).",
)
@replications_option(20)
@click.option(
    "--slots",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    help="Measured slots of each replication.",
)
@warmup_option(2_000)
@seed_option
@trace_options
@workers_option
@json_option("Print JSON.")
@plot_option("energy against latency, both logarithmic,")
def command(
    scenario: str,
    as_json: bool,
    plot: str | None,
    trace: str | None,
    search_slots: int | None,
    **options: Any,
) -> int:
    """Set policies on SCENARIO beside the least energy per slot of any policy at their mean latency.

    \b
    The bound (LB3) is a curve; so is a rule by prices, at several waiting costs.
    Other policies are points: names (middle, random, table, ...), points as in
    3,0,12, MODULE:CLASS, or a folder with a trained policy. All run on the same
    replications, by which intervals of 95 % are found. "over bound" is energy
    over the least energy at the policy's own mean latency, in which tasks that
    still wait count. With --trace policies are searched on its first part and
    judged on the rest, without a bound, which is of the scenario's law.

    \b
    Examples:
      lyaopt frontier balanced --plot frontier.svg
      lyaopt frontier scarce-edge --policy best-fixed --policy greedy --json
      lyaopt frontier balanced --policy runs/a --waiting-costs 0.001,0.01,0.1
      lyaopt frontier s.toml --trace radio.npz --plot frontier.svg

    \b
    Exit status: 0 done, 2 bad usage or input, 130 interrupted (policies that
    were done until then are printed), 141 output closed.
    """
    system = load_system(scenario)
    if plot is not None:
        check_picture("lyaopt frontier", plot)
    runs = {name: options.pop(name) for name in ("replications", "slots", "warmup", "seed", "workers")}
    parts = parts_of(trace, search_slots, system, seed=runs["seed"], replications=runs["replications"])
    with Interrupts() as interrupts:
        try:
            report = _measure(Comparison(system, interrupts, parts, runs), **options)
        except ProblemError as error:
            if interrupts.seen:  # a signal ended the search for a policy, or the first run
                return INTERRUPTED
            raise InputError(f"lyaopt frontier: {error}") from None
        _print(report, [*options["rules"], *options["policies"]], parts, as_json)
        if plot is not None:
            from lyaopt.evaluation.frontier_plot import draw_frontier

            write_whole(Path(plot), draw_frontier(report, plot))
        return INTERRUPTED if interrupts.seen else 0


def _measure(
    compared: Comparison,
    *,
    policies: tuple[str, ...],
    rules: tuple[str, ...],
    waiting_costs: tuple[float, ...],
) -> FrontierReport:
    from lyaopt.evaluation import compare_with_bound

    points = [compared.policy(name) for name in policies]
    curves: dict[str, dict[float, Policy]] = {
        rule: {cost: compared.policy(rule, Waiting(cost)) for cost in waiting_costs}
        for rule in dict.fromkeys(rules)
    }
    with compared.running(len(points) + sum(map(len, curves.values()))) as runs:
        names = distinct_names(policies, points)
        return compare_with_bound(compared.system, points, curves, names=names, **runs)


def _print(report: FrontierReport, names: list[str], parts: Parts, as_json: bool) -> None:
    def print_text() -> None:
        from lyaopt_cli.tables.frontier import print_frontier

        print_frontier(report)
        for line in parts.lines(names):
            click.echo(line)

    print_output(as_json, lambda: [report.to_dict() | parts.document(names)], print_text)
