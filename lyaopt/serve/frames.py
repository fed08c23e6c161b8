"""The binary frames of `lyaopt serve`: a header of 32 bytes, then a payload; little-endian throughout.

docs/reference/formats.md has the layout, `lyaopt/capi/lyaopt_serve.h` the same for C.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

MAGIC: Final = b"LYAO"
LOWEST_VERSION: Final = 1
HIGHEST_VERSION: Final = 1
HEADER: Final = struct.Struct("<4sBBHQqII")
"""Magic, version, kind, status, number, deadline in ns, length of the payload, and four bytes of zero."""
HEADER_BYTES: Final = HEADER.size

HELLO: Final = 1
CONFIGURE: Final = 2
SOLVE: Final = 3
PING: Final = 4
ANSWER: Final = 0x80
"""Added to the kind of a request in the answer to it."""
KINDS: Final = {HELLO: "hello", CONFIGURE: "configure", SOLVE: "solve", PING: "ping"}

OK: Final = 0
REFUSED: Final = 1
LATE: Final = 2
NOT_CONFIGURED: Final = 3
UNKNOWN_KIND: Final = 4
BAD_FRAME: Final = 5
BAD_VERSION: Final = 6
STATUSES: Final = {
    OK: "ok",
    REFUSED: "refused",
    LATE: "late",
    NOT_CONFIGURED: "not-configured",
    UNKNOWN_KIND: "unknown-kind",
    BAD_FRAME: "bad-frame",
    BAD_VERSION: "bad-version",
}
"""Words of the statuses; after a bad frame or version the server closes the connection."""

HELLO_REQUEST: Final = struct.Struct("<II")
"""Lowest and highest version that the client speaks."""
HELLO_ANSWER: Final = struct.Struct("<IIIIq24s")
"""Version chosen, lowest and highest of the server, largest payload, its clock in ns, version of lyaopt."""
CLOCK: Final = struct.Struct("<q")
"""Payload of the answer to a ping: the clock of the server in ns."""
SYSTEM: Final = struct.Struct("<II6d")
"""M and N, then tau, delta, U^l, U^t, F^e and N_0 in dBm/Hz; the rows of three device fields follow."""
SIZES: Final = struct.Struct("<II")
"""Payload of the answer to a configuration: bytes of a state and of its solution."""
DEVICE_ROWS: Final = ("cpu_capacity_hz", "max_power_w", "bandwidth_hz")
"""Device fields of a configuration, in their order."""


class Header(NamedTuple):
    """Header of a frame.

    Attributes
    ----------
    magic : bytes
        `MAGIC`.
    version : int
        Version of the protocol.
    kind : int
        One of `KINDS`, with `ANSWER` added in answers.
    status : int
        One of `STATUSES`; 0 in requests.
    number : int
        Chosen by the client; the answer repeats it.
    deadline_ns : int
        Of a request: on the clock of the server, 0 for none. Of an answer: the time left, negative if late.
    length : int
        Bytes of the payload.
    zero : int
        Reserved.
    """

    magic: bytes
    version: int
    kind: int
    status: int
    number: int
    deadline_ns: int
    length: int
    zero: int


def error_payload(path: str, reason: str) -> bytes:
    """Return the payload of an error: the path, a line end, and the reason, in UTF-8.

    Parameters
    ----------
    path, reason : str
        As of `ProblemError`.
    """
    return f"{path}\n{reason}".encode(errors="replace")


def parse_error(payload: bytes) -> tuple[str, str]:
    """Return path and reason of an error.

    Parameters
    ----------
    payload : bytes
        As of `error_payload`.
    """
    path, _, reason = payload.decode(errors="replace").partition("\n")
    return path, reason
