"""Folders that one process at a time has to itself."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyaopt.errors import ProblemError

LOCK = "lock"


@contextmanager
def locked_folder(path: Path, what: str) -> Iterator[None]:
    """Make the folder if need be, and keep other processes out of it.

    Parameters
    ----------
    path : Path
    what : str
        What another process would be doing there, as in "training".

    Raises
    ------
    ProblemError
        If another process holds it.
    """
    path.mkdir(parents=True, exist_ok=True)
    with open(path / LOCK, "a") as lock:
        try:
            # Of the process, not of the file's existence: a killed process leaves no lock behind.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProblemError("$.out", f"another {what} runs in {path}") from None
        yield
