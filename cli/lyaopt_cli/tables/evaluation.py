"""Table of an evaluation."""

from __future__ import annotations

import math

import numpy as np
from rich.console import Console

from lyaopt.evaluation import Estimate, Evaluation, Score, interquartile_mean
from lyaopt_cli.tables.layout import (
    interval,
    name_text,
    new_console,
    plain_table,
    quantity,
    quantity_or_dash,
    ratio,
)

_LEAST_SHOWN = 0.0005
"""A smaller share would be shown as 0.0%."""
_ENERGY = ("energy\na slot", "95 %\ninterval")
_REST = ("cost\n(34)", "mean\nlatency", "p99", "queued", "limited")


def print_evaluation(evaluation: Evaluation) -> None:
    """Print a line for each policy, then the savings of the first one compared with the others."""
    console = new_console()
    over = [_over_bound(score) for score in evaluation.scores]
    bounded = any(over)  # else the column would be empty, and take the room of names
    table = plain_table("policy", numbers=(*_ENERGY, *(("over\nbound",) if bounded else ()), *_REST))
    for score, ratio_over in zip(evaluation.scores, over, strict=True):
        energy = interquartile_mean(score.energy_j)
        mean, p99 = interquartile_mean(score.latency_s[0]), interquartile_mean(score.latency_s[3])
        table.add_row(
            name_text(score.result.policy),
            quantity(energy.value, "J"),
            interval(energy.low, energy.high, "J"),
            *((ratio_over,) if bounded else ()),
            f"{interquartile_mean(score.cost).value:.3g}",
            quantity_or_dash(mean.value, "s"),
            quantity_or_dash(p99.value, "s"),
            str(score.result.queued),
            f"{score.result.limited_share:.1%}",
        )
    console.print(table)
    console.print()
    _print_booked(console, evaluation)
    first = evaluation.scores[0]
    for other in evaluation.scores[1:]:
        console.print(name_text(saving_words(first, other)), soft_wrap=True)
    result = first.result
    console.print(
        f"{result.replications} replications of {result.slots - result.warmup} slots, seed {result.seed}"
    )
    if evaluation.bound_energy_j is not None and math.isfinite(evaluation.bound_energy_j):
        console.print(
            f"Bound: {quantity(evaluation.bound_energy_j, 'J')} per slot at least, if queues are stable (LB1)"
        )


def saving_words(score: Score, other: Score) -> str:
    """Say how much less, or more, energy a policy spends than another one."""
    saving = score.saving_against(other)
    name, than = score.result.policy, other.result.policy
    if not (np.isfinite(score.energy_j).all() and np.isfinite(other.energy_j).all()):
        return f"the energies of {name} and {than} are not known"
    if not math.isfinite(saving.value):
        spends = "spends energy" if (score.energy_j > 0.0).any() else "spends no energy either"
        return f"{name} {spends}, where {than} spends none"
    if abs(saving.value) < _LEAST_SHOWN:
        ends = _ends(_less_or_more(saving.low), _less_or_more(saving.high), saving)
        return f"{name} spends as much energy as {than}{ends}"
    if saving.value > 0.0:
        ends = _ends(f"{saving.low:.1%}", f"{saving.high:.1%}", saving)
        return f"{name} saves {saving.value:.1%} of the energy of {than}{ends}"
    if saving.value > -1.0:
        ends = _ends(f"{-saving.high:.1%}", f"{-saving.low:.1%}", saving)
        return f"{name} spends {-saving.value:.1%} more energy than {than}{ends}"
    ends = _ends(f"{1.0 - saving.high:.3g}", f"{1.0 - saving.low:.3g}", saving)
    return f"{name} spends {1.0 - saving.value:.3g} times the energy of {than}{ends}"


def _less_or_more(saving: float) -> str:
    return f"{abs(saving):.1%} {'more' if saving < 0.0 else 'less'}"


def _ends(low: str, high: str, saving: Estimate) -> str:
    """The interval in brackets; nothing of a single replication, which has none."""
    return f" ({low} to {high})" if math.isfinite(saving.low) and math.isfinite(saving.high) else ""


def _print_booked(console: Console, evaluation: Evaluation) -> None:
    """Print what of the energy is idle power and tails of radios, where there is such energy."""
    idle = float(evaluation.scores[0].idle_energy_j.mean())
    tails = {score.result.policy: float(score.tail_energy_j.mean()) for score in evaluation.scores}
    parts = [f"idle power {quantity(idle, 'J')} per slot"] if idle > 0.0 else []
    if any(tails.values()):
        named = ", ".join(f"{policy} {quantity(tail, 'J')}" for policy, tail in tails.items())
        parts.append(f"tails of radios ({named}), which bounds count as nothing")
    if parts:
        console.print(f"Counted: {'; '.join(parts)}", markup=False, soft_wrap=True)


def _over_bound(score: Score) -> str:
    found = score.over_bound or score.over_bound_at_latency
    return "" if found is None else ratio(found.value)
