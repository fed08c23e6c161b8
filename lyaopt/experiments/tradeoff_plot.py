"""Figure of energy against latency (extra `plot`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lyaopt.experiments.shades import colour
from lyaopt.experiments.tables import NAMES
from lyaopt.experiments.tradeoff import Point
from lyaopt.io.figures import label_text, legend_above, new_figure, picture_bytes, picture_format


def draw_tradeoff(
    points: Sequence[Point], latency: str, path: str | Path, *, target_s: float | None, chosen: Point | None
) -> bytes:
    """Draw points, the Pareto front and the choice.

    Parameters
    ----------
    points : sequence of Point
        With the Pareto front marked.
    latency : str
        A key of `LATENCIES`.
    path : str or Path
        Its suffix, .png or .svg, selects the format; nothing is written.
    target_s : float or None
        Target of the latency.
    chosen : Point or None
        Highlighted; None if no point meets the target.

    Returns
    -------
    bytes
        The picture.

    Raises
    ------
    ProblemError
        If the suffix is neither.
    MissingExtraError
        Without matplotlib (extra `plot`).
    """
    kind = picture_format(path)
    figure = new_figure(7.5, 5.0)
    axes = figure.subplots()
    policies = list(dict.fromkeys(point.policy for point in points))
    for policy in policies:
        _draw(axes, [point for point in points if point.policy == policy], colour(policy, policies))
    front = sorted((point for point in points if point.on_front), key=lambda point: point.latency_s.value)
    places = [point.latency_s.value for point in front], [1e3 * point.energy_j.value for point in front]
    axes.plot(*places, color="#000000", linewidth=0.8, linestyle=":", label="Pareto front")
    if target_s is not None:
        axes.axvline(target_s, color="#999999", linewidth=0.8)
    if chosen is not None:
        place = chosen.latency_s.value, 1e3 * chosen.energy_j.value
        axes.plot(*place, "o", markersize=13, markerfacecolor="none", color="#000000")
        _draw_judged(axes, place, chosen)
        axes.annotate(
            f"{chosen.factor:g} {chosen.setting}",
            place,
            xytext=(9, 9),
            textcoords="offset points",
            fontsize=9,
        )
    latencies, energies = ([getattr(point, of).value for point in points] for of in ("latency_s", "energy_j"))
    axes.set(xscale=_scale(latencies), yscale=_scale(energies), ylabel="energy per slot, mJ")
    traced = any(point.judged_energy_j is not None for point in points)
    where = ", in the part of the trace that is searched" if traced else ""
    axes.set_xlabel(f"latency of a task ({latency}), s{where}")
    axes.grid(alpha=0.25, which="both", linewidth=0.5)
    legend_above(axes)
    return picture_bytes(figure, kind)


def _draw_judged(axes: Any, place: tuple[float, float], chosen: Point) -> None:
    """Where the choice lies in the part of a trace that is judged."""
    if chosen.judged_energy_j is None or chosen.judged_latency_s is None:
        return
    judged = chosen.judged_latency_s.value, 1e3 * chosen.judged_energy_j.value
    axes.plot(*zip(place, judged, strict=True), color="#000000", linewidth=0.8)
    axes.plot(*judged, "x", markersize=9, color="#000000", label="the choice, judged")


def _scale(values: Sequence[float]) -> str:
    return "log" if any(value > 0.0 for value in values) else "linear"


def _draw(axes: Any, points: Sequence[Point], shade: str) -> None:
    line = sorted(points, key=lambda point: point.factor)
    latencies = [point.latency_s.value for point in line]
    energies = [1e3 * point.energy_j.value for point in line]
    policy = points[0].policy
    axes.plot(latencies, energies, color=shade, linewidth=1.2, label=label_text(NAMES.get(policy, policy)))
    filled = [shade if point.on_front else "#ffffff" for point in line]
    axes.scatter(latencies, energies, c=filled, edgecolors=shade, s=26, zorder=3)
