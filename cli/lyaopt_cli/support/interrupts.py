"""Ctrl-C, or another signal, as a wish to stop soon and not as an end in the middle of things."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

INTERRUPTED = 130


class Interrupts:
    """Inside the block the first signal is only remembered; a second one interrupts at once.

    Parameters
    ----------
    *signals : int
        Beside SIGINT.

    Attributes
    ----------
    status : int
        Exit status that tells of the signal seen, 0 if there was none.
    """

    def __init__(self, *signals: int) -> None:
        self.status = 0
        self._signals = (signal.SIGINT, *signals)
        self._before: list[Any] = []

    @property
    def seen(self) -> bool:
        """Whether there was one."""
        return self.status != 0

    def __enter__(self) -> Interrupts:
        self._before = [signal.signal(number, self._remember) for number in self._signals]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in zip(self._signals, self._before, strict=True):
            signal.signal(number, before)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.seen:
            raise KeyboardInterrupt
        self.status = 128 + number


@contextmanager
def ended_by(number: int) -> Iterator[None]:
    """Inside the block a signal ends things in order, as Ctrl-C does; the exit status tells of it."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(number, end)
    try:
        yield
    finally:
        signal.signal(number, before)
