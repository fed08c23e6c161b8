"""Results as tables: all numbers in CSV, the main ones in Markdown."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

import numpy as np

from lyaopt.evaluation import Estimate
from lyaopt.experiments.results import MEASURES, OVER_BOUND, Results
from lyaopt.experiments.waiting import BOUND
from lyaopt.io.text_tables import csv_cell, markdown_table

BASE = "best-fixed"
"""Policy with which all others are compared, if a sweep includes it."""

NAMES = {
    "lyappo": "LyaPPO",
    "lyappo-once": "LyaPPO, one training for all points",
    "lyappo-shared": "LyaPPO without a start",
    "lyappo-paper": "LyaPPO as in the paper",
    "ppo-joint": "PPO (joint)",
    "ppo-joint-paper": "PPO (joint) as in the paper",
    "ddpg": "DDPG-Cov",
    "random": "Random-Cov",
    "middle": "Fix-Cov",
    "best-fixed": "best fixed points",
    "price": "price rule",
    "value": "value rule",
    BOUND: "lower bound",
}
"""Names of policies in tables and figures, after the paper."""

_COLUMNS = (
    ("energy, mJ a slot", "energy_j", 1e3),
    ("cost (34)", "cost", 1.0),
    ("local", "local_energy_j", 1e3),
    ("transmit", "transmit_energy_j", 1e3),
    ("mean latency, s", "latency_s", 1.0),
    ("p95, s", "latency_p95_s", 1.0),
    ("over bound", OVER_BOUND, 1.0),
    ("local backlog, Mcycles", "local_queue_cycles", 1e-6),
    ("transmit backlog, Mbit", "transmit_queue_bits", 1e-6),
    ("edge backlog, Mcycles", "edge_queue_cycles", 1e-6),
    ("mean k / K", "cut_depth", 1.0),
    ("completed tasks, %", "completed_share", 1e2),
)


def rows(results: Results) -> Iterator[dict[str, Any]]:
    """Make a row for each point and policy.

    Parameters
    ----------
    results : Results
        Of one sweep.

    Yields
    ------
    dict
        Value and interval of every measure, None if it is missing.
    """
    base = BASE if BASE in results.policies else None
    for point, settings in enumerate(results.points):
        for policy in results.policies:
            runs = results.runs.get((policy, point), [])
            if not runs:
                continue
            row: dict[str, Any] = {"sweep": results.name, **settings, "policy": policy, "runs": len(runs)}
            for measure in MEASURES:
                row |= _spread(measure, results.estimate(policy, point, measure))
            nothing = Estimate(*3 * (float("nan"),))
            compared = base is not None and policy != base and not results.is_bound(policy)
            saved = results.saving(policy, base, point) if compared and base else nothing
            yield row | _spread(f"saving_against_{BASE}", saved) | _of_trace(results, policy, point)


def _of_trace(results: Results, policy: str, point: int) -> dict[str, Any]:
    """Which part of a trace was judged, and the energy on the other one."""
    if results.trace is None:
        return {}
    used = {f"trace_{name}": value for name, value in results.trace.items()}
    energy = results.on_searched_part.estimate(policy, point)
    return {**used, **_spread("searched_part_energy_j", energy)}


def _spread(name: str, estimate: Estimate) -> dict[str, Any]:
    values = estimate.to_dict()
    return {name: values["value"], f"{name}_low": values["low"], f"{name}_high": values["high"]}


def csv_text(sweeps: Sequence[Results]) -> str:
    """Format the rows of all `sweeps` as CSV; settings that a sweep does not vary stay empty."""
    table = [row for results in sweeps for row in rows(results)]
    settings = dict.fromkeys(name for results in sweeps for point in results.points for name in point)
    columns = ["sweep", *settings, *(name for name in table[0] if name not in ("sweep", *settings))]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, columns))
    writer.writerows([csv_cell(row.get(name)) for name in columns] for row in table)
    return text.getvalue()


def markdown(results: Results) -> str:
    """Format `results` as a Markdown table, with intervals of the energy and its ratio to the bound."""
    return markdown_table(head(results), shown_rows(results))


def head(results: Results) -> list[str]:
    """Return the headings of the table of `results`: settings, policy, and what was measured."""
    settings = results.points[0] if results.points else ()
    saved = [f"energy saved vs {BASE}, %"] if BASE in results.policies else []
    return [*settings, "policy", *(title for title, _, _ in _COLUMNS), *saved]


def shown_rows(results: Results) -> Iterator[list[str]]:
    """Make the rows of the table of `results`, a cell for each of its headings.

    Parameters
    ----------
    results : Results
        Of one sweep.

    Yields
    ------
    list of str
        Plain text, which each format escapes in its own way.
    """
    for point, settings in enumerate(results.points):
        for policy in results.policies:
            if (policy, point) in results.runs:
                cells = [*map(number, settings.values()), NAMES.get(policy, policy)]
                yield [*cells, *_figures(results, policy, point), *_saved(results, policy, point)]


def _saved(results: Results, policy: str, point: int) -> list[str]:
    if BASE not in results.policies:
        return []
    compared = policy != BASE and not results.is_bound(policy)
    return [percent(results.saving(policy, BASE, point)) if compared else ""]


def _figures(results: Results, policy: str, point: int) -> Iterator[str]:
    for _, measure, unit in _COLUMNS:
        estimate = results.estimate(policy, point, measure)
        shown = measure in ("energy_j", "cost", OVER_BOUND)
        yield interval(estimate, unit) if shown else number(estimate.value * unit)


def number(value: Any) -> str:
    """Format a `value` with three digits; NaN becomes an empty string, and words stay."""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.3g}"
    return str(value)


def interval(estimate: Estimate, unit: float = 1.0) -> str:
    """Format value and interval.

    Parameters
    ----------
    estimate : Estimate
        NaN where there is no value or no interval.
    unit : float
        Factor on the values.

    Returns
    -------
    str
    """
    value = number(estimate.value * unit)
    ends = f" ({number(estimate.low * unit)} to {number(estimate.high * unit)})"
    return value if np.isnan(estimate.low) else value + ends


def percent(estimate: Estimate) -> str:
    """Format an `estimate` of a share in per cent, with its sign and interval."""
    if np.isnan(estimate.value):
        return ""
    value = f"{100.0 * estimate.value:+.1f}"
    ends = f" ({100.0 * estimate.low:+.1f} to {100.0 * estimate.high:+.1f})"
    return value if np.isnan(estimate.low) else value + ends
