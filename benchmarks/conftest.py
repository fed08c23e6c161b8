"""Writes the measurements of all benchmarks to benchmarks/RESULTS.md, with ratios within the run."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cpuinfo
import pytest

RESULTS = Path(__file__).with_name("RESULTS.md")
LIBRARIES = ("lyaopt", "numpy", "numba", "scipy", "cvxpy", "clarabel", "ecos", "cvxpygen")
_rows: list[tuple[str, str, float, str]] = []
_requirements: list[tuple[str, str, str, bool]] = []


class Record:
    """Collects times per unit in groups, and requirements."""

    def time(self, group: str, contender: str, seconds: float, unit: str) -> None:
        """Add a row: `contender` takes `seconds` per `unit`."""
        _rows.append((group, contender, seconds, unit))

    def require(self, what: str, bound: str, measured: str, met: bool) -> None:
        """Add a requirement, its measurement, and whether it is met."""
        _requirements.append((what, bound, measured, met))

    def seconds(self, group: str, contender: str) -> float:
        """Return an earlier measurement of this run; skip the test if there is none."""
        for row in _rows:
            if row[:2] == (group, contender):
                return row[2]
        pytest.skip(f"needs {contender!r} of {group!r} from the same run")


def pytest_configure() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core, also for child processes


@pytest.fixture(scope="session")
def record() -> Record:
    return Record()


def _readable(seconds: float) -> str:
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us"), (1e9, "ns")):
        if seconds * factor >= 1.0:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _versions() -> str:
    installed = []
    for library in LIBRARIES:
        try:
            installed.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue
    return ", ".join(installed)


def pytest_sessionfinish() -> None:
    if not _rows and not _requirements:
        return
    lines = [
        "# Benchmark results",
        "",
        f"Measured {date.today()} by `make bench` on {cpuinfo.get_cpu_info()['brand_raw']}, one core,",
        f"Python {platform.python_version()}, {_versions()}.",
        "Medians of one run; ratios are relative to lyaopt in the same group. In the table of requirements",
        "contenders take turns; in the others they run one after the other, so that ratios differ.",
        "",
    ]
    if _requirements:
        lines += ["| required | bound | measured | met |", "|---|---|---|---|"]
        lines += [
            f"| {what} | {bound} | {measured} | {'yes' if met else 'no'} |"
            for what, bound, measured, met in _requirements
        ]
        lines.append("")
    for group in dict.fromkeys(row[0] for row in _rows):
        rows = [row for row in _rows if row[0] == group]
        ours = next((seconds for _, name, seconds, _ in rows if name.startswith("lyaopt")), None)
        lines += [f"## {group}", "", f"| | time per {rows[0][3]} | ratio |", "|---|---|---|"]
        for _, name, seconds, _ in rows:
            ratio = f"{seconds / ours:,.3g}" if ours else ""
            lines.append(f"| {name} | {_readable(seconds)} | {ratio} |")
        lines.append("")
    RESULTS.write_text("\n".join(lines))
