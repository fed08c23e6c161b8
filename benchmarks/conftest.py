"""Collects the measurements of a run, and adds them to results.csv and RESULTS.md (results.py)."""

from __future__ import annotations

import os
import platform
from datetime import date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cpuinfo
import pytest

from benchmarks.results import REQUIRED, RUNS, Row, from_csv, merged, requirements, to_csv, with_ratios

RESULTS, TABLE = (Path(__file__).with_name(name) for name in ("RESULTS.md", "results.csv"))
LIBRARIES = ("lyaopt", "numpy", "numba", "scipy", "cvxpy", "clarabel", "ecos", "cvxpygen")
CORES: set[int] = set()
"""What this process might use before it kept to one core."""
_rows: list[Row] = []


class Record:
    """Collects times per unit in groups, and requirements."""

    def time(self, group: str, contender: str, seconds: float, unit: str) -> None:
        """Add a row: `contender` takes `seconds` per `unit`."""
        _rows.append(Row("", group, contender, unit, f"{seconds:.4g}"))

    def require(self, what: str, bound: str, measured: str, met: bool) -> None:
        """Add a requirement, its measurement, a number with its unit, and whether it is met."""
        verdict = "yes" if met else "no"
        _rows.append(Row("", REQUIRED, what, required=bound, measured=measured, met=verdict))

    def seconds(self, group: str, contender: str) -> float:
        """Return an earlier measurement of this run; skip the test if there is none."""
        for row in _rows:
            if (row.group, row.contender) == (group, contender):
                return float(row.time_s)
        pytest.skip(f"needs {contender!r} of {group!r} from the same run")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fresh", action="store_true", help="forget earlier runs of what is measured")


def pytest_configure() -> None:
    CORES.update(getattr(os, "sched_getaffinity", lambda _: ())(0))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core, also for child processes


@pytest.fixture(scope="session")
def record() -> Record:
    return Record()


def _versions() -> str:
    installed = []
    for library in LIBRARIES:
        try:
            installed.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue
    return ", ".join(installed)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not _rows:
        return
    earlier = from_csv(TABLE.read_text()) if TABLE.exists() else []
    run = f"{datetime.now():%Y-%m-%d %H:%M}"
    new = with_ratios([row._replace(run=run) for row in _rows])
    rows = merged(earlier, new, session.config.getoption("--fresh"))
    TABLE.write_text(to_csv(rows))
    machine = f"{cpuinfo.get_cpu_info()['brand_raw']}, Python {platform.python_version()}"
    lines = [
        "# Benchmark results",
        "",
        f"Measured until {date.today()} by `make bench` on one core (workers: two) of {machine},",
        f"{_versions()}.",
        f"Medians and ranges of the last runs, {RUNS} at most; contenders take turns. `results.csv` has all",
        "measurements; there contenders run one after the other, and ratios are to lyaopt in a group and",
        "run. `growth.csv` and `growth.svg` show how the time of a service grows with the size of a problem.",
        "",
        *requirements(rows),
        "",
    ]
    RESULTS.write_text("\n".join(lines))
