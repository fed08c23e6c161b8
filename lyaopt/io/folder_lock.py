"""Locks on folders: one process at a time uses each."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyaopt.errors import FolderLockedError

LOCK = "lock"


@contextmanager
def locked_folder(path: Path, activity: str) -> Iterator[None]:
    """Create the folder if it does not exist, and lock it within the block.

    Parameters
    ----------
    path : Path
        The folder.
    activity : str
        Activity of the process, such as "training", for the error.

    Raises
    ------
    FolderLockedError
        If another process holds the lock.
    """
    path.mkdir(parents=True, exist_ok=True)
    with open(path / LOCK, "a") as lock:
        try:
            # The process holds the lock, whether the file exists or not: a killed process leaves none behind.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderLockedError(str(path), activity) from None
        yield
