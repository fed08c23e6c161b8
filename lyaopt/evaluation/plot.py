"""A figure of policies side by side: energy, and latency."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.evaluation import Evaluation, Score, interquartile_mean
from lyaopt.io.figures import label_text, legend_above, new_figure, picture_bytes, picture_format

_BLUE, _RED, _GREY = "#35719c", "#b5482f", "#555555"


def draw_evaluation(evaluation: Evaluation, path: str | Path) -> bytes:
    """Draw an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        Scores of the policies to draw.
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
    figure = new_figure(10.0, 1.5 + 0.4 * len(evaluation.scores))
    energy, latency = figure.subplots(1, 2, sharey=True)
    _draw_energy(energy, evaluation.scores)
    _draw_latency(latency, evaluation.scores)
    names = [label_text(score.result.policy) for score in evaluation.scores]
    energy.set_yticks(range(len(evaluation.scores)), names)
    energy.invert_yaxis()
    return picture_bytes(figure, kind)


def _draw_energy(axes: Any, scores: tuple[Score, ...]) -> None:
    rows = np.arange(len(scores))
    whole = [interquartile_mean(score.energy_j) for score in scores]
    total = 1e3 * np.array([estimate.value for estimate in whole])
    below = np.zeros(len(scores))
    for label, (color, energy) in _kinds(scores, total).items():
        axes.barh(rows, energy, left=below, color=color, alpha=0.7, label=label)
        below = below + energy
    ends = 1e3 * np.array([(estimate.low, estimate.high) for estimate in whole])
    axes.errorbar(total, rows, xerr=np.abs(ends.T - total), fmt="none", color=_GREY, capsize=3)
    axes.set_xlabel("energy per slot, mJ")
    axes.set_xlim(left=0)
    legend_above(axes)


def _kinds(scores: tuple[Score, ...], total: Floats) -> dict[str, tuple[str, Floats]]:
    """Color and energies in mJ (P,) of each kind that there is; sending takes the rest of the total (P,)."""

    def means(name: str) -> Floats:
        return 1e3 * np.array([interquartile_mean(getattr(score, name)).value for score in scores])

    local, tails, idle = (means(f"{kind}_energy_j") for kind in ("local", "tail", "idle"))
    sent = np.maximum(total - local - tails - idle, 0.0)
    found = {"local": (_BLUE, local), "transmit": (_RED, sent)}
    more = {"tails of radios": ("#8a8a8a", tails), "idle": ("#c4c4c4", idle)}
    return found | {label: (color, energy) for label, (color, energy) in more.items() if energy.any()}


def _draw_latency(axes: Any, scores: tuple[Score, ...]) -> None:
    rows = np.arange(len(scores))
    for row, (name, mark) in {0: ("mean", "o"), 3: ("99th percentile", "|")}.items():
        values = [interquartile_mean(score.latency_s[row]).value for score in scores]
        axes.plot(values, rows, mark, color=_GREY, markersize=8, label=name)
    axes.set_xlabel("latency of a task, s")
    axes.set_xscale("log")
    axes.grid(axis="x", alpha=0.3)
    legend_above(axes)
