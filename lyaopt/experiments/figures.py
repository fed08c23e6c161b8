"""Figures of sweeps and trainings (extra `plot`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lyaopt.experiments.panel import draw_on
from lyaopt.experiments.paper_figures import BY_PRICES, EPISODE
from lyaopt.experiments.results import Results
from lyaopt.experiments.shades import colour
from lyaopt.experiments.tables import NAMES
from lyaopt.io.figures import entries_of, label_text, legend_over, new_figure, picture_bytes

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
_PANEL_INCHES = 4.5, 2.8


def panels_of(results: Results) -> tuple[tuple[str, str, float], ...]:
    """Return the panels in which the results of a sweep are shown: title, measure, factor."""
    return PRICE_PANELS if (results.figure or "").endswith(BY_PRICES) else PANELS


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
        notes = draw_on(axes, results, measure, scale)
        axes.set_title(title, fontsize=10, loc="left")
        if notes:
            axes.set_title("\n".join([title, *notes]), fontsize=8, loc="left")
        names |= entries_of(axes)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    legend_over(figure, names)
    return picture_bytes(figure, "svg")


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
    legend_over(figure, entries_of(axes))
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
