"""Readable tables of evaluations, for terminals."""

from __future__ import annotations

import math

from rich.console import Console

from lyaopt.evaluation import Estimate, Evaluation, interquartile_mean
from lyaopt_cli.tables.solution import name_text, plain_table, quantity


def print_evaluation(found: Evaluation) -> None:
    """Print a line for each policy, then what the first one saves against the others."""
    console = Console(highlight=False)
    table = plain_table("policy")
    for heading in (
        "energy\nper slot",
        "95 %\ninterval",
        "cost\n(34)",
        "mean\nlatency",
        "p99",
        "queued",
        "limited",
    ):
        table.add_column(heading, justify="right")
    for score in found.scores:
        energy = interquartile_mean(score.energy_j)
        mean, p99 = interquartile_mean(score.latency_s[0]), interquartile_mean(score.latency_s[3])
        table.add_row(
            name_text(score.result.policy),
            quantity(energy.value, "J"),
            _interval(energy),
            f"{interquartile_mean(score.cost).value:.4g}",
            _quantity(mean.value, "s"),
            _quantity(p99.value, "s"),
            str(score.result.queued),
            f"{score.result.limited_share:.1%}",
        )
    console.print(table)
    console.print()
    first = found.scores[0]
    for other in found.scores[1:]:
        saving = first.saving_against(other)
        console.print(
            f"{first.result.policy} saves {saving.value:.1%} of the energy of {other.result.policy} "
            f"({saving.low:.1%} to {saving.high:.1%})",
            soft_wrap=True,
        )
    result = first.result
    console.print(f"{result.replications} copies of {result.slots - result.warmup} slots, seed {result.seed}")
    if found.bound_energy_j is not None and math.isfinite(found.bound_energy_j):
        console.print(f"Bound: {quantity(found.bound_energy_j, 'J')} per slot at least, if queues are stable")


def _quantity(value: float, unit: str) -> str:
    return "-" if math.isnan(value) else quantity(value, unit)


def _interval(estimate: Estimate) -> str:
    if math.isnan(estimate.low):
        return "-"
    return f"{quantity(estimate.low, 'J')} .. {quantity(estimate.high, 'J')}"
