"""A figure of a run: energy and backlogs over time, and the distribution of latencies (extra `plot`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.io.figures import label_text, legend_above, new_figure, picture_bytes, picture_format
from lyaopt.simulation.results import PERCENTILES, Result
from lyaopt.simulation.series import Series

_BLUE, _RED, _GREEN, _GREY = "#35719c", "#b5482f", "#4c8c4a", "#8a8a8a"
_QUEUES = (("local", "cycles", _BLUE), ("transmit", "bit", _RED), ("edge", "cycles", _GREEN))
_PREFIXES = (("G", 1e9), ("M", 1e6), ("k", 1e3))


def draw_run(result: Result, series: Series, path: str | Path) -> bytes:
    """Draw a run.

    Parameters
    ----------
    result : Result
        Gives mean energy and latencies.
    series : Series
        Of the same run.
    path : str or Path
        Its suffix, .png or .svg, selects the format; nothing is written to it.

    Returns
    -------
    bytes
        The picture.

    Raises
    ------
    ProblemError
        If the suffix is another.
    MissingExtraError
        Without matplotlib (extra `plot`).
    """
    kind = picture_format(path)
    figure = new_figure(8.0, 10.5)
    heights = {"height_ratios": (3, 2, 2, 2, 3)}
    energy, *backlogs, latency = figure.subplots(5, 1, gridspec_kw=heights)
    _draw_energy(energy, series)
    for axes, queue in zip(backlogs, zip(_QUEUES, series.queues, strict=True), strict=True):
        _draw_backlog(axes, series, *queue)
    backlogs[-1].set_xlabel("time, s")
    _draw_latencies(latency, result)
    energy.set_title(
        f"policy {label_text(result.policy)}: {1e3 * result.mean_energy_j:.4g} mJ per slot", loc="left"
    )
    return picture_bytes(figure, kind)


def _draw_energy(axes: Any, series: Series) -> None:
    kinds = [("local", _BLUE, series.local_energy_j), ("transmit", _RED, series.transmit_energy_j)]
    if series.tail_energy_j.any():
        kinds.append(("tails of radios", _GREY, series.tail_energy_j))
    below = np.zeros(len(series.local_energy_j))
    for label, color, energy in kinds:
        above = below + 1e3 * energy
        axes.stairs(above, series.time_s, baseline=below, fill=True, color=color, alpha=0.7, label=label)
        below = above
    axes.set_xlim(series.time_s[0], series.time_s[-1])
    axes.set_ylabel("energy per slot, mJ")
    legend_above(axes)
    axes.set_ylim(bottom=0)


def _draw_backlog(axes: Any, series: Series, queue: tuple[str, str, str], values: Floats) -> None:
    """One queue, all services together: queues of other units or sizes have panels of their own."""
    name, unit, shade = queue
    largest = float(np.nanmax(values, initial=0.0))
    prefix, scale = next(((of, by) for of, by in _PREFIXES if largest >= by), ("", 1.0))
    axes.stairs(values / scale, series.time_s, color=shade)
    axes.set_xlim(series.time_s[0], series.time_s[-1])
    axes.set_ylabel(f"{name} queue,\n{prefix}{unit}")
    axes.set_ylim(bottom=0)


def _draw_latencies(axes: Any, result: Result) -> None:
    table = result.latencies.merged()
    axes.set_xlabel("latency of a task, s")
    axes.set_ylabel("share of tasks that took longer")
    if not table.count:
        axes.text(0.5, 0.5, "no task was completed", ha="center", transform=axes.transAxes)
        return
    longer = 1.0 - np.cumsum(table.tasks) / table.count
    time = table.slots * result.slot_duration_s
    axes.step(np.append(0.0, time), np.append(1.0, longer), where="post", color=_BLUE)
    axes.set_yscale("log")
    axes.set_ylim(max(0.5 / table.count, 1e-6), 1.0)
    axes.set_xlim(left=0.0)
    for names, value in _named(result.latency_percentiles_s(), axes.get_xlim()[1]):
        axes.axvline(value, color="grey", linewidth=0.8, linestyle=":")
        place = axes.get_xaxis_transform()
        axes.text(value, 1.02, ", ".join(names), transform=place, ha="center", fontsize=8)


def _named(values: Floats, width: float) -> list[tuple[list[str], float]]:
    """Percentiles with their names; those that are close share a label, which would cover another."""
    named: list[tuple[list[str], float]] = []
    for percent, value in zip(PERCENTILES, values, strict=True):
        if named and value - named[-1][1] < 0.05 * width:
            named[-1][0].append(f"p{percent:.0f}")
        else:
            named.append(([f"p{percent:.0f}"], float(value)))
    return named
