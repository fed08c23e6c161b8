"""`lyaopt evaluate`: policies side by side, with confidence intervals."""

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
from lyaopt_cli.support.waiting import Waiting, waiting_options

if TYPE_CHECKING:
    from lyaopt.evaluation import Evaluation


@new_command("evaluate", "Compare policies, with 95 % intervals and savings")
@click.argument("policies", nargs=-1, required=True, metavar="POLICY...")
@click.argument("scenario", metavar="SCENARIO|-")
@replications_option(20)
@click.option(
    "--slots",
    type=click.IntRange(min=1),
    default=20_000,
    show_default=True,
    help="Measured slots of each replication.",
)
@warmup_option(2_000)
@seed_option
@workers_option
@trace_options
@waiting_options
@click.option("--bound", is_flag=True, help='Print "over bound" where it takes long too: shadowed channels.')
@json_option("Print JSON.")
@plot_option("energy and latency of all policies")
def command(
    policies: tuple[str, ...],
    scenario: str,
    as_json: bool,
    plot: str | None,
    trace: str | None,
    search_slots: int | None,
    **options: Any,
) -> int:
    """Run each POLICY on the same replications of SCENARIO and print interquartile means with 95 % intervals.

    \b
    A POLICY is a name (middle, all-local, all-offload, random, greedy,
    best-fixed, table, planning, price, value), points as in 3,0,12, a folder
    with a trained policy, or a class of your own as MODULE:CLASS. Savings are
    those of the first policy compared with each other one. "over bound" is
    energy over the least energy of any policy at the same mean latency; with a
    waiting cost, energy and waiting over LB3. With --trace policies are searched
    on its first part and judged on the rest, without bounds.

    \b
    Examples:
      lyaopt evaluate best-fixed middle random default
      lyaopt evaluate runs/a greedy best-fixed shadowing --replications 50 --json
      lyaopt evaluate runs/a best-fixed middle balanced --plot compare.svg
      lyaopt evaluate price best-fixed s.toml --trace radio.npz

    \b
    Exit status: 0 done, 2 bad usage or input, 130 interrupted (policies that
    were done until then are printed), 141 output closed.
    """
    system = load_system(scenario)
    if plot is not None:
        check_picture("lyaopt evaluate", plot)
    runs = {name: options.pop(name) for name in ("replications", "slots", "warmup", "seed", "workers")}
    parts = parts_of(trace, search_slots, system, seed=runs["seed"], replications=runs["replications"])
    with Interrupts() as interrupts:
        try:
            compared = Comparison(system, interrupts, parts, runs)
            evaluation = _evaluate(compared, policies, **options)
        except ProblemError as error:
            if interrupts.seen:  # a signal ended the search for a policy, or the first run
                return INTERRUPTED
            raise InputError(f"lyaopt evaluate: {error}") from None
        _print(evaluation, policies, parts, as_json)
        if plot is not None:
            from lyaopt.evaluation.plot import draw_evaluation

            write_whole(Path(plot), draw_evaluation(evaluation, plot))
        return INTERRUPTED if interrupts.seen else 0


def _evaluate(
    compared: Comparison,
    policies: tuple[str, ...],
    *,
    waiting_cost: float | None,
    target_latency: float | None,
    bound: bool,
) -> Evaluation:
    from lyaopt.evaluation import evaluate

    waiting = Waiting(waiting_cost, target_latency)
    waiting.check(policies)
    made = [compared.policy(name, waiting) for name in policies]
    with compared.running(len(made)) as runs:
        return evaluate(
            compared.system,
            made,
            names=distinct_names(policies, made),
            waiting_cost_j_per_s=waiting_cost,
            bound=bound or None,
            **runs,
        )


def _print(evaluation: Evaluation, policies: tuple[str, ...], parts: Parts, as_json: bool) -> None:
    def print_text() -> None:
        from lyaopt_cli.tables.evaluation import print_evaluation

        print_evaluation(evaluation)
        for line in parts.lines(policies):
            click.echo(line)

    print_output(as_json, lambda: [evaluation.to_dict() | parts.document(policies)], print_text)
