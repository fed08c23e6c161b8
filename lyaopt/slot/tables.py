"""CPUs with tables of operating points, and measured radios: checks, and lower convex hulls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, Integers, as_floats, check_array, known_shape, read_only
from lyaopt.errors import ProblemError

Point = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Curves:
    """Lower convex hulls of the tables of all devices, for the kernels.

    Attributes
    ----------
    row : (M,) array of int
        Row of each device's table; -1 where its energy is cubic.
    hz, slope : (C, K) arrays
        Ends of the segments in Hz and their slopes in W/Hz. Short rows repeat the last end with an infinite
        slope.
    """

    row: Integers
    hz: Floats
    slope: Floats


def checked_points(points: Any, devices: int) -> tuple[tuple[Point, ...] | None, ...] | None:
    """Check the tables of all devices.

    Parameters
    ----------
    points : sequence or None
        For each device a sequence of (frequency in Hz, power in W), or None.
    devices : int
        M.

    Returns
    -------
    tuple or None
        The same as tuples of floats; None if no device has a table.

    Raises
    ------
    ProblemError
        If there is not one entry a device, a table is empty, a frequency is not positive or not above the
        one before, or a power is negative or not finite.
    """
    entries = _one_per_device(points, devices, "cpu_points")
    tables = [None if entry is None else _checked_table(entry, m) for m, entry in enumerate(entries)]
    return None if all(table is None for table in tables) else tuple(tables)


def _one_per_device(values: Any, devices: int, name: str) -> Sequence[Any]:
    if values is None:
        return [None] * devices
    if not isinstance(values, (tuple, list)) or len(values) != devices:
        raise ProblemError(f"$.{name}", f"expected one entry for each of {devices} devices, or None")
    return values


def _checked_table(entry: Any, device: int) -> tuple[Point, ...]:
    path = f"$.devices[{device}].cpu_points"
    shape = known_shape(entry) if isinstance(entry, (tuple, list, np.ndarray)) else None
    if shape is None or len(shape) != 2 or shape[0] < 1 or shape[1] != 2:
        raise ProblemError(path, "expected a table of points (hz, power_w), at least one")
    table = as_floats(entry, path[2:], shape)
    names = ("hz", "power_w")
    table = check_array(table, lambda i: f"{path}[{i[0]}].{names[i[1]]}")
    for i, hz in enumerate(table[:, 0].tolist()):
        before = table[i - 1, 0] if i else 0.0
        if not hz > before:
            raise ProblemError(f"{path}[{i}].hz", f"expected a frequency above {before:g}, got {hz!r}")
    with np.errstate(over="ignore"):
        if not np.isfinite(table[:, 1] / table[:, 0]).all():
            raise ProblemError(path, "the power for each hertz of a point is not finite")
    return tuple((hz, power) for hz, power in table.tolist())


def lower_hull(points: Sequence[Point]) -> list[Point]:
    """Return the vertices of the lower convex hull of (0, 0) and the points, without (0, 0).

    A slot may be shared between two points or between a point and standstill, so every power on the hull can
    be had on average, and none below.

    Parameters
    ----------
    points : sequence of (hz, power_w)
        With increasing frequencies.
    """
    hull: list[Point] = [(0.0, 0.0)]
    for point in points:
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-2], point):
            hull.pop()
        hull.append(point)
    return hull[1:]


def _slope(a: Point, b: Point) -> float:
    return (b[1] - a[1]) / (b[0] - a[0])


def hull_within(points: Sequence[Point], capacity_hz: float) -> tuple[Point, ...]:
    """Return the corners of the hull up to a capacity, where it is cut; none at a capacity of 0.

    Parameters
    ----------
    points : sequence of (hz, power_w)
        With increasing frequencies.
    capacity_hz : float
        Largest mean frequency.
    """
    hull = lower_hull(points)
    inside = [corner for corner in hull if corner[0] <= capacity_hz]
    if 0.0 < capacity_hz < hull[-1][0] and (not inside or inside[-1][0] < capacity_hz):
        inside.append((capacity_hz, float(hull_power(points, np.array(capacity_hz)))))
    return tuple(inside)


def hull_power(points: Sequence[Point], hz: Floats) -> Floats:
    """Return the least mean power in W at mean frequencies, of the same shape.

    Parameters
    ----------
    points : sequence of (hz, power_w)
        With increasing frequencies.
    hz : ndarray
        From 0 to the last frequency.
    """
    ends, powers = zip((0.0, 0.0), *lower_hull(points), strict=True)
    return np.asarray(np.interp(hz, ends, powers))


def make_curves(tables: tuple[tuple[Point, ...] | None, ...] | None, devices: int) -> Curves:
    """Make the hulls of all devices; equal tables share a row.

    Parameters
    ----------
    tables : tuple or None
        As `checked_points` returns.
    devices : int
        M.
    """
    rows = np.full(devices, -1, dtype=np.int64)
    distinct: dict[tuple[Point, ...], int] = {}
    for m, table in enumerate(tables or ()):
        if table is not None:
            rows[m] = distinct.setdefault(table, len(distinct))
    hulls = [lower_hull(table) for table in distinct]
    longest = max(map(len, hulls), default=1)
    hz, slope = np.empty((len(hulls), longest)), np.full((len(hulls), longest), np.inf)
    for row, hull in enumerate(hulls):
        hz[row] = hull[-1][0]
        hz[row, : len(hull)] = [point[0] for point in hull]
        slope[row, : len(hull)] = [_slope(a, b) for a, b in zip([(0.0, 0.0), *hull], hull, strict=False)]
    return Curves(rows, hz, slope)


def checked_radios(radios: Any, devices: int, slots: int | None) -> tuple[Any, ...] | None:
    """Check the measured radios of all devices.

    Parameters
    ----------
    radios : sequence or None
        For each device (rate in bit/s, power in W), or None. In a batch each of them may be a (B,) array.
    devices : int
        M.
    slots : int or None
        B; None for one slot, where both are numbers.

    Returns
    -------
    tuple or None
        For each device None or an array (2,), in a batch (2, B); None if no radio is measured.

    Raises
    ------
    ProblemError
        If there is not one entry a device, a rate or power is negative or not finite, or a rate is so small
        that power / rate is not finite.
    """
    entries = _one_per_device(radios, devices, "radio")
    checked = [None if entry is None else _checked_radio(entry, m, slots) for m, entry in enumerate(entries)]
    return None if all(entry is None for entry in checked) else tuple(checked)


def _checked_radio(entry: Any, device: int, slots: int | None) -> Floats:
    path = f"$.devices[{device}].radio"
    if not isinstance(entry, (tuple, list, np.ndarray)) or len(entry) != 2:
        raise ProblemError(path, "expected (rate_bps, power_w)")
    shape = () if slots is None else (slots,)
    pair = np.empty((2, *shape))
    for i, name in enumerate(("rate_bps", "power_w")):
        values = as_floats(entry[i], f"{path[2:]}.{name}", () if known_shape(entry[i]) == () else shape)
        values = check_array(np.atleast_1d(values), lambda _, name=name: f"{path}.{name}")
        pair[i] = values if slots is not None else values[0]
    _check_energy_of_a_bit(pair.reshape(2, -1), f"{path}.rate_bps")
    return read_only(pair)


def _check_energy_of_a_bit(pair: Floats, path: str) -> None:
    rate, power = pair
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        too_slow = (rate > 0) & np.isinf(power / rate)
    if too_slow.any():
        at = int(np.argmax(too_slow))
        reason = f"expected 0, or a rate at which a bit takes a finite energy, got {float(rate[at])!r}"
        raise ProblemError(path, reason)
