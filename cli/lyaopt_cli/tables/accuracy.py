"""Table of an accuracy report."""

from __future__ import annotations

from lyaopt.verify.campaign import AccuracyReport
from lyaopt_cli.tables.layout import new_console, plain_table


def print_accuracy(report: AccuracyReport) -> None:
    """Print a line for each regime, then whether all are within their limits."""
    headings = ["instances", "worst\ngap", "worst\nviolation"]
    if report.solver is not None:
        headings += [f"{report.solver}\nsolved", "failed", "worst\ngap", "worst\nviolation"]
    table = plain_table("regime", numbers=tuple(headings))
    for row in report.rows:
        cells = [f"{row.instances}", _figure(row.worst_gap), _figure(row.worst_violation)]
        cells += [f"{row.solver_instances}", f"{row.solver_failures}"]
        cells += [_figure(row.solver_worst_gap), _figure(row.solver_worst_violation)]
        table.add_row(row.regime, *cells[: len(headings)])
    console = new_console()
    console.print(table)
    console.print()
    console.print("passed" if report.passed else "not passed: a gap or violation exceeds its limit")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"
