"""Reading of logs: cells of the lines, times as numbers or dates, and packets of mahimahi."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ParseError, ProblemError
from lyaopt.io.input_files import read_capped
from lyaopt.logs.layouts import Layout
from lyaopt.logs.segments import Log, log_of_intervals, log_of_samples
from lyaopt.logs.units import TIME_UNITS, Quantity, unit_of

PACKET_BITS = 1500 * 8
"""What mahimahi's link carries at a time of a log."""
_MISSING = {"", "-", "--", "na", "n/a", "nan", "null", "none"}
_DATES = ("%Y.%m.%d_%H.%M.%S", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S")
_Row = tuple[int, list[str]]


def read_log(path: str | Path, layout: Layout, max_gap_s: float | None = None) -> Log:
    """Read a log.

    Parameters
    ----------
    path : str or Path
        The file, in UTF-8.
    layout : Layout
        Where it has times and values.
    max_gap_s : float, optional
        Longest pause between samples over which a value holds; by default five usual intervals. Without a
        value there is no coverage.

    Returns
    -------
    Log
        Rates in bit/s; other quantities as they are.

    Raises
    ------
    ParseError, ProblemError
        If the file is not such a log; a `ParseError` names the line.
    OSError
        If it cannot be read.
    """
    lines = _lines(read_capped(path))
    name = Path(path).name
    if layout.kind == "mahimahi":
        return _packets(name, lines)
    rows = _named_rows(lines, layout) if layout.kind == "csv" else _bare_rows(lines, layout)
    return _log(name, rows, layout, max_gap_s)


def _lines(content: bytes) -> list[str]:
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ParseError("expected text in UTF-8", line) from None


def _named_rows(lines: list[str], layout: Layout) -> Iterator[_Row]:
    """Cells of the columns of a layout, behind a line of names."""
    head = next((number for number, line in enumerate(lines) if line.strip()), None)
    if head is None:
        raise ProblemError("$", "expected a line with names of columns, got an empty file")
    delimiter = max(",;\t", key=lines[head].count)
    table = csv.reader(lines[head:], delimiter=delimiter)
    names = [name.strip() for name in next(table)]
    places = _places(names, layout)
    for cells in table:
        if any(cell.strip() for cell in cells):
            yield head + table.line_num, _chosen(cells, places, head + table.line_num)


def _bare_rows(lines: list[str], layout: Layout) -> Iterator[_Row]:
    """Cells of the columns of a layout, between spaces or commas."""
    places = _places([], layout)
    for number, line in enumerate(lines, start=1):
        cells = line.replace(",", " ").split()
        if cells and not cells[0].startswith("#"):
            yield number, _chosen(cells, places, number)


def _places(names: Sequence[str], layout: Layout) -> list[int]:
    """Index of the columns of time and value, and of the length if there is one."""
    asked = {"time": layout.time, "column": layout.value}
    if layout.length is not None:
        asked["length"] = layout.length
    found = []
    for field, column in asked.items():
        if column in names:
            found.append(names.index(column))
        elif column.isdecimal() and int(column) >= 1 and (not names or int(column) <= len(names)):
            found.append(int(column) - 1)
        else:
            known = f"one of {', '.join(names)}" if names else "the number of a column, from 1"
            raise ProblemError(f"$.{field}", f"expected {known}, got {column!r}")
    return found


def _chosen(cells: Sequence[str], places: Sequence[int], line: int) -> list[str]:
    if len(cells) <= max(places):
        raise ParseError(f"expected at least {max(places) + 1} columns, got {len(cells)}", line)
    return [cells[place].strip() for place in places]


def _log(name: str, rows: Iterator[_Row], layout: Layout, max_gap_s: float | None) -> Log:
    unit = unit_of(layout.unit)
    if (unit.quantity is Quantity.AMOUNT) != (layout.length is not None):
        expected = "a column of lengths, as the unit is that of an amount of data"
        got = "a column of lengths, but a unit that is no amount of data"
        raise ProblemError("$.length", f"expected {expected}" if layout.length is None else f"got {got}")
    times, values, lengths = _numbers(rows, layout)
    if not len(times):
        raise ProblemError("$", "expected at least two lines with times, got none")
    times = (times - times[0]) * 1.0
    if layout.length is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            return log_of_intervals(name, times, lengths, values * unit.factor / lengths)
    if len(times) < 2:
        raise ProblemError("$", "expected at least two different times, got one")
    return log_of_samples(name, times, values * unit.factor, max_gap_s)


def _numbers(rows: Iterator[_Row], layout: Layout) -> tuple[Floats, Floats, Floats]:
    """Times, values and lengths in seconds; at equal times values are averaged, or added with lengths."""
    times: list[float] = []
    values: list[list[float]] = []
    lengths: list[float] = []
    signed = unit_of(layout.unit).quantity not in (Quantity.RATE, Quantity.AMOUNT, Quantity.GAIN)
    for line, cells in rows:
        time = _time(cells[0], TIME_UNITS[layout.time_unit], line)
        value = _value(cells[1], line, signed)
        length = _value(cells[2], line, False) * TIME_UNITS[layout.length_unit] if len(cells) > 2 else 0.0
        if times and time < times[-1]:
            raise ParseError(f"expected a time of at least {times[-1]:.15g} s, got {time:.15g}", line)
        if times and time == times[-1]:
            values[-1].append(value)
            lengths[-1] += length
        else:
            times.append(time)
            values.append([value])
            lengths.append(length)
    join = _sum if layout.length is not None else _mean
    return np.array(times), np.array([join(each) for each in values]), np.array(lengths)


def _sum(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) if known else math.nan


def _mean(values: list[float]) -> float:
    known = sum(not math.isnan(value) for value in values)
    return _sum(values) / known if known else math.nan


def _time(text: str, unit_s: float, line: int) -> float:
    """Seconds of a number or a date."""
    try:
        seconds = float(text) * unit_s
    except ValueError:
        seconds = _date(text, line)
    if not math.isfinite(seconds):
        raise ParseError(f"expected a time, got {text!r}", line)
    return seconds


def _date(text: str, line: int) -> float:
    for pattern in _DATES:
        try:
            return _since_epoch(datetime.strptime(text, pattern))
        except ValueError:
            continue
    try:
        return _since_epoch(datetime.fromisoformat(text))
    except ValueError:
        raise ParseError(f"expected a time, as a number or a date, got {text!r}", line) from None


def _since_epoch(date: datetime) -> float:
    """Seconds; dates without a zone are taken as they are, so that summer time makes no jump."""
    start = datetime(1970, 1, 1, tzinfo=date.tzinfo)
    return (date - start).total_seconds()


def _value(text: str, line: int, signed: bool) -> float:
    """A number; NaN where nothing was measured."""
    if text.lower() in _MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isinf(value) or (value < 0.0 and not signed):
        expected = "a finite number" if signed else "a finite number >= 0"
        raise ParseError(f"expected {expected}, or nothing, got {text!r}", line)
    return value


def _packets(name: str, lines: list[str]) -> Log:
    """A log of mahimahi as a rate in each millisecond; it lasts to its last time."""
    times: list[int] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        if not text.isdecimal() or (times and int(text) < times[-1]):
            expected = "a whole number of milliseconds, at least that of the line before"
            raise ParseError(f"expected {expected}, got {text!r}", number)
        times.append(int(text))
    last = times[-1] if times else 0
    if last == 0:
        raise ProblemError("$", "expected packets up to a time above 0 ms, got none")
    # A packet at time t is carried in the millisecond before it; one at 0 is taken for the first.
    ends, packets = np.unique(np.maximum(times, 1), return_counts=True)
    starts = ends - 1
    # Between packets the rate is 0, which is no gap of the log.
    silent = starts > np.append(0, ends[:-1])
    all_starts = np.append(starts, np.append(0, ends[:-1])[silent])
    all_ends = np.append(ends, starts[silent])
    rates = np.append(packets * (PACKET_BITS / 1e-3), np.zeros(silent.sum()))
    order = np.argsort(all_starts)
    return Log(name, all_starts[order] * 1e-3, all_ends[order] * 1e-3, rates[order])
