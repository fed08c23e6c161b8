"""Table of policies beside the frontier."""

from __future__ import annotations

import math

from lyaopt.evaluation import Estimate, FrontierPoint, FrontierReport
from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity, quantity_or_dash, ratio

_NUMBERS = ("theta\nJ/s", "energy\nper slot", "mean\nlatency", "p99", "done", "over\nbound", "95 %\ninterval")


def print_frontier(report: FrontierReport) -> None:
    """Print a line for each point of the curves of rules, and for each policy."""
    console = new_console()
    rules = list(report.curves)
    table = plain_table("policy", numbers=(*_NUMBERS, *(f"over\n{rule}" for rule in rules)))
    for point in report.all_points:
        theta = point.waiting_cost_j_per_s
        over = point.over_bound
        table.add_row(
            name_text(point.policy),
            "" if theta is None else f"{theta:g}",
            quantity_or_dash(point.energy_j.value, "J"),
            quantity_or_dash(point.latency_s.value, "s"),
            quantity_or_dash(point.p99_s.value, "s"),
            f"{point.done_share:.1%}",
            "-" if over is None else ratio(over.value),
            "-" if over is None or math.isnan(over.low) else f"{ratio(over.low)}..{ratio(over.high)}",
            *(_over(point, rule) for rule in rules),
        )
    console.print(table)
    console.print()
    measured = report.slots - report.warmup
    console.print(f"{report.replications} replications of {measured} slots, seed {report.seed}")
    if report.bound is None:
        unknown = "devices move, there are several edge servers, or no policy is stable"
        law = "it would be of the scenario's law" if report.traced else unknown
        console.print(f"No bound: {law}")
    else:
        least = quantity(report.bound.least_j, "J")
        console.print(f"Bound: LB3 at the policy's mean latency; {least} per slot at any latency")


def _over(point: FrontierPoint, rule: str) -> str:
    found: Estimate | None = point.over_curve.get(rule)
    return "" if found is None else ratio(found.value)
