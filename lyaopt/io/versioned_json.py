"""JSON documents that lyaopt wrote, with the version of their schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lyaopt.errors import ParseError, ProblemError
from lyaopt.io.strict_json import decode, parse


def versioned_document(path: Path, content: bytes, version: int) -> dict[str, Any]:
    """Parse the object of a file that carries the version of its schema.

    Parameters
    ----------
    path : Path
        The file, for the error.
    content : bytes
        Its content.
    version : int
        The ``schema_version`` that it must have.

    Raises
    ------
    ProblemError
        If it is not JSON, or of another version; the message names the file.
    """
    try:
        document = parse(decode(content))
    except ParseError as error:
        raise ProblemError("$", f"{path}:{error.line}: {error.reason}") from None
    got = document.get("schema_version") if isinstance(document, dict) else None
    if got != version:
        raise ProblemError("$.schema_version", f"{path}: expected schema version {version}, got {got!r}")
    return dict(document)
