"""Profiles as JSON text: strict reading, with the JSON path of what is wrong, and writing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from lyaopt.profiles.model import Profile, Source
from lyaopt.slot import ProblemError

_ADAPTER = TypeAdapter(Profile)
# pydantic names the branch of `Source | str` in its locations; a JSON path knows no branches.
_BRANCHES = {Source.__name__, "constrained-str", "str"}
_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "a string",
    "dataclass_type": "an object",
    "tuple_type": "a list",
    "string_too_short": "a string that is not empty",
}


def parse_profile(text: str) -> Profile:
    """Read a profile from JSON text.

    Unknown, missing and duplicate keys, wrong types, NaN, infinities and negative numbers are refused.

    Parameters
    ----------
    text : str
        The whole document.

    Returns
    -------
    Profile

    Raises
    ------
    ProblemError
        With the JSON path of the first thing that is wrong.
    """
    _refuse_duplicate_keys(text)
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as failure:
        _raise_first(failure)


def format_profile(profile: Profile) -> str:
    """Write a profile as JSON text, one cut a line."""
    fields = asdict(profile)
    cuts = fields.pop("cuts")
    head = json.dumps(fields, indent=2, ensure_ascii=False).removesuffix("\n}")
    rows = ",\n".join("    " + json.dumps(cut, ensure_ascii=False) for cut in cuts)
    return f'{head},\n  "cuts": [\n{rows}\n  ]\n}}\n'


class _Pairs(list[tuple[str, Any]]):
    """An object's members as they stand in the text: a dict would drop all but the last of a duplicate."""


def _refuse_duplicate_keys(text: str) -> None:
    try:
        document = json.loads(text, object_pairs_hook=_Pairs)
        duplicate = next(_duplicates(document, "$"), None)
    except json.JSONDecodeError as failure:
        raise ProblemError(
            "$", f"expected JSON, got an error at line {failure.lineno} column {failure.colno}: {failure.msg}"
        ) from None
    except (RecursionError, ValueError):
        raise ProblemError("$", "expected JSON, got nesting or a number beyond any profile") from None
    if duplicate is not None:
        raise ProblemError(duplicate, "expected this key once, got it again")


def _duplicates(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen = set()
        for key, member in value:
            if key in seen:
                yield f"{path}.{key}"
            seen.add(key)
            yield from _duplicates(member, f"{path}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _duplicates(item, f"{path}[{i}]")


def _raise_first(failure: ValidationError) -> NoReturn:
    # A union reports every branch it tried: the error that lies deepest names the real culprit.
    errors = failure.errors(include_url=False)
    if errors[0]["loc"][:1] == ("source",):
        errors.sort(key=lambda error: (error["loc"][:1] != ("source",), -len(error["loc"])))
    error = errors[0]
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ProblemError):
        raise cause from None
    raise ProblemError(_path(error["loc"]), _reason(error)) from None


def _path(location: tuple[int | str, ...]) -> str:
    steps = [step for step in location if not (location[0] == "source" and step in _BRANCHES)]
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _reason(error: Any) -> str:
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "json_invalid":
        return f"expected JSON, got an error: {ctx['error']}"
    if kind == "missing":
        return "expected this key, got none"
    if kind == "unexpected_keyword_argument":
        return "expected no such key, got an unknown one"
    if kind == "greater_than_equal":
        return f"expected at least {ctx['ge']}, got {_shown(error['input'])}"
    if kind == "less_than_equal":
        return f"expected at most {ctx['le']}, got {_shown(error['input'])}"
    if kind == "too_short":
        return f"expected at least {ctx['min_length']} entries, got {ctx['actual_length']}"
    if kind == "dataclass_type" and error["loc"][:1] == ("source",):
        return f"expected an object or a string that is not empty, got {_shown(error['input'])}"
    return f"expected {_EXPECTED.get(kind, error['msg'])}, got {_shown(error['input'])}"


def _shown(value: object) -> str:
    shown = json.dumps(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."
