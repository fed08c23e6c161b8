"""JSON text, read for the sake of its errors: duplicate keys, paths and line numbers.

This is the slow and careful reader. Documents that read well never come here, see `lyaopt.slot.documents`.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from json.decoder import scanstring  # type: ignore[attr-defined]  # documented in no stub
from typing import Any

Path = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]+)\]")
_BLANK = re.compile(r"[ \t\n\r]*")
_LONGEST_SHOWN = 60
# Longer integers exceed the largest double (1.8e308), and Python refuses to read very long ones.
_LONGEST_INTEGER = 309


class JsonError(ValueError):
    """Text that is not JSON: `reason` in one line, and the `line` (from 1) where reading stopped."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys came more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs)
        self.repeated = [key for key, count in counts.items() if count > 1]


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_Object, parse_int=_integer)


def decode(text: bytes | str) -> str:
    """Text of UTF-8 bytes, or `JsonError` naming the first byte that is not."""
    if isinstance(text, str):
        return text
    if text.startswith(BOM_UTF8):
        raise JsonError("expected JSON, got a byte order mark before it", 1)
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise JsonError(
            f"expected UTF-8, got byte 0x{text[error.start]:02x} at offset {error.start}", line
        ) from None


def parse(text: str) -> Any:
    """Parse JSON text; objects in the result know their repeated keys (`repeated_keys`).

    Numbers beyond double precision become infinite, as 1e400 does, so that a later check names their place.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        what = error.msg[0].lower() + error.msg[1:]
        raise JsonError(
            f"expected JSON, got a syntax error: {what} (column {error.colno})", error.lineno
        ) from None
    except RecursionError:
        raise JsonError("expected at most a few nested brackets, got too many", 1) from None


def repeated_keys(data: Any) -> list[Path]:
    """Paths of all keys that came more than once in their object."""
    found: list[Path] = []
    waiting: list[tuple[Path, Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _Object):
            found += [(*path, key) for key in value.repeated]
            waiting += [((*path, key), child) for key, child in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [((*path, index), child) for index, child in reversed(list(enumerate(value)))]
    return found


def line_of(text: str, path: Path) -> int:
    """Line (from 1) of the value at `path`, or of the innermost object or list on the way that exists.

    Of a repeated key the last one counts.
    """
    position = _skip_blank(text, 0)
    for step in path:
        child = _child(text, position, step)
        if child is None:
            break
        position = child
    return text.count("\n", 0, position) + 1


def _skip_blank(text: str, position: int) -> int:
    return _BLANK.match(text, position).end()  # type: ignore[union-attr]  # it matches the empty string


def _child(text: str, position: int, step: str | int) -> int | None:
    """Where the value of one key or index starts in the object or list that starts at `position`."""
    found = None
    index = 0
    end = _skip_blank(text, position + 1)
    while text[position] in "{[" and text[end] not in "]}":
        key: str | int = index
        if text[position] == "{":
            key, end = scanstring(text, end + 1)
            end = _skip_blank(text, _skip_blank(text, end) + 1)
        if key == step:
            found = end
        end = _skip_blank(text, _DECODER.raw_decode(text, end)[1])
        if text[end] == ",":
            end = _skip_blank(text, end + 1)
        index += 1
    return found


def show_path(path: Path) -> str:
    """Write a path as ``$.devices[2].channel_gain``; unusual keys come quoted, ``$["odd key"]``."""
    parts = ["$"]
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _PLAIN_KEY.match(step) and len(step) <= _LONGEST_SHOWN:
            parts.append(f".{step}")
        else:
            parts.append(f"[{show_value(step)}]")
    return "".join(parts)


def parse_path(shown: str) -> Path:
    """Read back a path of plain keys and indices."""
    return tuple([int(index) if index else key for key, index in _STEP.findall(shown)])


def show_value(value: Any) -> str:
    """A JSON value in a few words, for "got ..."."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    try:
        shown = json.dumps(value)
    except (TypeError, ValueError):
        shown = f"a Python {type(value).__name__}"
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
