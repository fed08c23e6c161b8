"""Readable tables of sweeps, for terminals."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console

from lyaopt.experiments.results import Results
from lyaopt.experiments.tables import number, rows
from lyaopt.io.json_lines import encode
from lyaopt_cli.tables.solution import name_text, plain_table, quantity

if TYPE_CHECKING:
    from lyaopt.experiments.sweeps import Outcome
    from lyaopt.experiments.tradeoff import Point

_HEADINGS = ("energy\nper slot", "local", "transmit", "mean\nlatency", "p95", "depth\nof cuts", "runs")
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
        figures.append(_quantity(value, unit))
    depth = results.estimate(policy, point, "cut_depth").value
    return [*figures, number(depth) or "-", str(len(results.runs[policy, point]))]


def print_tradeoff(points: Sequence[Point], latency: str, target: float | None) -> None:
    """Print a line for each policy and factor, then what was picked."""
    from lyaopt.experiments.tradeoff import pick

    table = plain_table("policy")
    for heading in ("times U", "U^l", "U^t", "energy\nper slot", f"latency\n{latency}", "on the\nfront"):
        table.add_column(heading, justify="right")
    for point in points:
        table.add_row(
            name_text(point.policy),
            f"{point.factor:g}",
            f"{point.energy_weight_local:.3g}",
            f"{point.energy_weight_transmit:.3g}",
            _quantity(point.energy_j.value, "J"),
            _quantity(point.latency_s.value, "s"),
            "yes" if point.on_front else "",
        )
    console = Console(highlight=False)
    console.print(table)
    if target is None:
        return
    chosen = pick(points, target)
    if chosen is None:
        least = min(points, key=lambda point: point.latency_s.value)
        reached = _quantity(least.latency_s.value, "s")
        line = f"No weights reach {target:g} s; {least.policy} comes to {reached} with {least.factor:g} U"
    else:
        weights = f"U^l = {chosen.energy_weight_local:.3g}, U^t = {chosen.energy_weight_transmit:.3g}"
        energy = _quantity(chosen.energy_j.value, "J")
        line = f"Pick     {weights} with {chosen.policy}: {energy} per slot"
    console.print()
    console.print(line, soft_wrap=True)


def _quantity(value: float, unit: str) -> str:
    return "-" if math.isnan(value) else quantity(value, unit)


def print_outcome(outcome: Outcome, found: Sequence[Results], out: str, as_json: bool) -> None:
    """Tables for a terminal, or a line of JSON for each row."""
    if as_json or not sys.stdout.isatty():
        for results in found:
            for row in rows(results):
                sys.stdout.buffer.write(encode(row) + b"\n")
        return
    for results in found:
        print_results(results)
    failed = f", {len(outcome.failed)} failed" if outcome.failed else ""
    click.echo(f"{outcome.cells} cells, {outcome.computed} of them computed now{failed}; tables in {out}")
