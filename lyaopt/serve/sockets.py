"""Sockets that listen: at a path, where a dead server may have left its own, or at an address."""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lyaopt.serve.places import AddressError, unreached

BACKLOG = 64


def bind_path(path: Path) -> socket.socket:
    """Return a socket that listens at a path; the socket of a server that died is replaced.

    Parameters
    ----------
    path : Path
        In a folder that exists.

    Raises
    ------
    AddressError
        If another server listens there, or something else has this name.
    OSError
        If the file system refuses.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _alone_in(path.parent):
            _remove_stale(path)
            listening.bind(str(path))
            listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        reason = "the path is too long for a socket" if error.errno is None else error.strerror
        raise AddressError(f"{path}: {reason}") from None
    except BaseException:
        listening.close()
        raise
    return listening


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time look for a stale socket: two could take each other's for one."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise AddressError(f"{path}: exists, and is no socket")
    if _is_alive(path):
        raise AddressError(f"{path}: another server listens there")
    path.unlink()


def _is_alive(path: Path) -> bool:
    """Whether somebody listens: also one whose queue of clients is full, or who belongs to another user."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except OSError as error:
            return error.errno not in (errno.ECONNREFUSED, errno.ENOENT)
    return True


def remove_path(path: Path, listening: os.stat_result) -> None:
    """Remove the socket of this server, unless somebody has put something else into its place.

    To be called while the server still listens. Afterwards another server may have replaced the socket, and
    the file system may have given that the same number.

    Parameters
    ----------
    path : Path
        Of the socket.
    listening : stat_result
        Of the path when it was bound.
    """
    try:
        there = path.lstat()
        if (there.st_dev, there.st_ino) == (listening.st_dev, listening.st_ino):
            path.unlink()
    except FileNotFoundError:
        pass


def is_loopback(host: str) -> bool:
    """Return whether an address is of this machine only.

    Parameters
    ----------
    host : str
        A name or address.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind_address(host: str, port: int) -> socket.socket:
    """Return a TCP socket that listens at an address.

    Parameters
    ----------
    host : str
        A name or address of this machine.
    port : int
        0 for any free one.

    Raises
    ------
    AddressError
        If it is taken, or not an address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise AddressError(unreached((host, port), error)) from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise AddressError(unreached((host, port), error)) from None
    return listening
