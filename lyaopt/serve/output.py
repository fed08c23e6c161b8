"""Answers on their way to a client: one buffer, written into again and again."""

from __future__ import annotations

import asyncio

_START = 2**14


class Output:
    """Bytes to be sent, in a buffer that is used again where all of it was sent at once.

    Attributes
    ----------
    data : bytearray
        The buffer.
    view : memoryview
        The same, for slices without a copy.
    used : int
        Bytes that wait.
    """

    def __init__(self) -> None:
        self._renew(_START)

    def _renew(self, size: int) -> None:
        self.data = bytearray(size)
        self.view = memoryview(self.data)
        self.used = 0

    def reserve(self, size: int) -> int:
        """Return the place of the next `size` bytes, which the caller writes.

        Parameters
        ----------
        size : int
            Of a message.
        """
        start = self.used
        end = start + size
        if end > len(self.data):
            waiting = self.view[:start]
            self._renew(max(end, 2 * len(self.data)))
            self.view[:start] = waiting
        self.used = end
        return start

    def add(self, message: bytes) -> None:
        """Append a message.

        Parameters
        ----------
        message : bytes
            Copied.
        """
        start = self.reserve(len(message))
        self.view[start : self.used] = message

    def send(self, transport: asyncio.Transport) -> None:
        """Send what waits.

        Parameters
        ----------
        transport : Transport
            Of the client; it keeps what the client does not read at once.
        """
        if self.used:
            transport.write(self.view[: self.used])
            self.used = 0
            if transport.get_write_buffer_size():
                self._renew(_START)  # the transport may still hold this one
