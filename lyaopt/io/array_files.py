"""Arrays of .npz files: no pickled objects, and no more bytes than a limit when they are decompressed."""

from __future__ import annotations

import errno
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lyaopt.errors import DocumentError
from lyaopt.io.input_files import open_regular

MAX_ARRAY_BYTES = 2**30
"""A trace of ten million slots of four devices with two services each has 960 MB; a thousandth of that can
decompress to as much."""
_MAX_PIECE = 2**20
"""The list of members is read in one piece; an archive of ten thousand arrays is no trace."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those that NumPy writes. Others decompress a whole block, however many bytes are asked for."""


class _Pieces:
    """A binary file of which only small pieces can be read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.seek, self.tell, self.close = file, file.seek, file.tell, file.close

    def seekable(self) -> bool:
        return self._file.seekable()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(_MAX_PIECE + 1 if size < 0 else min(size, _MAX_PIECE + 1))
        if len(content) > _MAX_PIECE:
            raise zipfile.BadZipFile("the list of members is too long")
        return content


def read_arrays(path: str | Path, names: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Any]:
    """Read arrays of an .npz file.

    Parameters
    ----------
    path : str or Path
        A regular file. Other arrays in it are not read.
    names : iterable of str
        Arrays that it must have.
    optional : iterable of str
        Arrays that it may have.

    Returns
    -------
    dict of str to ndarray
        Of any type and shape, which the caller checks.

    Raises
    ------
    DocumentError
        If the file is no archive of arrays, one of the names is missing or damaged, holds pickled objects, or
        the arrays together have more than `MAX_ARRAY_BYTES` bytes, eight for an entry of fewer.
    OSError
        If it cannot be read.
    """
    with _opened(path) as file:
        archive = _archive(file)
        wanted = [*names, *(name for name in optional if f"{name}.npy" in archive.NameToInfo)]
        _check_total({name: _size(archive, name) for name in wanted})
        arrays = {name: _array(archive, name) for name in wanted}
    # Callers keep entries in eight bytes, however few the file takes for one.
    _check_total({name: 8 * array.size for name, array in arrays.items()})
    return arrays


def _opened(path: str | Path) -> BinaryIO:
    try:
        return open_regular(path)
    except ValueError:  # a NUL character, which a string of TOML can hold
        raise OSError(errno.EINVAL, "expected the name of a file, got a NUL character", str(path)) from None


def _check_total(sizes: dict[str, int]) -> None:
    total = 0
    for name, size in sizes.items():
        total += size
        if total > MAX_ARRAY_BYTES:
            reason = f"expected arrays of at most {MAX_ARRAY_BYTES} bytes in total, got {total}"
            raise DocumentError([(f"$.{name}", reason)])


def _archive(file: BinaryIO) -> zipfile.ZipFile:
    try:
        pieces: Any = _Pieces(file)
        return zipfile.ZipFile(pieces)
    except OSError:
        raise
    # zipfile, zlib, struct, ast and tokenize raise errors of their own on damaged bytes.
    except Exception:
        reason = "expected an .npz file of arrays without pickled objects"
        raise DocumentError([("$", reason)]) from None


def _size(archive: zipfile.ZipFile, name: str) -> int:
    """Bytes that a member says it has: `zipfile` decompresses no more."""
    found = archive.NameToInfo.get(f"{name}.npy")
    if found is None:
        raise DocumentError([(f"$.{name}", "missing")])
    if found.compress_type not in _METHODS:
        raise _unreadable(name)
    return found.file_size


def _array(archive: zipfile.ZipFile, name: str) -> Any:
    try:
        with archive.open(f"{name}.npy") as member:
            return np.lib.format.read_array(member, allow_pickle=False)
    except Exception:  # as in _archive; places in the file that are none are an OSError
        raise _unreadable(name) from None


def _unreadable(name: str) -> DocumentError:
    return DocumentError([(f"$.{name}", "expected an array of numbers, got unreadable data")])
