"""A panel: one measure of all policies along a sweep (extra `plot`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.experiments.horizontal import Along, axis_of
from lyaopt.experiments.results import Results
from lyaopt.experiments.shades import mark_of, shade_of
from lyaopt.experiments.tables import NAMES, number
from lyaopt.io.figures import label_text, new_figure, picture_bytes

_BELOW = 3.0
"""A bound further than this factor below all policies is told in words: it would squeeze their lines."""
_LOGARITHMIC = 30.0
_ROOM, _MOST_ROOM = 1.08, 2.0
_PIXELS = 3.0
"""Lines nowhere further apart than this look like one."""


class Drawn(NamedTuple):
    """A drawing, and what cannot be seen in it.

    Attributes
    ----------
    svg : bytes
    notes : list of str
        Lines that coincide, and bounds below the axis.
    """

    svg: bytes
    notes: list[str]


def draw_panel(results: Results, measure: str, scale: float) -> Drawn:
    """Draw one measure against the first setting that varies, without a legend.

    Parameters
    ----------
    results : Results
        Of a sweep over at least one setting.
    measure : str
        A name in `MEASURES`.
    scale : float
        Factor on the values.

    Returns
    -------
    Drawn
    """
    figure = new_figure(4.4, 2.7)
    notes = draw_on(figure.subplots(), results, measure, scale)
    return Drawn(picture_bytes(figure, "svg"), notes)


def draw_on(axes: Any, results: Results, measure: str, scale: float) -> list[str]:
    """Draw one measure on `axes`, and return what cannot be seen there.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Empty axes.
    results, measure, scale
        As in `draw_panel`.

    Returns
    -------
    list of str
    """
    along = axis_of(results)
    points = range(len(along.places))
    found = {name: [results.estimate(name, point, measure) for point in points] for name in results.policies}
    values = {name: scale * np.array([one.value for one in of]) for name, of in found.items()}
    values = {name: line for name, line in values.items() if np.isfinite(line).any()}
    hidden = _scale(axes, results, values)
    _scale_along(axes, along)
    shown = {name: line for name, line in values.items() if name not in hidden}
    for name, line in shown.items():
        ends = scale * np.array([(one.low, one.high) for one in found[name]]).T
        _draw_policy(axes, results, name, along, (line, ends))
        _make_room(axes, [*line, *ends[1]])
    axes.set_xlabel(along.label, fontsize=9)
    below = [f"below the axis: {_name(name)}, {_span(values[name])}" for name in hidden]
    return [*(f"one line: {' = '.join(map(_name, names))}" for names in _meeting(axes, along, shown)), *below]


def _name(policy: str) -> str:
    return label_text(NAMES.get(policy, policy)).strip()


def _span(line: Floats) -> str:
    least, most = number(np.nanmin(line)), number(np.nanmax(line))
    return least if least == most else f"{least} to {most}"


def _draw_policy(
    axes: Any, results: Results, policy: str, along: Along, measured: tuple[Floats, Floats]
) -> None:
    values, ends = measured
    shade, style = shade_of(results, policy), _style_of(results, policy)
    for place, line in enumerate(along.lines):
        label = label_text(NAMES.get(policy, policy)) if place == 0 else None
        axes.plot(along.places[line], values[line], color=shade, label=label, **style)
        if not np.isnan(ends[:, line]).all():
            axes.fill_between(along.places[line], *ends[:, line], color=shade, alpha=0.15, linewidth=0)


def _style_of(results: Results, policy: str) -> dict[str, Any]:
    if results.is_bound(policy):
        return {"linestyle": ":", "marker": "", "linewidth": 1.8}
    dashed = "--" if policy in ("middle", "random") else "-"
    # Hollow, so that a marker below another one is still seen.
    marker = {"marker": mark_of(results, policy), "markersize": 5, "markerfacecolor": "none"}
    return {"linestyle": dashed, "linewidth": 1.4, **marker}


def _scale(axes: Any, results: Results, values: Mapping[str, Floats]) -> list[str]:
    """Set scales, logarithmic if policies span more than a decade and a half; return bounds far below."""
    policies = [line for name, line in values.items() if not results.is_bound(name)]
    all_values = np.concatenate(policies or list(values.values()) or [np.ones(1)])
    all_values = all_values[np.isfinite(all_values)]
    least, most = all_values.min(), all_values.max()
    hidden: list[str] = []
    if least > 0.0 and most > _LOGARITHMIC * least:
        axes.set_yscale("log")
        far = [name for name, line in values.items() if not np.nanmin(line) >= least / _BELOW]
        hidden = [name for name in far if results.is_bound(name)]
    elif least >= 0.0:
        axes.set_ylim(bottom=0.0, top=_ROOM * most or 1.0)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return hidden


def _make_room(axes: Any, values: Iterable[float]) -> None:
    """Raise a linear axis to `values`; intervals much longer than the lines may leave it."""
    low, top = axes.get_ylim()
    needed = [_ROOM * value for value in values if np.isfinite(value)]
    if axes.get_yscale() == "linear" and low >= 0.0:
        axes.set_ylim(low, max(top, *(min(value, _MOST_ROOM * axes.dataLim.ymax) for value in needed)))


def _scale_along(axes: Any, along: Along) -> None:
    places = along.places
    if along.words:
        axes.set_xticks(range(len(along.words)), along.words)
    elif places.min() > 0.0 and places.max() > 20.0 * places.min():
        axes.set_xscale("log")
    elif (places == np.round(places)).all():
        axes.xaxis.get_major_locator().set_params(integer=True)


def _meeting(axes: Any, along: Along, values: Mapping[str, Floats]) -> list[list[str]]:
    """Groups of policies whose lines cannot be told apart."""
    drawn = {
        name: axes.transData.transform(np.stack([along.places, line], 1)) for name, line in values.items()
    }
    groups: list[list[str]] = []
    for name, line in drawn.items():
        for group in groups:
            apart = np.abs(drawn[group[0]] - line)[:, 1]
            same = np.isnan(drawn[group[0]][:, 1]) == np.isnan(line[:, 1])
            if same.all() and np.nanmax(apart) <= _PIXELS:
                group.append(name)
                break
        else:
            groups.append([name])
    return [group for group in groups if len(group) > 1]
