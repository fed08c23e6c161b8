"""Compiled kernels on disk.

Numba's own cache follows one source file, so a caller goes stale when a helper in another file is
edited; it keeps an index beside the data, which two first starts can tear apart; and a damaged file
crashes. Here one kernel is one file with a checksum, in a folder named after a hash of everything the
machine code depends on: all kernel sources, the versions, the processor and the compile flags.
If the folder cannot be used, the kernel is compiled in the process.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import pickle
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

_DIGEST_BYTES = 32
_NAME_DIGITS = 16
_KEPT_S = 30 * 86400.0
_log = logging.getLogger("lyaopt")
# Numba's settings that change machine code
_NUMBA_VARIABLES = (
    "NUMBA_OPT",
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
    "NUMBA_ENABLE_AVX",
    "NUMBA_BOUNDSCHECK",
)


def _candidates() -> Iterator[Path]:
    # An empty variable counts as unset: as a path it would be the current folder.
    if folder := os.environ.get("LYAOPT_CACHE_DIR"):
        yield Path(folder)
    elif folder := os.environ.get("XDG_CACHE_HOME"):
        yield Path(folder) / "lyaopt"
    else:
        yield Path(os.path.expanduser("~")) / ".cache" / "lyaopt"
    yield Path(tempfile.gettempdir()) / f"lyaopt-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"


def _is_private(folder: Path) -> bool:
    """Return whether nobody else can plant code in the folder, which matters under a shared /tmp."""
    if not hasattr(os, "getuid"):
        return True
    status = folder.lstat()
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.getuid()
        and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


def _fingerprint(flags: dict[str, Any]) -> str:
    """Hash of everything except the sources that the machine code depends on."""
    about = (
        numba.__version__,
        llvmlite.__version__,
        sys.version,
        llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
        sorted(flags.items()),
        np.__version__,
        [os.environ.get(name) for name in _NUMBA_VARIABLES],
    )
    return hashlib.sha256(repr(about).encode()).hexdigest()[:_NAME_DIGITS]


def _forget_unused(folder: Path) -> None:
    """Remove sibling folders that no process has used for 30 days; several checkouts may share a cache."""
    oldest = time.time() - _KEPT_S
    for other in folder.parent.glob("*-*"):
        with contextlib.suppress(OSError):
            if other != folder and other.lstat().st_mtime < oldest:
                shutil.rmtree(other, ignore_errors=True)


@functools.cache
def cache_folder(flags: tuple[tuple[str, Any], ...], sources: str) -> Path | None:
    """Return the folder for kernels of these sources and flags, or None where none can be written."""
    name = f"{_fingerprint(dict(flags))}-{sources[:_NAME_DIGITS]}"
    for base in _candidates():
        folder = base / name
        try:
            base.parent.mkdir(parents=True, exist_ok=True)
            base.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            # of the base too: who can rename in it can put another folder in this one's place
            if os.access(folder, os.W_OK) and _is_private(base) and _is_private(folder):
                os.utime(folder)  # it is in use
                return folder
        except OSError:
            continue
    return None


class _KernelFile(_Cache):
    """The cache of one kernel, with one signature: one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def cache_path(self) -> str:
        return str(self._path.parent)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        try:
            content = self._path.read_bytes()
        except OSError:
            return None
        digest, payload = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(payload).digest() != digest:
            return None
        try:
            return CompileResult._rebuild(target_context, *pickle.loads(payload))
        except Exception:  # another version may have written the file: compile again, whatever it raises
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        payload = dumps(data._reduce())
        temporary = None
        try:
            descriptor, temporary = tempfile.mkstemp(
                prefix=f"{self._path.stem}.", suffix=".tmp", dir=self._path.parent
            )
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            os.replace(temporary, self._path)
        except OSError:  # for example a full disk: this process has its kernel, the next one compiles again
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)

    def enable(self) -> None:
        """Do nothing: the file is always in use."""

    def disable(self) -> None:
        """Do nothing: the file is always in use."""

    def flush(self) -> None:
        """Forget the compiled kernel."""
        self._path.unlink(missing_ok=True)


def compile_cached(
    function: Callable[..., Any],
    name: str,
    signature: Any,
    flags: dict[str, Any],
    sources: str,
    reason: str = "",
) -> Any:
    """Return the dispatcher of `function`, compiled for one signature or loaded from the folder.

    The first compilation of a process is announced, with the reason for it if there is one.
    """
    dispatcher = numba.njit(**flags)(function)
    folder = cache_folder(tuple(sorted(flags.items())), sources)
    if folder is None:
        _announce("not kept: no folder can be written", reason)
        dispatcher.compile(signature)
    else:
        path = folder / f"{name}.kernel"
        dispatcher._cache = _KernelFile(path)
        with contextlib.nullcontext() if path.exists() else _one_compiler(path):
            if not path.exists():
                _announce(f"once, kept in {folder}", reason)
                _forget_unused(folder)
            dispatcher.compile(signature)
    dispatcher.disable_compile()
    return dispatcher


@functools.cache  # once a process: one call may compile several kernels
def _announce(detail: str, reason: str) -> None:
    """Warn once that compiling takes long; without a handler, logging writes the warning to stderr."""
    because = f", as {reason}" if reason else ""
    _log.warning("lyaopt: compiling kernels, some minutes (%s)%s", detail, because)


@contextlib.contextmanager
def _one_compiler(path: Path) -> Iterator[None]:
    """Let the first of several processes compile, and the others wait for its file."""
    try:
        import fcntl

        lock = path.with_suffix(".lock").open("w")
    except (ImportError, OSError):
        yield  # each compiles for itself; the file is replaced whole either way
        return
    with lock:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
