"""Horizontal axes of figures of sweeps: places of the points, and a label with the unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.experiments.paper_figures import figure_of
from lyaopt.experiments.results import Results
from lyaopt.experiments.tables import number
from lyaopt.io.figures import label_text

_UNITS = {
    "_cycles_per_bit": "cycles/bit",
    "_cycles_per_mac": "cycles/MAC",
    "_m_per_sqrt_s": "m/√s",
    "_j_per_s": "J/s",
    "_per_s": "1/s",
    "_w_per_hz": "W/Hz",
    "_dbm_per_hz": "dBm/Hz",
    "_hz": "Hz",
    "_w": "W",
    "_s": "s",
    "_j": "J",
    "_m": "m",
    "_db": "dB",
    "_bits": "bit",
    "_cycles": "cycles",
    "_slots": "slots",
}
"""Units of settings by the ends of their names."""
_WITH_PREFIX = ("Hz", "W", "s", "J", "J/s", "bit", "cycles")
_PREFIXES = {9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "µ", -9: "n"}


@dataclass(frozen=True)
class Along:
    """The horizontal axis of a sweep.

    Attributes
    ----------
    places : ndarray (points,)
        In the unit of the label.
    label : str
    words : tuple of str
        Names of the places where values are no numbers, else empty.
    lines : tuple of ndarray of int
        Points of each line, as other settings may vary as well.
    """

    places: Floats
    label: str
    words: tuple[str, ...]
    lines: tuple[Integers, ...]


def axis_of(results: Results) -> Along:
    """Return the axis of the first setting that varies.

    Parameters
    ----------
    results : Results
        Of a sweep.

    Returns
    -------
    Along
    """
    setting = next(iter(results.points[0]), None)
    if setting is None:
        return Along(np.arange(len(results.points), dtype=float), "point", (), _lines(results))
    values: list[Any] = [point.get(setting) for point in results.points]
    if not all(is_number(value) for value in values):
        named = list(dict.fromkeys(label_text(number(value)) for value in values))
        places = np.array([named.index(label_text(number(value))) for value in values], float)
        return Along(places, _words(setting), tuple(named), _lines(results))
    known = figure_of(results.figure)
    if known:
        return Along(np.array(values, float) / known.unit, known.axis, (), _lines(results))
    label, unit = label_of(setting, max(abs(float(value)) for value in values))
    return Along(np.array(values, float) / unit, label, (), _lines(results))


def is_number(value: Any) -> bool:
    """Tell whether a value of a setting is a finite number, which has a place on an axis."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def label_of(setting: str, largest: float) -> tuple[str, float]:
    """Make a label with a unit in which values are easy to read, such as ``edge capacity, GHz``.

    Parameters
    ----------
    setting : str
        Name of the setting, which ends in its unit if it has one.
    largest : float
        Largest of its values.

    Returns
    -------
    label : str
    unit : float
        What to divide the values by.
    """
    end = next((end for end in _UNITS if setting.endswith(end)), "")
    if not end:
        return _words(setting), 1.0
    unit, exponent = _UNITS[end], 0
    if unit in _WITH_PREFIX and largest > 0.0:
        exponent = min(max(3 * math.floor(math.log10(largest) / 3.0), -9), 9)
        if (unit == "s" and exponent > 0) or 0.1 <= largest < 1.0:
            exponent = 0
    return f"{_words(setting.removesuffix(end))}, {_PREFIXES[exponent]}{unit}", 10.0**exponent


def _words(setting: str) -> str:
    """The name of a setting in words; names that are no settings stay."""
    return label_text(setting.replace("_", " ").replace(".", " ")).strip()


def _lines(results: Results) -> tuple[Integers, ...]:
    """Points by the values of all settings but the first."""
    lines: dict[tuple[str, ...], list[int]] = {}
    for index, point in enumerate(results.points):
        lines.setdefault(tuple(map(repr, list(point.values())[1:])), []).append(index)
    return tuple(np.array(line) for line in lines.values())
