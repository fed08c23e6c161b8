"""Figure of a training: return, energy and backlog over decisions (extra `plot`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lyaopt.io.damage import damage_named
from lyaopt.io.figures import new_figure, picture_bytes, picture_format
from lyaopt.io.input_files import read_capped
from lyaopt.learning.run_folder import LOG

_BLUE = "#35719c"
_POINTS = 50
"""Points of the smoothed curves, each a mean over a part of the log."""


def draw_training(folder: str | Path, path: str | Path) -> bytes:
    """Draw the log of a training.

    Parameters
    ----------
    folder : str or Path
        Of the training.
    path : str or Path
        Its suffix, .png or .svg, selects the format; nothing is written.

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
    path = Path(folder) / LOG
    with damage_named(path):
        return _picture([json.loads(line) for line in read_capped(path).decode().splitlines()], kind)


def _picture(lines: list[dict[str, Any]], kind: str) -> bytes:
    figure = new_figure(8.0, 6.5)
    names = {
        "return of an episode": [line["return"] for line in lines],
        "energy per slot, mJ": [1e3 * (line["local_energy_j"] + line["transmit_energy_j"]) for line in lines],
        "backlog, tasks": [line["backlog"] for line in lines],
    }
    decisions = [line["decisions"] for line in lines]
    for axes, (name, values) in zip(figure.subplots(3, 1, sharex=True), names.items(), strict=True):
        _draw(axes, decisions, values)
        axes.set_ylabel(name)
    axes.set_xlabel("decisions")
    return picture_bytes(figure, kind)


def _draw(axes: Any, decisions: list[int], values: list[float]) -> None:
    parts = np.array_split(np.arange(len(values)), min(_POINTS, max(1, len(values))))
    axes.plot(decisions, values, color=_BLUE, alpha=0.2, linewidth=0.8)
    means = [
        (np.mean(np.array(decisions)[part]), np.mean(np.array(values)[part])) for part in parts if len(part)
    ]
    axes.plot(*np.transpose(means), color=_BLUE)
