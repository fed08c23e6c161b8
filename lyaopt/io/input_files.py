"""Reading of files that somebody named: regular files only, and no more bytes than a limit."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES = 256 * 2**20
"""Documents are far smaller; a device such as /dev/zero has no end."""
MAX_MODEL_BYTES = 2**31
"""A protobuf message cannot be longer, so that no ONNX file is."""
_INHERITED = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
"""Names of descriptors that the process was given, as a shell gives it ``<(command)``: they may be pipes."""


def read_capped(path: str | Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """Read a whole file.

    Parameters
    ----------
    path : str or Path
        A regular file, or a pipe that the shell named ``/dev/fd/N``.
    limit : int
        Most bytes that it may have.

    Returns
    -------
    bytes

    Raises
    ------
    OSError
        If it cannot be read, is not a regular file (a named pipe or a device would be waited for or read for
        ever), or has more bytes; with the name of the file and a reason in `strerror`.
    ValueError
        If the path holds a NUL character.
    """
    with open_regular(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"expected at most {limit} bytes, got more", str(path))
    return content


def open_regular(path: str | Path, *, pipes: bool = False) -> BinaryIO:
    """Open a file for reading bytes.

    Parameters
    ----------
    path : str or Path
        As of `read_capped`.
    pipes : bool
        Whether named pipes are opened too, and their writers waited for, by a reader that answers each line.

    Returns
    -------
    file object

    Raises
    ------
    OSError
        As of `read_capped`.
    """
    # Without O_NONBLOCK the opening of a named pipe waits for a writer. Checked after opening, and by the
    # descriptor, so that nothing else can take the place of the file meanwhile.
    flags = os.O_RDONLY | os.O_CLOEXEC
    descriptor = os.open(path, flags if pipes else flags | os.O_NONBLOCK)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        pipe = stat.S_ISFIFO(mode) and (pipes or str(path).startswith(_INHERITED))
        if not stat.S_ISREG(mode) and not pipe:
            raise OSError(errno.EINVAL, "expected a regular file, got a pipe or device", str(path))
        os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
