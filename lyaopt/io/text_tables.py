"""Tables as text: cells of Markdown and of CSV, into which names from files and command lines go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_MEANT = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")
"""What Markdown takes for more than text, within a table or a heading."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def markdown_text(value: Any) -> str:
    """Format a `value` so that Markdown shows it as it is, in one line and one cell."""
    line = " ".join(str(value).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MEANT.sub(r"\\\g<0>", line)


def markdown_table(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """Format a table in Markdown.

    Parameters
    ----------
    head : sequence
        Headings of the columns.
    rows : iterable of sequences
        Cells, as many in each row as headings; any text in them stays within its cell.

    Returns
    -------
    str
        Lines, with a line break at the end of each.

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are headings.
    """
    lines = [_line(head), "|" + "---|" * len(head)]
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"expected {len(head)} cells, got {len(row)}")
        lines.append(_line(row))
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[Any]) -> str:
    return f"| {' | '.join(map(markdown_text, cells))} |"


def csv_cell(value: Any) -> Any:
    """Mark text that spreadsheets would compute, such as ``=1+1``, as text; numbers stay.

    Parameters
    ----------
    value : object
        A cell.

    Returns
    -------
    object
        The `value`, or its text behind an apostrophe (OWASP, CSV injection).
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
