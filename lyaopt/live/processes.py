"""The processes of a run, as the controller sees them: one for the edge, one for each device."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from lyaopt.errors import LyaoptError, ProfileError
from lyaopt.live.messages import Channel, MessageError

START_S = 300.0
"""Longest wait for a process to load its networks."""
ANSWER_S = 60.0
"""Longest wait for the answer to a message."""
_GRACE_S = 3.0
_ALREADY_S = 0.1
"""In which the end of a process that was killed is known."""
_LOOK_S = 0.2
"""Longest wait without a look at whether the user wants to stop."""
EDGE = -1
"""Number of the edge among the devices."""


class ProcessDiedError(LyaoptError, RuntimeError):
    """A process of a run ended, or answers no more.

    Parameters
    ----------
    name, reason : str
        Of the process, and what is known of its end.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.name, self.reason = name, reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.reason)


class Process:
    """One process, and the channel to it.

    Parameters
    ----------
    name : str
        In errors.
    config : dict
        Its first message.
    """

    def __init__(self, name: str, config: Mapping[str, Any]) -> None:
        self.name = name
        ours, theirs = socket.socketpair()
        # What the network prints is no message; its last line tells why a process died.
        self._output = tempfile.TemporaryFile()  # noqa: SIM115
        command = [sys.executable, "-m", "lyaopt.live.worker", str(theirs.fileno())]
        # Their own group: Ctrl-C reaches the controller alone, which stops the others.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            process_group=0,
            env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        )
        theirs.close()
        self.channel = Channel(ours)
        self.send(dict(config))

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def send(self, message: dict[str, Any]) -> None:
        """Send a `message`; raises `ProcessDiedError` if the process is gone."""
        try:
            self.channel.send(message)
        except OSError:
            raise self.died() from None

    def died(self) -> ProcessDiedError:
        """The error of a process that closed its channel."""
        try:
            status = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            return ProcessDiedError(self.name, "closed its channel")
        if status < 0:
            return ProcessDiedError(self.name, f"was killed by signal {-status}")
        self._output.seek(0)
        last = self._output.read().decode(errors="replace").strip().splitlines()[-1:]
        return ProcessDiedError(self.name, ": ".join([f"ended with status {status}", *last]))

    def was_killed(self, timeout_s: float) -> bool:
        """Whether a signal ended the process, waiting no longer than `timeout_s` for it."""
        try:
            return self._process.wait(timeout_s) < 0
        except subprocess.TimeoutExpired:
            return False

    def stop(self) -> None:
        """Close the channel, which ends the process; kill it after a few seconds."""
        self.channel.close()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()


class Processes:
    """All processes of a run. Use it as a context manager: they are stopped at its end.

    Attributes
    ----------
    all : dict of int to Process
        By number of the device; that of the edge is `EDGE`.
    """

    def __init__(self) -> None:
        self.all: dict[int, Process] = {}
        self._unread: dict[int, deque[dict[str, Any]]] = defaultdict(deque)
        self._selector = selectors.DefaultSelector()

    def start(self, number: int, name: str, config: Mapping[str, Any]) -> None:
        """Start a process.

        Parameters
        ----------
        number : int
            Of the device, or `EDGE`.
        name : str
            In errors.
        config : mapping
            Its first message.
        """
        process = self.all[number] = Process(name, config)
        self._selector.register(process.channel, selectors.EVENT_READ, number)

    def ask(self, messages: Mapping[int, dict[str, Any]], timeout_s: float = ANSWER_S) -> dict[int, Any]:
        """Send messages to some processes, and wait for an answer of each.

        Parameters
        ----------
        messages : mapping of int to dict
            By number of the process.
        timeout_s : float
            Longest wait.

        Returns
        -------
        dict
            Answers by number.

        Raises
        ------
        ProcessDiedError
            If a process died, whether it was asked or not, or does not answer.
        ProfileError
            If a process refuses its network.
        """
        for number, message in messages.items():
            self.all[number].send(message)
        return self.answers(list(messages), timeout_s)

    def answers(
        self,
        numbers: Sequence[int],
        timeout_s: float = ANSWER_S,
        stopped: Callable[[], bool] = lambda: False,
    ) -> dict[int, Any]:
        """Wait for a message of each of some processes; as `ask`.

        Parameters
        ----------
        numbers : sequence of int
            Of the processes.
        timeout_s : float
            Longest wait.
        stopped : callable
            Whether the user wants to stop, which is an error as the death of a process is.
        """
        deadline = time.monotonic() + timeout_s
        while missing := [number for number in numbers if not self._unread[number]]:
            left = deadline - time.monotonic()
            self._receive(min(left, _LOOK_S))
            if stopped():
                raise ProcessDiedError("the start", "was interrupted")
            if left < 0.0 and not self._unread[missing[0]]:
                raise ProcessDiedError(self.all[missing[0]].name, f"did not answer within {timeout_s:g} s")
        return {number: self._unread[number].popleft() for number in numbers}

    def watch_until(self, time_s: float) -> None:
        """Wait until a time of the monotonic clock; raises `ProcessDiedError` as soon as a process dies.

        Parameters
        ----------
        time_s : float
            When to return.
        """
        while (left := time_s - time.monotonic()) > 0.0:
            self._receive(left)

    def _receive(self, timeout_s: float) -> None:
        """Keep what comes within a time; two messages of a process may come at once."""
        for key, _ in self._selector.select(max(timeout_s, 0.0)):
            process = self.all[key.data]
            try:
                for message in process.channel.receive():
                    if message.get("refused"):
                        raise ProfileError(message["error"])
                    if "error" in message:
                        raise self._first(process, f"failed: {message['error']}")
                    self._unread[key.data].append(message)
            except (EOFError, OSError):
                raise self._first(process) from None
            except MessageError as error:
                raise ProcessDiedError(process.name, f"sent what is no message: {error}") from None

    def _first(self, process: Process, reason: str | None = None) -> ProcessDiedError:
        """The error of a process, unless another was killed: a device cannot send to a dead edge."""
        for other in self.all.values():
            if other is not process and other.was_killed(_ALREADY_S):
                return other.died()
        return process.died() if reason is None else ProcessDiedError(process.name, reason)

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._selector.close()
        for process in self.all.values():
            process.stop()
