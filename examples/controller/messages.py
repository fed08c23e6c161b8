"""What devices and the controller tell each other: datagrams of doubles over Unix sockets.

Whoever is not there gets nothing: no datagram waits for its receiver, and none is sent twice.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STAGES = 3  # local CPU, radio, edge
LARGEST = 2**16
_LEAST, _MOST = 1e-6, 1e15  # of what is left of a task, and of all numbers


def state_message(device: int, number: int, gain: float, queues: Floats) -> bytes:
    """A device's state: `queues` (3, 3, N) are backlog, tasks and what is left of the first one, by stage."""
    return np.concatenate([[device, number, gain], queues.ravel()]).tobytes()


class State(NamedTuple):
    """What a device said of itself."""

    device: int
    number: int
    gain: float
    backlog: Floats
    waiting: NDArray[np.int64]
    head_left: Floats

    @classmethod
    def of(cls, message: bytes, services: int) -> State:
        """Read a message; `ValueError` if it is none of a device with so many services.

        No number of a device must be able to stop the controller: all are in a range that can be solved.
        """
        numbers = np.frombuffer(message) if len(message) % 8 == 0 else np.empty(0)
        if numbers.size != 3 + 3 * STAGES * services or not _all_within(numbers, 0.0, _MOST):
            raise ValueError("no state of a device")
        device, number, gain = numbers[:3].tolist()
        backlog, waiting, head_left = numbers[3:].reshape(3, STAGES, services)
        if gain > 1.0 or not _all_within(head_left, _LEAST, _MOST):
            raise ValueError("no state of a device")
        return cls(int(device), int(number), gain, backlog, waiting.astype(np.int64), head_left)


def _all_within(numbers: Floats, least: float, most: float) -> bool:
    return bool(((numbers >= least) & (numbers <= most)).all())  # False for NaN


def decision_message(number: int, rates: Floats, points: NDArray[np.int64]) -> bytes:
    """A decision: `rates` (3, N) in cycles/s, bit/s, cycles/s, and points (N,) to cut the next tasks at."""
    return np.concatenate([[number], rates.ravel(), points]).tobytes()


class Decision(NamedTuple):
    """What a device is to do until it hears the next one."""

    number: int
    rates: Floats
    points: NDArray[np.int64]

    @classmethod
    def of(cls, message: bytes, services: int) -> Decision:
        """Read a message of the controller."""
        number, *rest = np.split(np.frombuffer(message), [1, 1 + STAGES * services])
        return cls(int(number[0]), rest[0].reshape(STAGES, services), rest[1].astype(np.int64))


class Mailbox:
    """A socket of datagrams at a path, which never waits."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)  # of a process that was killed
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(path))

    def send(self, path: Path, message: bytes) -> bool:
        """Send a message; return False if the receiver is not there, or does not read."""
        try:
            self._socket.sendto(message, str(path))
        except OSError:
            return False
        return True

    def received(self) -> list[bytes]:
        """All messages that came since the last call, in order."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(LARGEST))
            except BlockingIOError:
                return messages
