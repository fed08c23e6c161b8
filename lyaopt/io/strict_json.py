"""Strict JSON: duplicate keys, paths and line numbers for error messages.

This is the slow parser; valid slot documents do not need it, see `lyaopt.slot.documents`.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from json.decoder import scanstring  # type: ignore[attr-defined]  # documented in no stub
from typing import Any

from lyaopt.errors import DocumentError, ParseError
from lyaopt.io.nesting import check_nesting

Path = tuple[str | int, ...]

MOST_ERRORS = 100
"""Errors of one document that are looked for: more would take more time and memory than reading it."""
MISSING_KEY = "missing required key"
"""Reason for a missing key."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]+)\]")
_BLANK = re.compile(r"[ \t\n\r]*")
_LONGEST_SHOWN = 60
# Longer integers exceed the largest double (1.8e308), and Python refuses to read very long ones.
_LONGEST_INTEGER = 309
_TOO_LONG = 10**_LONGEST_INTEGER


class _Object(dict[str, Any]):
    """A JSON object with repeated keys, or the outermost one around such objects."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs)
        self.repeated = [key for key, count in counts.items() if count > 1]


class _List(list[Any]):
    """The outermost list around objects with repeated keys."""


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


_SKIPPER = json.JSONDecoder(parse_int=float)
"""Finds where values end; what they are does not matter."""


@contextmanager
def document_errors() -> Iterator[None]:
    """Decode and parse a document inside the block: a `ParseError` becomes a `DocumentError` at ``$``."""
    try:
        yield
    except ParseError as error:
        raise DocumentError([("$", error.reason)], error.line) from None


def decode(text: bytes | str) -> str:
    """Text of UTF-8 bytes.

    Parameters
    ----------
    text : bytes or str
        A str is returned as it is.

    Raises
    ------
    ParseError
        Naming the first byte that is not UTF-8, or a byte order mark.
    """
    if isinstance(text, str):
        return text
    if text.startswith(BOM_UTF8):
        raise ParseError("expected JSON, got a byte order mark before it", 1)
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise ParseError(
            f"expected UTF-8, got byte 0x{text[error.start]:02x} at offset {error.start}", line
        ) from None


def parse(text: str, quick: Any = None) -> Any:
    """Parse JSON text; objects in the result record their repeated keys (`duplicate_keys`).

    Numbers beyond double precision, such as 1e400, become infinite, so that a later check names their place.

    Parameters
    ----------
    text : str
        The document.
    quick : object, optional
        What pydantic_core reads from it, if that is known.

    Raises
    ------
    ParseError
        If `text` is not JSON, with the line where reading stopped, or is nested too deep.
    """
    if quick is None:
        quick = _quickly(text)
    if quick is not None and _strings_of(quick) == _strings_in(text):
        return quick
    return _parse_slowly(text, quick is not None)


def _quickly(text: str) -> Any:
    """Value of a text by a fast parser, which keeps the last of repeated keys; None beyond 200 levels."""
    from pydantic_core import from_json  # late: valid documents do not need it

    try:
        return from_json(text)
    except ValueError:
        return None


def _strings_in(text: str) -> int:
    """Number of strings in JSON text; as many as in its value, unless a key is repeated."""
    quotes = text.count('"')
    if "\\" in text:
        quotes -= text.replace("\\\\", "").count('\\"')
    return quotes // 2


def _strings_of(data: Any) -> int:
    """Number of keys and texts in a value, quickly for many small objects; -1 if an integer is too long."""
    total, level = 0, [[data]]
    while level:
        inner: list[Any] = []
        for value in level:
            if type(value) is dict:
                total += len(value)
                inner += value.values()
            else:
                inner += value
        types = list(map(type, inner))
        if int in types and any(type(value) is int and abs(value) >= _TOO_LONG for value in inner):
            return -1
        total += types.count(str)
        level = [value for value in inner if value and type(value) in (dict, list)]
    return total


def _parse_slowly(text: str, is_shallow: bool) -> Any:
    found: list[_Object] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs) and len(found) < MOST_ERRORS:
            found.append(_Object(pairs))
            return found[-1]
        return made

    try:
        data = json.JSONDecoder(object_pairs_hook=keep, parse_int=_integer).decode(text)
    except json.JSONDecodeError as error:
        what = error.msg[0].lower() + error.msg[1:]
        raise ParseError(
            f"expected JSON, got a syntax error: {what} (column {error.colno})", error.lineno
        ) from None
    except RecursionError:
        raise ParseError("expected at most a few nested brackets, got too many", 1) from None
    if not is_shallow:  # a walk through its objects is slower than reading them
        check_nesting(data)
    return _marked(data) if found else data


def _marked(data: Any) -> Any:
    """The document as one in which `duplicate_keys` looks for more than nothing."""
    if isinstance(data, list):
        return _List(data)
    return data if isinstance(data, _Object) else _Object(list(data.items()))


def duplicate_keys(data: Any) -> list[tuple[Path, str]]:
    """Path and reason of each key that occurs more than once in its object, at most `MOST_ERRORS`.

    Parameters
    ----------
    data : object
        As `parse` returned it.
    """
    errors: list[tuple[Path, str]] = []
    waiting: list[tuple[Path, Any]] = [((), data)] if isinstance(data, _Object | _List) else []
    while waiting and len(errors) < MOST_ERRORS:
        path, value = waiting.pop()
        inner: Any = ()
        if isinstance(value, dict):
            repeated = value.repeated if isinstance(value, _Object) else []
            errors += [((*path, key), "duplicate key") for key in repeated[:MOST_ERRORS]]
            inner = reversed(value.items())
        elif isinstance(value, list):
            inner = zip(range(len(value) - 1, -1, -1), reversed(value), strict=True)
        waiting += [((*path, step), child) for step, child in inner if isinstance(child, dict | list)]
    return errors[:MOST_ERRORS]


def line_of(text: str, path: Path) -> int:
    """Line (from 1) of the value at `path`, or of the innermost object or list on the path that exists.

    The last one of duplicate keys counts.

    Parameters
    ----------
    text : str
        JSON that `parse` accepts.
    path : tuple of str and int
        Keys and indices from the outermost value on.
    """
    if text.find("\n", 0, len(text.rstrip())) < 0:  # a line of a stream
        return 1
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
    start = None
    index = 0
    end = _skip_blank(text, position + 1)
    while text[position] in "{[" and text[end] not in "]}":
        key: str | int = index
        if text[position] == "{":
            key, end = scanstring(text, end + 1)
            end = _skip_blank(text, _skip_blank(text, end) + 1)
        if key == step:
            start = end
        end = _skip_blank(text, _SKIPPER.raw_decode(text, end)[1])
        if text[end] == ",":
            end = _skip_blank(text, end + 1)
        index += 1
    return start


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
    """The keys and indices of a path as `show_path` writes it, `shown`; plain keys only."""
    return tuple([int(index) if index else key for key, index in _STEP.findall(shown)])


def show_value(value: Any) -> str:
    """Short description of a JSON value, for messages ("got ...")."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    try:
        shown = json.dumps(value)
    except (TypeError, ValueError):
        shown = f"a Python {type(value).__name__}"
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
