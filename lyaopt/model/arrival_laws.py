"""How the tasks of one service arrive, and how large they are.

Whatever the law, `arrival_rate_per_s` of the service is the mean number of tasks a second.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import Expected, NonNegative, Positive
from lyaopt.model.task_times import load_task_times

__all__ = ["MOST_TASKS", "ArrivalLaw", "OwnArrivals", "TaskSize", "with_rate_of_times"]

MOST_TASKS = 1e6
"""Largest mean number of tasks in a slot of services whose arrivals are not Poisson."""
_MOST_JITTER = 1e3
_MOST_CV = 10.0
_LEAST_ON = 1e-9
"""Least share of the time that a service is on: below it the rate while on has no meaning."""

_SHORT = ("poisson", "periodic")
_Kind = Annotated[
    Literal["poisson", "periodic", "batches", "on-off", "replayed"],
    Expected('"poisson", "periodic", "batches", "on-off" or "replayed"'),
]


def _as_phase(value: Any) -> float | str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value == "drawn" or (number and 0.0 <= value < math.inf):
        return "drawn" if isinstance(value, str) else float(value) + 0.0
    raise ValueError


_Phase = Annotated[
    float | str,
    PlainValidator(_as_phase),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"const": "drawn"}]}),
    Expected('a finite number >= 0 or "drawn"'),
]
_Batches = Annotated[Literal["fixed", "geometric"], Expected('"fixed" or "geometric"')]
_Size = Annotated[float, Field(strict=True, ge=1, le=1e6), Expected("a number from 1 to 1000000")]
_Path = Annotated[str, Field(strict=True, min_length=1), Expected("the path of a file of task times")]

# Keys of each kind: those that it needs, and those that it may have.
_NEEDED = {"batches": ("batch_size",), "on-off": ("on_duration_s", "off_duration_s"), "replayed": ("times",)}
_ALLOWED = {
    "periodic": ("phase_s", "jitter_s"),
    "batches": ("batch_law",),
    "on-off": ("off_rate_per_s",),
    "replayed": ("phase_s", "length_s"),
}


@checked
@dataclass(frozen=True, config=STRICT)
class ArrivalLaw:
    """The law of the arrivals of one service.

    Keys that are not of the kind are refused.
    """

    kind: _Kind = "poisson"
    """``poisson`` (with the bursts of the scenario), ``periodic``, ``batches``, ``on-off``, ``replayed``."""
    phase_s: _Phase | None = None
    """Of ``periodic``: time of the first task, in seconds, ``drawn`` within the first period of each
    replication by default. Of ``replayed``: when the recording begins, 0 by default; ``drawn`` begins each
    replication somewhere within it."""
    jitter_s: NonNegative | None = None
    """Of ``periodic``: each task comes by a uniform time between 0 and this one later; 0 by default."""
    batch_size: _Size | None = None
    """Of ``batches``: mean number of tasks that come together; whole where the size is ``fixed``."""
    batch_law: _Batches | None = None
    """Of ``batches``: ``fixed`` (default) or ``geometric`` sizes. Batches are Poisson."""
    on_duration_s: Positive | None = None
    """Of ``on-off``: mean time that the service is on, in seconds; times are exponential."""
    off_duration_s: Positive | None = None
    """Of ``on-off``: mean time that it is off, in seconds."""
    off_rate_per_s: NonNegative | None = None
    """Of ``on-off``: Poisson rate while off, 0 by default; while on it is as much as keeps the mean rate."""
    times: _Path | None = None
    """Of ``replayed``: path of a file of task times, in seconds from the start, one a line."""
    length_s: Positive | None = None
    """Of ``replayed``: length of the recording, in seconds, after which it begins again; by default it ends
    a mean time between tasks after the last one."""

    def __post_init__(self) -> None:
        needed = _NEEDED.get(self.kind, ())
        of_kind = ("kind", *needed, *_ALLOWED.get(self.kind, ()))
        for name in self.__dataclass_fields__:
            given = getattr(self, name) is not None
            if given and name not in of_kind:
                raise ProblemError(f"$.{name}", f"expected no such key where arrivals are {self.kind}")
            if not given and name in needed:
                raise ProblemError(f"$.{name}", f"missing, where arrivals are {self.kind}")
        size = self.batch_size
        if size is not None and self.batch_law != "geometric" and size != int(size):
            raise ProblemError("$.batch_size", f"expected a whole number where sizes are fixed, got {size}")
        on_s, off_s = self.on_duration_s, self.off_duration_s
        if on_s is not None and off_s is not None and on_s / (on_s + off_s) < _LEAST_ON:
            reason = f"expected at least {_LEAST_ON:g} of on and off together, of finite length, got {on_s}"
            raise ProblemError("$.on_duration_s", reason)
        if self.kind == "replayed":
            self._check_times()

    def _check_times(self) -> None:
        try:
            recorded = self.task_times_s
        except ProblemError as error:
            raise ProblemError("$.times", error.reason) from None
        if self.length_s is None and recorded[0] == recorded[-1]:
            raise ProblemError("$.length_s", "missing, where all tasks come at the same time")
        if self.length_s is not None and self.length_s <= recorded[-1]:
            raise ProblemError(
                "$.length_s", f"expected more than the last time, {recorded[-1]}, got {self.length_s}"
            )

    @cached_property
    def task_times_s(self) -> Floats:
        """Times that are replayed, not decreasing, in seconds (J,)."""
        assert self.times is not None
        return load_task_times(self.times)

    @property
    def recording_s(self) -> float:
        """Length of the recording, in seconds."""
        if self.length_s is not None:
            return self.length_s
        times = self.task_times_s
        return float(times[-1] + (times[-1] - times[0]) / (len(times) - 1))

    @property
    def own_rate_per_s(self) -> float | None:
        """Mean rate of what is replayed; None of other kinds, which have that of their service."""
        return len(self.task_times_s) / self.recording_s if self.kind == "replayed" else None

    def check_rate(self, rate_per_s: float) -> None:
        """Check that the arrivals can have a mean rate.

        Parameters
        ----------
        rate_per_s : float
            Of the service.

        Raises
        ------
        ProblemError
            If not; the path starts at the service.
        """
        own = self.own_rate_per_s
        if rate_per_s == 0.0:  # nothing comes, by any law
            return
        if own is not None and not math.isclose(rate_per_s, own, rel_tol=1e-9):
            reason = f"expected {own!r}, the rate of the times that are replayed, or 0, got {rate_per_s}"
            raise ProblemError("$.arrival_rate_per_s", reason)
        if (self.off_rate_per_s or 0.0) > rate_per_s:
            reason = f"expected at most arrival_rate_per_s = {rate_per_s}, got {self.off_rate_per_s}"
            raise ProblemError("$.arrivals.off_rate_per_s", reason)
        if (self.jitter_s or 0.0) * rate_per_s > _MOST_JITTER:
            reason = f"expected at most {_MOST_JITTER:g} periods, got {self.jitter_s}"
            raise ProblemError("$.arrivals.jitter_s", reason)


@checked
@dataclass(frozen=True, config=STRICT)
class TaskSize:
    """How the work of tasks varies: their cycles and bits are those of the DNN times a factor of mean 1."""

    cv: Positive
    """Coefficient of variation of the factor: its standard deviation, as its mean is 1."""
    law: Annotated[Literal["lognormal", "uniform"], Expected('"lognormal" or "uniform"')] = "lognormal"
    """``lognormal`` or ``uniform``; drawn for each task by itself."""

    def __post_init__(self) -> None:
        most = math.sqrt(1.0 / 3.0) if self.law == "uniform" else _MOST_CV
        if self.cv > most:
            raise ProblemError("$.cv", f"expected at most {most:.6g} for {self.law} factors, got {self.cv}")

    @property
    def spread(self) -> float:
        """Standard deviation of the factor's logarithm, or half the range of a uniform one."""
        if self.law == "uniform":
            return math.sqrt(3.0) * self.cv
        return math.sqrt(math.log1p(self.cv * self.cv))


def _as_arrival_law(value: Any) -> Any:
    """What a short name of a kind stands for; anything else as it is."""
    return {"kind": value} if isinstance(value, str) and value in _SHORT else value


class _ShortNames:
    """Adds the short names to the JSON Schema."""

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [handler(core_schema), {"enum": list(_SHORT)}]}


OwnArrivals = Annotated[ArrivalLaw, BeforeValidator(_as_arrival_law), _ShortNames()]
"""Type of a field: a law, or a kind without keys by its name."""


def with_rate_of_times(given: Any) -> Any:
    """Add the rate of replayed times as that of a service that states none.

    Parameters
    ----------
    given : ArgsKwargs or object
        Fields of a service before they are checked; returned as they are where they are no fields.
    """
    fields = given.kwargs if isinstance(given, ArgsKwargs) else given
    if not isinstance(fields, dict) or "arrival_rate_per_s" in fields:
        return given
    law = fields.get("arrivals")
    try:
        law = ArrivalLaw(**law) if isinstance(law, dict) else law
    except (TypeError, ProblemError):
        return given  # the check of the arrivals themselves says what is wrong
    if not isinstance(law, ArrivalLaw) or law.own_rate_per_s is None:
        return given
    with_rate = {**fields, "arrivals": law, "arrival_rate_per_s": law.own_rate_per_s}
    return ArgsKwargs(given.args, with_rate) if isinstance(given, ArgsKwargs) else with_rate
