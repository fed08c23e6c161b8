"""Figure of a sweep in the plane of mean latency and energy, with the bound (extra `plot`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt.bounds import Frontier
from lyaopt.experiments.figures import shade_of
from lyaopt.experiments.results import ENERGY, Results
from lyaopt.experiments.tables import NAMES
from lyaopt.experiments.waiting import BOUND
from lyaopt.io.figures import new_figure, picture_bytes

_MARGIN = 1.25
_DRAWN = 81


def draw_plane(results: Results) -> bytes | None:
    """Draw the path of each policy through the plane of mean latency and energy, along a sweep.

    The first point is hollow, the last one filled. Curves are the least energies of any policy at both.

    Parameters
    ----------
    results : Results
        Of a sweep.

    Returns
    -------
    bytes or None
        SVG; None where no policy was set beside a bound.
    """
    figure = new_figure(7.5, 4.6)
    axes = figure.subplots()
    paths = {policy: _path(results, policy) for policy in results.policies if not results.is_bound(policy)}
    paths = {policy: path for policy, path in paths.items() if path.size}
    if not paths:
        return None
    for policy, path in paths.items():
        shade = shade_of(results, policy)
        axes.plot(*path, "-", color=shade, linewidth=1.0, label=NAMES.get(policy, policy))
        axes.plot(*path[:, 1:-1], ".", color=shade, markersize=4)
        axes.plot(*path[:, 0], "o", color=shade, markersize=6, markerfacecolor="#ffffff")
        axes.plot(*path[:, -1], "o", color=shade, markersize=6)
    _draw_bounds(axes, results, np.concatenate(list(paths.values()), axis=1))
    axes.set(xscale="log", yscale="log", xlabel="mean latency of a task, s", ylabel="energy per slot, mJ")
    axes.grid(alpha=0.25, which="major", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=9)
    return picture_bytes(figure, "svg")


def _path(results: Results, policy: str) -> np.ndarray:
    """Latencies in s and energies in mJ (2, points) along a sweep, of points that have both."""
    points = range(len(results.points))
    latency, energy = (
        [results.estimate(policy, point, measure).value for point in points] for measure in ("stay_s", ENERGY)
    )
    path = np.array([latency, 1e3 * np.array(energy)])
    with np.errstate(invalid="ignore"):
        return path[:, (path > 0.0).all(axis=0)]


def _draw_bounds(axes: Any, results: Results, places: np.ndarray) -> None:
    """Curves of the bound at the first and the last point of a sweep, over the span of all policies."""
    span = np.geomspace(places[0].min() / _MARGIN, places[0].max() * _MARGIN, _DRAWN)
    ends = {0: "first", len(results.points) - 1: "last"}
    curves = {point: _curve(results, point) for point in ends}
    for number, (point, curve) in enumerate(curves.items()):
        if curve is not None:
            style = {"linestyle": "-" if number else "--", "linewidth": 1.2, "color": "#1d1d1d"}
            energies = 1e3 * curve.energy_at(span)
            axes.plot(span, energies, label=f"least of any policy, {ends[point]} point", **style)
            axes.set_xlim(span[0], span[-1])
    axes.set_ylim(top=2.0 * places[1].max(), bottom=0.2 * places[1].min())


def _curve(results: Results, point: int) -> Frontier | None:
    runs = results.runs.get((BOUND, point), [])
    found = runs[0].measured.get("curve") if runs else None
    if not found:
        return None
    costs, bounds = (np.array(found[name]) for name in ("waiting_cost_j_per_s", "bound_j"))
    return Frontier(costs, bounds, found["least_j"], found["tasks_per_slot"])
