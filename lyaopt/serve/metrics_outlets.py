"""Where metrics go: to a file that is replaced again and again, or to whoever asks on a Unix socket."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

from lyaopt.io.atomic_write import write_whole
from lyaopt.serve.sockets import bind_path, remove_path

LOGGER = logging.getLogger("lyaopt.serve")
_MOST_BYTES = 2**13
_PATIENCE_S = 5.0
_MOST_READERS = 16
"""At once: descriptors are for clients."""
_HEAD = (
    "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\n"
    "Connection: close\r\n\r\n"
)


class MetricsFile:
    """Writes metrics into a file, whole or not at all, as Prometheus's node exporter collects them.

    Parameters
    ----------
    path : Path
        Of the file.
    text : callable
        Returns the metrics.
    every_s : float
        Time between two writes, in seconds.
    """

    def __init__(self, path: Path, text: Callable[[], str], every_s: float) -> None:
        self._path, self._text, self._every_s = path, text, every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Write now, and regularly from now on.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        await self._write()
        self._task = asyncio.get_running_loop().create_task(self._write_on())

    async def _write_on(self) -> None:
        failed = False
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self._write()
                failed = False
            except OSError as error:
                if not failed:
                    LOGGER.warning("cannot write metrics: %s", error)
                failed = True

    async def _write(self) -> None:
        # in another thread: clients must not wait for a disk
        content = self._text().encode()
        await asyncio.get_running_loop().run_in_executor(None, write_whole, self._path, content)

    async def stop(self) -> None:
        """Write for the last time, if it has begun."""
        if self._task is None:
            return
        self._task.cancel()
        try:
            await self._write()
        except OSError as error:
            LOGGER.warning("cannot write metrics: %s", error)


class MetricsSocket:
    """Answers with metrics on a Unix socket: by HTTP if it is asked by GET, else as they are.

    Parameters
    ----------
    path : Path
        Of the socket.
    text : callable
        Returns the metrics.
    """

    def __init__(self, path: Path, text: Callable[[], str]) -> None:
        self._path, self._text = path, text
        self._bound: os.stat_result | None = None

    async def start(self) -> None:
        """Listen.

        Raises
        ------
        AddressError
            If the path is taken.
        """
        listening = bind_path(self._path)
        self._bound = self._path.lstat()
        loop, readers = asyncio.get_running_loop(), set[_Reader]()
        self._server = await loop.create_unix_server(lambda: _Reader(self._text, readers), sock=listening)

    async def stop(self) -> None:
        """Remove the path, and close."""
        if self._bound is not None:
            remove_path(self._path, self._bound)
            self._server.close()


class _Reader(asyncio.Protocol):
    """Somebody who asks for metrics."""

    def __init__(self, text: Callable[[], str], readers: set[_Reader]) -> None:
        self._text, self._readers = text, readers
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE_S, self._transport.abort)
        self._readers.add(self)
        if len(self._readers) > _MOST_READERS:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._asked += data
        asked = self._asked.replace(b"\r", b"")
        if not asked.startswith(b"GET ") or b"\n\n" in asked or len(asked) > _MOST_BYTES:
            self._answer()

    def eof_received(self) -> bool:
        self._answer()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._timer.cancel()
        self._readers.discard(self)

    def _answer(self) -> None:
        if self._transport.is_closing():
            return
        content = self._text().encode()
        head = _HEAD.format(len(content)).encode() if self._asked.startswith(b"GET ") else b""
        self._transport.write(head + content)
        self._transport.close()  # after all was read, or by the timer


def make_outlet(place: str, text: Callable[[], str], every_s: float) -> MetricsFile | MetricsSocket:
    """Return the outlet of ``--metrics``.

    Parameters
    ----------
    place : str
        Path of a file, or of a socket after ``unix:``.
    text : callable
        Returns the metrics.
    every_s : float
        Time between two writes of a file, in seconds.
    """
    if place.startswith("unix:"):
        return MetricsSocket(Path(place.removeprefix("unix:")), text)
    return MetricsFile(Path(place), text, every_s)
