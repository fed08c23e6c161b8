"""Readable tables of sweeps, for terminals."""

from __future__ import annotations

import math

from rich.console import Console

from lyaopt.experiments.results import Results
from lyaopt.experiments.tables import number
from lyaopt_cli.tables import name_text, plain_table, quantity

_HEADINGS = ("energy\nper slot", "local", "radio", "mean\nlatency", "p95", "depth\nof cuts", "runs")
_UNITS = {
    "energy_j": "J",
    "local_energy_j": "J",
    "transmit_energy_j": "J",
    "latency_s": "s",
    "latency_p95_s": "s",
}


def print_results(results: Results) -> None:
    """Print a line for each point and policy."""
    settings = list(results.points[0])
    table = plain_table(*settings, "policy")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for point, values in enumerate(results.points):
        for policy in results.policies:
            if (policy, point) in results.runs:
                shown = [number(values[name]) for name in settings]
                table.add_row(*shown, name_text(policy), *_figures(results, policy, point))
    console = Console(highlight=False)
    console.print(table)
    console.print()


def _figures(results: Results, policy: str, point: int) -> list[str]:
    figures = []
    for measure, unit in _UNITS.items():
        value = results.estimate(policy, point, measure).value
        figures.append("-" if math.isnan(value) else quantity(value, unit))
    depth = results.estimate(policy, point, "cut_depth").value
    return [*figures, number(depth) or "-", str(len(results.runs[policy, point]))]
