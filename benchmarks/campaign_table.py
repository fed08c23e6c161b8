"""The tables of a campaign, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from lyaopt.bounds import energy_bound
from lyaopt.evaluation import Estimate, interquartile_mean
from lyaopt.scenarios import load_scenario

BASE = "best-fixed"
HEAD = (
    "| policy | runs | slots to get it, M | cost (34) | against best-fixed, % | energy, mJ a slot (local) "
    "| against best-fixed, % | over LB1 | mean latency, s | p99, s | edge backlog, Mcycles | energy-limited "
    "| done of born |"
)
_NAMES = {
    "lyappo": "**LyaPPO** (`best`)",
    "lyappo-shared": "LyaPPO from nothing, shared network (`shared`)",
    "lyappo-flat": "LyaPPO, flat network (`tuned`)",
    "lyappo-paper": "LyaPPO, the paper's form (`paper`)",
    "ppo-joint": "PPO (joint), the paper's form",
    "ppo-joint-tuned": "PPO (joint), tuned",
    "ddpg": "DDPG-Cov",
    "random": "Random-Cov",
    "middle": "Fix-Cov (middle cuts)",
    "table": "table by channel state",
    "planning": "planning (short runs)",
}
Line = dict[str, Any]
BEGIN, END = "<!-- tables of the campaign -->", "<!-- end of the tables -->"


def write(lines: list[Line], page: Path) -> None:
    """Put the tables into a page, between its marks."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n\n{table(lines)}\n{END}{after}")


def table(lines: list[Line]) -> str:
    """A table for each scenario; policies in the order of their cost."""
    scenarios = dict.fromkeys(line["scenario"] for line in lines)
    return "\n".join(_scenario([line for line in lines if line["scenario"] == name]) for name in scenarios)


def _scenario(lines: list[Line]) -> str:
    by_policy: dict[str, list[Line]] = {}
    for line in lines:
        by_policy.setdefault(line["policy"], []).append(line)
    base = next(line for line in lines if line["policy"] == BASE)
    ordered = sorted(by_policy.items(), key=lambda item: _of_runs(item[1], "cost").value)
    name = lines[0]["scenario"]
    bound = 1e3 * energy_bound(load_scenario(name)).energy_j
    rows = [_row(policy, runs, base, bound) for policy, runs in ordered]
    return "\n".join([f"### `{name}`", "", HEAD, "|" + "---|" * HEAD.count(" |"), *rows, ""])


def _row(name: str, runs: list[Line], base: Line, bound_mj: float) -> str:
    columns = [
        _NAMES.get(name, name),
        str(len(runs)),
        f"{np.mean([run['prepared_slots'] for run in runs]) / 1e6:.3g}",
        _text(_of_runs(runs, "cost")),
        "" if name == BASE else _text(_beside(runs, base, "cost"), "{:+.1f}"),
        f"{_text(_of_runs(runs, 'energy_mj'))} ({_of_runs(runs, 'local_mj').value:.3g})",
        "" if name == BASE else _text(_beside(runs, base, "energy_mj"), "{:+.1f}"),
        f"{_of_runs(runs, 'energy_mj').value / bound_mj:.3g}",
        f"{_of_runs(runs, 'latency_s').value:.3g}",
        f"{_of_runs(runs, 'p99_s').value:.3g}",
        f"{np.mean([run['queues'][2] for run in runs]) / 1e6:.3g}",
        f"{100.0 * np.mean([run['energy_limited'] for run in runs]):.1f} %",
        f"{100.0 * sum(run['completed'] for run in runs) / sum(run['born'] for run in runs):.1f} %",
    ]
    return "| " + " | ".join(columns) + " |"


def _mean(run: Line, name: str) -> float:
    return float(np.mean([value for value in run[name] if value is not None] or [np.nan]))


def _of_runs(runs: Iterable[Line], name: str) -> Estimate:
    """Interquartile mean over training seeds of the means over copies; over copies if nothing was trained."""
    runs = list(runs)
    values = runs[0][name] if len(runs) == 1 else [_mean(run, name) for run in runs]
    return interquartile_mean(np.array(values, np.float64))


def _beside(runs: Iterable[Line], base: Line, name: str) -> Estimate:
    """How many per cent more than the base, copy by copy: both met the same."""
    runs = list(runs)
    more = [100.0 * (np.array(run[name]) / np.array(run.get("base", base)[name]) - 1.0) for run in runs]
    return interquartile_mean(more[0] if len(more) == 1 else np.array([row.mean() for row in more]))


def _text(found: Estimate, form: str = "{:.3g}") -> str:
    return f"{form.format(found.value)} ({form.format(found.low)} to {form.format(found.high)})"
