"""Output files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lyaopt_cli.files import InputError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that its name never stands for half of it; raises `InputError` where that fails."""
    temporary = None
    try:
        # In the same folder: a rename is atomic within one file system only.
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp keeps others out; what open() makes is as open as the umask lets it be.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def check_writable(path: Path) -> None:
    """Raise `InputError` if a file cannot be written there: before long work, not after it."""
    if path.is_dir():
        raise InputError(f"{path}: Is a directory")
    try:
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            pass
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
