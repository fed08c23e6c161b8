"""Frames of one system, as clients write and read them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from lyaopt._version import __version__
from lyaopt.arrays import Floats, as_floats, check_type
from lyaopt.errors import ProblemError
from lyaopt.serve import frames
from lyaopt.serve.frames import HEADER, HEADER_BYTES, MAGIC, Header
from lyaopt.serve.peer_errors import DeadlineError, PeerGoneError, PeerRefusedError
from lyaopt.serve.session import solution_bytes
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS, SCALAR_FIELDS
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.slot_block import SlotBlock
from lyaopt.slot.solution import SlotSolution

_FLOAT64 = np.dtype(np.float64)
_GAIN = DEVICE_FIELDS.index("channel_gain")
HELLO = frames.HELLO_REQUEST.pack(frames.LOWEST_VERSION, frames.HIGHEST_VERSION)


def write_frame(
    version: int, kind: int, number: int, payload: bytes | bytearray | memoryview = b"", deadline_ns: int = 0
) -> bytes:
    """Return a request.

    Parameters
    ----------
    version : int
        Of the protocol.
    kind : int
        One of `lyaopt.serve.frames.KINDS`.
    number : int
        Of the request.
    payload : bytes-like
        Of this kind.
    deadline_ns : int
        On the clock of the server; 0 for none.
    """
    return HEADER.pack(MAGIC, version, kind, 0, number, deadline_ns, len(payload), 0) + bytes(payload)


def check_answer(header: Header, payload: memoryview | bytes) -> None:
    """Raise the error of an answer that is one.

    Parameters
    ----------
    header : Header
        Of the answer.
    payload : bytes-like
        Of the answer.

    Raises
    ------
    ProblemError, DeadlineError, PeerRefusedError
    """
    if header.status == frames.OK:
        return
    path, reason = frames.parse_error(bytes(payload))
    if header.status == frames.REFUSED:
        raise ProblemError(path, reason)
    if header.status == frames.LATE:
        raise DeadlineError(-header.deadline_ns / 1e9, reason)
    raise PeerRefusedError(frames.STATUSES.get(header.status, str(header.status)), reason)


def check_magic(header: Header) -> None:
    """Raise `PeerGoneError` for an answer of something else than this server.

    Parameters
    ----------
    header : Header
        Of the answer.
    """
    if header.magic != MAGIC:
        raise PeerGoneError("the other side is no server of lyaopt")


class Greeting:
    """What a server says of itself.

    Parameters
    ----------
    payload : bytes-like
        Of the answer to hello.
    sent_ns, received_ns : int
        When it was asked and answered, on the clock of the client.

    Attributes
    ----------
    version : int
        Version of the protocol that is spoken.
    lowest, highest : int
        Versions that the server speaks.
    largest_payload : int
        In bytes.
    lyaopt : str
        Version of lyaopt of the server.
    clock_ns : int
        What to add to the client's `time.monotonic_ns` for the clock of the server; 0 on the same machine.
    """

    def __init__(self, payload: bytes | memoryview, sent_ns: int, received_ns: int) -> None:
        if len(payload) != frames.HELLO_ANSWER.size:
            raise PeerGoneError("the other side is no server of lyaopt")
        fields = frames.HELLO_ANSWER.unpack(payload)
        self.version, self.lowest, self.highest, self.largest_payload, clock, name = fields
        self.lyaopt = name.rstrip(b"\0").decode(errors="replace")
        self.clock_ns = clock_offset(clock, sent_ns, received_ns)

    def __repr__(self) -> str:
        return f"Greeting(lyaopt {self.lyaopt}, protocol {self.version}; this is lyaopt {__version__})"


def clock_offset(clock_ns: int, sent_ns: int, received_ns: int) -> int:
    """Return what to add to the client's clock for that of the server; 0 if they may be the same.

    Parameters
    ----------
    clock_ns : int
        Of the server, between the two.
    sent_ns, received_ns : int
        Of the client.
    """
    if sent_ns <= clock_ns <= received_ns:
        return 0
    return clock_ns - (sent_ns + received_ns) // 2


def deadline_of(deadline_s: float | None, offset_ns: int) -> int:
    """Return the deadline of a request on the server's clock, 0 for none.

    Parameters
    ----------
    deadline_s : float or None
        From now.
    offset_ns : int
        As `Greeting.clock_ns`.

    Raises
    ------
    ProblemError
        If it is not a number from 0 to a day.
    """
    if deadline_s is None:
        return 0
    if not 0.0 <= deadline_s <= 86400.0:
        raise ProblemError("$.deadline_s", f"expected seconds from 0 to 86400, got {deadline_s!r:.60}")
    return time.monotonic_ns() + offset_ns + int(1e9 * deadline_s)


class SystemFrames:
    """Writes slots of a system as frames, and reads their solutions.

    Parameters
    ----------
    problem : SlotProblem
        The system, and the first slot.

    Raises
    ------
    ProblemError
        If it has weights, tables or a shared spectrum, or no service.
    """

    def __init__(self, problem: SlotProblem) -> None:
        check_type(problem, SlotProblem, "problem", "of the first slot")
        if problem.is_general or not problem.local_queue_cycles.size:
            raise ProblemError("$.problem", "expected services, and no weights, tables or shared spectrum")
        self._problem = problem
        self._last = SlotBlock.of(problem)
        queues, devices, scalars = self._last.packed
        self._gains = slice(
            queues.size + _GAIN * devices.shape[1], queues.size + (_GAIN + 1) * devices.shape[1]
        )
        self._queues = queues.size
        self._given = queues.size + devices.size + scalars.size
        self.answer_bytes = solution_bytes(self._last.devices, self._last.services)
        """Payload of a solution, in bytes."""

    def configuration(self) -> bytes:
        """Return the payload that configures the system."""
        problem, block = self._problem, self._last
        numbers = [getattr(problem, name) for name in SCALAR_FIELDS]
        head = frames.SYSTEM.pack(block.devices, block.services, *numbers, problem.noise_psd_dbm_per_hz)
        return head + b"".join(getattr(problem, name).astype("<f8").tobytes() for name in frames.DEVICE_ROWS)

    def next_slot(self, fields: Mapping[str, Any]) -> SlotBlock:
        """Return the block of the next slot, in which what is None is as in the last one.

        Parameters
        ----------
        fields : mapping
            Names and values of backlogs and gains.

        Raises
        ------
        ProblemError
            If a shape is wrong.
        """
        _, services, devices = last = self._last
        values = np.empty(last.values.size)
        values[: self._given] = last.values[: self._given]
        block = SlotBlock(values, services, devices)
        queues = values[: self._queues].reshape(3, services, devices)
        for name, given in fields.items():
            if given is not None:
                view = values[self._gains] if name == "channel_gain" else queues[QUEUE_FIELDS.index(name)].T
                _put(view, name, given)
        return block

    def write_slot(self, block: SlotBlock, frame: bytearray) -> None:
        """Write backlogs and gains of a block behind the header of a frame.

        Parameters
        ----------
        block : SlotBlock
            Of `next_slot`.
        frame : bytearray
            Receives the payload; it has this length.
        """
        state = np.frombuffer(frame, _FLOAT64, offset=HEADER_BYTES)
        state[: self._queues] = block.values[: self._queues]
        state[self._queues :] = block.values[self._gains]

    @property
    def frame_bytes(self) -> int:
        """Length of the frame of a slot."""
        return HEADER_BYTES + 8 * (self._queues + self._last.devices)

    def read_solution(self, block: SlotBlock, payload: memoryview) -> SlotSolution:
        """Return the solution of a slot, which is the last one from now on.

        Parameters
        ----------
        block : SlotBlock
            Of `next_slot`; the solution keeps it.
        payload : memoryview
            Of the answer.

        Raises
        ------
        PeerGoneError
            If the payload has another length.
        """
        if len(payload) != self.answer_bytes:
            raise PeerGoneError(f"expected a solution of {self.answer_bytes} bytes, got {len(payload)}")
        block.values[self._given :] = np.frombuffer(payload, _FLOAT64)
        self._last = block
        return SlotSolution._from_block(block, self._problem_of)

    def _problem_of(self, block: SlotBlock) -> SlotProblem:
        first = self._problem
        names = {
            "service_counts": first.service_counts,
            "device_ids": first.device_ids,
            "service_ids": first.service_ids,
        }
        return SlotProblem._from_packed(block.packed, first.noise_psd_dbm_per_hz, **names)


def _put(view: Floats, name: str, values: Any) -> None:
    if not (type(values) is np.ndarray and values.dtype is _FLOAT64 and values.shape == view.shape):
        values = as_floats(values, name, view.shape)
    view[...] = values
