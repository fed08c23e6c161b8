"""What head and tail of every cut took where they were measured."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from pydantic import ConfigDict, Field

from lyaopt.errors import ProblemError

_STRICT = ConfigDict(strict=True, extra="forbid")
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Text = Annotated[str, Field(min_length=1)]
_Times = Annotated[tuple[_Seconds, ...], Field(min_length=2)]


@dataclass(frozen=True)
class Measurement:
    """Times of the halves of a network, each cut by cut.

    Attributes
    ----------
    machine : str
        The processor.
    runtime : str
        What ran the network, with its version.
    cpu_hz : float
        Frequency at which seconds become cycles.
    threads, runs : int
        Threads of the runtime, and timed runs of each half.
    head_s, tail_s : tuple of float
        Medians of the runs, of cuts 0 to K. The first head and the last tail take nothing. Heads do not get
        shorter with the cut, nor tails longer: noise is smoothed out.
    head_range_s, tail_range_s : tuple of float
        Interquartile ranges of the runs.

    Raises
    ------
    ProblemError
        If there are other numbers of times, or they are not in order.
    """

    __pydantic_config__ = _STRICT

    machine: _Text
    runtime: _Text
    cpu_hz: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    threads: Annotated[int, Field(ge=1)]
    runs: Annotated[int, Field(ge=1)]
    head_s: _Times
    tail_s: _Times
    head_range_s: _Times
    tail_range_s: _Times

    def __post_init__(self) -> None:
        count = len(self.head_s)
        for name in ("tail_s", "head_range_s", "tail_range_s"):
            if len(getattr(self, name)) != count:
                reason = f"expected {count} times, as of head_s, got {len(getattr(self, name))}"
                raise ProblemError(f"$.measured.{name}", reason)
        for name, times, end in (("head_s", self.head_s, 0), ("tail_s", self.tail_s[::-1], count - 1)):
            if times[0] != 0.0:
                raise ProblemError(f"$.measured.{name}[{end}]", f"expected 0 (nothing runs), got {times[0]}")
            for k, (before, after) in enumerate(pairwise(times), start=1):
                if after < before:
                    place = k if name == "head_s" else count - 1 - k
                    reason = f"expected at least {before}, as with less work, got {after}"
                    raise ProblemError(f"$.measured.{name}[{place}]", reason)

    @property
    def head_cycles(self) -> tuple[float, ...]:
        """Cycles of the head of each cut."""
        return tuple(self.cpu_hz * seconds for seconds in self.head_s)

    @property
    def tail_cycles(self) -> tuple[float, ...]:
        """Cycles of the tail of each cut."""
        return tuple(self.cpu_hz * seconds for seconds in self.tail_s)
