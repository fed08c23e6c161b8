"""Layout of tables: console, columns, quantities and names."""

from __future__ import annotations

import math
import sys
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lyaopt_cli.support.input_files import visible

_PREFIXES = {12: "T", 9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "µ", -9: "n", -12: "p"}
_UNLIMITED = 100_000
"""Columns of a file or pipe: wider than any table, so that no cell is cut short."""


def new_console() -> Console:
    """Console on standard output: as wide as the terminal, or unlimited and without colours."""
    # Names come from documents and the command line: no markup, no emoji codes.
    as_written: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
    if sys.stdout.isatty():
        return Console(**as_written)
    return Console(width=_UNLIMITED, color_system=None, force_terminal=False, **as_written)


def plain_table(*headings: str, numbers: tuple[str, ...] = ()) -> Table:
    """Table without lines between its columns, narrow enough for 80 characters.

    Parameters
    ----------
    *headings : str
        Headings of columns of text, aligned left. What does not fit goes on in the next line: two names
        cut after the same letters could not be told apart.
    numbers : tuple of str
        Headings of the columns after these, aligned right.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def quantity(value: float, unit: str) -> str:
    """Format a quantity with three digits and an SI prefix, as in ``1.5 GHz``."""
    if value == 0.0:
        return f"0 {unit}"
    # Rounded before its prefix is chosen: 999.96 W is 1 kW.
    value = float(f"{value:.3g}")
    exponent = min(max(3 * math.floor(math.log10(abs(value)) / 3.0), -12), 12)
    return f"{value / 10.0**exponent:.3g} {_PREFIXES[exponent]}{unit}"


def quantity_or_dash(value: float, unit: str) -> str:
    """Format a quantity, or a dash for NaN."""
    return "-" if math.isnan(value) else quantity(value, unit)


def interval(low: float, high: float, unit: str) -> str:
    """Format an interval with three digits and one SI prefix, as in ``1.06..1.33 mJ``; a dash for NaN."""
    if math.isnan(low) or math.isnan(high):
        return "-"
    end = quantity(high, unit)
    size = float(f"{high:.3g}") / float(end.split()[0]) if high else 1.0
    return f"{low / size:.3g}..{end}"


def ratio(value: float) -> str:
    """Format a ratio with three digits, large ones without decimals."""
    return f"{value:.3g}" if value < 1e3 else f"{value:.0f}"


def name_text(name: str) -> Text:
    """Name from a document, with control characters made visible and no markup."""
    return Text(visible(name))
