"""A client of a solver server that waits for each answer."""

from __future__ import annotations

import socket
import time
from types import TracebackType

from numpy.typing import ArrayLike

from lyaopt.serve import frames
from lyaopt.serve.client_system import ClientSystem
from lyaopt.serve.frames import ANSWER, HEADER, HEADER_BYTES, Header
from lyaopt.serve.peer_errors import PeerGoneError, PeerTimeoutError
from lyaopt.serve.places import Address, place_of, shown_place, unreached
from lyaopt.serve.system_frames import (
    HELLO,
    Greeting,
    check_answer,
    check_magic,
    clock_offset,
    deadline_of,
    write_frame,
)
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.solution import SlotSolution

_START = 2**14
_LEAST_SHARE = 0.9
"""Of a time limit, which is left to what comes next; it is set anew below that, which takes a system call."""


def connect(address: Address, *, timeout_s: float = 5.0) -> Client:
    """Connect to a server of `lyaopt serve --socket PATH` or `--listen HOST:PORT`.

    Parameters
    ----------
    address : str, path or (str, int)
        Path of the socket; ``HOST:PORT``, or host and port. A path that looks like the latter is given as a
        `pathlib.Path`.
    timeout_s : float
        Longest wait for the connection and for each answer, in seconds.

    Returns
    -------
    Client
        To be closed, or used as a context manager.

    Raises
    ------
    PeerGoneError, PeerTimeoutError
        If nobody listens there, or does not answer in time.
    PeerRefusedError
        If the two have no version of the protocol in common.
    """
    return Client(address, timeout_s=timeout_s)


class Client:
    """One session of a solver server, in this thread; `connect` makes it.

    A client must not be used by two threads at once. After `PeerGoneError` it cannot be used again; after
    all other errors it can, `PeerTimeoutError` included: the answer that came too late is passed over.

    Parameters
    ----------
    address, timeout_s
        As of `connect`.

    Attributes
    ----------
    greeting : Greeting
        What the server says of itself.

    Raises
    ------
    PeerGoneError, PeerTimeoutError, PeerRefusedError
        As of `connect`.

    Examples
    --------
    >>> with connect("/run/lyaopt/solver.sock") as client:  # doctest: +SKIP
    ...     client.configure(problem)
    ...     solution = client.solve(local_queue_cycles=backlogs, channel_gain=gains, deadline_s=0.005)
    """

    def __init__(self, address: Address, *, timeout_s: float = 5.0) -> None:
        self._timeout_s = timeout_s
        self._number = 0
        self._version = frames.LOWEST_VERSION
        self._system = ClientSystem()
        self._received = bytearray(_START)
        self._count = self._done = 0
        self._socket: socket.socket | None = _open(address, timeout_s)
        self._time_limit = timeout_s
        try:
            sent = time.monotonic_ns()
            answer = self._ask(frames.HELLO, HELLO, None)
            self.greeting = Greeting(answer, sent, time.monotonic_ns())
        except BaseException:
            self.close()
            raise
        self._version = self.greeting.version
        self._offset = self.greeting.clock_ns

    def configure(self, problem: SlotProblem, *, timeout_s: float | None = None) -> None:
        """Send the constants of a system; the slots that follow are of it.

        Parameters
        ----------
        problem : SlotProblem
            The system, without weights, tables or a shared spectrum. Its backlogs and gains are those of the
            next slot, where that leaves them out.
        timeout_s : float, optional
            In place of that of the client.

        Raises
        ------
        ProblemError
            If it is refused; the former system stays.
        PeerGoneError, PeerTimeoutError
            If no answer comes. There is no system then, until one is configured.
        """
        with self._system.changing_to(problem) as system:
            self._ask(frames.CONFIGURE, system.configuration(), timeout_s)

    def solve(
        self,
        *,
        local_queue_cycles: ArrayLike | None = None,
        transmit_queue_bits: ArrayLike | None = None,
        edge_queue_cycles: ArrayLike | None = None,
        channel_gain: ArrayLike | None = None,
        local_weight: ArrayLike | None = None,
        transmit_weight: ArrayLike | None = None,
        edge_weight: ArrayLike | None = None,
        deadline_s: float | None = None,
        timeout_s: float | None = None,
    ) -> SlotSolution:
        """Solve a slot; what is not given is as in the last slot that was solved.

        Parameters
        ----------
        local_queue_cycles, transmit_queue_bits, edge_queue_cycles : (M, N) array_like, optional
            Backlogs in cycles, bits, cycles.
        channel_gain : (M,) array_like, optional
            h.
        local_weight, transmit_weight, edge_weight : (M, N) array_like, optional
            w of every service, as of `SlotProblem`: the backlogs where they are left out, in each slot.
        deadline_s : float, optional
            Seconds from now until when the answer is of use. The server does not begin with a slot that is
            already late.
        timeout_s : float, optional
            In place of that of the client.

        Returns
        -------
        SlotSolution
            With its certificate, as of `solve_slot`.

        Raises
        ------
        ProblemError
            If a number is out of range, with the path of the field.
        PeerRefusedError
            Without a system.
        DeadlineError
            If the answer is late; it says by how much.
        PeerGoneError, PeerTimeoutError
            If no answer comes.
        """
        system = self._system.frames
        fields = {
            "local_queue_cycles": local_queue_cycles,
            "transmit_queue_bits": transmit_queue_bits,
            "edge_queue_cycles": edge_queue_cycles,
            "channel_gain": channel_gain,
            "local_weight": local_weight,
            "transmit_weight": transmit_weight,
            "edge_weight": edge_weight,
        }
        slot = system.next_slot(fields)
        self._number += 1
        frame = system.frame_of(slot, self._version, self._number, deadline_of(deadline_s, self._offset))
        return system.solution_of(slot, self._exchange(frame, timeout_s))

    def ping(self, *, timeout_s: float | None = None) -> float:
        """Return how long the server takes to answer, in seconds.

        Parameters
        ----------
        timeout_s : float, optional
            In place of that of the client.

        Raises
        ------
        PeerGoneError, PeerTimeoutError
            If no answer comes.
        """
        sent = time.monotonic_ns()
        (clock,) = frames.CLOCK.unpack(self._ask(frames.PING, b"", timeout_s))
        received = time.monotonic_ns()
        self._offset = clock_offset(clock, sent, received)
        return (received - sent) / 1e9

    def close(self) -> None:
        """Close the connection; the server forgets the session."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- messages

    def _ask(self, kind: int, payload: bytes, timeout_s: float | None) -> memoryview:
        self._number += 1
        return self._exchange(write_frame(self._version, kind, self._number, payload), timeout_s)

    def _exchange(self, frame: bytes | bytearray, timeout_s: float | None) -> memoryview:
        """Send a request; return the payload of its answer, which changes with the next one."""
        connection = self._socket
        if connection is None:
            raise PeerGoneError("the client is closed")
        limit = self._timeout_s if timeout_s is None else timeout_s
        if limit != self._time_limit:
            connection.settimeout(limit)
            self._time_limit = limit
        until = time.monotonic() + limit
        try:
            connection.sendall(frame)
        except (TimeoutError, BlockingIOError):
            self.close()  # a part of the request may have gone
            raise PeerTimeoutError("the server does not read") from None
        except OSError as error:
            # what the server said before it closed its end may be there
            self._last_words(error)
        while True:
            header, payload = self._receive(connection, until)
            if header.number == self._number or header.kind == ANSWER:  # of a frame that was not understood
                check_answer(header, payload)
                return payload

    def _last_words(self, error: OSError) -> None:
        self.close()
        raise PeerGoneError(f"the server closed the connection: {error.strerror}") from None

    def _receive(self, connection: socket.socket, until: float) -> tuple[Header, memoryview]:
        """Return the next answer; what was received before is kept if there is none in time."""
        self._drop_done()
        needed = HEADER_BYTES
        while True:
            while self._count < needed:
                self._fill(connection, needed, until)
            if needed > HEADER_BYTES or self._count >= HEADER_BYTES:
                header = Header._make(HEADER.unpack_from(self._received))
                check_magic(header)
                whole = HEADER_BYTES + header.length
                if self._count >= whole:
                    self._done = whole
                    return header, memoryview(self._received)[HEADER_BYTES:whole]
                needed = whole

    def _drop_done(self) -> None:
        """Forget the answer that was read last, and move what follows it to the front."""
        rest = self._count - self._done
        if self._done and rest:
            self._received[:rest] = self._received[self._done : self._count]
        self._count, self._done = rest, 0

    def _fill(self, connection: socket.socket, needed: int, until: float) -> None:
        if len(self._received) < needed:
            self._received = self._received[: self._count] + bytearray(needed - self._count)
        left = max(until - time.monotonic(), 0.0)
        if left < _LEAST_SHARE * self._time_limit:  # sending took long, or something else came before
            connection.settimeout(left)
            self._time_limit = left
        try:
            got = connection.recv_into(memoryview(self._received)[self._count :])
        except (TimeoutError, BlockingIOError):
            raise PeerTimeoutError("no answer within the time limit") from None
        except OSError as error:
            self._last_words(error)
        if not got:
            self.close()
            raise PeerGoneError("the server closed the connection")
        self._count += got


def _open(address: Address, timeout_s: float) -> socket.socket:
    """Return a connection; `PeerGoneError` if there is none."""
    place = place_of(address)
    try:
        if isinstance(place, tuple):
            connection = socket.create_connection(place, timeout_s)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout_s)
            connection.connect(place)
        except BaseException:
            connection.close()
            raise
        return connection
    except TimeoutError:
        raise PeerTimeoutError(f"{shown_place(place)}: no answer within {timeout_s:g} s") from None
    except (OSError, UnicodeError) as error:
        raise PeerGoneError(unreached(place, error)) from None
