"""Slots solved for other processes: the server of `lyaopt serve`, its protocols, and clients.

`connect` returns a `Client` that waits for its answers, `connect_async` an `AsyncClient`; `SolverPipe` starts
a process of its own.
Their errors are `PeerGoneError`, `PeerTimeoutError`, `PeerRefusedError` and `DeadlineError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lyaopt.serve.async_client import AsyncClient, connect_async
    from lyaopt.serve.blocking_client import Client, connect
    from lyaopt.serve.client import SolverPipe
    from lyaopt.serve.peer_errors import DeadlineError, PeerGoneError, PeerRefusedError, PeerTimeoutError

_ORIGINS = {
    "AsyncClient": "async_client",
    "Client": "blocking_client",
    "DeadlineError": "peer_errors",
    "PeerGoneError": "peer_errors",
    "PeerRefusedError": "peer_errors",
    "PeerTimeoutError": "peer_errors",
    "SolverPipe": "client",
    "connect": "blocking_client",
    "connect_async": "async_client",
}
"""Module of each name, imported when the name is first used: a client needs no server, and a pipe neither."""

__all__ = [
    "AsyncClient",
    "Client",
    "DeadlineError",
    "PeerGoneError",
    "PeerRefusedError",
    "PeerTimeoutError",
    "SolverPipe",
    "connect",
    "connect_async",
]


def __getattr__(name: str) -> Any:
    if name not in _ORIGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_ORIGINS[name]}"), name)
    globals()[name] = value
    return value
