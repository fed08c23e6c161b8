"""Values that are allowed but hardly meant: units mixed up, by the likely reason.

A gain in dB, a capacity in GHz or a power in mW passes all checks and gives exact answers to another task.
Each field has a span that is far wider than devices that exist; outside it the reason is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lyaopt.slot.problem import SlotProblem


class Doubt(NamedTuple):
    """A value that is hardly meant.

    Attributes
    ----------
    path : str
        Its place, as a JSON path.
    reason : str
        The value, and what it may be.
    """

    path: str
    reason: str


class _Span(NamedTuple):
    """Usual values from `least` to `most`, and what smaller and larger ones may be."""

    least: float
    most: float
    if_less: str
    if_more: str


_CPU = _Span(1e6, 1e13, "is it in GHz?", "is it in cycles per slot, or of many CPUs?")
_POWER = _Span(1e-9, 1e3, "is it in kW?", "is it in mW?")
_SPANS = {
    "slot_duration_s": _Span(1e-7, 60.0, "is it in minutes?", "is it in ms?"),
    "bandwidth_hz": _Span(1e3, 1e12, "is it in MHz?", "is it a rate?"),
    "noise_psd_dbm_per_hz": _Span(
        -250.0, -100.0, "thermal noise has -174", "thermal noise has -174: is it of a whole band, or in W/Hz?"
    ),
    "edge_capacity_hz": _Span(1e6, 1e16, "is it in GHz?", "is it in cycles per slot?"),
    "cpu_capacity_hz": _CPU,
    "hz": _CPU,
    "power_w": _POWER,
    "idle_power_w": _POWER,
    "tail_power_w": _POWER,
    "slope_w_per_mbps": _Span(1e-6, 10.0, "is it in W per bit/s?", "is it in mW per Mbit/s?"),
    "tail_s": _Span(1e-6, 600.0, "is it in hours?", "is it in ms?"),
    "max_power_w": _Span(1e-9, 1e3, "is it in kW?", "is it in mW?"),
    "channel_gain": _Span(
        1e-30, 1.0, "nothing would be received", "no antenna receives more than was sent: is it in dB?"
    ),
    "rate_bps": _Span(1e3, 1e13, "is it in Mbit/s?", "is it in bit per hour?"),
    "energy_coefficient": _Span(1e-36, 1e-18, "1e-28 W s^3 is usual", "1e-28 W s^3 is usual"),
    "cycles_per_mac": _Span(1e-4, 1e4, "is it in cycles per byte?", "is it in cycles per task?"),
    "distance_m": _Span(0.01, 1e6, "is it in km?", "is it in mm?"),
    "arrival_rate_per_s": _Span(1e-7, 1e6, "is it per ms?", "is it per hour?"),
    "carrier_hz": _Span(1e4, 1e13, "is it in MHz or GHz?", "is it in mHz?"),
}


def doubts_about(path: str, field: str, values: float | Iterable[float]) -> Iterator[Doubt]:
    """Yield what is hardly meant of one value, or of a list, whose places are added to the path.

    Parameters
    ----------
    path : str
        Place of the value; of a list with ``{}`` for the number of the value.
    field : str
        Name of the field, whose span is looked at; one without a span has no doubts.
    values : float or iterable of float
        Zeros are meant: a device may have no radio.
    """
    span = _SPANS.get(field)
    if span is None:
        return
    for number, value in enumerate([values] if isinstance(values, (int, float)) else values):
        if value != 0.0 and not span.least <= value <= span.most:
            why = span.if_less if value < span.least else span.if_more
            yield Doubt(path.format(number), f"{value:g} is hardly meant: {why}")


def doubts_of_slot(problem: SlotProblem) -> list[Doubt]:
    """List what is hardly meant in a slot document.

    Parameters
    ----------
    problem : SlotProblem
        The slot.
    """
    found: list[Doubt] = []
    for field in ("slot_duration_s", "noise_psd_dbm_per_hz", "edge_capacity_hz", "energy_coefficient"):
        found += doubts_about(f"$.{field}", field, float(getattr(problem, field)))
    for field in ("cpu_capacity_hz", "max_power_w", "channel_gain", "bandwidth_hz"):
        found += doubts_about(f"$.devices[{{}}].{field}", field, getattr(problem, field).tolist())
    for m, points in enumerate(problem.cpu_points or ()):
        found += doubts_about_points(f"$.devices[{m}].cpu_points", points or ())
    for m, radio in enumerate(problem.radio or ()):
        if radio is not None:
            found += doubts_about_radio(f"$.devices[{m}].radio", *radio)
    return found


def doubts_about_points(path: str, points: Iterable[tuple[float, float]]) -> Iterator[Doubt]:
    """Yield what is hardly meant in operating points.

    Parameters
    ----------
    path : str
        Place of the table.
    points : iterable of (float, float)
        Hz and W.
    """
    for j, (hz, power_w) in enumerate(points):
        yield from doubts_about(f"{path}[{j}].hz", "hz", float(hz))
        yield from doubts_about(f"{path}[{j}].power_w", "power_w", float(power_w))


def doubts_about_radio(path: str, rate_bps: float, power_w: float) -> Iterator[Doubt]:
    """Yield what is hardly meant of a measured radio.

    Parameters
    ----------
    path : str
        Place of the radio.
    rate_bps, power_w : float
        Its rate and power.
    """
    yield from doubts_about(f"{path}.rate_bps", "rate_bps", float(rate_bps))
    yield from doubts_about(f"{path}.power_w", "power_w", float(power_w))
