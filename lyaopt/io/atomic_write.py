"""Atomic writes of files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically: it holds its old or its new content, even if the process is killed.

    Parameters
    ----------
    path : Path
        The file; a symbolic link is followed.
    content : bytes
        The whole new content.

    Raises
    ------
    OSError
        If it cannot be written, with the name of the file; the old content is kept.
    """
    try:
        _write(path, content)
    except OSError as error:  # that of a full disk names none, others name the temporary file
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None


def _write(path: Path, content: bytes) -> None:
    path = path.resolve()  # replace the target of a link, not the link
    if path.exists() and not path.is_file():  # a device or pipe cannot be replaced
        path.write_bytes(content)
        return
    temporary = None
    try:
        # In the same folder: a rename is atomic within one file system only.
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp gives access to the owner only; open() would apply the umask.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
