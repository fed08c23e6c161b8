"""Dataclasses whose constructors check their fields and raise `DocumentError`."""

from __future__ import annotations

from functools import wraps
from inspect import signature
from typing import Any, TypeVar

from pydantic import ConfigDict, ValidationError

from lyaopt.errors import DocumentError
from lyaopt.io.field_errors import errors_of
from lyaopt.io.strict_json import show_path

STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)
"""Configuration of pydantic dataclasses: no unknown keys; attribute docstrings go into the JSON Schema."""
_Class = TypeVar("_Class")


def checked(cls: type[_Class]) -> type[_Class]:
    """Let the constructor of a pydantic dataclass raise `DocumentError`, as readers of files do."""
    construct: Any = cls.__init__
    parameters = signature(cls)

    @wraps(construct)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        # By name: pydantic reports positional arguments by their index.
        named = parameters.bind(*args, **kwargs).arguments
        try:
            construct(self, **named)
        except ValidationError as failure:
            errors = errors_of(cls, failure)
            raise DocumentError([(show_path(path), reason) for path, reason in errors]) from None

    cls.__init__ = __init__  # type: ignore[method-assign]
    return cls
