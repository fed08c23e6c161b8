"""Errors of clients: what the other process did, or did not do."""

from __future__ import annotations

from typing import Any

from lyaopt.errors import LyaoptError


class PeerGoneError(LyaoptError, ConnectionError):
    """The other process ended or closed its end; the message has its last words, where there are any."""


class PeerTimeoutError(LyaoptError, TimeoutError):
    """The other process did not answer in time."""


class PeerRefusedError(LyaoptError):
    """A server refused a request for another reason than its numbers.

    Parameters
    ----------
    status : str
        One of the words of `lyaopt.serve.frames.STATUSES`, such as ``not-configured``.
    reason : str
        The error.
    """

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.status, self.reason)


class DeadlineError(LyaoptError, TimeoutError):
    """A server could not answer a request by its deadline, and says by how much it is late.

    Parameters
    ----------
    late_s : float
        Seconds after the deadline.
    reason : str
        Whether the slot was solved.
    """

    def __init__(self, late_s: float, reason: str) -> None:
        super().__init__(reason)
        self.late_s = late_s
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.late_s, self.reason)
