"""Requests in binary frames: cut from what was received, and answered."""

from __future__ import annotations

import time

from lyaopt._version import __version__
from lyaopt.errors import ProblemError
from lyaopt.serve import frames
from lyaopt.serve.dialogue import Answered, ClosingError, Dialogue, late_words
from lyaopt.serve.frames import ANSWER, HEADER, HEADER_BYTES, MAGIC, Header
from lyaopt.serve.output import Output
from lyaopt.serve.session import Session

_unpack, _pack = HEADER.unpack_from, HEADER.pack_into
_clock = time.monotonic_ns
_LATEST = 2**63 - 1
"""Nanoseconds that an answer can tell: deadlines of requests may lie further back."""


class BinaryDialogue(Dialogue):
    """Answers one client that speaks in frames.

    Parameters
    ----------
    output, largest
        As of `Dialogue`.
    """

    def __init__(self, output: Output, largest: int) -> None:
        super().__init__(output, largest)
        self._version = frames.LOWEST_VERSION
        self._session = Session(largest)
        self._state_bytes = -1

    def answer_next(self, data: memoryview, ended: bool) -> int:
        """Answer the first request, if it is whole: see `Dialogue`."""
        size = len(data)
        self.wanted = HEADER_BYTES
        if size < HEADER_BYTES:
            if not MAGIC.startswith(data[: len(MAGIC)]):
                self._refuse_magic()
            return 0
        header = _unpack(data)
        magic, version, kind, status, number, deadline, length, zero = header
        whole = HEADER_BYTES + length
        if magic != MAGIC or version != self._version or length > self.largest or status or zero:
            self._check_header(Header._make(header))
        if size < whole:
            self.wanted = whole
            return 0
        payload = data[HEADER_BYTES:whole]
        if kind == frames.SOLVE and length == self._state_bytes and not deadline:
            # the way of nearly every request; what is unusual goes the long way
            try:
                found = self._session.solver.solve_bytes(payload)  # type: ignore[union-attr]
            except ProblemError as error:
                self._fail(Header._make(header), frames.REFUSED, error)
                return whole
            self._succeed(kind, number, 0, found)
        else:
            self._answer(Header._make(header), payload)
        return whole

    def _refuse_magic(self) -> None:
        self._fatal(Header(MAGIC, 0, 0, 0, 0, 0, 0, 0), frames.BAD_FRAME, "a frame begins with LYAO")

    def _check_header(self, header: Header) -> None:
        """Refuse a header after which nothing can be understood any more."""
        if header.magic != MAGIC:
            self._refuse_magic()
        low, high = frames.LOWEST_VERSION, frames.HIGHEST_VERSION
        if header.kind != frames.HELLO and header.version != self._version:
            reason = f"expected a frame of version {self._version}, got {header.version}"
            self._fatal(header, frames.BAD_VERSION, f"{reason}; this server speaks {low} to {high}")
        if header.length > self.largest:
            reason = f"expected at most {self.largest} bytes of payload, got {header.length}"
            self._fatal(header, frames.BAD_FRAME, reason)
        if header.status or header.zero:
            self._fatal(header, frames.BAD_FRAME, "expected a status and reserved bytes of 0 in a request")

    def _fatal(self, header: Header, status: int, reason: str) -> None:
        self._fail(header, status, ProblemError("$", reason))
        raise ClosingError(frames.STATUSES[status], reason)

    def _answer(self, header: Header, payload: memoryview) -> None:
        deadline = header.deadline_ns
        late = _clock() - deadline if deadline else 0
        if late > 0:
            self._late(header, late, solved=False)
            return
        try:
            answer = self._perform(header, payload)
        except ProblemError as error:
            self._fail(header, frames.REFUSED, error)
            return
        if answer is None:
            return
        left = deadline - _clock() if deadline else 0
        if left < 0:
            self._late(header, -left, solved=header.kind == frames.SOLVE)
        else:
            self._succeed(header.kind, header.number, left, answer)

    def _perform(self, header: Header, payload: memoryview) -> bytes | memoryview | None:
        """Return the payload of the answer; None if the request was refused."""
        kind = header.kind
        if kind == frames.SOLVE:
            solver = self._session.solver
            if solver is None:
                self._fail(header, frames.NOT_CONFIGURED, ProblemError("$", "no system was configured"))
                return None
            return solver.solve_bytes(payload)
        if kind == frames.PING:
            return frames.CLOCK.pack(_clock())
        if kind == frames.CONFIGURE:
            self._state_bytes, solution_bytes = self._session.configure(payload)
            self.configured = True
            return frames.SIZES.pack(self._state_bytes, solution_bytes)
        if kind == frames.HELLO:
            return self._greet(header, payload)
        self._fail(header, frames.UNKNOWN_KIND, ProblemError("$", f"no request is of kind {kind}"))
        return None

    def _greet(self, header: Header, payload: memoryview) -> bytes:
        expected = frames.HELLO_REQUEST.size
        if len(payload) != expected:
            raise ProblemError("$", f"expected {expected} bytes, got {len(payload)}")
        lowest, highest = frames.HELLO_REQUEST.unpack(payload)
        low, high = frames.LOWEST_VERSION, frames.HIGHEST_VERSION
        chosen = min(highest, high)
        if chosen < max(lowest, low):
            reason = f"this server speaks versions {low} to {high}, the client {lowest} to {highest}"
            self._fatal(header, frames.BAD_VERSION, reason)
        self._version = chosen
        name = __version__.encode()[:23]
        return frames.HELLO_ANSWER.pack(chosen, low, high, self.largest, _clock(), name)

    def _late(self, header: Header, late: int, *, solved: bool) -> None:
        error = ProblemError("$", late_words(late, solved))
        self._fail(header, frames.LATE, error, -min(late, _LATEST))

    def _succeed(self, kind: int, number: int, left: int, payload: bytes | memoryview) -> None:
        output = self.output
        length = len(payload)
        start = output.reserve(HEADER_BYTES + length)
        _pack(output.data, start, MAGIC, self._version, kind | ANSWER, 0, number, left, length, 0)
        output.view[start + HEADER_BYTES : output.used] = payload
        self.last = Answered(frames.KINDS[kind], "ok")

    def _fail(self, header: Header, status: int, error: ProblemError, left: int = 0) -> None:
        payload = frames.error_payload(error.path, error.reason)
        kind = header.kind
        head = HEADER.pack(MAGIC, self._version, kind | ANSWER, status, header.number, left, len(payload), 0)
        self.output.add(head + payload)
        self.last = Answered(frames.KINDS.get(kind, "unknown"), frames.STATUSES[status])
