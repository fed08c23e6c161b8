"""A bound on the nesting of documents, the same for JSON and TOML."""

from __future__ import annotations

from typing import Any

from lyaopt.errors import ParseError

MOST_LEVELS = 200
"""As pydantic_core reads; documents of lyaopt have at most ten, and Python calls itself a thousand times."""


def check_nesting(data: Any) -> None:
    """Raise `ParseError` if objects and lists are nested more than `MOST_LEVELS` deep.

    Parameters
    ----------
    data : object
        A parsed document. Dotted keys of TOML nest without a bracket, so that no parser stops them.
    """
    level, depth = [data], 0
    while level := [child for value in level for child in _children(value)]:
        depth += 1
        if depth > MOST_LEVELS:
            raise ParseError("expected at most a few nested brackets, got too many", 1)


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    return [child for child in value if isinstance(child, dict | list)] if isinstance(value, list) else []
