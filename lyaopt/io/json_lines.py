"""Results as JSON, one line each."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_json

from lyaopt.errors import ProblemError


def encode(document: dict[str, Any]) -> bytes:
    """Write any result as compact JSON in one line; numbers read back exactly.

    Parameters
    ----------
    document : dict
        Plain Python values.

    Raises
    ------
    ProblemError
        If a number is not finite, which JSON cannot say.
    """
    text = to_json(document)
    # Rare, but an id may hold the same letters: only then is a closer look worth its time.
    if b"NaN" in text or b"Infinity" in text:
        try:
            json.dumps(document, allow_nan=False)
        except ValueError:
            raise ProblemError(
                "$", "expected magnitudes within double precision, got a result beyond it"
            ) from None
    return text
