"""Requests in lines of JSON on a socket, read as strictly as documents.

    {"sequence": 1, "configure": {...}}
    {"sequence": 2, "state": {"channel_gain": [...], "local_queue_cycles": [[...], ...]}, "deadline_s": 0.005}

docs/reference/formats.md has all of them. A whole slot, {"sequence": 3, "slot": {...}}, is that of
`lyaopt.serve.protocol`.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

from lyaopt.errors import DocumentError
from lyaopt.io import strict_json
from lyaopt.io.fast_json import from_json
from lyaopt.io.field_errors import unknown_key
from lyaopt.serve.protocol import LARGEST_SEQUENCE, parse_request
from lyaopt.slot.documents import problem_from_dict
from lyaopt.slot.problem import SlotProblem

KINDS = ("slot", "configure", "state", "ping", "hello")
"""Keys of which a request has one."""
LONGEST_DEADLINE_S = 86400.0


class JsonRequest(NamedTuple):
    """A request.

    Attributes
    ----------
    sequence : int
        The answer repeats it.
    kind : str
        One of `KINDS`.
    content : object
        A SlotProblem of ``slot`` and ``configure``, for the others what was sent.
    deadline_s : float or None
        From its receipt.
    """

    sequence: int
    kind: str
    content: Any
    deadline_s: float | None


def parse_json_request(text: bytes) -> JsonRequest:
    """Parse a request.

    Parameters
    ----------
    text : bytes
        One JSON object in UTF-8.

    Raises
    ------
    DocumentError
        With the paths of what is wrong.
    """
    data = _quickly(text)
    if not isinstance(data, dict) or data.keys() == {"sequence", "slot"}:
        request = parse_request(text)
        return JsonRequest(request.sequence, "slot", request.problem, None)
    state = data.get("state")
    # no key is repeated where there are as many strings as in what was parsed
    plain = isinstance(state, dict) and text.count(b'"') == 2 * (len(data) + len(state))
    if plain and not _envelope_errors(data):
        return JsonRequest(data["sequence"], "state", state, data.get("deadline_s"))
    if errors := _envelope_errors(data):  # before a closer look, which takes longer
        raise DocumentError(errors)
    with strict_json.document_errors():
        data = strict_json.parse(strict_json.decode(text))
    errors = [(strict_json.show_path(path), reason) for path, reason in strict_json.duplicate_keys(data)]
    errors += _envelope_errors(data)
    if errors:
        raise DocumentError(errors)
    (kind,) = data.keys() & KINDS
    content = data[kind]
    if kind in ("slot", "configure"):
        content = _problem(kind, content)
    deadline = data.get("deadline_s")
    return JsonRequest(data["sequence"], kind, content, None if deadline is None else float(deadline))


def _quickly(text: bytes) -> Any:
    """Parse a line without a look at repeated keys; None if it is not JSON."""
    try:
        return from_json(text)
    except (ValueError, RecursionError):
        return None


def _problem(kind: str, content: Any) -> SlotProblem:
    try:
        return problem_from_dict(content)
    except DocumentError as error:
        within = [(f"$.{kind}{path.removeprefix('$')}", reason) for path, reason in error.errors]
        raise DocumentError(within) from None


def _envelope_errors(data: dict[str, Any]) -> list[tuple[str, str]]:
    known = ["sequence", *KINDS, "deadline_s"]
    errors = [
        (strict_json.show_path((key,)), unknown_key(key, known))
        for key in islice((key for key in data if key not in known), 1)
    ]
    if errors:
        return errors
    if len(kinds := data.keys() & KINDS) != 1:
        got = ", ".join(sorted(kinds)) or "none"
        errors.append(("$", f"expected one of the keys {', '.join(KINDS)}, got {got}"))
    if "sequence" not in data:
        return [*errors, ("$.sequence", strict_json.MISSING_KEY)]
    sequence, deadline = data["sequence"], data.get("deadline_s", 0.0)
    if type(sequence) is not int or not 0 <= sequence <= LARGEST_SEQUENCE:
        expected = f"expected a whole number from 0 to {LARGEST_SEQUENCE}"
        errors.append(("$.sequence", f"{expected}, got {strict_json.show_value(sequence)}"))
    if type(deadline) not in (int, float) or not 0.0 <= deadline <= LONGEST_DEADLINE_S:
        expected = f"expected seconds from 0 to {LONGEST_DEADLINE_S:g}"
        errors.append(("$.deadline_s", f"{expected}, got {strict_json.show_value(deadline)}"))
    return errors
