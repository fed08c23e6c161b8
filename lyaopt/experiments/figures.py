"""Figures of sweeps and trainings (extra `plot`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lyaopt.experiments.horizontal import Along, axis_of
from lyaopt.experiments.paper_figures import BY_PRICES, EPISODE
from lyaopt.experiments.results import Results
from lyaopt.experiments.tables import NAMES
from lyaopt.experiments.waiting import BOUND
from lyaopt.io.figures import label_text, new_figure, picture_bytes

_COLOURS = {
    "lyappo": "#b5482f",
    "lyappo-once": "#e08a4a",
    "lyappo-shared": "#e08a4a",
    "lyappo-paper": "#8c5a6b",
    "ppo-joint": "#35719c",
    "ppo-joint-paper": "#7fa8c6",
    "ddpg": "#5a8f4e",
    "random": "#9a9a9a",
    "middle": "#555555",
    "best-fixed": "#1d1d1d",
    "price": "#1b8a7a",
    "bound": "#bbbbbb",
}
_MORE = ("#6b5b95", "#c29b38", "#3b7dd8", "#a44a6c")
_MARKS = {"lyappo": "o", "lyappo-once": "D", "best-fixed": "s", "ppo-joint": "^", "ddpg": "v", "price": "o"}
PANELS = (
    ("energy per slot, mJ", "energy_j", 1e3),
    ("cost (34), which training minimises", "cost", 1.0),
    ("energy over the least at this latency", "over_bound_at_latency", 1.0),
    ("local energy, mJ", "local_energy_j", 1e3),
    ("transmit energy, mJ", "transmit_energy_j", 1e3),
    ("mean latency, s", "latency_s", 1.0),
    ("p95 latency, s", "latency_p95_s", 1.0),
    ("local backlog, Mcycles", "local_queue_cycles", 1e-6),
    ("transmit backlog, Mbit", "transmit_queue_bits", 1e-6),
    ("edge backlog, Mcycles", "edge_queue_cycles", 1e-6),
    ("mean k / K", "cut_depth", 1.0),
)
"""Panels of a sweep: title, measure, factor."""
PRICE_PANELS = (
    PANELS[0],
    ("energy and waiting per slot, mJ", "waiting_and_energy_j", 1e3),
    *PANELS[2:7],
    PANELS[10],
)
"""Panels of a figure under the price rule."""

_COLUMNS = 2
_PANEL_INCHES = 4.5, 2.6


def panels_of(results: Results) -> tuple[tuple[str, str, float], ...]:
    """Return the panels in which the results of a sweep are shown: title, measure, factor."""
    return PRICE_PANELS if (results.figure or "").endswith(BY_PRICES) else PANELS


def colour(policy: str, policies: Sequence[str]) -> str:
    """Return the colour of a policy, the same in all figures.

    Parameters
    ----------
    policy : str
        Name in the results.
    policies : sequence of str
        All policies of the figure, by which those without a colour of their own are numbered.

    Returns
    -------
    str
    """
    others = [name for name in policies if name not in _COLOURS]
    return _COLOURS.get(policy) or _MORE[others.index(policy) % len(_MORE)]


def shade_of(results: Results, policy: str) -> str:
    """Return the colour of a policy of a sweep; a bound at a latency has that of the rule at this latency.

    Parameters
    ----------
    results : Results
        Of the sweep.
    policy : str
        Name in the results.
    """
    waiting = results.definition.get("waiting", {})
    if policy not in waiting:
        return colour(policy, [name for name in results.policies if name not in waiting])
    said = [{**entry, "policy": ""} for entry in waiting.values()]
    return _MORE[said.index({**waiting[policy], "policy": ""}) % len(_MORE)]


def draw_sweep(results: Results) -> bytes:
    """Draw a panel for each measure against the first setting that varies.

    Parameters
    ----------
    results : Results
        Of a sweep over at least one setting.

    Returns
    -------
    bytes
        SVG.
    """
    shown = panels_of(results)
    rows = -(-len(shown) // _COLUMNS)
    figure = new_figure(_COLUMNS * _PANEL_INCHES[0], 0.7 + rows * _PANEL_INCHES[1])
    panels = figure.subplots(rows, _COLUMNS).ravel()
    names: dict[str, Any] = {}
    for axes, (title, measure, scale) in zip(panels[: len(shown)], shown, strict=True):
        _draw_panel(axes, results, measure, scale)
        axes.set_title(title, fontsize=10, loc="left")
        handles, labels = axes.get_legend_handles_labels()
        names |= dict(zip(labels, handles, strict=True))
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    figure.legend(
        names.values(), names.keys(), loc="outside upper center", ncols=4, frameon=False, fontsize=9
    )
    return picture_bytes(figure, "svg")


def draw_panel(results: Results, measure: str, scale: float) -> bytes:
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
    bytes
        SVG.
    """
    figure = new_figure(4.4, 2.7)
    _draw_panel(figure.subplots(), results, measure, scale)
    return picture_bytes(figure, "svg")


def _draw_panel(axes: Any, results: Results, measure: str, scale: float) -> None:
    along = axis_of(results)
    for policy in results.policies:
        # LB1, which lets tasks wait for ever, would stretch a scale made for bounds that do not.
        if (policy, measure) != (BOUND, "energy_j") or panels_of(results) is PANELS:
            _draw_policy(axes, results, policy, along, measure, scale)
    _scale(axes, along)
    axes.set_xlabel(along.label, fontsize=9)


def _draw_policy(axes: Any, results: Results, policy: str, along: Along, measure: str, scale: float) -> None:
    estimates = [results.estimate(policy, point, measure) for point in range(len(along.places))]
    values = scale * np.array([estimate.value for estimate in estimates])
    if np.isnan(values).all():
        return
    ends = scale * np.array([(estimate.low, estimate.high) for estimate in estimates]).T
    shade, style = shade_of(results, policy), _style_of(results, policy)
    for number, line in enumerate(along.lines):
        label = label_text(NAMES.get(policy, policy)) if number == 0 else None
        axes.plot(along.places[line], values[line], color=shade, label=label, **style)
        if not np.isnan(ends[:, line]).all():
            axes.fill_between(along.places[line], *ends[:, line], color=shade, alpha=0.15, linewidth=0)


def _style_of(results: Results, policy: str) -> dict[str, Any]:
    style: dict[str, Any] = {"marker": _MARKS.get(policy, "."), "markersize": 5, "linewidth": 1.4}
    if policy in ("middle", "random"):
        style["linestyle"] = "--"
    if results.is_bound(policy):
        style |= {"linestyle": ":", "marker": "", "linewidth": 1.8}
    return style


def _scale(axes: Any, along: Along) -> None:
    """Set axes to logarithmic scales if their values span more than about a decade and a half."""
    values = np.concatenate([line.get_ydata() for line in axes.lines] or [np.ones(1)])
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0.0 and values.max() > 30.0 * values.min():
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0.0)
    places = along.places
    if along.words:
        axes.set_xticks(range(len(along.words)), along.words)
    elif places.min() > 0.0 and places.max() > 20.0 * places.min():
        axes.set_xscale("log")
    elif (places == np.round(places)).all():
        axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def draw_curves(results: Results) -> bytes:
    """Draw returns over decisions: median and range over training seeds.

    Parameters
    ----------
    results : Results
        With training curves.

    Returns
    -------
    bytes
        SVG.
    """
    figure = new_figure(9.0, 4.5)
    axes = figure.subplots()
    for policy in results.policies:
        curves = results.curves.get((policy, 0), [])
        if curves:
            _draw_curve(axes, curves, colour(policy, results.policies), label_text(NAMES.get(policy, policy)))
    # Symmetric logarithmic, as returns are negative and span decades.
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set_xlabel("decisions", fontsize=9)
    axes.set_ylabel(f"return of {EPISODE} decisions", fontsize=9)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return picture_bytes(figure, "svg")


def _draw_curve(axes: Any, curves: Sequence[Any], shade: str, label: str) -> None:
    length = min(len(curve["reward"]) for curve in curves)
    rewards = EPISODE * np.array([_smooth(curve["reward"][:length]) for curve in curves])
    decisions = np.mean([curve["decisions"][:length] for curve in curves], axis=0)
    axes.plot(decisions, np.median(rewards, axis=0), color=shade, linewidth=1.4, label=label)
    if len(curves) > 1:
        ends = rewards.min(axis=0), rewards.max(axis=0)
        axes.fill_between(decisions, *ends, color=shade, alpha=0.15, linewidth=0)


def _smooth(values: Sequence[float]) -> np.ndarray:
    """Moving average over a fortieth of the curve, like the paper's curves."""
    width = max(1, len(values) // 40)
    padded = np.concatenate([np.full(width - 1, values[0]), values])
    return np.convolve(padded, np.ones(width) / width, mode="valid")
