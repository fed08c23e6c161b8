"""The errors of lyaopt; each is a `LyaoptError`.

Errors of a single module are defined in it: `lyaopt.serve.client` has those of the process that it starts.
"""

from __future__ import annotations

from typing import Any


class LyaoptError(Exception):
    """Root of all errors of lyaopt."""


class ProblemError(LyaoptError, ValueError):
    """A value that is refused.

    Parameters
    ----------
    path : str
        Place of the value, as a JSON path such as ``$.devices[2].channel_gain``.
    reason : str
        The error, such as ``expected a finite number >= 0, got -1.0``.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an error is unpickled from its message alone, which fails here and breaks process pools.
        return type(self), (self.path, self.reason)


class DocumentError(ProblemError):
    """A document that is refused; `path` and `reason` are those of the first error.

    Parameters
    ----------
    errors : sequence of (str, str)
        Path and reason of the errors that were looked for, in the order of the document; stored as a tuple.
    line : int, optional
        Line of the first error in the text, from 1; None if the document was not text.
    """

    def __init__(self, errors: list[tuple[str, str]], line: int | None = None) -> None:
        super().__init__(*errors[0])
        self.errors = tuple(errors)
        self.line = line

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self.errors), self.line)


class MissingExtraError(LyaoptError, ImportError):
    """A library that belongs to an optional extra is not installed.

    Parameters
    ----------
    library : str
        The missing library.
    extra : str
        The extra of lyaopt that installs it.
    """

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is not installed: pip install 'lyaopt[{extra}]'")
        self.library = library
        self.extra = extra

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.library, self.extra)


class ParseError(LyaoptError, ValueError):
    """Text that is not JSON, or not TOML.

    Parameters
    ----------
    reason : str
        The error, in one line.
    line : int
        Line of the error, from 1.
    """

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.line)


class FolderLockedError(LyaoptError):
    """Another process holds a folder.

    Parameters
    ----------
    folder : str
        The folder.
    activity : str
        Activity of the other process, such as "training".
    """

    def __init__(self, folder: str, activity: str) -> None:
        super().__init__(f"another {activity} runs in {folder}")
        self.folder = folder
        self.activity = activity

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.folder, self.activity)


class EngineError(LyaoptError):
    """An execution engine (joblib, Dask, Ray) cannot run tasks here."""


class ProfileError(LyaoptError, ValueError):
    """A network that cannot be profiled."""


class SolverError(LyaoptError, RuntimeError):
    """A convex solver gave no optimum.

    Parameters
    ----------
    problem : str
        Which of the slot's problems, such as ``transmit problem of device 2``.
    solver, status : str
        The solver, and what it reported.
    """

    def __init__(self, problem: str, solver: str, status: str) -> None:
        super().__init__(f"{solver} did not solve the {problem}: {status}")
        self.problem = problem
        self.solver = solver
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.solver, self.status)


class RuleError(LyaoptError, RuntimeError):
    """An allocation rule that raised an error or cannot be compiled; the error is the cause.

    Parameters
    ----------
    rule : str
        Name of the rule.
    reason : str
        What it raised, where and in which slot, or why it cannot be compiled.
    """

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"rule {rule} {reason}")
        self.rule = rule
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.rule, self.reason)


class DivergedError(LyaoptError, ArithmeticError):
    """A training whose rewards, losses or gradients are no longer finite."""
