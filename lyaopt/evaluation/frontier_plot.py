"""A figure of the frontier: energy against mean latency, both logarithmic (extra `plot`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lyaopt.evaluation.frontier import FrontierPoint, FrontierReport
from lyaopt.io.figures import label_text, legend_above, new_figure, picture_bytes, picture_format
from lyaopt.io.point_names import name_points

_CURVES = ("#35719c", "#5a8f4e", "#6b5b95", "#c29b38")
_POINT, _BOUND, _IMPOSSIBLE = "#b5482f", "#1d1d1d", "#d9d9d9"


def draw_frontier(report: FrontierReport, path: str | Path) -> bytes:
    """Draw the bound, with what is impossible below it shaded, the curves of rules, and policies by name.

    Parameters
    ----------
    report : FrontierReport
        What to draw; points without energy or latency are left out.
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
    figure = new_figure(7.5, 5.0)
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", xlabel="mean latency of a task, s", ylabel="energy per slot, mJ")
    curves = {rule: _drawn(points) for rule, points in report.curves.items()}
    for number, (rule, points) in enumerate(curves.items()):
        _draw_curve(axes, rule, points, _CURVES[number % len(_CURVES)])
    points = sorted(_drawn(report.points), key=lambda point: point.energy_j.value)
    for point in points:
        _draw_point(axes, point)
    _draw_bound(axes, report, [point for part in (*curves.values(), points) for point in part])
    axes.grid(alpha=0.25, which="major", linewidth=0.5)
    name_points(axes, ((point.policy, *_place_of(point)) for point in reversed(points)))
    return picture_bytes(figure, kind)


def _drawn(points: Sequence[FrontierPoint]) -> list[FrontierPoint]:
    return [point for point in points if point.energy_j.value > 0.0 and point.latency_s.value > 0.0]


def _place_of(point: FrontierPoint) -> tuple[float, float]:
    return point.latency_s.value, 1e3 * point.energy_j.value


def _draw_point(axes: Any, point: FrontierPoint) -> None:
    _draw_errors(axes, point, _POINT)
    axes.plot(*_place_of(point), "o", color=_POINT, markersize=6)


def _draw_curve(axes: Any, rule: str, points: Sequence[FrontierPoint], shade: str) -> None:
    if not points:
        return
    for point in points:
        _draw_errors(axes, point, shade)
    latencies = [point.latency_s.value for point in points]
    energies = [1e3 * point.energy_j.value for point in points]
    axes.plot(
        latencies,
        energies,
        "o-",
        color=shade,
        markersize=4,
        linewidth=1.4,
        label=f"{label_text(rule)}, by theta",
    )


def _draw_errors(axes: Any, point: FrontierPoint, shade: str) -> None:
    """The intervals of both means, if there are any."""
    energy, latency = point.energy_j, point.latency_s
    if not np.isfinite([energy.low, energy.high, latency.low, latency.high]).all():
        return
    axes.plot([latency.low, latency.high], 2 * [1e3 * energy.value], color=shade, linewidth=0.8)
    axes.plot(2 * [latency.value], [1e3 * energy.low, 1e3 * energy.high], color=shade, linewidth=0.8)


def _draw_bound(axes: Any, report: FrontierReport, points: Sequence[FrontierPoint]) -> None:
    latencies, energies = report.bound_curve()
    if latencies.size and points:
        least = 0.5 * 1e3 * float(energies.min())
        most = 3.0 * 1e3 * max(point.energy_j.value for point in points)
        axes.fill_between(latencies, least, 1e3 * energies, color=_IMPOSSIBLE, linewidth=0.0)
        axes.plot(latencies, 1e3 * energies, color=_BOUND, linewidth=1.4, label="least energy of any policy")
        axes.set(xlim=(latencies[0], latencies[-1]), ylim=(least, most))
        axes.text(0.03, 0.04, "impossible", transform=axes.transAxes, color="#555555", fontsize=9)
    if axes.get_legend_handles_labels()[0]:
        legend_above(axes)
