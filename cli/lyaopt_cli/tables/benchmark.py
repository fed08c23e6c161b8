"""Tables of the benchmark."""

from __future__ import annotations

import math

from rich.console import Console

from lyaopt.benchmark import BenchmarkDocument, behind, overall, ranked
from lyaopt.benchmark.document import Interval, PolicyFigures
from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity

_HEADINGS = (
    "energy +\nwaiting",
    "over\nbound",
    "behind\nthe first",
    "energy\nper slot",
    "mean\nlatency",
    "p99",
    "done",
    "cost\n(34)",
    "time\nper slot",
)


def print_benchmark(document: BenchmarkDocument) -> None:
    """Print the policies of each instance, best first, then their order over all instances.

    After ± is half of an interval at 95 %.
    """
    console = new_console()
    table = plain_table("policy", numbers=_HEADINGS)
    for found in document.instances:
        table.add_row(name_text(found.instance))
        policies = ranked(found)
        for policy in policies:
            table.add_row(name_text(f"  {policy.policy}"), *_figures(policy, policies[0], found.bound_j))
        if found.bound_j is not None:
            table.add_row("  bound", quantity(found.bound_j, "J"), "1")
    console.print(table)
    console.print()
    _print_order(document, console)
    budget = document.budget
    console.print(
        f"Suite {document.suite}, {document.budget_name}: {budget.replications} replications of "
        f"{budget.slots} slots, seed {budget.seed}{'' if document.complete else '; not complete'}",
        soft_wrap=True,
    )


def _figures(policy: PolicyFigures, first: PolicyFigures, bound_j: float | None) -> tuple[str, ...]:
    ratio = policy.over_bound
    return (
        _mean(policy.objective_j, "J"),
        "-" if ratio.value is None else _with_half(ratio.value, ratio.high),
        _behind(policy, first, bound_j),
        _mean(policy.energy_j, "J"),
        _mean(policy.latency_s, "s"),
        _mean(policy.latency_p99_s, "s"),
        f"{policy.done_share:.1%}",
        "-" if policy.cost.value is None else f"{policy.cost.value:.3g}",
        quantity(policy.seconds.run_per_slot, "s"),
    )


def _behind(policy: PolicyFigures, first: PolicyFigures, bound_j: float | None) -> str:
    if policy is first or bound_j is None:
        return "-"
    found = behind(policy, first, bound_j)
    return _with_half(found.value, None if math.isnan(found.high) else found.high)


def _with_half(value: float, high: float | None) -> str:
    """A mean and half of its interval."""
    return f"{value:.3f}" if high is None else f"{value:.3f} ± {high - value:.3f}"


def _mean(interval: Interval, unit: str) -> str:
    return "-" if interval.value is None else quantity(interval.value, unit)


def _print_order(document: BenchmarkDocument, console: Console) -> None:
    ranks = overall(document)
    if not ranks or len(document.instances) < 2:
        return
    table = plain_table("over all instances", numbers=("over bound,\ngeometric mean", "worst", "least\ndone"))
    for rank in ranks:
        table.add_row(
            name_text(rank.policy),
            f"{rank.mean_over_bound:.3f}",
            f"{rank.worst_over_bound:.3f}",
            f"{rank.worst_done_share:.1%}",
        )
    console.print(table)
    console.print()
