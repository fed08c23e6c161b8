"""Where servers listen, and clients find them: the path of a Unix socket, or a host and a port."""

from __future__ import annotations

import contextlib
from os import PathLike, fspath

from lyaopt.errors import LyaoptError

Address = str | PathLike[str] | tuple[str, int]
"""Of a client: a path; HOST:PORT; or host and port. A path that looks like HOST:PORT is given as a `Path`."""
_LARGEST_PORT = 2**16 - 1


class AddressError(LyaoptError):
    """An address at which no server can listen, or none is reached."""


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT, where an IPv6 address stands in brackets.

    Parameters
    ----------
    text : str
        Such as ``127.0.0.1:7411`` or ``[::1]:7411``.

    Raises
    ------
    AddressError
        If it is no such text.
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    right = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= _LARGEST_PORT
    if not (host and colon and right):
        raise AddressError(f"expected HOST:PORT, such as 127.0.0.1:7411 or [::1]:7411, got {text!r:.80}")
    return host, int(port)


def place_of(address: Address) -> str | tuple[str, int]:
    """Return the path, or host and port, of an address.

    Parameters
    ----------
    address : str, path or (str, int)
        As of `lyaopt.serve.connect`.
    """
    if isinstance(address, tuple):
        return address
    if isinstance(address, str):
        with contextlib.suppress(AddressError):
            return parse_address(address)
    return fspath(address)


def shown_place(place: str | tuple[str, int]) -> str:
    """Return the path, or HOST:PORT.

    Parameters
    ----------
    place : str or tuple
        As of `place_of`; of a longer tuple, host and port come first.
    """
    if isinstance(place, str):
        return place
    host, port = place[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def unreached(place: str | tuple[str, int], error: OSError | UnicodeError) -> str:
    """Return why a place cannot be bound or reached, in one line.

    Parameters
    ----------
    place : str or tuple
        As of `shown_place`.
    error : OSError or UnicodeError
        Its cause; the latter of a name that no host can have.
    """
    return f"{shown_place(place)}: {getattr(error, 'strerror', None) or error}"
