"""HTML elements: tables, figures and lists, with all foreign text escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

_INTERVAL = re.compile(r"([-+.\de]+) (\([-+.\de]+ to [-+.\de]+\))")
_GROUP_ID = re.compile(r' id="[a-zA-Z]\w*_\d+"')
_SIZE = re.compile(r'<svg ([^>]*?)width="[^"]*"', re.DOTALL)
_HEIGHT = re.compile(r'(<svg [^>]*?)\s+height="[^"]*"', re.DOTALL)


class Raw(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: Any) -> str:
    """Format a `value` of any type as text and escape it, unless it is `Raw`."""
    return value if isinstance(value, Raw) else escape(str(value))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int, groups: bool = False) -> str:
    """Format a table, which scrolls in a narrow window.

    Parameters
    ----------
    head : sequence of str
        Headings of the columns.
    rows : iterable of sequences of str
        Cells, as many in each row as headings.
    words : int
        Number of leading columns that hold words; the others hold numbers.
    groups : bool
        Whether rows with equal first cells form groups.

    Returns
    -------
    str
    """
    lines = [_row("th", head, words, "")]
    before: str | None = None
    for row in rows:
        first = groups and before is not None and row[0] != before
        lines.append(_row("td", row, words, ' class="first"' if first else ""))
        before = row[0]
    body, kind = "".join(lines[1:]), ' class="claims"' if words == 3 else ""
    made = f"<table{kind}><thead>{lines[0]}</thead><tbody>{body}</tbody></table>"
    return scrolling(made, "table", "wide" if len(head) > _FEW else "wide few")


_FEW = 4
"""Columns that fit into any window."""


def scrolling(content: str, what: str, kind: str) -> str:
    """Let wide `content` scroll sideways, by the keyboard too, under a sign that it does.

    Parameters
    ----------
    content : str
        HTML.
    what : str
        Name for screen readers.
    kind : str
        Class.

    Returns
    -------
    str
    """
    # The style sheet shows the sign where windows are narrow, and shadows at edges with more behind them.
    sign = (
        '<p class="sign" aria-hidden="true">scroll sideways for more \u2194</p>' if "few" not in kind else ""
    )
    return f'{sign}<div class="{kind}" role="region" aria-label="{what}" tabindex="0">{content}</div>'


def _row(tag: str, cells: Sequence[str], words: int, attributes: str) -> str:
    kinds = ["" if column < words else ' class="number"' for column in range(len(cells))]
    items = (f"<{tag}{kind}>{_cell(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))
    return f"<tr{attributes}>{''.join(items)}</tr>"


def _cell(cell: str) -> str:
    """A cell; the interval of a number gets a line of its own, for narrower columns."""
    found = _INTERVAL.fullmatch(cell)
    return f"{found[1]} <span>{found[2]}</span>" if found else text(cell)


def figure(
    svg: bytes, caption: str, *, broad: bool = False, notes: Sequence[str] = (), sentence: str = ""
) -> str:
    """Embed a drawing.

    Parameters
    ----------
    svg : bytes
        The drawing.
    caption : str
        Text above it.
    broad : bool
        Whether it spans the page, and scrolls in a narrow window.
    notes : sequence of str
        What cannot be seen in the drawing.
    sentence : str
        What it shows.

    Returns
    -------
    str
    """
    drawing = svg.decode()
    drawing = drawing[drawing.index("<svg") :]
    # Group ids would repeat on a page with several drawings; the style sheet sets the sizes.
    drawing = _HEIGHT.sub(r"\1", _SIZE.sub(r"<svg \1", _GROUP_ID.sub("", drawing), count=1), count=1)
    drawing = drawing.replace("<svg ", f'<svg role="img" aria-label="{text(caption)}" ', 1)
    drawing = scrolling(drawing, "drawing", "drawn") if broad else drawing
    kind = ' class="broad"' if broad else ""
    lines = [f"<p>{text(sentence)}</p>"] if sentence else []
    lines += [f'<p class="note">{text(note)}</p>' for note in notes]
    return f"<figure{kind}><figcaption>{text(caption)}</figcaption>{drawing}{''.join(lines)}</figure>"


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """Format a legend of `entries`, pairs of name and colour."""
    items = (f'<li><i style="background:{shade}"></i>{text(name)}</li>' for name, shade in entries)
    return f'<ul class="legend">{"".join(items)}</ul>'


def verdict(words: str) -> Raw:
    """Format a verdict in words, which are ours."""
    kinds = {"held": "held", "not held": "not", "no change": "not"}
    return Raw(f'<span class="{kinds[words]}">{words}</span>' if words in kinds else words)


def details(summary: str, content: str) -> str:
    """Format collapsible `content` under a `summary`."""
    return f"<details><summary>{text(summary)}</summary>{content}</details>"
