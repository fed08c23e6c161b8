"""TOML: parsing, with the lines of errors, and formatting of plain tables."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from lyaopt.errors import ParseError
from lyaopt.io.nesting import check_nesting
from lyaopt.io.strict_json import Path

# Finding a line parses the text about twenty times.
_LONGEST_LOCATED = 2**17
_AT_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def parse(text: str) -> dict[str, Any]:
    """Parse TOML.

    Parameters
    ----------
    text : str
        The document.

    Raises
    ------
    ParseError
        If it is not TOML, with the line of the error, or is nested too deep.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _AT_LINE.search(message)
        line = int(place[1]) if place else text.count("\n") + 1
        what = _AT_LINE.sub("", message)
        raise ParseError(f"expected TOML, got a syntax error: {what[0].lower()}{what[1:]}", line) from None
    except RecursionError:
        raise ParseError("expected at most a few nested brackets, got too many", 1) from None
    except ValueError as error:  # such as an impossible date
        raise ParseError(f"expected TOML, got an error: {error}", 1) from None
    check_nesting(data)
    return data


def line_of(text: str, path: Path) -> int | None:
    """Line (from 1) that ends the value at `path`, or starts the innermost table on the path that exists.

    None for long texts.

    Parameters
    ----------
    text : str
        TOML that `parse` accepts.
    path : tuple of str and int
        Keys and indices from the document on.
    """
    if len(text) > _LONGEST_LOCATED:
        return None
    lines = text.splitlines(keepends=True)
    whole = tomllib.loads(text)
    while path and not _holds(whole, path):
        path = path[:-1]
    # The first lines that hold the path: a longer part of the text holds it too.
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        if _holds(_first_lines(lines, middle), path):
            high = middle
        else:
            low = middle + 1
    return max(low, 1)


def _first_lines(lines: list[str], count: int) -> Any:
    """Parse the first lines, without the last ones if they hold only a part of a value."""
    while True:
        try:
            return tomllib.loads("".join(lines[:count]))
        except ValueError:
            count -= 1


def _holds(value: Any, path: Path) -> bool:
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return False
    return True


def format_toml(document: dict[str, Any]) -> str:
    """Write a document as TOML.

    Parameters
    ----------
    document : dict
        Nested tables and lists of tables; other values are strings, booleans, numbers and empty lists.
    """
    return "\n".join(_table(document, ())).lstrip("\n") + "\n"


def _table(table: dict[str, Any], path: tuple[str, ...]) -> list[str]:
    inner = {key: value for key, value in table.items() if value and isinstance(value, dict | list)}
    lines = [f"{key} = {_value(value)}" for key, value in table.items() if key not in inner]
    for key, value in inner.items():
        name = ".".join((*path, key))
        tables, head = (value, f"[[{name}]]") if isinstance(value, list) else ([value], f"[{name}]")
        for item in tables:
            lines += ["", head, *_table(item, (*path, key))]
    return lines


def _value(value: Any) -> str:
    if isinstance(value, str):
        # TOML's basic strings are JSON's, except for the control character DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool | int | list):
        return json.dumps(value)
    return _number(float(value))


def _number(value: float) -> str:
    """Format a number with the fewest digits that parse to the same value, such as 1.5e9."""
    if value == 0.0 or 1e-3 <= abs(value) < 1e5:
        return repr(value)
    digits = next(digits for digits in range(17) if float(f"{value:.{digits}e}") == value)
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"
