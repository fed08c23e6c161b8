"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it holds its old or its new content at any time, even if the process is killed.

    Parameters
    ----------
    path : Path
        The file; a link is followed.
    content : bytes
        The whole new content.

    Raises
    ------
    OSError
        If it cannot be written; what was there before is still there.
    """
    path = path.resolve()  # a link stays one
    if path.exists() and not path.is_file():  # a device or pipe cannot be replaced, nor need be
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
        # mkstemp keeps others out; what open() makes is as open as the umask lets it be.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
