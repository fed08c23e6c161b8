"""Draws the times of a run: when decisions were made within their periods, and how late the slowest were.

    python picture.py FOLDER controller.svg

FOLDER holds decisions.ndjson of controller.py.
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


def times(folder: Path) -> dict[str, tuple[Floats, Floats]]:
    """Of each solver the minutes at which its periods began, and the ms to the decision."""
    found: dict[str, list[tuple[float, float]]] = {by: [] for by in COLOURS}
    with (folder / "decisions.ndjson").open() as lines:
        for line in map(json.loads, lines):
            if "seconds" in line:
                minute = line["period"] * PERIOD_MS / 60_000
                found[line["by"]].append((minute, 1e3 * line["seconds"]))
    return {by: tuple(np.array(points).reshape(-1, 2).T) for by, points in found.items()}


def draw_run(axes: Axes, found: dict[str, tuple[Floats, Floats]]) -> None:
    """The slowest decision of each second, by who solved the slot."""
    for by, (minutes, milliseconds) in found.items():
        second = np.floor(minutes * 60).astype(int)
        starts = np.flatnonzero(np.diff(second, prepend=-1))
        if starts.size:
            slowest = np.maximum.reduceat(milliseconds, starts)
            axes.semilogy(minutes[starts], slowest, ".", ms=3, color=COLOURS[by], label=NAMES[by])
    axes.axhline(PERIOD_MS, color="black", lw=0.8)
    axes.set(xlabel="time, min", ylabel="slowest decision of a second, ms")
    axes.legend(loc="upper right")


def draw_shares(axes: Axes, found: dict[str, tuple[Floats, Floats]]) -> None:
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


def main(folder: Path, to: Path) -> None:
    """Draw, and write the picture."""
    found = times(folder)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
    draw_run(left, found)
    draw_shares(right, found)
    figure.suptitle("Decisions every 10 ms; black: the deadline", fontsize=10)
    figure.savefig(to, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
