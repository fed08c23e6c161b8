"""A solver server from its start to its end: sockets, signals, and what it says of itself."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lyaopt.serve.metrics_outlets import make_outlet
from lyaopt.serve.places import parse_address, shown_place
from lyaopt.serve.server import Limits, SolverServer
from lyaopt.serve.sockets import bind_address, bind_path, is_loopback, remove_path

LOGGER = logging.getLogger("lyaopt.serve")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Listening:
    """The sockets of a server.

    Parameters
    ----------
    path : Path, optional
        Of a Unix socket.
    address : str, optional
        HOST:PORT.

    Attributes
    ----------
    sockets : list of socket
        That listen.
    places : dict
        ``socket``, the path, and ``listen``, HOST:PORT with the port that was chosen.

    Raises
    ------
    AddressError
        If one is taken.
    """

    def __init__(self, path: Path | None, address: str | None) -> None:
        self.sockets: list[socket.socket] = []
        self.places: dict[str, str] = {}
        self._path = path
        self._bound: os.stat_result | None = None
        # first, as it leaves nothing behind
        if address is not None:
            host, port = parse_address(address)
            if not is_loopback(host):
                LOGGER.warning("%s is no loopback address: whoever reaches it can use this server", host)
            self.sockets.append(bind_address(host, port))
            self.places["listen"] = shown_place(self.sockets[0].getsockname())
        if path is not None:
            try:
                self.sockets.append(bind_path(path))
            except BaseException:
                self.close()
                raise
            self.places["socket"] = str(path)
            self._bound = path.lstat()

    def remove_path(self) -> None:
        """Remove the path, once only, and while this server still listens: so no other one is there."""
        if self._bound is not None and self._path is not None:
            remove_path(self._path, self._bound)
            self._bound = None

    def close(self) -> None:
        """Remove the path, and close the sockets."""
        self.remove_path()
        for listening in self.sockets:
            listening.close()


async def serve(
    path: Path | None,
    address: str | None,
    limits: Limits | None = None,
    metrics: tuple[str, float] | None = None,
    when_ready: Callable[[dict[str, Any]], None] = lambda places: None,
) -> None:
    """Serve until SIGTERM or SIGINT, then answer what was received.

    Parameters
    ----------
    path : Path, optional
        Of a Unix socket.
    address : str, optional
        HOST:PORT; at least one of the two is given.
    limits : Limits, optional
        What one client may take.
    metrics : tuple, optional
        Path of a file, or of a socket after ``unix:``, and the time in seconds between two writes of a file.
    when_ready : callable, optional
        Called with `Listening.places` when clients may come.

    Raises
    ------
    AddressError
        If the path or address is taken.
    OSError
        If metrics cannot be written.
    """
    listening = Listening(path, address)
    server = SolverServer(limits)
    outlet = make_outlet(metrics[0], server.metrics.text, metrics[1]) if metrics else None
    try:
        if outlet:
            await outlet.start()
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, stopped.set)
        await server.start(listening.sockets)
        for place in listening.places.values():
            LOGGER.info("listening on %s", place)
        when_ready(listening.places)
        _notify("READY=1")
        await stopped.wait()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)  # a second signal ends it at once
        _notify("STOPPING=1")
        LOGGER.info("stopping")
        listening.remove_path()
        await server.stop()
    finally:
        listening.close()
        if outlet:
            await outlet.stop()
    LOGGER.info("stopped")


def _notify(state: str) -> None:
    """Tell systemd, where it asks for it (sd_notify)."""
    place = os.environ.get("NOTIFY_SOCKET")
    if place:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
            try:
                notifier.sendto(state.encode(), "\0" + place[1:] if place[0] == "@" else place)
            except OSError as error:
                LOGGER.warning("cannot notify %s: %s", place, error.strerror)
