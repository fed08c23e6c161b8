"""What both kinds of requests, frames and lines of JSON, have in common."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import NamedTuple

from lyaopt.errors import LyaoptError
from lyaopt.serve.output import Output


class ClosingError(LyaoptError):
    """A client that cannot be understood any more; it has been told, and is to be disconnected.

    Parameters
    ----------
    status, reason : str
        A word of `lyaopt.serve.frames.STATUSES`, and a sentence.
    """

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Answered(NamedTuple):
    """A request that was answered, for the metrics.

    Attributes
    ----------
    kind, status : str
        Words of `lyaopt.serve.frames.KINDS` and `STATUSES`.
    """

    kind: str
    status: str


class Dialogue(abc.ABC):
    """Answers one client.

    Parameters
    ----------
    output : Output
        Receives the answers.
    largest : int
        Most bytes of a payload or line.

    Attributes
    ----------
    configured : bool
        Whether the client has sent its system.
    arrival_ns : int
        When the request was received, on `time.monotonic_ns`; set by the connection.
    wanted : int
        Room for the first request, as far as is known, after one that was not whole.
    last : Answered or None
        The last request; None if there was nothing to answer.
    deferred : callable or None
        Answers the last request, which takes long, where others need not wait; `last` is of it after that.
    """

    def __init__(self, output: Output, largest: int) -> None:
        self.output = output
        self.largest = largest
        self.configured = False
        self.arrival_ns = 0
        self.wanted = 0
        self.last: Answered | None = None
        self.deferred: Callable[[], None] | None = None

    @abc.abstractmethod
    def answer_next(self, data: memoryview, ended: bool) -> int:
        """Answer the first request; return its length, or 0 if it is not whole.

        Parameters
        ----------
        data : memoryview
            What was received and not answered yet, at least one byte.
        ended : bool
            Whether nothing more will come.

        Raises
        ------
        ClosingError
            If the client must be disconnected, after the answer that says so.
        """


def late_words(late_ns: int, solved: bool) -> str:
    """Return the reason of a late request.

    Parameters
    ----------
    late_ns : int
        Nanoseconds after the deadline.
    solved : bool
        Whether it was found out after solving.
    """
    return f"{late_ns / 1e6:.3f} ms after the deadline, {'solved too late' if solved else 'not solved'}"
