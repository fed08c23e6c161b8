"""A client of the server: what it sends is answered in turn with the others, and within bounds."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import socket
import sys
import termios
import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, cast

from lyaopt.serve.binary_dialogue import BinaryDialogue
from lyaopt.serve.dialogue import ClosingError, Dialogue
from lyaopt.serve.json_dialogue import JsonDialogue
from lyaopt.serve.output import Output

if TYPE_CHECKING:
    from lyaopt.serve.server import SolverServer

_START = 2**14
_SLICE_NS = 100_000
"""Time for one client before others have their turn."""
_UNREAD = 2**16
"""Bytes that may wait for a client that does not read; then it is not read either."""
_LINGER_S = 1.0
_JSON = b"{ \t\r\n"
"""Bytes with which lines of JSON may begin, and frames do not."""
LOGGER = logging.getLogger("lyaopt.serve")
_NUMBERS = count(1)
_clock = time.monotonic_ns


class Connection(asyncio.BufferedProtocol):
    """One client.

    Parameters
    ----------
    server : SolverServer
        To which it came.
    """

    def __init__(self, server: SolverServer) -> None:
        self._server = server
        self._output = Output()
        self._dialogue: Dialogue | None = None
        self._take(bytearray(_START))
        self._begin = self._end = 0
        self._arrival = self._began = self._stalled_since = 0
        self._stalled = self._reading_stopped = self._again = self._ended = self._deaf = False
        self._unread = 0
        self._finishing = False
        self._reason = "closed"
        self.number = next(_NUMBERS)

    def _take(self, buffer: bytearray) -> None:
        self._buffer = buffer
        self._view = memoryview(buffer)

    # --- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport.

        Parameters
        ----------
        transport : Transport
            To the client.
        """
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_UNREAD)
        connected = self._transport.get_extra_info("socket")
        if connected.family != socket.AF_UNIX:  # of a machine that was switched off nothing else is heard
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._arrival = _clock()
        if not self._server.came(self):
            self._deaf = True
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget everything.

        Parameters
        ----------
        error : Exception or None
            Not needed: the server knows why it disconnects a client.
        """
        self._deaf = True
        self._server.left(self, self._reason)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the room behind what was received.

        Parameters
        ----------
        sizehint : int
            Not needed.
        """
        return self._view[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        """Answer what is whole.

        Parameters
        ----------
        nbytes : int
            How much was received.
        """
        if self._deaf:
            return
        self._end += nbytes
        self._unread = max(self._unread - nbytes, 0)
        self._arrival = _clock()
        self._work()

    def eof_received(self) -> bool:
        """Answer what was received before the client closed its end; then close."""
        self._ended = True
        if not self._deaf:
            self._work()
        return not self._deaf

    def pause_writing(self) -> None:
        """Stop answering a client that does not read."""
        self._stalled = True
        self._stalled_since = _clock()
        self._read_on()

    def resume_writing(self) -> None:
        """Answer again."""
        self._stalled = False
        self._later()

    # --- answers

    def _later(self) -> None:
        if not self._again:
            self._again = True
            asyncio.get_running_loop().call_soon(self._work_again)
        self._read_on()

    def _work_again(self) -> None:
        self._again = False
        if not self._deaf:
            self._work()

    def _work(self) -> None:
        """Answer requests for a slice of time, then let others have their turn."""
        if not (self._again or self._stalled):
            self._attempt(self._answer_some)

    def _attempt(self, answer: Callable[[], bool]) -> None:
        """Answer requests, which returns whether more may be whole; then send the answers."""
        try:
            more = answer()
        except ClosingError as error:
            self._server.log_refusal(self, error)
            self._reason = error.status
            self._say_goodbye()
            return
        except Exception:  # of ours: it ends this client, and no other
            LOGGER.exception("client %d is disconnected: an error of the server", self.number)
            self.abort("internal")
            return
        self._output.send(self._transport)
        if more:
            self._later()
        elif self._reading_stopped:
            self._read_on()
        if not more and (self._ended or (self._finishing and not self._unread)):
            self._close()

    def _answer_some(self) -> bool:
        """Answer requests; return whether more may be whole."""
        if self._begin == self._end:  # perhaps nothing has come yet that tells of the dialogue
            self._begin = self._end = 0
            return False
        dialogue = self._dialogue or self._choose()
        dialogue.arrival_ns = self._arrival
        until = _clock() + _SLICE_NS
        answered = self._server.metrics.answered
        while self._begin < self._end:
            length = dialogue.answer_next(self._view[self._begin : self._end], self._ended)
            if not length:
                self._make_room(dialogue.wanted)
                return False
            self._begin += length
            self._began = 0
            now = _clock()
            if dialogue.last is not None:
                answered(*dialogue.last, now - self._arrival)
            elif dialogue.deferred is not None:
                self._defer(dialogue.deferred)
                return True
            if now > until and self._begin < self._end:
                return True
        self._begin = self._end = 0
        return False

    def _defer(self, answer: Callable[[], None]) -> None:
        """Answer a request in the server's other thread; this client waits, and no other."""
        self._again = True
        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._server.other_thread, answer).add_done_callback(self._take_deferred)

    def _take_deferred(self, done: asyncio.Future[None]) -> None:
        self._again = False
        if not (self._deaf or done.cancelled()):
            self._attempt(lambda: self._conclude(done))

    def _conclude(self, done: asyncio.Future[None]) -> bool:
        dialogue = cast(Dialogue, self._dialogue)
        dialogue.deferred = None
        done.result()
        if dialogue.last is not None:
            self._server.metrics.answered(*dialogue.last, _clock() - self._arrival)
        return bool(self._stalled) or self._answer_some()

    def _choose(self) -> Dialogue:
        """Return the dialogue of the first bytes."""
        limits = self._server.limits
        if self._buffer[self._begin] in _JSON:
            self._dialogue = JsonDialogue(self._output, limits.largest_line)
        else:
            self._dialogue = BinaryDialogue(self._output, limits.largest_frame)
        return self._dialogue

    def _make_room(self, wanted: int) -> None:
        """Move a request that is not whole to the front of a buffer that can hold it."""
        if not self._began:
            self._began = self._arrival
        kept, size = self._end - self._begin, len(self._buffer)
        if self._end < size and (not self._begin or self._begin + wanted <= size):
            return
        if self._begin:
            self._view[:kept] = self._view[self._begin : self._end]
            self._begin, self._end = 0, kept
        else:  # twice what is there: a length that was announced takes no memory by itself
            larger = bytearray(min(max(wanted, size + 1), 2 * size))
            larger[:kept] = self._view
            self._take(larger)

    def _read_on(self) -> None:
        """Read, or not, while answers or requests wait."""
        stop = self._stalled or self._again
        if stop != self._reading_stopped and not self._transport.is_closing():
            self._reading_stopped = stop
            if stop:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    # --- bounds

    @property
    def configured(self) -> bool:
        """Whether it has sent its system."""
        return self._dialogue is not None and self._dialogue.configured

    def overdue(self, now: int) -> str | None:
        """Return why the client is to be disconnected, as one word; None if it is not.

        Parameters
        ----------
        now : int
            On `time.monotonic_ns`.
        """
        limits = self._server.limits
        patience = int(1e9 * limits.patience_s)
        if self._stalled:
            return "slow-reader" if now - self._stalled_since > patience else None
        if self._began and now - self._began > patience:
            return "half-message"
        if self._dialogue is None and now - self._arrival > patience:
            return "silent"
        idle = limits.idle_s is not None and now - self._arrival > int(1e9 * limits.idle_s)
        return "idle" if idle and not self._again else None

    # --- ends

    def finish(self) -> None:
        """Answer what the machine has received by now; then close."""
        self._finishing = True
        if not self._deaf:
            self._unread = _unread_bytes(self._transport)
            self._work()

    def abort(self, reason: str) -> None:
        """Disconnect at once.

        Parameters
        ----------
        reason : str
            One word, for the metrics.
        """
        self._deaf = True
        self._reason = reason
        self._transport.abort()

    def _close(self) -> None:
        if self._finishing and _unread_bytes(self._transport):
            self._say_goodbye()
            return
        self._deaf = True
        self._transport.close()

    def _say_goodbye(self) -> None:
        """Send the last answer, and answer nothing more; bytes that stay unread would discard the answer."""
        self._deaf = True
        self._begin = self._end = 0
        self._output.send(self._transport)
        if not self._transport.is_closing():
            if self._transport.can_write_eof():
                self._transport.write_eof()
            self._stalled = self._again = False
            self._read_on()
            asyncio.get_running_loop().call_later(_LINGER_S, self._transport.abort)


def _unread_bytes(transport: asyncio.Transport) -> int:
    """How much of what the machine has received from a client was not read yet."""
    waiting = bytearray(4)
    fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.FIONREAD, waiting)
    return int.from_bytes(waiting, sys.byteorder)
