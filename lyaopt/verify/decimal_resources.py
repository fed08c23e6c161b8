"""CPUs and radios in decimal arithmetic: what power a total speed takes, and which total a weight is worth.

Each has a `capacity`, the largest total; `power(total)` in W; and `worth(weight)`, the largest total at which
one more unit of work costs at most `weight`, the energy weight U counted in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property, lru_cache
from typing import Protocol

from lyaopt.slot.inputs import SlotInputs
from lyaopt.verify.decimal_numbers import INFINITE, LN2, ZERO, context, exact, expm1, log1p
from lyaopt.verify.single_slots import of_device, radio_of, table_of


class Resource(Protocol):
    """What the optimum needs to know of a CPU or a radio."""

    @property
    def capacity(self) -> Decimal:
        """Largest total."""

    def power(self, total: Decimal) -> Decimal:
        """Least power for a total, in W."""

    def worth(self, weight: Decimal) -> Decimal:
        """Largest total whose marginal cost is at most a weight."""


class Radio(Resource, Protocol):
    """A resource whose power is chosen."""

    @property
    def most_power(self) -> Decimal:
        """Largest power, in W."""

    def carried(self, power: Decimal) -> Decimal:
        """Total rate that a power carries, in bit/s."""


@dataclass(frozen=True)
class FreeCpu:
    """The edge: no energy is counted.

    Attributes
    ----------
    capacity : Decimal
        F^e in Hz.
    """

    capacity: Decimal

    def power(self, total: Decimal) -> Decimal:
        """Least power for a total, in W."""
        return ZERO

    def worth(self, weight: Decimal) -> Decimal:
        """Largest total whose marginal cost is at most a weight."""
        return INFINITE


@dataclass(frozen=True)
class CubicCpu:
    """P(s) = delta s^3, equation (5).

    Attributes
    ----------
    capacity : Decimal
        Largest total, in Hz.
    delta : Decimal
        In W s^3.
    energy_weight : Decimal
        U.
    """

    capacity: Decimal
    delta: Decimal
    energy_weight: Decimal

    def power(self, total: Decimal) -> Decimal:
        """Least power for a total, in W."""
        return self.delta * total**3

    def worth(self, weight: Decimal) -> Decimal:
        """Largest total whose marginal cost is at most a weight."""
        k = self.energy_weight * self.delta
        return (weight / (3 * k)).sqrt() if k else INFINITE


@dataclass(frozen=True)
class TabulatedCpu:
    """P is the lower convex hull of standstill and operating points.

    Attributes
    ----------
    capacity : Decimal
        Largest total, in Hz.
    vertices : tuple of (Decimal, Decimal)
        Of the hull, in Hz and W, from (0, 0) on.
    energy_weight : Decimal
        U.
    """

    capacity: Decimal
    vertices: tuple[tuple[Decimal, Decimal], ...]
    energy_weight: Decimal

    def slopes(self) -> list[Decimal]:
        """Slopes of the segments, in W/Hz."""
        pairs = zip(self.vertices, self.vertices[1:], strict=False)
        return [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs]

    def power(self, total: Decimal) -> Decimal:
        """Least power for a total, in W."""
        # A total that rounding put beyond the last point goes on at the last slope.
        reached = ZERO
        for (begin, power), slope in zip(self.vertices, self.slopes(), strict=False):
            reached = power + slope * (total - begin) if total > begin else reached
        return reached

    def worth(self, weight: Decimal) -> Decimal:
        """Largest total whose marginal cost is at most a weight."""
        pairs = zip(self.vertices[1:], self.slopes(), strict=True)
        return max((hz for (hz, _), slope in pairs if self.energy_weight * slope <= weight), default=ZERO)


@dataclass(frozen=True)
class ShannonRadio:
    """R(p) = b ln(1 + eta p), equation (3).

    Attributes
    ----------
    nats_rate : Decimal
        b = b_w / ln 2, in bit/s.
    snr_per_watt : Decimal
        eta = h / (b_w N_0).
    most_power : Decimal
        p^max in W.
    energy_weight : Decimal
        U.
    """

    nats_rate: Decimal
    snr_per_watt: Decimal
    most_power: Decimal
    energy_weight: Decimal

    @cached_property
    def capacity(self) -> Decimal:
        """Largest total rate, in bit/s."""
        return self.carried(self.most_power)

    def carried(self, power: Decimal) -> Decimal:
        """Total rate that a power carries, in bit/s."""
        return self.nats_rate * log1p(self.snr_per_watt * power)

    def power(self, total: Decimal) -> Decimal:
        """Least power for a total, in W."""
        return expm1(total / self.nats_rate) / self.snr_per_watt if total else ZERO

    def worth(self, weight: Decimal) -> Decimal:
        """Largest total whose marginal cost is at most a weight."""
        if not self.snr_per_watt:
            return ZERO
        floor = self.energy_weight / (self.nats_rate * self.snr_per_watt)
        if not floor:
            return INFINITE
        return self.nats_rate * log1p((weight - floor) / floor) if weight > floor else ZERO


@dataclass(frozen=True)
class MeasuredRadio:
    """A rate and a power as measured; a slot may be shared with silence.

    Attributes
    ----------
    capacity : Decimal
        The rate, in bit/s.
    most_power : Decimal
        The power, in W.
    energy_weight : Decimal
        U.
    """

    capacity: Decimal
    most_power: Decimal
    energy_weight: Decimal

    def carried(self, power: Decimal) -> Decimal:
        """Total rate that a power carries, in bit/s."""
        return self.capacity * power / self.most_power if self.most_power else self.capacity

    def power(self, total: Decimal) -> Decimal:
        """Least power for a total, in W."""
        return self.most_power * total / self.capacity if total else ZERO

    def worth(self, weight: Decimal) -> Decimal:
        """Largest total whose marginal cost is at most a weight."""
        if not self.capacity:
            return ZERO
        worthwhile = self.energy_weight * self.most_power / self.capacity <= weight
        return self.capacity if worthwhile else ZERO


def lower_hull(points: Iterable[tuple[Decimal, Decimal]]) -> tuple[tuple[Decimal, Decimal], ...]:
    """Return the vertices of the lower convex hull of (0, 0) and points of increasing frequency.

    From each vertex on, the next is the point that is reached at the least slope, of several the last.

    Parameters
    ----------
    points : iterable of (Decimal, Decimal)
        Frequencies in Hz, increasing, and powers in W.
    """
    hull, rest = [(ZERO, ZERO)], list(points)
    while rest:
        hz, power = hull[-1]
        slopes = [(p - power) / (f - hz) for f, p in rest]
        last = len(slopes) - 1 - slopes[::-1].index(min(slopes))
        hull.append(rest[last])
        rest = rest[last + 1 :]
    return tuple(hull)


def cpu_of(slot: SlotInputs, device: int) -> CubicCpu | TabulatedCpu:
    """Return the CPU of a device.

    Parameters
    ----------
    slot : SlotInputs
        The slot.
    device : int
        Index of the device.
    """
    capacity = exact(slot.cpu_capacity_hz[device])
    weight, table = exact(of_device(slot.energy_weight_local, device)), table_of(slot, device)
    if table is None:
        return CubicCpu(capacity, exact(of_device(slot.energy_coefficient, device)), weight)
    points = [(exact(hz), exact(power)) for hz, power in table]
    return TabulatedCpu(min(capacity, points[-1][0]), lower_hull(points), weight)


def radio_resource(slot: SlotInputs, device: int) -> ShannonRadio | MeasuredRadio:
    """Return the radio of a device.

    Parameters
    ----------
    slot : SlotInputs
        The slot.
    device : int
        Index of the device.
    """
    weight, measured = exact(of_device(slot.energy_weight_transmit, device)), radio_of(slot, device)
    if measured is not None:
        rate, power = (exact(value) for value in measured)
        return MeasuredRadio(rate, power, weight)
    bandwidth, most = exact(slot.bandwidth_hz[device]), exact(slot.max_power_w[device])
    per_watt = exact(slot.channel_gain[device]) / (bandwidth * _noise(float(slot.noise_psd_dbm_per_hz)))
    return ShannonRadio(bandwidth / LN2, per_watt, most, weight)


@lru_cache
def _noise(dbm_per_hz: float) -> Decimal:
    """N_0 in W/Hz: a power of 60 digits takes as long as the rest of a device."""
    with localcontext(context()):
        return Decimal(10) ** (exact(dbm_per_hz) / 10 - 3)
