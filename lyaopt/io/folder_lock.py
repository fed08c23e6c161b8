"""Locks on folders: one process at a time works in each."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyaopt.errors import FolderLockedError

LOCK = "lock"


@contextmanager
def locked_folder(path: Path, activity: str) -> Iterator[None]:
    """Create the folder if it does not exist, and keep other processes out of it.

    Parameters
    ----------
    path : Path
        The folder.
    activity : str
        What a process does there, such as "training", for the error.

    Raises
    ------
    FolderLockedError
        If another process holds it.
    """
    path.mkdir(parents=True, exist_ok=True)
    with open(path / LOCK, "a") as lock:
        try:
            # Of the process, not of the file's existence: a killed process leaves no lock behind.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderLockedError(str(path), activity) from None
        yield
