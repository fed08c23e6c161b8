"""Documents that lyaopt wrote for itself, JSON with the version of their schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lyaopt.errors import ProblemError
from lyaopt.io.strict_json import JsonError, decode, parse


def versioned_document(path: Path, content: bytes, version: int) -> dict[str, Any]:
    """The object in a file of which `content` was read.

    Raises
    ------
    ProblemError
        If it is no JSON, or not of that version; the message names the file.
    """
    try:
        document = parse(decode(content))
    except JsonError as error:
        raise ProblemError("$", f"{path}:{error.line}: {error.reason}") from None
    found = document.get("schema_version") if isinstance(document, dict) else None
    if found != version:
        raise ProblemError("$.schema_version", f"{path}: expected schema version {version}, got {found!r}")
    return dict(document)
