"""Profiles as JSON text: strict parsing, with the place of every error, and formatting."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.io import strict_json
from lyaopt.io.field_errors import unknown_key
from lyaopt.model.profiles.measurement import Measurement
from lyaopt.model.profiles.model import Cut, Profile, Source

_ADAPTER = TypeAdapter(Profile)
_HOLDERS = {"source": Source, "cuts": Cut, "measured": Measurement}
_SOURCE = "an object or a string that is not empty"
_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "a string that is not empty",
    "string_too_short": "a string that is not empty",
    "dataclass_type": "an object",
    "tuple_type": "a list",
    "float_type": "a number",
    "finite_number": "a finite number",
}


def parse_profile(text: bytes | str) -> Profile:
    """Parse a profile from JSON text.

    Unknown, missing and repeated keys, wrong types, NaN, infinities and negative numbers are refused.

    Parameters
    ----------
    text : bytes or str
        One JSON object; bytes are UTF-8.

    Raises
    ------
    DocumentError
        If the text is not JSON, or not exactly a profile; with the path and line of the first error.
    """
    with strict_json.document_errors():
        decoded = strict_json.decode(text)
        data = strict_json.parse(decoded)
    errors = strict_json.duplicate_keys(data)
    try:
        profile = _ADAPTER.validate_json(decoded)
    except ValidationError as failure:
        errors += _errors(failure)
    if errors:
        shown = [(strict_json.show_path(path), reason) for path, reason in errors]
        raise DocumentError(shown, strict_json.line_of(decoded, errors[0][0]))
    return profile


def format_profile(profile: Profile, *, one_line: bool = False) -> str:
    """Format a profile as JSON text.

    Parameters
    ----------
    profile : Profile
        The profile.
    one_line : bool
        Whether to use a single line, for streams, instead of one line for each cut.
    """
    fields = asdict(profile)
    if profile.measured is None:
        del fields["measured"]
    if one_line:
        return json.dumps(fields, ensure_ascii=False) + "\n"
    cuts = fields.pop("cuts")
    head = json.dumps(fields, indent=2, ensure_ascii=False).removesuffix("\n}")
    rows = ",\n".join("    " + json.dumps(cut, ensure_ascii=False) for cut in cuts)
    return f'{head},\n  "cuts": [\n{rows}\n  ]\n}}\n'


def _errors(failure: ValidationError) -> list[tuple[strict_json.Path, str]]:
    """Path and reason of every error, unknown keys first: a misspelled key also leaves one missing."""
    details = failure.errors(include_url=False)
    # A source is an object or a string: errors within an object say more than "expected a string".
    in_object = any(
        detail["loc"][:2] == ("source", Source.__name__) and len(detail["loc"]) > 2 for detail in details
    )
    wrong_kind = [
        detail for detail in details if detail["loc"][:1] == ("source",) and len(detail["loc"]) == 2
    ]
    kept = [detail for detail in details if detail not in (wrong_kind if in_object else wrong_kind[1:])]
    kept.sort(key=lambda detail: detail["type"] != "unexpected_keyword_argument")
    return [_error(detail) for detail in kept]


def _error(detail: ErrorDetails) -> tuple[strict_json.Path, str]:
    kind, path, ctx = detail["type"], detail["loc"], detail.get("ctx", {})
    if isinstance(contradiction := ctx.get("error"), ProblemError):
        return strict_json.parse_path(contradiction.path), contradiction.reason
    if path[:1] == ("source",):
        # pydantic's path includes the type of source that it tried.
        path = (path[0], *path[2:])
    if kind == "json_invalid":
        # pydantic's parser has limits that Python's does not: lone surrogates, thousands of digits.
        return path, f"expected JSON, got an error: {ctx['error']}"
    if kind == "unexpected_keyword_argument":
        holder: Any = _HOLDERS[str(path[0])] if path[1:] else Profile
        return path, unknown_key(path[-1], list(holder.__dataclass_fields__))
    if kind == "missing":
        return path, strict_json.MISSING_KEY
    if kind == "too_short":
        return path, f"expected at least {ctx['min_length']} entries, got {ctx['actual_length']}"
    return path, f"expected {_expected(kind, path, ctx)}, got {strict_json.show_value(detail['input'])}"


def _expected(kind: str, path: strict_json.Path, ctx: dict[str, Any]) -> str:
    if path == ("source",):
        return _SOURCE
    if kind == "greater_than_equal":
        return f"at least {ctx['ge']}"
    if kind == "greater_than":
        return f"more than {ctx['gt']}"
    if kind == "less_than_equal":
        return f"at most {ctx['le']}"
    return _EXPECTED[kind]
