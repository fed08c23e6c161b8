"""A client of a solver server for asyncio, which may wait for many answers at once."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, cast

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


async def connect_async(address: Address, *, timeout_s: float = 5.0) -> AsyncClient:
    """Connect to a server of `lyaopt serve --socket PATH` or `--listen HOST:PORT`.

    Parameters
    ----------
    address, timeout_s
        As of `lyaopt.serve.connect`.

    Returns
    -------
    AsyncClient
        To be closed, or used as an asynchronous context manager.

    Raises
    ------
    PeerGoneError, PeerTimeoutError, PeerRefusedError
        As of `lyaopt.serve.connect`.
    """
    place = place_of(address)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            if isinstance(place, tuple):
                _, answers = await loop.create_connection(_Answers, *place)
            else:
                _, answers = await loop.create_unix_connection(_Answers, place)
    except TimeoutError:
        raise PeerTimeoutError(f"{shown_place(place)}: no answer within {timeout_s:g} s") from None
    except (OSError, UnicodeError) as error:
        raise PeerGoneError(unreached(place, error)) from None
    client = AsyncClient(answers, timeout_s)
    try:
        await client._greet()
    except BaseException:
        client.close()
        raise
    return client


class AsyncClient:
    """One session of a solver server; `connect_async` makes it.

    Several tasks of one loop may use it at once: requests are answered in their order. After `PeerGoneError`
    it cannot be used again; after all other errors it can.

    Parameters
    ----------
    answers, timeout_s
        Of `connect_async`.

    Attributes
    ----------
    greeting : Greeting
        What the server says of itself.
    """

    greeting: Greeting

    def __init__(self, answers: Any, timeout_s: float) -> None:
        self._answers: _Answers = answers
        self._timeout_s = timeout_s
        self._version = frames.LOWEST_VERSION
        self._offset = 0
        self._system = ClientSystem()

    async def _greet(self) -> None:
        sent = time.monotonic_ns()
        payload = await self._ask(frames.HELLO, HELLO, None)
        self.greeting = Greeting(payload, sent, time.monotonic_ns())
        self._version, self._offset = self.greeting.version, self.greeting.clock_ns

    async def configure(self, problem: SlotProblem, *, timeout_s: float | None = None) -> None:
        """Send the constants of a system; the slots that follow are of it.

        There is no system until this is done: slots and other systems have to wait for it.

        Parameters
        ----------
        problem, timeout_s
            As of `Client.configure`.

        Raises
        ------
        ProblemError, PeerGoneError, PeerTimeoutError
            As of `Client.configure`.
        """
        with self._system.changing_to(problem) as system:
            await self._ask(frames.CONFIGURE, system.configuration(), timeout_s)

    async def solve(
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
        """Solve a slot; what is not given is as in the last slot whose answer has come.

        Parameters
        ----------
        local_queue_cycles, transmit_queue_bits, edge_queue_cycles, channel_gain
            As of `Client.solve`.
        local_weight, transmit_weight, edge_weight, deadline_s, timeout_s
            As of `Client.solve`.

        Returns
        -------
        SlotSolution

        Raises
        ------
        ProblemError, DeadlineError, PeerRefusedError, PeerGoneError, PeerTimeoutError
            As of `Client.solve`.
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
        number, deadline = self._answers.next_number(), deadline_of(deadline_s, self._offset)
        frame = bytes(system.frame_of(slot, self._version, number, deadline))  # the next one may come before
        return system.solution_of(slot, await self._exchange(number, frame, timeout_s))

    async def ping(self, *, timeout_s: float | None = None) -> float:
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
        (clock,) = frames.CLOCK.unpack(await self._ask(frames.PING, b"", timeout_s))
        received = time.monotonic_ns()
        self._offset = clock_offset(clock, sent, received)
        return (received - sent) / 1e9

    async def _ask(self, kind: int, payload: bytes, timeout_s: float | None) -> memoryview:
        number = self._answers.next_number()
        return await self._exchange(number, write_frame(self._version, kind, number, payload), timeout_s)

    async def _exchange(self, number: int, frame: bytes, timeout_s: float | None) -> memoryview:
        limit = self._timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit):
                return await self._answers.exchange(number, frame)
        except TimeoutError as error:
            if type(error) is not TimeoutError:  # of the server: a deadline
                raise
            raise PeerTimeoutError("no answer within the time limit") from None

    def close(self) -> None:
        """Close the connection; the server forgets the session."""
        self._answers.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Answers(asyncio.BufferedProtocol):
    """The connection of a client: who waits for which answer."""

    def __init__(self) -> None:
        self._buffer = bytearray(_START)
        self._count = 0
        self._number = 0
        self._waiting: dict[int, asyncio.Future[memoryview]] = {}
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._ended: Exception | None = None

    # --- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self._buffer)[self._count :]

    def buffer_updated(self, nbytes: int) -> None:
        self._count += nbytes
        begin, wanted = 0, HEADER_BYTES
        while self._count - begin >= HEADER_BYTES:
            header = Header._make(HEADER.unpack_from(self._buffer, begin))
            try:
                check_magic(header)
            except PeerGoneError as error:
                self._end(error)
                return
            wanted = HEADER_BYTES + header.length
            if self._count - begin < wanted:
                break
            self._deliver(header, bytes(self._buffer[begin + HEADER_BYTES : begin + wanted]))
            begin, wanted = begin + wanted, HEADER_BYTES
        rest = self._buffer[begin : self._count]
        if wanted > len(self._buffer):
            self._buffer = bytearray(wanted)
        self._buffer[: len(rest)] = rest
        self._count = len(rest)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(PeerGoneError("the server closed the connection"))

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    # --- what the client calls

    def next_number(self) -> int:
        self._number += 1
        return self._number

    async def exchange(self, number: int, frame: bytes) -> memoryview:
        """Send a request; return the payload of its answer."""
        await self._may_write.wait()
        if self._ended is not None:
            raise self._ended
        answer: asyncio.Future[memoryview] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._transport.write(frame)
        try:
            return await answer
        finally:
            self._waiting.pop(number, None)

    def close(self) -> None:
        self._end(PeerGoneError("the client is closed"))

    def _deliver(self, header: Header, payload: bytes) -> None:
        """Hand an answer over; of one that nobody waits for any more nothing is kept."""
        answer = self._waiting.get(header.number)
        try:
            check_answer(header, payload)
        except Exception as error:
            if header.kind == ANSWER:  # of a frame that was not understood
                self._end(error)
            elif answer is not None and not answer.done():
                answer.set_exception(error)
            return
        if answer is not None and not answer.done():
            answer.set_result(memoryview(payload))

    def _end(self, error: Exception) -> None:
        if self._ended is None:
            self._ended = error
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(error)
            self._may_write.set()
            self._transport.close()
