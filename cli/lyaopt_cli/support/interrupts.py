"""The first SIGINT sets a flag; the second raises `KeyboardInterrupt`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

INTERRUPTED = 130


class Interrupts:
    """Inside the block the first signal sets a flag, and the second one raises `KeyboardInterrupt`.

    Parameters
    ----------
    *signals : int
        Further signals that are treated like SIGINT.

    Attributes
    ----------
    status : int
        128 plus the number of the signal seen; 0 if none was.
    """

    def __init__(self, *signals: int) -> None:
        self.status = 0
        self._signals = (signal.SIGINT, *signals)
        self._before: list[Any] = []

    @property
    def seen(self) -> bool:
        """Whether a signal was seen."""
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
def exit_on(number: int) -> Iterator[None]:
    """Inside the block a signal raises `SystemExit` with status 128 plus its number, so that cleanup runs."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(number, end)
    try:
        yield
    finally:
        signal.signal(number, before)
