"""Slots solved by another process, over its standard input and output: the client of `lyaopt serve`.

For programs that must not load the solver into their own process. Every wait has a time limit; a process that
has ended and one that does not answer raise different errors.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from pydantic_core import from_json, to_json

from lyaopt.errors import ProblemError
from lyaopt.serve.peer_errors import PeerGoneError, PeerTimeoutError
from lyaopt.serve.protocol import PROTOCOL

__all__ = ["PeerGoneError", "PeerTimeoutError", "SolverPipe"]

_CHUNK = 2**16
_GRACE_S = 5.0


class SolverPipe:
    """A process of `lyaopt serve --stdio` that solves slot documents, one after the other.

    Use it as a context manager, or `close` it.

    Parameters
    ----------
    command : sequence of str, optional
        Command of the process; by default `lyaopt serve --stdio` of this Python.
    method : str, optional
        ``exact`` or ``bisection``.
    timeout_s : float, optional
        Longest wait for the answer to a slot, sending it included.
    start_timeout_s : float, optional
        Longest wait for the first line: without a built core, kernels are compiled before it.

    Attributes
    ----------
    greeting : dict
        First line of the process: ``lyaopt`` (its version), ``protocol``, ``capabilities``, ``method`` and
        ``core``.

    Raises
    ------
    PeerGoneError, PeerTimeoutError
        If the process does not start, or does not send its greeting in time.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        *,
        method: str = "exact",
        timeout_s: float = 30.0,
        start_timeout_s: float = 180.0,
    ) -> None:
        default = [sys.executable, "-m", "lyaopt_cli", "serve", "--stdio", "--method", method]
        self._timeout_s = timeout_s
        self._sequence = 0
        self._received = b""
        # A file: it is read only after the process has ended, and a full pipe would block the process.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                list(command or default),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                bufsize=0,
            )
        except OSError as error:
            self._stderr.close()
            raise PeerGoneError(f"{(command or default)[0]}: {error.strerror}") from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        try:
            self.greeting = self._read_greeting(time.monotonic() + start_timeout_s)
        except BaseException:
            self.close()
            raise

    def _read_greeting(self, deadline: float) -> dict[str, Any]:
        greeting = _parsed(self._line(deadline))
        if not isinstance(greeting, dict) or greeting.get("protocol") != PROTOCOL:
            raise PeerGoneError(f"expected a solver with protocol {PROTOCOL}, got {greeting!r}")
        return greeting

    def solve(self, slot: Mapping[str, Any]) -> dict[str, Any]:
        """Solve a slot document; returns the solution document.

        Raises
        ------
        ProblemError
            If the document is refused; the process continues.
        PeerGoneError, PeerTimeoutError
            If no answer comes; the process cannot be used again.
        """
        sequence = self._sequence
        self._sequence += 1
        deadline = time.monotonic() + self._timeout_s
        self._send(to_json({"sequence": sequence, "slot": slot}) + b"\n", deadline)
        answer = _parsed(self._line(deadline))
        number = answer.pop("sequence", None) if isinstance(answer, dict) else None
        refused = isinstance(answer, dict) and answer.get("status") == "error"
        # A request whose number could not be read, such as one that is too long, is answered without it.
        if number != sequence and not (refused and number is None):
            raise PeerGoneError(f"expected the answer to request {sequence}, got another")
        if refused:
            path = str(answer.get("path", "$")).replace("$.slot", "$", 1)
            raise ProblemError(path, str(answer.get("error", "refused")))
        return answer

    def _send(self, line: bytes, deadline: float) -> None:
        left = memoryview(line)
        try:
            while left:
                try:
                    left = left[os.write(self._in, left) :]
                except BlockingIOError:  # the pipe is full
                    _wait(self._in, select.POLLOUT, deadline)
        except PeerTimeoutError:
            raise
        except OSError:
            raise PeerGoneError(self._exit_reason()) from None

    def _line(self, deadline: float) -> bytes:
        chunks = [self._received]
        while b"\n" not in chunks[-1]:
            _wait(self._out, select.POLLIN, deadline)
            chunks.append(os.read(self._out, _CHUNK))
            if not chunks[-1]:
                raise PeerGoneError(self._exit_reason())
        line, _, self._received = b"".join(chunks).partition(b"\n")
        return line

    def _exit_reason(self) -> str:
        """Exit status of the process, and the last line of its standard error."""
        try:
            status = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            return "the solver closed its output"
        self._stderr.seek(0)
        last = self._stderr.read().decode(errors="replace").strip().splitlines()[-1:]
        return ": ".join([f"the solver ended with status {status}", *last])

    def close(self) -> None:
        """Close the pipes and wait for the process to end; kill it after a few seconds."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def __enter__(self) -> SolverPipe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _parsed(line: bytes) -> Any:
    """Parse a line as JSON, or return it as text if it is not JSON."""
    try:
        return from_json(line)
    except ValueError:
        return line.decode(errors="replace")


def _wait(descriptor: int, event: int, deadline: float) -> None:
    """Wait until a pipe can be read from or written to; `PeerTimeoutError` after the deadline."""
    ready = select.poll()
    ready.register(descriptor, event)
    left = deadline - time.monotonic()
    if left <= 0.0 or not ready.poll(1e3 * left):
        raise PeerTimeoutError("no answer within the time limit")
