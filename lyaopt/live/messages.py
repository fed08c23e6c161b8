"""Control messages between the processes of a run: JSON documents, one a line, over a pair of sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

from lyaopt.errors import LyaoptError
from lyaopt.io.fast_json import from_json, to_json

MOST_BYTES = 2**28
_CHUNK = 2**16


class MessageError(LyaoptError, ValueError):
    """A line that is no message."""


class Channel:
    """One end of a connection.

    Parameters
    ----------
    connection : socket.socket
        Its own from now on.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._received = bytearray()

    def fileno(self) -> int:
        """Descriptor, to wait for messages."""
        return self._socket.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Send a `message`; raises OSError if nobody reads."""
        self._socket.sendall(to_json(message) + b"\n")

    def receive(self) -> Iterator[dict[str, Any]]:
        """Wait for bytes, and yield the messages that are complete.

        Raises
        ------
        EOFError
            If the other end is closed.
        MessageError
            If a line is no message, or too long.
        """
        chunk = self._socket.recv(_CHUNK)
        if not chunk:
            raise EOFError
        before = len(self._received)
        self._received += chunk
        if b"\n" not in chunk:
            if before > MOST_BYTES:
                raise MessageError(f"expected a line of at most {MOST_BYTES} bytes")
            return
        *lines, rest = self._received.split(b"\n")
        self._received = bytearray(rest)
        for line in lines:
            yield _message(bytes(line))

    def wait(self) -> dict[str, Any]:
        """Wait for the next message, where one at a time is sent; raises as `receive`."""
        while True:
            for message in self.receive():
                return message

    def close(self) -> None:
        """Close this end."""
        self._socket.close()


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = from_json(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise MessageError(f"expected a JSON object, got {line[:60]!r}")
    return message
