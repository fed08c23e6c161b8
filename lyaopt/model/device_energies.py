"""What the CPU and radio of a device take where they were measured: operating points, a rate and a power.

Keys are those of slot documents.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs

from lyaopt.errors import ProblemError
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import NonNegative, Positive
from lyaopt.model.cpus.table import OperatingPoint

__all__ = ["MeasuredRadio", "OperatingPoint", "check_frequencies", "with_capacity_of_points"]


@checked
@dataclass(frozen=True, config=STRICT)
class MeasuredRadio:
    """A radio by what was measured of it: its power is affine in the rate, idle + active + slope x rate.

    It may be silent for a part of a slot. A trace states for each slot which share of the rate the radio can
    carry; without one it is the whole. All powers but `idle_power_w` are those above idle.
    """

    rate_bps: Positive
    """Most that can be carried, in bit/s."""
    power_w: NonNegative
    """Active power, in watts: drawn while it sends, at whatever rate."""
    slope_w_per_mbps: NonNegative = 0.0
    """Power for each Mbit/s at which it sends, in watts."""
    idle_power_w: NonNegative = 0.0
    """Power that it always draws, in watts. No decision changes it: it is booked, not optimised."""
    tail_s: NonNegative = 0.0
    """Time that it stays awake after it has sent, in seconds, unless it sends again before."""
    tail_power_w: NonNegative = 0.0
    """Power in that time, in watts. Decisions do not look ahead to it: it is booked in the simulation."""

    def __post_init__(self) -> None:
        if not self.full_power_w < math.inf:
            reason = (
                f"expected a slope of finite power at {self.rate_bps:g} bit/s, got {self.slope_w_per_mbps!r}"
            )
            raise ProblemError("$.slope_w_per_mbps", reason)
        if self.full_power_w / self.rate_bps == math.inf:
            reason = f"expected a rate at which a bit takes a finite energy, got {self.rate_bps!r}"
            raise ProblemError("$.rate_bps", reason)

    @property
    def slope_w_per_bps(self) -> float:
        """Power for each bit/s at which it sends, in watts."""
        return 1e-6 * self.slope_w_per_mbps

    @property
    def full_power_w(self) -> float:
        """Power above idle while it sends at the whole rate, in watts."""
        return self.power_w + self.slope_w_per_bps * self.rate_bps

    @property
    def has_tail(self) -> bool:
        """Whether it draws power after it has sent."""
        return self.tail_s * self.tail_power_w > 0.0

    def in_slot(self, share: float = 1.0) -> tuple[float, float]:
        """Rate in bit/s and power above idle in W in a slot: an entry of ``SlotProblem.radio``.

        Parameters
        ----------
        share : float
            What the radio can carry of its rate in the slot, from 0 to 1.
        """
        rate = self.rate_bps * share
        return rate, self.power_w + self.slope_w_per_bps * rate


def check_frequencies(points: tuple[OperatingPoint, ...]) -> None:
    """Check that there are operating points, and that their frequencies increase.

    Parameters
    ----------
    points : tuple of OperatingPoint
        Of a device.

    Raises
    ------
    ProblemError
        If not; the path starts at the device.
    """
    if not points:
        raise ProblemError("$.cpu_points", "expected at least one operating point, got none")
    for j, (before, point) in enumerate(pairwise(points), start=1):
        if point.hz <= before.hz:
            reason = f"expected a frequency above {before.hz:g}, got {point.hz:g}"
            raise ProblemError(f"$.cpu_points[{j}].hz", reason)


def with_capacity_of_points(given: Any) -> Any:
    """Add the last frequency of operating points as the capacity of a device that states none.

    Parameters
    ----------
    given : ArgsKwargs or object
        Fields of a device before they are checked; returned as they are where they are no fields.
    """
    fields = given.kwargs if isinstance(given, ArgsKwargs) else given
    if not isinstance(fields, dict) or "cpu_capacity_hz" in fields or not fields.get("cpu_points"):
        return given
    try:
        last = fields["cpu_points"][-1]
        hz = last.hz if isinstance(last, OperatingPoint) else last["hz"]
    except (TypeError, LookupError):
        return given
    if not isinstance(hz, int | float) or not 0.0 < hz < math.inf:
        return given  # the check of the points themselves says what is wrong
    with_capacity = {**fields, "cpu_capacity_hz": hz}
    return ArgsKwargs(given.args, with_capacity) if isinstance(given, ArgsKwargs) else with_capacity
