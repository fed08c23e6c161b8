"""Output files, and the errors for those that cannot be written."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lyaopt.errors import MissingExtraError, ProblemError
from lyaopt_cli.support.input_files import InputError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically; raise `InputError` if it cannot be written."""
    from lyaopt.io import atomic_write  # not at the top: help is printed without NumPy

    try:
        atomic_write.write_whole(path, content)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def check_picture(command: str, path: str) -> None:
    """Raise `InputError` if no picture can be written to this path; called before long work."""
    from lyaopt.io.figures import picture_format

    try:
        picture_format(path)
    except ProblemError as error:
        raise InputError(f"{command}: --plot: {error.reason}") from None
    except MissingExtraError as error:
        raise InputError(f"{command}: --plot: {error}") from None
    check_writable(Path(path))


def check_drawing(command: str) -> None:
    """Raise `InputError` if figures cannot be drawn; called before long work."""
    from lyaopt.io.figures import need_matplotlib

    try:
        need_matplotlib()
    except ProblemError as error:
        raise InputError(f"{command}: {error.reason}") from None
    except MissingExtraError as error:
        raise InputError(f"{command}: {error}") from None


def check_writable(path: Path) -> None:
    """Raise `InputError` if a file cannot be written there; called before long work."""
    if path.is_dir():
        raise InputError(f"{path}: Is a directory")
    try:
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            pass
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def check_folder(path: Path) -> None:
    """Raise `InputError` if no folder can stand there, because something else does."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: expected a folder, or a name that does not exist yet")
