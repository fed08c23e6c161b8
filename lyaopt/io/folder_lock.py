"""Locks on folders: one process at a time uses each."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    with ExitStack() as held:
        try:
            # Processes hold locks, not files: a killed one leaves none behind.
            _lock_folder(path, held)
            while not _lock_file(path / LOCK, held):
                pass
        except BlockingIOError:
            raise FolderLockedError(str(path), activity) from None
        yield


def _lock_folder(path: Path, held: ExitStack) -> None:
    """Lock the folder itself, so that nobody gets in who removes the file."""
    descriptor = _opened(path, os.O_RDONLY | os.O_DIRECTORY, held)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # network file systems that lock files only
        return


def _lock_file(path: Path, held: ExitStack) -> bool:
    """Lock the file; False if another has taken its place meanwhile, which other processes lock."""
    descriptor = _opened(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, held)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _opened(path: Path, flags: int, held: ExitStack) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
    held.callback(os.close, descriptor)
    return descriptor
