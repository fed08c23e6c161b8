"""Summary and Markdown table of what learning adds to the price rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

Line = dict[str, Any]
_RESAMPLES = 10_000
HEAD = (
    "| scenario | trainings (kept the rule's cuts) | rule: energy + waiting, mJ a slot | learnt, mJ a slot "
    "| learning saves, % (95 %) | best, worst training, % | rule: energy, mJ, latency, s "
    "| learnt: energy, mJ, latency, s |"
)


def summary(lines: list[Line]) -> dict[str, Any]:
    """Figures of every scenario that has the rule and a training."""
    names = dict.fromkeys(line["scenario"] for line in lines)
    found = {name: _of([line for line in lines if line["scenario"] == name]) for name in names}
    return {name: figures for name, figures in found.items() if figures is not None}


def _of(lines: list[Line]) -> dict[str, Any] | None:
    rules = [line for line in lines if line["seed"] == 0]
    learnt = sorted((line for line in lines if line["seed"] > 0), key=lambda line: line["seed"])
    if not rules or not learnt:
        return None
    rule = np.array(rules[0]["cost_j"])
    costs = np.array([line["cost_j"] for line in learnt])
    low, high = interval(rule, costs)
    return {
        "trainings": len(learnt),
        "kept_rule": sum(line["best_update"] == 0 for line in learnt),
        "decisions": learnt[0]["decisions"],
        "training_s": float(np.mean([line["training_s"] for line in learnt])),
        "waiting_cost_j_per_s": rules[0]["waiting_cost_j_per_s"],
        "replications": rule.size,
        "rule_mj": 1e3 * rule.mean(),
        "learnt_mj": 1e3 * costs.mean(),
        "saving": {"value": saving(rule, costs), "low": low, "high": high},
        "saving_by_training": [saving(rule, each[None]) for each in costs],
        "rule": _rounded(rules),
        "learnt": _rounded(learnt),
    }


def _rounded(lines: list[Line]) -> dict[str, float]:
    return {
        "energy_mj": 1e3 * float(np.mean([line["energy_j"] for line in lines])),
        "tasks": float(np.mean([line["tasks"] for line in lines])),
        "latency_s": float(np.mean([line["latency_s"] for line in lines])),
        "completed": float(np.mean([line["completed"] for line in lines])),
    }


def saving(rule: np.ndarray, costs: np.ndarray) -> float:
    """Share of the rule's mean cost (R,) that trainings (T, R) save on the same replications."""
    return float(1.0 - costs.mean() / rule.mean())


def interval(rule: np.ndarray, costs: np.ndarray) -> tuple[float, float]:
    """95 % of the savings of resampled trainings and replications, the latter in pairs."""
    random = np.random.default_rng(0)
    trainings, replications = costs.shape
    found = np.empty(_RESAMPLES)
    for i in range(_RESAMPLES):
        some = random.integers(replications, size=replications)
        runs = random.integers(trainings, size=trainings)
        found[i] = saving(rule[some], costs[np.ix_(runs, some)])
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def table(document: dict[str, Any]) -> str:
    """A row for each scenario."""
    rows = [_row(name, figures) for name, figures in document.items()]
    return "\n".join([HEAD, "|" + "---|" * HEAD.count(" |"), *rows])


def _row(name: str, figures: dict[str, Any]) -> str:
    change, each = figures["saving"], figures["saving_by_training"]
    plain, _, factor = name.partition("@")
    columns = [
        f"`{plain}`" + (f", {factor} times the arrivals" if factor else ""),
        f"{figures['trainings']} ({figures['kept_rule']})",
        f"{figures['rule_mj']:.4g}",
        f"{figures['learnt_mj']:.4g}",
        f"{100 * change['value']:.2f} ({100 * change['low']:.2f} to {100 * change['high']:.2f})",
        f"{100 * max(each):.2f}, {100 * min(each):.2f}",
        *(f"{figures[who]['energy_mj']:.3g}, {figures[who]['latency_s']:.3g}" for who in ("rule", "learnt")),
    ]
    return "| " + " | ".join(columns) + " |"


BEGIN, END = "<!-- learning over prices -->", "<!-- end of learning over prices -->"


def write(document: dict[str, Any], page: Path) -> None:
    """Write the table into a page, between its marks."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n\n{table(document)}\n\n{END}{after}")
