"""Errors of pydantic as paths and reasons."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lyaopt.errors import ProblemError
from lyaopt.io.fields import Expected
from lyaopt.io.strict_json import MISSING_KEY, MOST_ERRORS, Path, parse_path, show_value


def errors_of(model: type, failure: ValidationError) -> list[tuple[Path, str]]:
    """Path and reason of the errors of a model or pydantic dataclass, at most `MOST_ERRORS`.

    Unknown keys come first: a misspelled key also leaves one missing.

    Parameters
    ----------
    model : type
        The model or dataclass.
    failure : pydantic.ValidationError
        Raised by its constructor.
    """
    details = failure.errors(include_url=False)
    details.sort(key=lambda detail: detail["type"] not in _UNKNOWN)
    return [error for detail in details[:MOST_ERRORS] for error in _errors(model, detail)]


_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument", "invalid_key")


def _errors(model: type, detail: ErrorDetails) -> list[tuple[Path, str]]:
    path: Path = tuple(detail["loc"])
    if detail["type"] in _UNKNOWN:
        return [(path, unknown_key(path[-1], _keys(_annotation(model, path[:-1]))))]
    raised = detail.get("ctx", {}).get("error")
    if isinstance(raised, ProblemError):
        # These paths are relative to the object that was checked.
        inner = getattr(raised, "errors", ((raised.path, raised.reason),))
        return [((*path, *parse_path(place)), reason) for place, reason in inner]
    if detail["type"] == "missing":
        return [(path, MISSING_KEY)]
    return [(path, f"expected {_words(_annotation(model, path))}, got {show_value(detail['input'])}")]


def unknown_key(key: str | int, known: Collection[str]) -> str:
    """Reason why a `key` that is not `known` is refused, with the most similar known key."""
    near = get_close_matches(str(key)[:100], known, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"expected one of the keys {', '.join(known)}, got an unknown key{hint}"


def _keys(model: Any) -> list[str]:
    return list(_present(model).__pydantic_fields__)


def _annotation(model: Any, path: Path) -> Any:
    """The annotated type at a path, under models, pydantic dataclasses, lists and tuples."""
    for step in path:
        model = _present(model)
        if isinstance(step, int):
            model = get_args(get_args(model)[0] if get_origin(model) is Annotated else model)[0]
        else:
            field = model.__pydantic_fields__[step]
            model = field.annotation
            if field.metadata:
                model = Annotated[model, *field.metadata]
    return model


def _present(annotation: Any) -> Any:
    """The type of an optional value that is there, without what is said about it."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_args(annotation)[0] if get_origin(annotation) is UnionType else annotation


def _words(annotation: Any) -> str:
    arguments = get_args(annotation)
    for argument in arguments:
        if isinstance(argument, Expected):
            return argument.words
    if get_origin(annotation) in (list, tuple):
        return "a list of objects"
    # What remains are objects, and unions of a type with None.
    return _words(arguments[0]) if arguments else "an object"
