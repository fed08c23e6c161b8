"""Servers of `lyaopt serve` for tests, and clients that write bytes of their own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lyaopt.serve import frames
from lyaopt.serve.frames import HEADER, HEADER_BYTES, MAGIC, Header

SERVE = [sys.executable, "-m", "lyaopt_cli", "serve"]
GIVE_UP_S = 60.0


class Server(NamedTuple):
    """A process that serves."""

    process: subprocess.Popen
    ready: dict
    log: Path

    @property
    def path(self) -> str:
        return self.ready["socket"]

    def log_lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(GIVE_UP_S)


@contextmanager
def running(folder: Path, *options: str, socket_path: str | None = "s") -> Iterator[Server]:
    """Run a server with its socket in a folder; it is killed in the end."""
    place = [] if socket_path is None else ["--socket", str(folder / socket_path)]
    log = folder / "log"
    with (
        log.open("ab") as stderr,
        subprocess.Popen([*SERVE, *place, *options], stdout=subprocess.PIPE, stderr=stderr) as process,
    ):
        try:
            line = process.stdout.readline()
            assert line, log.read_text()
            yield Server(process, json.loads(line), log)
        finally:
            process.kill()


def connected(path: str | tuple[str, int]) -> socket.socket:
    """Return a connection to a path, or to host and port."""
    family = socket.AF_UNIX if isinstance(path, str) else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(GIVE_UP_S)
    connection.connect(path)
    return connection


def frame(kind: int, payload: bytes = b"", number: int = 1, deadline: int = 0, **changed: object) -> bytes:
    """Return a request, in which header fields may be changed."""
    header = Header(MAGIC, 1, kind, 0, number, deadline, len(payload), 0)
    return HEADER.pack(*header._replace(**changed)) + payload


def received(connection: socket.socket, size: int) -> bytes:
    """Return so many bytes; fewer at the end."""
    data = b""
    while len(data) < size and (piece := connection.recv(size - len(data))):
        data += piece
    return data


def answer(connection: socket.socket) -> tuple[Header, bytes]:
    """Return the next answer."""
    header = Header._make(HEADER.unpack(received(connection, HEADER_BYTES)))
    payload = received(connection, header.length)
    assert len(payload) == header.length
    return header, payload


def ask(connection: socket.socket, request: bytes) -> tuple[Header, bytes]:
    """Send a request and return its answer."""
    connection.sendall(request)
    return answer(connection)


def line(connection: socket.socket) -> dict:
    """Return the next line of JSON; an empty object at the end."""
    data = b""
    while not data.endswith(b"\n") and (piece := connection.recv(1)):
        data += piece
    return json.loads(data) if data else {}


def is_closed(connection: socket.socket) -> bool:
    """Whether nothing more comes."""
    try:
        return not connection.recv(1)
    except ConnectionError:
        return True


def ping_works(path: str) -> bool:
    """Whether another client is served."""
    with connected(path) as connection:
        header, _ = ask(connection, frame(frames.PING))
        return header.status == frames.OK


def wait_for(condition) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + GIVE_UP_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
