"""Pieces of a page: tables, figures and lists, with everything that comes from outside escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

_GROUP_ID = re.compile(r' id="[a-zA-Z]\w*_\d+"')
_SIZE = re.compile(r'<svg ([^>]*?)width="[^"]*"', re.DOTALL)
_HEIGHT = re.compile(r'(<svg [^>]*?)\s+height="[^"]*"', re.DOTALL)


class Raw(str):
    """HTML as it is."""

    __slots__ = ()


def text(value: str) -> str:
    """A string as HTML."""
    return value if isinstance(value, Raw) else escape(value)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int, groups: bool = False) -> str:
    """A table that scrolls by itself where the window is narrow.

    Parameters
    ----------
    head : sequence of str
    rows : iterable of sequences of str
    words : int
        How many columns, from the left, hold words; the others hold numbers.
    groups : bool
        Whether rows of one first cell belong together.
    """
    lines = [_row("th", head, words, "")]
    before: str | None = None
    for row in rows:
        first = groups and before is not None and row[0] != before
        lines.append(_row("td", row, words, ' class="first"' if first else ""))
        before = row[0]
    body, kind = "".join(lines[1:]), ' class="claims"' if words == 3 else ""
    return f'<div class="wide"><table{kind}><thead>{lines[0]}</thead><tbody>{body}</tbody></table></div>'


def _row(tag: str, cells: Sequence[str], words: int, attributes: str) -> str:
    kinds = ["" if column < words else ' class="number"' for column in range(len(cells))]
    shown = (f"<{tag}{kind}>{text(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))
    return f"<tr{attributes}>{''.join(shown)}</tr>"


def figure(svg: bytes, caption: str, *, broad: bool = False) -> str:
    """A drawing, inline; a broad one scrolls where the window is narrow."""
    drawing = svg.decode()
    drawing = drawing[drawing.index("<svg") :]
    # Names of groups come again in every drawing; sizes are the style sheet's.
    drawing = _HEIGHT.sub(r"\1", _SIZE.sub(r"<svg \1", _GROUP_ID.sub("", drawing), count=1), count=1)
    drawing = drawing.replace("<svg ", f'<svg role="img" aria-label="{escape(caption)}" ', 1)
    kind = ' class="broad"' if broad else ""
    return f"<figure{kind}><figcaption>{text(caption)}</figcaption>{drawing}</figure>"


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """Colours and what they stand for."""
    items = (f'<li><i style="background:{shade}"></i>{text(name)}</li>' for name, shade in entries)
    return f'<ul class="legend">{"".join(items)}</ul>'


def verdict(held: bool | None) -> Raw:
    """Held, not held, or undecided."""
    if held is None:
        return Raw("undecided")
    return Raw('<span class="held">held</span>' if held else '<span class="not">not held</span>')


def details(summary: str, content: str) -> str:
    """What is shown when it is asked for."""
    return f"<details><summary>{text(summary)}</summary>{content}</details>"
