"""Slots solved by another process, over its standard input and output: the client of `lyaopt serve`.

For programs whose own interpreter or environment must not hold the solver. Everything that waits has a time
limit, and a peer that is gone is told apart from one that is slow.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from pydantic_core import from_json, to_json

from .problem import ProblemError
from .requests import PROTOCOL

_CHUNK = 2**16
_GRACE_S = 5.0


class PeerGone(ConnectionError):
    """The process on the other side ended or closed its end; the message has what it said last on stderr."""


class PeerSilent(TimeoutError):
    """The process on the other side did not answer in time."""


class SolverPipe:
    """A process of `lyaopt serve --stdio` that solves slot documents, one after the other.

    Use it as a context manager, or `close` it.

    Parameters
    ----------
    command : sequence of str, optional
        What to start; left out, `lyaopt serve --stdio` of this Python.
    method : str, optional
        ``exact`` or ``bisection``.
    timeout_s : float, optional
        Longest wait for any answer, the first one included.

    Attributes
    ----------
    greeting : dict
        What the process said first: ``lyaopt`` (its version), ``protocol``, ``capabilities``, ``method`` and
        ``core``.

    Raises
    ------
    PeerGone, PeerSilent
        If the process does not start, or does not say so in time.
    """

    def __init__(
        self, command: Sequence[str] | None = None, *, method: str = "exact", timeout_s: float = 30.0
    ) -> None:
        default = [sys.executable, "-m", "lyaopt_cli", "serve", "--stdio", "--method", method]
        self._timeout_s = timeout_s
        self._sequence = 0
        self._received = b""
        try:
            self._process = subprocess.Popen(
                list(command or default),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
        except OSError as error:
            raise PeerGone(f"{(command or default)[0]}: {error.strerror}") from None
        try:
            self.greeting = self._greeted()
        except BaseException:
            self.close()
            raise

    def _greeted(self) -> dict[str, Any]:
        greeting = _parsed(self._line())
        if not isinstance(greeting, dict) or greeting.get("protocol") != PROTOCOL:
            raise PeerGone(f"expected a solver with protocol {PROTOCOL}, got {greeting!r}")
        return greeting

    def solve(self, slot: Mapping[str, Any]) -> dict[str, Any]:
        """Solve a slot document; returns the solution document.

        Raises
        ------
        ProblemError
            If the document is refused; the process goes on.
        PeerGone, PeerSilent
            If no answer comes; the process is of no more use.
        """
        sequence = self._sequence
        self._sequence += 1
        self._send(to_json({"sequence": sequence, "slot": slot}) + b"\n")
        answer = _parsed(self._line())
        if not isinstance(answer, dict) or answer.pop("sequence", None) != sequence:
            raise PeerGone(f"expected the answer to request {sequence}, got another")
        if answer.get("status") == "error":
            raise ProblemError(answer["path"].replace("$.slot", "$", 1), answer["error"])
        return answer

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            while line:  # an unbuffered pipe may take less than all
                line = line[self._process.stdin.write(line) :]
        except (OSError, ValueError):
            raise PeerGone(self._last_words()) from None

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        descriptor, deadline = self._process.stdout.fileno(), time.monotonic() + self._timeout_s
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            if left <= 0.0 or not select.select([descriptor], [], [], left)[0]:
                raise PeerSilent(f"no answer within {self._timeout_s:g} s")
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                raise PeerGone(self._last_words())
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _last_words(self) -> str:
        """How the process ended, and the end of what it said of that."""
        try:
            _, said = self._process.communicate(timeout=_GRACE_S)
        except (subprocess.TimeoutExpired, ValueError):
            return "the solver closed its output"
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        return ": ".join([f"the solver ended with status {self._process.returncode}", *last])

    def close(self) -> None:
        """Let the process end; it is killed if it does not within seconds."""
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None and not stream.closed:
                stream.close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> SolverPipe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _parsed(line: bytes) -> Any:
    """A line as JSON; as text where it is none."""
    try:
        return from_json(line)
    except ValueError:
        return line.decode(errors="replace")
