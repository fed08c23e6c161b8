"""The shipped CPU tables: plausible, complete, and described by the documentation as they are."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lyaopt.model.cpus import cpu_names, load_cpu

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cpus.md"
COEFFICIENT = re.compile(r"dynamic-power-coefficient (\d+) uW/\(MHz V\^2\)")
REGULATOR_STEP_V = Fraction(1, 160)
"""Regulators of these boards set voltages in steps of 6.25 mV or multiples of it."""
EVERY = pytest.mark.parametrize("name", cpu_names())


def frequency_and_power(name):
    return np.array(load_cpu(name).cpu_points).T


def hull_power(name, hz):
    """The lower convex hull with the origin, by its definition: the least of all shared slots."""
    f, p = (np.concatenate([[0.0], values]) for values in frequency_and_power(name))
    chords = [
        p[i] + (p[j] - p[i]) * (hz - f[i]) / (f[j] - f[i])
        for i in range(len(f))
        for j in range(i + 1, len(f))
        if f[i] <= hz <= f[j]
    ]
    return min(chords)


def points_on_hull(name):
    f, p = frequency_and_power(name)
    return sum(power <= hull_power(name, hz) * (1 + 1e-12) for hz, power in zip(f, p, strict=True))


def row_of(heading, name):
    section = PAGE.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    row = next(line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def span(values):
    return f"{min(values):.3g} to {max(values):.3g}"


def test_at_least_three_cpus_are_shipped():
    assert len(cpu_names()) >= 3


@EVERY
def test_tables_are_named_as_their_files(name):
    assert load_cpu(name).name == name


@EVERY
def test_power_and_frequency_increase_and_energy_never_falls(name):
    f, p = frequency_and_power(name)
    assert len(f) >= 5
    assert np.all(np.diff(f) > 0)
    assert np.all(np.diff(p) > 0)
    assert np.all(np.diff(p / f) >= -1e-12 * (p / f)[1:])  # voltage never falls


@EVERY
def test_figures_are_those_of_one_core(name):
    f, p = frequency_and_power(name)
    assert np.all((f >= 1e8) & (f <= 4e9))
    assert np.all((p / f > 1e-11) & (p / f < 1e-9))  # from 10 pJ to 1 nJ a cycle


@EVERY
def test_voltages_are_those_that_a_regulator_sets(name):
    """P = c f V^2 gives back the voltages: a digit that is wrong gives none that a regulator can set."""
    table = load_cpu(name)
    coefficient = Fraction(COEFFICIENT.search(table.source)[1]) / 10**12
    volts = [0.0]
    for point in table.points:
        square = float(Fraction(str(point.power_w)) / (coefficient * Fraction(point.hz)))
        steps = np.sqrt(square) / float(REGULATOR_STEP_V)
        assert abs(steps - round(steps)) < 1e-9
        volts.append(steps * float(REGULATOR_STEP_V))
    assert np.all(np.diff(volts) >= -1e-12)
    assert 0.6 <= volts[1] <= volts[-1] <= 1.4


@EVERY
def test_sources_are_complete_and_free(name):
    table = load_cpu(name)
    assert re.search(r"\.dtsi at commit [0-9a-f]{12}", table.source)
    assert "static and idle power are left out" in table.source
    assert table.licence.endswith(" OR MIT")


@EVERY
def test_the_documented_figures_are_those_of_the_data(name):
    table = load_cpu(name)
    f, p = frequency_and_power(name)
    assert row_of("The shipped tables", name)[1:] == [
        table.description,
        str(len(f)),
        span(f / 1e9),
        span(p),
        span(1e9 * p / f),
        table.licence,
    ]


@EVERY
def test_the_documented_distance_from_a_cubic_is_that_of_the_data(name):
    f, p = frequency_and_power(name)
    (delta,), *_ = np.linalg.lstsq((f / f[-1])[:, None] ** 3, p)
    delta /= f[-1] ** 3
    ratio = delta * f**3 / p
    half = hull_power(name, f[-1] / 2) / (f[-1] / 2) / (p[-1] / f[-1])
    assert row_of("How far they are from a cubic law", name)[1:] == [
        f"{points_on_hull(name)} of {len(f)}",
        f"{delta:.2e}",
        f"{ratio[0]:.2f}",
        f"{ratio[-1]:.2f}",
        f"{half:.2f}",
    ]
