"""A figure of an imported trace: what each device's radio carries over time (extra `plot`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lyaopt.io.figures import label_text, new_figure, picture_bytes, picture_format
from lyaopt.logs.radio_trace import RadioTrace

_COLOUR, _NOTHING = "#35719c", "#d9d9d9"
_MOST_POINTS = 2000
_PANEL_INCHES = 1.7


def draw_trace(trace: RadioTrace, path: str | Path) -> bytes:
    """Draw the channels of a trace, a panel for each device; slots in which nothing can be sent are grey.

    Parameters
    ----------
    trace : RadioTrace
        Of at most some ten devices.
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
    devices = trace.channel_gain.shape[1]
    figure = new_figure(8.0, 0.8 + _PANEL_INCHES * devices)
    together = -(-trace.slots // _MOST_POINTS)
    edges = np.append(np.arange(0, trace.slots, together), trace.slots)
    time_s = edges * trace.slot_duration_s
    panels = figure.subplots(devices, 1, sharex=True, squeeze=False)[:, 0]
    for m, axes in enumerate(panels):
        sums = np.add.reduceat(trace.channel_gain[:, m], edges[:-1])
        means = sums / np.diff(edges)
        if trace.rate_bps is not None:
            means = means * trace.rate_bps[m] / 1e6
        axes.stairs(means, time_s, color=_COLOUR)
        axes.set_title(label_text(trace.names[m]), loc="left", fontsize=9)
        axes.set_ylabel("rate, Mbit/s" if trace.rate_bps is not None else "channel gain")
        if trace.rate_bps is None and means.max() > 0.0:
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0.0)
        _shade_nothing(axes, means, time_s)
        axes.set_xlim(time_s[0], time_s[-1])
    panels[-1].set_xlabel("time, s")
    return picture_bytes(figure, kind)


def _shade_nothing(axes: object, means: np.ndarray, time_s: np.ndarray) -> None:
    """Shade stretches without any rate or gain."""
    empty = np.concatenate([[False], means == 0.0, [False]])
    for begin, end in np.flatnonzero(np.diff(empty)).reshape(-1, 2):
        axes.axvspan(time_s[begin], time_s[end], color=_NOTHING, linewidth=0)  # type: ignore[attr-defined]
