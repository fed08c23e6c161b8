"""A server that solves slots for several clients, over sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lyaopt.serve.connection import Connection
from lyaopt.serve.dialogue import ClosingError
from lyaopt.serve.metrics import Metrics

LOGGER = logging.getLogger("lyaopt.serve")


@dataclass(frozen=True)
class Limits:
    """What one client may take.

    Attributes
    ----------
    largest_frame, largest_line : int
        Most bytes of a payload, and of a line of JSON.
    clients : int
        Most clients at once.
    patience_s : float
        Time for the rest of a message that has begun, and for reading answers that wait, in seconds.
    idle_s : float or None
        Time between messages, in seconds; None for ever.
    grace_s : float
        Time for the last answers when the server stops, in seconds.
    """

    largest_frame: int = 2**20
    largest_line: int = 2**17
    clients: int = 64
    patience_s: float = 10.0
    idle_s: float | None = None
    grace_s: float = 5.0


class SolverServer:
    """Serves clients on sockets that listen.

    Parameters
    ----------
    limits : Limits, optional
        What one client may take.

    Attributes
    ----------
    limits : Limits
    metrics : Metrics
    other_thread : Executor
        For what takes long.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._clients: set[Connection] = set()
        self.metrics = Metrics(lambda: (len(self._clients), sum(c.configured for c in self._clients)))
        self._servers: list[asyncio.Server] = []
        self.other_thread = ThreadPoolExecutor(1, "lyaopt-serve")

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Accept clients.

        Parameters
        ----------
        sockets : sequence of socket
            Bound.
        """
        loop = asyncio.get_running_loop()
        for listening in sockets:
            unix = listening.family == getattr(socket, "AF_UNIX", None)
            create = loop.create_unix_server if unix else loop.create_server
            self._servers.append(await create(lambda: Connection(self), sock=listening))
        self._watch = loop.create_task(self._watch_clients())

    async def _watch_clients(self) -> None:
        """Disconnect clients that go beyond their limits of time."""
        patience, idle = self.limits.patience_s, self.limits.idle_s
        pause = min(patience, patience if idle is None else idle, 4.0) / 4.0
        while True:
            await asyncio.sleep(pause)
            now = time.monotonic_ns()
            for client in list(self._clients):
                if reason := client.overdue(now):
                    LOGGER.warning("client %d is disconnected: %s", client.number, reason)
                    client.abort(reason)

    async def stop(self) -> None:
        """Accept nobody any more, answer what was received, and disconnect all clients."""
        for server in self._servers:
            server.close()
        for client in list(self._clients):
            client.finish()
        until = asyncio.get_running_loop().time() + self.limits.grace_s
        while self._clients and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.005)
        self._watch.cancel()
        for client in list(self._clients):
            client.abort("stopped")
        self.other_thread.shutdown(wait=False, cancel_futures=True)
        await asyncio.sleep(0)

    def came(self, client: Connection) -> bool:
        """Take a client; return False if it is one too many.

        Parameters
        ----------
        client : Connection
            It has just connected.
        """
        if len(self._clients) >= self.limits.clients:
            self.metrics.refused()
            LOGGER.warning("refused a client: %d are connected", len(self._clients))
            return False
        self._clients.add(client)
        self.metrics.connected()
        LOGGER.debug("client %d connected", client.number)
        return True

    def left(self, client: Connection, reason: str) -> None:
        """Forget a client.

        Parameters
        ----------
        client : Connection
            It is disconnected.
        reason : str
            One word.
        """
        if client in self._clients:
            self._clients.remove(client)
            self.metrics.disconnected(reason)
            LOGGER.debug("client %d left: %s", client.number, reason)

    def log_refusal(self, client: Connection, error: ClosingError) -> None:
        """Log that a client is disconnected.

        Parameters
        ----------
        client : Connection
            That cannot be understood.
        error : ClosingError
            What it sent.
        """
        LOGGER.warning("client %d is disconnected: %s", client.number, error.reason)
