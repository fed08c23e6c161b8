"""Draws the times of runs: when decisions were made within their periods, and how late the slowest were.

python picture.py controller.svg FOLDER...

Each folder holds decisions.ndjson of controller.py; its name is written above.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from clock import PERIOD_NS
from matplotlib.axes import Axes
from messages import Floats

COLOURS = {"server": "#0072b2", "own": "#d55e00"}
NAMES = {"server": "solved by the server", "own": "solved in the controller"}
PERIOD_MS = PERIOD_NS / 1e6
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
Times = dict[str, tuple[Floats, Floats]]


def times(folder: Path) -> tuple[Times, int, int]:
    """Of each solver when its periods began, and ms to decisions; how many periods, and missed."""
    found: dict[str, list[tuple[float, float]]] = {by: [] for by in COLOURS}
    periods = missed = 0
    with (folder / "decisions.ndjson").open() as lines:
        for line in map(json.loads, lines):
            periods += 1
            missed += line["late"]
            if "seconds" in line:
                minute = line["period"] * PERIOD_MS / 60_000
                found[line["by"]].append((minute, 1e3 * line["seconds"]))
    return {by: tuple(np.array(points).reshape(-1, 2).T) for by, points in found.items()}, periods, missed


def draw_run(axes: Axes, found: Times) -> None:
    """The slowest decision of each second, by who solved the slot."""
    for by, (minutes, milliseconds) in found.items():
        second = np.floor(minutes * 60).astype(int)
        starts = np.flatnonzero(np.diff(second, prepend=-1))
        if starts.size:
            slowest = np.maximum.reduceat(milliseconds, starts)
            axes.semilogy(minutes[starts], slowest, ".", ms=3, color=COLOURS[by], label=NAMES[by])
    axes.axhline(PERIOD_MS, color="black", lw=0.8)
    axes.set(xlabel="time, min", ylabel="slowest of a second, ms")


def draw_shares(axes: Axes, found: Times) -> None:
    """Which share of decisions takes longer than a time."""
    for by, (_, milliseconds) in found.items():
        if milliseconds.size:
            shares = 1.0 - np.arange(milliseconds.size) / milliseconds.size
            axes.loglog(*thinned(np.sort(milliseconds), shares), color=COLOURS[by], label=NAMES[by])
    axes.axvline(PERIOD_MS, color="black", lw=0.8)
    axes.set(xlabel="time to the decision, ms", ylabel="share that takes longer")
    axes.grid(alpha=0.3)


def thinned(values: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Points that can be told apart on a logarithmic axis of shares."""
    kept = np.unique(values.size - np.geomspace(1, values.size, 300).astype(int))
    return values[kept], shares[kept]


def caption(folder: Path, found: Times, periods: int, missed: int) -> str:
    """What a run was, and its quantiles."""
    milliseconds = np.concatenate([times for _, times in found.values()])
    shown = ", ".join(
        f"{name} {np.quantile(milliseconds, share, method='higher'):.2f}" for name, share in QUANTILES.items()
    )
    return f"{folder.name}: {periods:,} periods, {missed:,} missed; {shown} ms"


def main(to: Path, folders: list[Path]) -> None:
    """Draw a row for each run, and write the picture."""
    size = (9.0, 3.1 * len(folders))
    figure, rows = plt.subplots(len(folders), 2, figsize=size, layout="constrained", squeeze=False)
    for folder, (left, right) in zip(folders, rows, strict=True):
        found, periods, missed = times(folder)
        draw_run(left, found)
        draw_shares(right, found)
        left.set_title(caption(folder, found, periods, missed), fontsize=10, loc="left")
        print(caption(folder, found, periods, missed))
    rows[0][1].legend(fontsize=9)
    figure.savefig(to, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(folder) for folder in sys.argv[2:]])
