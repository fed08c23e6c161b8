"""Results as lines of JSON."""

from __future__ import annotations

import json
from typing import Any

from lyaopt.errors import ProblemError
from lyaopt.io.fast_json import to_json


def encode(document: dict[str, Any]) -> bytes:
    """Format a result as one line of compact JSON, from which numbers are read back exactly.

    Parameters
    ----------
    document : dict
        Plain Python values.

    Raises
    ------
    ProblemError
        If a number is not finite: JSON has no such numbers.
    """
    text = to_json(document)
    # An id may contain these letters too; only then is the slower check needed.
    if b"NaN" in text or b"Infinity" in text:
        try:
            json.dumps(document, allow_nan=False)
        except ValueError:
            raise ProblemError(
                "$", "expected magnitudes within double precision, got a result beyond it"
            ) from None
    return text
