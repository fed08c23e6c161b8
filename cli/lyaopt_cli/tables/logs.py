"""Summary of an import of logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity

if TYPE_CHECKING:
    from lyaopt.logs import Log, RadioTrace
    from lyaopt_cli.support.logs import LogOptions

_COLUMNS = ("duration", "values", "covered", "gaps", "mean", "largest", "slots\nwithout")


def print_import(logs: Sequence[Log], trace: RadioTrace, out: str, options: LogOptions) -> None:
    """Print a line for each log, the trace, and what a scenario needs to replay it."""
    console = new_console()
    table = plain_table("device", "log", numbers=_COLUMNS)
    for m, (log, row) in enumerate(zip(logs, _rows(logs, trace), strict=True)):
        table.add_row(
            str(m),
            name_text(log.name),
            quantity(log.duration_s, "s"),
            str(len(log.values)),
            f"{log.covered_share:.1%}",
            str(log.gaps),
            _shown(row["mean"], trace),
            _shown(row["largest"], trace),
            f"{row['slots_without']:.1%}",
        )
    console.print(table)
    click.echo(
        f"\nTrace    {out}: {trace.slots} slots of {quantity(trace.slot_duration_s, 's')}, no arrivals"
    )
    if trace.rate_bps is not None:
        power = "..." if options.power_w is None else f"{options.power_w!r}"
        known = f"power_w = {power}" if options.radio is None else f'model = "{options.radio}"'
        for m, rate in enumerate(trace.rate_bps):
            click.echo(f"Radio    device {m}: radio = {{rate_bps = {rate!r}, {known}}}")


def import_document(logs: Sequence[Log], trace: RadioTrace, out: str) -> dict[str, Any]:
    """The same for JSON."""
    from lyaopt.simulation.results import versions

    return {
        "trace": out,
        "slots": trace.slots,
        "slot_duration_s": trace.slot_duration_s,
        "devices": _rows(logs, trace),
        "versions": versions(),
    }


def _rows(logs: Sequence[Log], trace: RadioTrace) -> list[dict[str, Any]]:
    scales = [1.0] * len(logs) if trace.rate_bps is None else trace.rate_bps
    unit = "gain" if trace.rate_bps is None else "bit/s"
    rows = []
    for m, (log, scale) in enumerate(zip(logs, scales, strict=True)):
        values = trace.channel_gain[:, m] * scale
        rows.append(
            {
                "log": log.name,
                "duration_s": log.duration_s,
                "values": len(log.values),
                "covered_share": log.covered_share,
                "gaps": log.gaps,
                "unit": unit,
                "mean": float(values.mean()),
                "largest": float(values.max()),
                "slots_without": float((values == 0.0).mean()),
                "rate_bps": None if trace.rate_bps is None else scale,
            }
        )
    return rows


def _shown(value: float, trace: RadioTrace) -> str:
    return f"{value:.3g}" if trace.rate_bps is None else quantity(value, "bit/s")
