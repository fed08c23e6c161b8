"""Requests of `lyaopt serve`: a slot document in an envelope with a number, one a line.

    {"sequence": 7, "slot": {...}}

The answer is the solution document, or an error, with ``"sequence": 7`` as its first key.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

from lyaopt.errors import DocumentError
from lyaopt.io import strict_json
from lyaopt.io.fast_json import from_json
from lyaopt.slot.documents import plain_slot_problem, problem_from_dict
from lyaopt.slot.problem import SlotProblem

PROTOCOL = 1
_KEYS = {"sequence", "slot"}
_STRINGS_OF_ENVELOPE = 2
LARGEST_SEQUENCE = 2**53 - 1
"""Largest integer that all JSON parsers represent exactly."""


class Request(NamedTuple):
    """A slot to solve.

    Attributes
    ----------
    sequence : int
        Number of the request; the answer repeats it.
    problem : SlotProblem
        The slot.
    """

    sequence: int
    problem: SlotProblem


def parse_request(text: bytes) -> Request:
    """Parse a request, as strictly as a slot document.

    Parameters
    ----------
    text : bytes
        One JSON object in UTF-8.

    Raises
    ------
    DocumentError
        With paths such as ``$.slot.devices[0].channel_gain``.
    """
    try:
        data = from_json(text)
        sequence = data["sequence"]
        if len(data) == len(_KEYS) and type(sequence) is int and 0 <= sequence <= LARGEST_SEQUENCE:
            strings = text.count(b'"') // 2 - _STRINGS_OF_ENVELOPE
            if (problem := plain_slot_problem(data["slot"], strings)) is not None:
                return Request(sequence, problem)
    except (ValueError, TypeError, LookupError, ArithmeticError):
        pass
    return _parse_strictly(text)


def sequence_of(text: bytes) -> int | None:
    """Return the number of a refused request, or None without a valid number.

    Parameters
    ----------
    text : bytes
        The request as received.
    """
    try:
        sequence = from_json(text)["sequence"]
    except (ValueError, TypeError, LookupError):
        return None
    return sequence if type(sequence) is int and 0 <= sequence <= LARGEST_SEQUENCE else None


def _parse_strictly(text: bytes) -> Request:
    with strict_json.document_errors():
        data = strict_json.parse(strict_json.decode(text))
    errors = [(strict_json.show_path(path), reason) for path, reason in strict_json.duplicate_keys(data)]
    errors += _envelope_errors(data)
    if errors:
        raise DocumentError(errors)
    try:
        return Request(data["sequence"], problem_from_dict(data["slot"]))
    except DocumentError as error:
        within = [(f"$.slot{path.removeprefix('$')}", reason) for path, reason in error.errors]
        raise DocumentError(within) from None


def _envelope_errors(data: Any) -> list[tuple[str, str]]:
    from lyaopt.io.field_errors import unknown_key  # imported late: valid requests need no pydantic

    if not isinstance(data, dict):
        return [("$", f"expected an object, got {strict_json.show_value(data)}")]
    errors = [
        (strict_json.show_path((key,)), unknown_key(key, sorted(_KEYS)))
        for key in islice((key for key in data if key not in _KEYS), strict_json.MOST_ERRORS)
    ]
    errors += [(f"$.{key}", strict_json.MISSING_KEY) for key in sorted(_KEYS - data.keys())]
    sequence = data.get("sequence", 0)
    if type(sequence) is not int or not 0 <= sequence <= LARGEST_SEQUENCE:
        expected = f"expected a whole number from 0 to {LARGEST_SEQUENCE}"
        errors.append(("$.sequence", f"{expected}, got {strict_json.show_value(sequence)}"))
    return errors
