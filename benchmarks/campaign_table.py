"""Markdown tables of the comparison of learners and policies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lyaopt.bounds import energy_bound
from lyaopt.evaluation import Estimate
from lyaopt.experiments.statistics import Run, estimate, grid_of, ratios
from lyaopt.model.scenarios import load_scenario

BASE = "best-fixed"
HEAD = (
    "| policy | runs | slots of search and training, M | cost (34) | against best-fixed, % "
    "| energy, mJ a slot (local) | against best-fixed, % | over LB1 "
    "| mean latency, s | p99, s | edge backlog, Mcycles | energy-limited "
    "| completed tasks |"
)
_NAMES = {
    "lyappo": "**LyaPPO** (`best`)",
    "lyappo-shared": "LyaPPO without a start, shared network (`shared`)",
    "lyappo-flat": "LyaPPO, flat network (`tuned`)",
    "lyappo-paper": "LyaPPO as in the paper (`paper`)",
    "ppo-joint": "PPO (joint) as in the paper",
    "ppo-joint-tuned": "PPO (joint), tuned",
    "ddpg": "DDPG-Cov",
    "random": "Random-Cov",
    "middle": "Fix-Cov (middle cuts)",
    "table": "table by channel state",
    "planning": "planning (short runs)",
}
Line = dict[str, Any]
_STABLE = 0.97
"""Least share of completed tasks for a comparison with the bound, which holds for completing all of them."""
BEGIN, END = "<!-- tables of the campaign -->", "<!-- end of the tables -->"


def write(lines: list[Line], page: Path) -> None:
    """Write the tables into a page, between its marks."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n\n{table(lines)}\n{END}{after}")


def table(lines: list[Line]) -> str:
    """A table for each scenario; policies are ordered by cost."""
    scenarios = dict.fromkeys(line["scenario"] for line in lines)
    return "\n".join(_scenario([line for line in lines if line["scenario"] == name]) for name in scenarios)


def _scenario(lines: list[Line]) -> str:
    by_policy: dict[str, list[Line]] = {}
    for line in lines:
        by_policy.setdefault(line["policy"], []).append(line)
    base = by_policy[BASE]
    ordered = sorted(by_policy.items(), key=lambda item: _of_runs(item[1], "cost").value)
    name = lines[0]["scenario"]
    bound = 1e3 * energy_bound(load_scenario(name)).energy_j
    rows = [_row(policy, runs, base, bound) for policy, runs in ordered]
    return "\n".join([f"### `{name}`", "", HEAD, "|" + "---|" * HEAD.count(" |"), *rows, ""])


def _row(name: str, runs: list[Line], base: list[Line], bound_mj: float) -> str:
    done = sum(run["completed"] for run in runs) / sum(run["born"] for run in runs)
    energy = _of_runs(runs, "energy_mj")
    columns = [
        _NAMES.get(name, name),
        _count(runs),
        f"{np.mean([run['prepared_slots'] for run in runs]) / 1e6:.3g}",
        _text(_of_runs(runs, "cost")),
        "" if name == BASE else _text(_compared(runs, base, "cost"), "{:+.1f}"),
        f"{_text(energy)} ({_of_runs(runs, 'local_mj').value:.3g})",
        "" if name == BASE else _text(_compared(runs, base, "energy_mj"), "{:+.1f}"),
        f"{energy.value / bound_mj:.3g}" if done > _STABLE else "",
        f"{_of_runs(runs, 'latency_s').value:.3g}",
        f"{_of_runs(runs, 'p99_s').value:.3g}",
        f"{np.mean([run['queues'][2] for run in runs]) / 1e6:.3g}",
        f"{100.0 * np.mean([run['energy_limited'] for run in runs]):.1f} %",
        f"{100.0 * done:.1f} %",
    ]
    return "| " + " | ".join(columns) + " |"


def _count(runs: list[Line]) -> str:
    """Number of runs, and of those whose best checkpoint is the start."""
    starts = [run["best_update"] == 0 for run in runs if run.get("best_update") is not None]
    return f"{len(runs)} ({sum(starts)})" if sum(starts) else str(len(runs))


def _runs(lines: Iterable[Line]) -> list[Run]:
    return [Run(line["seed"], line) for line in lines]


def _of_runs(lines: Iterable[Line], name: str) -> Estimate:
    return estimate(grid_of(_runs(lines), name))


def _compared(lines: list[Line], base: Iterable[Line], name: str) -> Estimate:
    """Difference to the mean of the base's runs in per cent, on the same replications."""
    mean = np.mean([run.values(name) for run in _runs(base)], axis=0)
    expected = Run(None, lines[0]["base"] if "base" in lines[0] else {name: mean.tolist()})
    ratio = estimate(ratios(_runs(lines), [expected], name))
    return Estimate(*(100.0 * (value - 1.0) for value in (ratio.value, ratio.low, ratio.high)))


def _text(number: Estimate, form: str = "{:.3g}") -> str:
    return f"{form.format(number.value)} ({form.format(number.low)} to {form.format(number.high)})"
