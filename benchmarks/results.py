"""The measurements of the last runs: results.csv has all, RESULTS.md one line for each requirement.

A run adds its measurements to those of earlier runs, of which the last two stay; a run of some benchmarks
leaves the others as they are. What is required is named "ours, of the alternative" or alike.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

RUNS = 3
REQUIRED = "required"
"""The group of requirements, whose contender is what is required."""
_ALTERNATIVE = re.compile(r"^(.*?)(?:: faster than |, in times of |, against |, of )(.*)$")
_NUMBER = re.compile(r"[\d,]*\.?\d+(?:e[+-]?\d+)?")
_HEAD = "| what | of, or beside | required | median | range | met |"


class Row(NamedTuple):
    """One measurement of one run; a field that does not apply is empty."""

    run: str
    group: str
    contender: str
    unit: str = ""
    time_s: str = ""
    ratio: str = ""
    required: str = ""
    measured: str = ""
    met: str = ""


def from_csv(text: str) -> list[Row]:
    """Rows of the file; without its first line they are none."""
    return [Row(*line) for line in csv.reader(io.StringIO(text))][1:]


def to_csv(rows: Iterable[Row]) -> str:
    """The file, a line a row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([Row._fields, *rows])
    return text.getvalue()


def merged(earlier: Iterable[Row], new: Iterable[Row], fresh: bool = False) -> list[Row]:
    """Add a run to earlier ones; a fresh one takes the place of those that measured the same."""
    table: dict[tuple[str, str], list[Row]] = {}
    for row in earlier:
        table.setdefault((row.group, row.contender), []).append(row)
    for row in new:
        kept = table.get((row.group, row.contender), [])
        table[row.group, row.contender] = [*([] if fresh else kept[1 - RUNS :]), row]
    groups = dict.fromkeys(group for group, _ in table)
    return [row for group in groups for key, rows in table.items() if key[0] == group for row in rows]


def with_ratios(rows: list[Row]) -> list[Row]:
    """Times of a run beside that of lyaopt in the same group, where there is one."""
    ours: dict[str, float] = {}
    for row in rows:
        if row.time_s and row.contender.startswith("lyaopt"):
            ours.setdefault(row.group, float(row.time_s))
    return [
        row._replace(ratio=f"{float(row.time_s) / ours[row.group]:.4g}")
        if row.time_s and row.group in ours
        else row
        for row in rows
    ]


def requirements(rows: Iterable[Row]) -> list[str]:
    """The table of RESULTS.md."""
    table: dict[str, list[Row]] = {}
    for row in rows:
        if row.group == REQUIRED:
            table.setdefault(row.contender, []).append(row)
    lines = [_HEAD, "|---|---|---|---|---|---|"]
    for what, runs in table.items():
        found = _ALTERNATIVE.match(what)
        ours, theirs = found.groups() if found else (what, "")
        middle, span = _summary([row.measured for row in runs])
        met = sum(row.met == "yes" for row in runs)
        verdict = "yes" if met == len(runs) else "no" if met == 0 else f"{met} of {len(runs)} runs"
        lines.append(f"| {ours} | {theirs} | {runs[-1].required} | {middle} | {span} | {verdict} |")
    return lines


def _summary(texts: list[str]) -> tuple[str, str]:
    """Median and range of the first number of each text, with what follows it."""
    found = [_NUMBER.search(text) for text in texts]
    if not all(found):
        return texts[-1], ""
    numbers = [float(match[0].replace(",", "")) for match in found if match]
    unit = re.split("[;,]", texts[-1][found[-1].end() :] if found[-1] else "")[0].rstrip()
    middle = f"{_figure(median(numbers))}{unit}"
    if len(numbers) == 1:
        return middle, "one run"
    return middle, f"{_figure(min(numbers))} to {_figure(max(numbers))}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
