"""Requests in lines of JSON on a socket, read as strictly as documents.

    {"sequence": 1, "configure": {...}}
    {"sequence": 2, "state": {"channel_gain": [...], "local_queue_cycles": [[...], ...]}, "deadline_s": 0.005}

docs/reference/formats.md has all of them. A whole slot, {"sequence": 3, "slot": {...}}, is that of
`lyaopt.serve.protocol`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import DocumentError, ProblemError
from lyaopt.io import strict_json
from lyaopt.io.fast_json import from_json
from lyaopt.io.field_errors import unknown_key
from lyaopt.serve.protocol import LARGEST_SEQUENCE, parse_request
from lyaopt.slot.documents import problem_from_dict
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS
from lyaopt.slot.problem import SlotProblem

KINDS = ("slot", "configure", "state", "ping", "hello")
"""Keys of which a request has one."""
_STATE = ("channel_gain", *QUEUE_FIELDS, *WEIGHT_FIELDS)
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
    if is_plain_slot(text):
        request = parse_request(text)
        return JsonRequest(request.sequence, "slot", request.problem, None)
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


def is_plain_slot(text: bytes) -> bool:
    """Return whether a line is a request of the pipe, or none at all: `parse_request` reads it.

    Parameters
    ----------
    text : bytes
        The line.
    """
    try:
        return not isinstance(data := from_json(text), dict) or data.keys() == {"sequence", "slot"}
    except (ValueError, RecursionError):
        return True


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
        for key in list(data)[: strict_json.MOST_ERRORS]
        if key not in known
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


def next_problem(problem: SlotProblem, state: Any) -> SlotProblem:
    """Return the problem of the next slot; what is left out is as before, and weights are the backlogs then.

    Parameters
    ----------
    problem : SlotProblem
        Of the last slot.
    state : object
        The value of ``state``.

    Raises
    ------
    ProblemError
        If it is not as docs/reference/formats.md says.
    """
    if not isinstance(state, dict):
        raise ProblemError("$.state", f"expected an object, got {strict_json.show_value(state)}")
    for key in state:
        if key not in _STATE:
            raise ProblemError(strict_json.show_path(("state", key)), unknown_key(key, _STATE))
    fields = problem.__getstate__() | dict.fromkeys(WEIGHT_FIELDS)
    counts = problem.service_counts or ()
    for name, values in state.items():
        fields[name] = _numbers(values, f"$.state.{name}", () if name == "channel_gain" else counts, problem)
    return SlotProblem(**fields)


def _numbers(values: Any, path: str, counts: tuple[int, ...], problem: SlotProblem) -> Floats:
    """Numbers of the devices (M,), or with `counts` of their services (M, N), with zeros at the end."""
    devices, services = problem.local_queue_cycles.shape
    rows = values if counts else [values]
    lengths = counts or (devices,)
    right = isinstance(rows, list) and len(rows) == len(lengths)
    right = right and all(isinstance(row, list) for row in rows)
    right = right and [*map(len, rows)] == [*lengths]
    if not (right and {type(entry) for row in rows for entry in row} <= {int, float}):
        words = f"{devices} lists of {services} numbers or as many as it has services" if counts else ""
        raise ProblemError(path, f"expected {words or f'a list of {devices} numbers'}")
    if not counts:
        return np.array(values, dtype=np.float64)
    array = np.zeros((devices, services))
    for place, row in enumerate(rows):
        array[place, : len(row)] = row
    return array
