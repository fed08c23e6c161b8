"""A picture of a run beside its simulation: latencies over time, and their distributions (extra `plot`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.io.figures import label_text, legend_above, new_figure, picture_bytes, picture_format
from lyaopt.live.comparison import measured_latencies
from lyaopt.live.replay_log import Prediction

_MARKS: dict[str, Any] = {"markersize": 4, "fillstyle": "none", "rasterized": True}
"""Of a task; as pixels, since there may be thousands."""
_BLUE, _RED = "#35719c", "#b5482f"


def draw_runs(runs: Sequence[tuple[str, Prediction]], path: str | Path) -> bytes:
    """Draw runs, one row each.

    Parameters
    ----------
    runs : sequence of (str, Prediction)
        Name of the policy, and the tasks with their simulated latencies.
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
    figure = new_figure(10.0, 0.4 + 2.6 * len(runs))
    rows = figure.subplots(len(runs), 2, squeeze=False, gridspec_kw={"width_ratios": (3, 2)})
    for (over_time, shares), (name, prediction) in zip(rows, runs, strict=True):
        _draw(over_time, shares, name, prediction)
    rows[-1][0].set_xlabel("birth of the task, s")
    rows[-1][1].set_xlabel("latency, ms")
    legend_above(rows[0][1])
    return picture_bytes(figure, kind)


def _draw(over_time: Any, shares: Any, name: str, prediction: Prediction) -> None:
    born = np.array([record.born for record in prediction.records])
    both = (
        ("measured", 1e3 * measured_latencies(prediction.records), _BLUE, "-", "o"),
        ("simulated", 1e3 * prediction.latency_s, _RED, "--", "x"),
    )
    for label, latency, colour, line, mark in both:
        over_time.plot(born, latency, mark, color=colour, label=label, **_MARKS)
        _draw_shares(shares, latency, colour, line, label)
    over_time.set_title(label_text(name), loc="left", fontsize=10)
    over_time.set_ylabel("latency, ms")
    over_time.set_ylim(bottom=0.0)
    shares.set_ylabel("share of tasks")
    shares.set_ylim(0.0, 1.02)
    shares.set_xlim(left=0.0)


def _draw_shares(axes: Any, latency: Floats, colour: str, line: str, label: str) -> None:
    """The share of tasks that took at most so long; those in flight took longer than any."""
    done = np.sort(latency[~np.isnan(latency)])
    if done.size:
        share = np.arange(done.size + 1) / latency.size
        axes.step(np.append(0.0, done), share, line, where="post", color=colour, label=label)
