"""Time of a service in a slot as slots, services and devices grow, beside copying the same arrays.

    python -m benchmarks.growth

It writes growth.csv and growth.svg, and prints the steps at which the time of a service grows more than
twofold where that of its copy does not.
"""

from __future__ import annotations

import csv
import gc
import io
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.bench_batch import arrays_of
from benchmarks.data import batch
from lyaopt import solve_slots

TABLE, FIGURE = (Path(__file__).with_name(f"growth{end}") for end in (".csv", ".svg"))
SIZES = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000]
STEP = 2.0
"""Largest growth of the time of a service from one size to the next, beyond that of its copy."""
_ROUNDS, _ROUND_S = 9, 0.01

SERIES: dict[str, tuple[int, Callable[[int], tuple[int, int, int]]]] = {
    "slots of 4 devices with 2 services": (1_000_000, lambda n: (n, 4, 2)),
    "services of one device, in one slot": (1_000_000, lambda n: (1, 1, n)),
    "devices with 2 services, in one slot": (10_000, lambda n: (1, n, 2)),
    "devices with 2 services, in 100 slots": (10_000, lambda n: (100, n, 2)),
}
"""Largest size of each series, and (B, M, N) by size."""


class Row(NamedTuple):
    """Seconds of a service in a slot, at one size of a series."""

    series: str
    size: int
    slots: int
    devices: int
    services: int
    solve_s: float
    copy_s: float


def measured(series: str, size: int) -> Row:
    """Time one size: the least of rounds in which solving and copying take turns."""
    shape = SERIES[series][1](size)
    slots, devices, services = shape
    solution = solve_slots(batch(*shape))
    sources = arrays_of(solution)
    targets = [np.empty_like(source) for source in sources]

    def copy() -> None:
        for target, source in zip(targets, sources, strict=True):
            np.copyto(target, source)

    calls = (lambda: solve_slots(solution.batch, out=solution), copy)
    units = slots * devices * services
    solve_s, copy_s = (seconds / units for seconds in _least(calls))
    return Row(series, size, *shape, solve_s, copy_s)


def _least(calls: tuple[Callable[[], object], ...]) -> list[float]:
    """Least seconds of each call, over rounds of at least `_ROUND_S`."""
    repeats = []
    for call in calls:
        call()
        start = time.perf_counter()
        call()
        repeats.append(max(1, int(_ROUND_S / (time.perf_counter() - start + 1e-9))))
    least = [np.inf] * len(calls)
    for _ in range(_ROUNDS):
        for number, (call, times) in enumerate(zip(calls, repeats, strict=True)):
            start = time.perf_counter()
            for _ in range(times):
                call()
            least[number] = min(least[number], (time.perf_counter() - start) / times)
    return least


def steps(rows: list[Row]) -> Iterator[str]:
    """Say where a service takes longer than at the size before, and copying it does not."""
    for before, row in pairwise(rows):
        grown = row.solve_s / before.solve_s
        if row.series == before.series and grown > STEP * max(1.0, row.copy_s / before.copy_s):
            yield f"{row.series}: {grown:.1f} times the time from {before.size:,} to {row.size:,}"


def to_csv(rows: list[Row]) -> str:
    """The table, times in ns with four digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*Row._fields[:5], "solve_ns", "copy_ns", "solve_per_copy"])
    for row in rows:
        figures = row.solve_s * 1e9, row.copy_s * 1e9, row.solve_s / row.copy_s
        writer.writerow([*row[:5], *(f"{figure:.4g}" for figure in figures)])
    return text.getvalue()


def draw(rows: list[Row]) -> bytes:
    """The figure, both axes logarithmic."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams.update({"svg.hashsalt": "lyaopt", "axes.spines.top": False, "axes.spines.right": False})
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = figure.subplots()
    for number, series in enumerate(SERIES):
        own = [row for row in rows if row.series == series]
        sizes, colour = [row.size for row in own], f"C{number}"
        axes.loglog(sizes, [row.solve_s * 1e9 for row in own], "o-", color=colour, label=series, ms=3.5)
        axes.loglog(sizes, [row.copy_s * 1e9 for row in own], ":", color=colour, lw=1.2)
    axes.plot([], [], "k:", lw=1.2, label="copying the same arrays")
    axes.set_xlabel("number of slots, services or devices")
    axes.set_ylabel("time of a service in a slot, ns")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=9)
    picture = io.BytesIO()
    figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue()


def main() -> None:
    """Measure all series, and write the table and the figure."""
    rows = []
    for series, (most, _) in SERIES.items():
        for size in (size for size in SIZES if size <= most):
            rows.append(measured(series, size))
            print(f"{series}: {size:,}: {rows[-1].solve_s * 1e9:.4g} ns, copy {rows[-1].copy_s * 1e9:.4g}")
            gc.collect()
    TABLE.write_text(to_csv(rows))
    FIGURE.write_bytes(draw(rows))
    print(*(list(steps(rows)) or ["no step"]), sep="\n")


if __name__ == "__main__":
    main()
