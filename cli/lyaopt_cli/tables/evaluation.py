"""Table of an evaluation."""

from __future__ import annotations

import math

from lyaopt.evaluation import Evaluation, Score, interquartile_mean
from lyaopt_cli.tables.layout import (
    interval,
    name_text,
    new_console,
    plain_table,
    quantity,
    quantity_or_dash,
    ratio,
)

_HEADINGS = (
    *("energy\na slot", "95 %\ninterval", "over\nbound", "cost\n(34)", "mean\nlatency", "p99"),
    *("queued", "limited"),
)


def print_evaluation(evaluation: Evaluation) -> None:
    """Print a line for each policy, then the savings of the first one compared with the others."""
    console = new_console()
    table = plain_table("policy", numbers=_HEADINGS)
    for score in evaluation.scores:
        energy = interquartile_mean(score.energy_j)
        mean, p99 = interquartile_mean(score.latency_s[0]), interquartile_mean(score.latency_s[3])
        table.add_row(
            name_text(score.result.policy),
            quantity(energy.value, "J"),
            interval(energy.low, energy.high, "J"),
            _over_bound(score),
            f"{interquartile_mean(score.cost).value:.3g}",
            quantity_or_dash(mean.value, "s"),
            quantity_or_dash(p99.value, "s"),
            str(score.result.queued),
            f"{score.result.limited_share:.1%}",
        )
    console.print(table)
    console.print()
    first = evaluation.scores[0]
    for other in evaluation.scores[1:]:
        saving = first.saving_against(other)
        console.print(
            f"{first.result.policy} saves {saving.value:.1%} of the energy of {other.result.policy} "
            f"({saving.low:.1%} to {saving.high:.1%})",
            soft_wrap=True,
        )
    result = first.result
    console.print(
        f"{result.replications} replications of {result.slots - result.warmup} slots, seed {result.seed}"
    )
    if evaluation.bound_energy_j is not None and math.isfinite(evaluation.bound_energy_j):
        console.print(
            f"Bound: {quantity(evaluation.bound_energy_j, 'J')} per slot at least, if queues are stable"
        )


def _over_bound(score: Score) -> str:
    found = score.over_bound or score.over_bound_at_latency
    return "" if found is None else ratio(found.value)
