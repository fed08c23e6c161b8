"""Every error that lyaopt raises by itself; all are a `LyaoptError`."""

from __future__ import annotations

from typing import Any


class LyaoptError(Exception):
    """Root of all errors of lyaopt."""


class ProblemError(LyaoptError, ValueError):
    """A value that is refused.

    Attributes
    ----------
    path : str
        Where it is, as a JSON path such as ``$.devices[2].channel_gain``.
    reason : str
        What is wrong there.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an error is rebuilt from its one message, which fails here, and breaks a process pool.
        return type(self), (self.path, self.reason)


class DocumentError(ProblemError):
    """A document that is refused; `path` and `reason` are those of the first error.

    Attributes
    ----------
    errors : tuple of (str, str)
        Path and reason of every error, the first one first.
    line : int or None
        Line of the first error in the text, from 1; None for a document that never was text.
    """

    def __init__(self, errors: list[tuple[str, str]], line: int | None = None) -> None:
        super().__init__(*errors[0])
        self.errors = tuple(errors)
        self.line = line

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self.errors), self.line)


class MissingExtraError(LyaoptError, ImportError):
    """A library that belongs to an optional extra is not installed.

    Attributes
    ----------
    library, extra : str
        What is missing, and the extra of lyaopt that brings it.
    """

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is not installed: pip install 'lyaopt[{extra}]'")
        self.library = library
        self.extra = extra

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.library, self.extra)
