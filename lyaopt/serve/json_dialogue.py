"""Requests in lines of JSON: cut from what was received, and answered."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from lyaopt._version import __version__
from lyaopt.errors import ProblemError
from lyaopt.io.json_lines import encode
from lyaopt.serve import frames
from lyaopt.serve.dialogue import Answered, ClosingError, Dialogue, late_words
from lyaopt.serve.json_requests import KINDS, JsonRequest, parse_json_request
from lyaopt.serve.json_session import JsonSession
from lyaopt.serve.output import Output
from lyaopt.serve.protocol import sequence_of
from lyaopt.slot.solution_documents import format_solution
from lyaopt.slot.solve import solve_slot

_PIECE = 4096
_LONG = 4096
"""Bytes of a line from which on it may take longer than others should wait."""
_SLOTS = ("slot", "state")
_clock = time.monotonic_ns


class _LateError(Exception):
    """A request whose deadline has passed by so many nanoseconds; whether it was solved."""


class JsonDialogue(Dialogue):
    """Answers one client that speaks in lines of JSON.

    Parameters
    ----------
    output, largest
        As of `Dialogue`.
    """

    def __init__(self, output: Output, largest: int) -> None:
        super().__init__(output, largest)
        self._searched = 0
        self._session: JsonSession | None = None

    def answer_next(self, data: memoryview, ended: bool) -> int:
        """Answer the first line, if it is whole: see `Dialogue`."""
        size = len(data)
        end = self._find_end(data)
        if end < 0:
            if size > self.largest:
                reason = f"expected at most {self.largest} bytes in a line, got more"
                self._fail(None, "bad-frame", ProblemError("$", reason))
                raise ClosingError("bad-frame", reason)
            if not ended:
                self.wanted = 2 * size
                return 0
            end = size
        self._searched = 0
        self.last = None
        line = bytes(data[:end])
        if len(line) > _LONG:
            self.deferred = partial(self._answer, line)
        else:
            self._answer(line)
        return min(end + 1, size)

    def _find_end(self, data: memoryview) -> int:
        """Place of the first line end; -1 if there is none. What was searched is not searched again."""
        for start in range(self._searched, len(data), _PIECE):
            place = bytes(data[start : start + _PIECE]).find(b"\n")
            if place >= 0:
                return start + place
        self._searched = len(data)
        return -1

    def _answer(self, line: bytes) -> None:
        if not line.strip():
            return
        sequence, kind = None, "unknown"
        try:
            request = parse_json_request(line)
            sequence, kind = request.sequence, request.kind
            answer = self._perform_in_time(request)
        except ProblemError as error:
            self._fail(sequence_of(line) if sequence is None else sequence, "refused", error, kind)
        except _LateError as late:
            late_ns, solved = late.args
            words = ProblemError("$.deadline_s", late_words(late_ns, solved))
            self._fail(sequence, "late", words, kind, late_s=late_ns / 1e9)
        except ClosingError as closing:
            self._fail(sequence, closing.status, ProblemError("$.hello", closing.reason), kind)
            raise
        else:
            if answer is None:
                self._fail(sequence, "not-configured", ProblemError("$", "no system was configured"), kind)
                return
            self.output.add(b'{"sequence":%d,%b\n' % (request.sequence, answer[1:]))
            self.last = Answered(kind, "ok")

    def _perform_in_time(self, request: JsonRequest) -> bytes | None:
        if request.deadline_s is None:
            return self._perform(request)
        deadline = self.arrival_ns + int(1e9 * request.deadline_s)
        if (late := _clock() - deadline) > 0:
            raise _LateError(late, False)
        answer = self._perform(request)
        if (late := _clock() - deadline) > 0:
            raise _LateError(late, request.kind in _SLOTS)
        return answer

    def _perform(self, request: JsonRequest) -> bytes | None:
        """Return the answer without its number; None without a system."""
        kind, content = request.kind, request.content
        if kind == "state":
            return None if self._session is None else format_solution(self._session.solve(content))
        if kind == "slot":
            return format_solution(solve_slot(content))
        if kind == "configure":
            self._session = JsonSession(content)
            self.configured = True
            return encode({"status": "ok", "services": list(content.service_counts)})
        if kind == "hello":
            return encode(self._greeting(content))
        return encode({"status": "ok", "clock_s": _clock() / 1e9})

    def _greeting(self, content: Any) -> dict[str, Any]:
        right = isinstance(content, dict) and content.keys() == {"versions"}
        versions = content["versions"] if right else None
        if not isinstance(versions, list) or not versions or {*map(type, versions)} != {int}:
            raise ProblemError("$.hello", 'expected versions of the protocol, such as {"versions": [1]}')
        known = range(frames.LOWEST_VERSION, frames.HIGHEST_VERSION + 1)
        if not (common := {*versions} & {*known}):
            spoken = f"this server speaks versions {known[0]} to {known[-1]}"
            raise ClosingError("bad-version", f"{spoken}, the client others")
        return {
            "status": "ok",
            "protocol": max(common),
            "capabilities": list(KINDS),
            "largest_line": self.largest,
            "lyaopt": __version__,
        }

    def _fail(
        self, sequence: int | None, result: str, error: ProblemError, kind: str = "unknown", **more: float
    ) -> None:
        document = {"sequence": sequence, "status": "error", "result": result, **more}
        self.output.add(encode(document | {"path": error.path, "error": error.reason}) + b"\n")
        self.last = Answered(kind, result)
