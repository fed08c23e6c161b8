"""The data of a CPU table: what one core draws at each of its frequencies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pydantic.dataclasses import dataclass

from lyaopt.errors import DocumentError
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import Id, Positive


@checked
@dataclass(frozen=True, config=STRICT)
class OperatingPoint:
    """One frequency of a CPU, at the voltage that belongs to it (DVFS)."""

    hz: Positive
    """Frequency, in cycles per second."""
    power_w: Positive
    """Power at full load, in watts."""

    @property
    def joules_per_cycle(self) -> float:
        """Energy of one cycle, in joules: the power over the frequency."""
        return self.power_w / self.hz


@checked
@dataclass(frozen=True, config=STRICT)
class CpuTable:
    """The operating points of a CPU.

    Powers need not be convex in the frequency: a slot may be shared between two points, or between a point
    and idling at no cost, so the slot solver takes the lower convex hull of the points and the origin.
    """

    name: Id
    """Name of the CPU."""
    source: Id
    """Origin of the figures, and what their powers include."""
    licence: Id
    """Licence of the source, an SPDX expression."""
    points: tuple[OperatingPoint, ...]
    """J operating points, at least one, with increasing frequency."""
    description: Id = ""
    """The CPU in words."""

    def __post_init__(self) -> None:
        errors = list(self._order_errors())
        if errors:
            raise DocumentError(errors)

    def _order_errors(self) -> Iterator[tuple[str, str]]:
        if not self.points:
            yield "$.points", "expected at least one operating point, got none"
        for j, (before, point) in enumerate(pairwise(self.points), start=1):
            if point.hz <= before.hz:
                reason = f"expected more than {before.hz:g} (frequencies increase), got {point.hz:g}"
                yield f"$.points[{j}].hz", reason

    @property
    def cpu_points(self) -> tuple[tuple[float, float], ...]:
        """(frequency in Hz, power in W) of every point: an entry of ``SlotProblem.cpu_points``."""
        return tuple((point.hz, point.power_w) for point in self.points)
