"""Figure of a sweep in the plane of mean latency and energy, with the bound (extra `plot`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt.bounds import Frontier
from lyaopt.experiments.results import ENERGY, Results
from lyaopt.experiments.shades import shade_of
from lyaopt.experiments.tables import NAMES
from lyaopt.experiments.waiting import BOUND
from lyaopt.io.figures import entries_of, label_text, legend_over, new_figure, picture_bytes

_MARGIN = 1.25
_DRAWN = 81
_BOUND, _IMPOSSIBLE = "#777777", "#e6e6e6"


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
    paths = {policy: path for policy, path in paths.items() if np.isfinite(path).any()}
    if not paths:
        return None
    for policy, path in paths.items():
        shade = shade_of(results, policy)
        axes.plot(
            *path, ".-", color=shade, linewidth=1.0, markersize=4, label=label_text(NAMES.get(policy, policy))
        )
        axes.plot(*path[:, :1], "o", color=shade, markersize=6, markerfacecolor="#ffffff")
        axes.plot(*path[:, -1:], "o", color=shade, markersize=6)
    _draw_bounds(axes, results, np.concatenate(list(paths.values()), axis=1))
    axes.set(xscale="log", yscale="log", xlabel="mean latency of a task, s", ylabel="energy per slot, mJ")
    axes.grid(alpha=0.25, which="major", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    legend_over(figure, entries_of(axes))
    return picture_bytes(figure, "svg")


def _path(results: Results, policy: str) -> np.ndarray:
    """Latencies in s and energies in mJ (2, points) along a sweep; NaN where there is nothing to draw."""
    points = range(len(results.points))
    latency, energy = (
        [results.estimate(policy, point, measure).value for point in points] for measure in ("stay_s", ENERGY)
    )
    path = np.array([latency, 1e3 * np.array(energy)])
    with np.errstate(invalid="ignore"):
        return np.where((path > 0.0).all(axis=0), path, np.nan)


def _draw_bounds(axes: Any, results: Results, places: np.ndarray) -> None:
    """The bound at the first and the last point, with what is impossible at the last one shaded."""
    latencies, energies = places[:, np.isfinite(places).all(axis=0)]
    span = np.geomspace(latencies.min() / _MARGIN, latencies.max() * _MARGIN, _DRAWN)
    floor = 0.3 * energies.min()
    for point, name in ((0, "first"), (len(results.points) - 1, "last")):
        curve = _curve(results, point)
        if curve is not None:
            least = 1e3 * curve.energy_at(span)
            style = "--" if name == "first" else "-"
            label = f"least of any policy, {name} point"
            axes.plot(span, least, style, color=_BOUND, linewidth=1.2, label=label)
            if name == "last":
                axes.fill_between(span, floor, least, where=least > floor, color=_IMPOSSIBLE, linewidth=0.0)
    axes.set(xlim=(span[0], span[-1]), ylim=(floor, 2.0 * energies.max()))


def _curve(results: Results, point: int) -> Frontier | None:
    runs = results.runs.get((BOUND, point), [])
    found = runs[0].measured.get("curve") if runs else None
    if not found:
        return None
    costs, bounds = (np.array(found[name]) for name in ("waiting_cost_j_per_s", "bound_j"))
    return Frontier(costs, bounds, found["least_j"], found["tasks_per_slot"])
