"""Frames of one system, as clients write and read them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lyaopt._version import __version__
from lyaopt.arrays import Floats, as_floats, check_type
from lyaopt.errors import ProblemError
from lyaopt.serve import frames
from lyaopt.serve.frames import HEADER, HEADER_BYTES, MAGIC, Header
from lyaopt.serve.peer_errors import DeadlineError, PeerGoneError, PeerRefusedError
from lyaopt.slot.byte_solver import bytes_of
from lyaopt.slot.inputs import DEVICE_FIELDS, QUEUE_FIELDS, SCALAR_FIELDS, WEIGHT_FIELDS
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


class NextSlot(NamedTuple):
    """A slot that is to be solved.

    Attributes
    ----------
    block : SlotBlock
        Its numbers; receives the solution.
    weights : (3, N, M) array or None
        Apart from the backlogs.
    given : tuple of bool
        Which of the weights were given.
    """

    block: SlotBlock
    weights: Floats | None
    given: tuple[bool, ...]


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
        self._last = last = SlotBlock.of(problem)
        queues, devices, scalars = last.packed
        gains = queues.size + _GAIN * last.devices
        self._queues, self._gains = slice(0, queues.size), slice(gains, gains + last.devices)
        self._given = queues.size + devices.size + scalars.size
        state, weighted, self._solution_bytes = bytes_of(last.devices, last.services)
        self._frames = bytearray(HEADER_BYTES + state), bytearray(HEADER_BYTES + weighted)
        beyond = np.arange(last.services) >= np.array(problem.service_counts)[:, np.newaxis]
        self._beyond = beyond if beyond.any() else None
        self._states = [np.frombuffer(frame, _FLOAT64, offset=HEADER_BYTES) for frame in self._frames]

    def configuration(self) -> bytes:
        """Return the payload that configures the system."""
        problem, block = self._problem, self._last
        numbers = [getattr(problem, name) for name in SCALAR_FIELDS]
        head = frames.SYSTEM.pack(block.devices, block.services, *numbers, problem.noise_psd_dbm_per_hz)
        return head + b"".join(getattr(problem, name).astype("<f8").tobytes() for name in frames.DEVICE_ROWS)

    def next_slot(self, fields: Mapping[str, Any]) -> NextSlot:
        """Return the next slot, in which what is None is as in the last one; weights are the backlogs then.

        Parameters
        ----------
        fields : mapping
            Names and values of backlogs, gains and weights.

        Raises
        ------
        ProblemError
            If a shape is wrong, or a device does not have such a service.
        """
        last = self._last
        values = np.empty(last.values.size)
        values[: self._given] = last.values[: self._given]
        queues = values[self._queues].reshape(3, last.services, last.devices)
        for name, row in zip(QUEUE_FIELDS, queues, strict=True):
            if (given := fields[name]) is not None:
                _put(row.T, name, given)
        if (given := fields["channel_gain"]) is not None:
            _put(values[self._gains], "channel_gain", given)
        block = SlotBlock(values, last.services, last.devices)
        present = tuple([fields[name] is not None for name in WEIGHT_FIELDS])
        self._check_counts(queues)
        if True not in present:
            return NextSlot(block, None, present)
        weights = queues.copy()
        for name, row in zip(WEIGHT_FIELDS, weights, strict=True):
            if (given := fields[name]) is not None:
                _put(row.T, name, given)
        self._check_counts(weights)
        return NextSlot(block, weights, present)

    def _check_counts(self, numbers: Floats) -> None:
        """Refuse numbers (3, N, M) of services that a device does not have: frames have all devices alike."""
        if self._beyond is not None and numbers[:, self._beyond.T].any():
            used = self._beyond & numbers.any(axis=0).T
            device, service = (int(place) for place in np.argwhere(used)[0])
            count = (self._problem.service_counts or ())[device]
            raise ProblemError(f"$.devices[{device}].services[{service}]", f"beyond the device's {count}")

    def frame_of(self, slot: NextSlot, version: int, number: int, deadline_ns: int) -> bytearray:
        """Return the frame of a slot, which changes with the next one.

        Parameters
        ----------
        slot : NextSlot
            Of this system.
        version, number, deadline_ns : int
            As of `write_frame`.
        """
        weighted = slot.weights is not None
        frame, state = self._frames[weighted], self._states[weighted]
        values, end = slot.block.values, self._queues.stop
        state[:end] = values[self._queues]
        state[end : end + slot.block.devices] = values[self._gains]
        if slot.weights is not None:
            state[end + slot.block.devices :] = slot.weights.ravel()
        length = len(frame) - HEADER_BYTES
        HEADER.pack_into(frame, 0, MAGIC, version, frames.SOLVE, 0, number, deadline_ns, length, 0)
        return frame

    def solution_of(self, slot: NextSlot, payload: memoryview) -> SlotSolution:
        """Return the solution of a slot, which is the last one from now on.

        Parameters
        ----------
        slot : NextSlot
            The solution keeps its arrays.
        payload : memoryview
            Of the answer.

        Raises
        ------
        PeerGoneError
            If the payload has another length.
        """
        if len(payload) != self._solution_bytes:
            raise PeerGoneError(f"expected a solution of {self._solution_bytes} bytes, got {len(payload)}")
        block = slot.block
        block.values[self._given :] = np.frombuffer(payload, _FLOAT64)
        self._last = block
        return SlotSolution._from_block(block, lambda block: self._problem_of(slot))

    def _problem_of(self, slot: NextSlot) -> SlotProblem:
        first = self._problem
        names = {
            "service_counts": first.service_counts,
            "device_ids": first.device_ids,
            "service_ids": first.service_ids,
        }
        problem = SlotProblem._from_packed(slot.block.packed, first.noise_psd_dbm_per_hz, **names)
        if slot.weights is not None:
            problem._keep_weights(slot.weights, [present or None for present in slot.given])
        return problem


def _put(view: Floats, name: str, values: Any) -> None:
    if not (type(values) is np.ndarray and values.dtype is _FLOAT64 and values.shape == view.shape):
        values = as_floats(values, name, view.shape)
    view[...] = values
