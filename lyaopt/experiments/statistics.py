"""Averages over training seeds and replications, with bootstrap intervals.

A policy with R training seeds and B replications has R B values. Bad replications are part of the long-run
mean, so that replications are averaged by their arithmetic mean. Trainings may fail, so that runs are
averaged by their interquartile mean. The bootstrap resamples runs and replications independently, as a
repetition of the experiment would have other training seeds and other random numbers. All policies at all
points share training seeds and replications, and are resampled together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.evaluation import Estimate, interval_of, middle_mean


@dataclass(frozen=True)
class Run:
    """Evaluation of a policy at a point, for one training seed.

    Attributes
    ----------
    seed : int or None
        None without training.
    measured : mapping
        Values of the replications by measure.
    """

    seed: int | None
    measured: Mapping[str, Any]

    def values(self, measure: str) -> Floats:
        """Return the values of `measure` (B,), NaN for missing ones; empty if it was not measured."""
        values = self.measured.get(measure) or []
        return np.array([np.nan if value is None else value for value in values], np.float64)


class Grid(NamedTuple):
    """Numerators and denominators of a ratio.

    Attributes
    ----------
    values : ndarray (R, B)
        Of each run and replication, NaN if missing.
    over : ndarray (R, B)
        Denominators; ones for a plain mean.
    """

    values: Floats
    over: Floats

    def means(self, drawn: Integers | None = None) -> Floats:
        """Compute the mean of each run.

        Parameters
        ----------
        drawn : ndarray (n, B) of int, optional
            Replications of n bootstrap samples; all replications by default.

        Returns
        -------
        ndarray (R,) or (n, R)
            Ratios of means.
        """
        return _means(self.values, drawn) / _means(self.over, drawn)


NOTHING = Grid(np.empty((0, 0)), np.empty((0, 0)))


def grid_of(runs: Sequence[Run], measure: str, over: str | None = None) -> Grid:
    """Collect the values of a `measure` of some `runs`, or its ratio to the measure `over` of each run."""
    values = [run.values(measure) for run in runs]
    below = [np.ones_like(row) for row in values] if over is None else [run.values(over) for run in runs]
    return _grid(values, below)


def ratios(mine: Sequence[Run], theirs: Sequence[Run], measure: str) -> Grid:
    """Pair runs by training seed and replication; an untrained policy is paired with every run.

    Parameters
    ----------
    mine, theirs : sequence of Run
        Numerators and denominators.
    measure : str
        A name in `MEASURES`.

    Returns
    -------
    Grid
    """
    pairs = [(a, b) for a in mine for b in theirs if a.seed == b.seed or None in (a.seed, b.seed)]
    return _grid([a.values(measure) for a, _ in pairs], [b.values(measure) for _, b in pairs])


def _grid(values: list[Floats], over: list[Floats]) -> Grid:
    """Runs with as many replications as the first, and values that both sides have."""
    shape = next((row.shape for row in values if row.size), None)
    pairs = [(a, b) for a, b in zip(values, over, strict=True) if a.shape == b.shape == shape]
    if not pairs:
        return NOTHING
    known = [np.isfinite(a) & np.isfinite(b) for a, b in pairs]
    above, below = (np.where(known, np.array([pair[side] for pair in pairs]), np.nan) for side in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        finite = np.isfinite(Grid(above, below).means())
    return Grid(above[finite], below[finite]) if finite.any() else NOTHING


def _means(values: Floats, drawn: Integers | None) -> Floats:
    known = np.isfinite(values)
    weights = np.ones(values.shape[1]) if drawn is None else _counts(drawn, values.shape[1])
    return np.asarray((weights @ np.where(known, values, 0.0).T) / (weights @ known.T.astype(np.float64)))


def _counts(drawn: Integers, size: int) -> Floats:
    """How often each of `size` was drawn (n, size)."""
    first = np.arange(len(drawn))[:, None] * size
    counts = np.bincount((first + drawn).ravel(), minlength=len(drawn) * size)
    return counts.reshape(-1, size).astype(np.float64)


def estimate(*grids: Grid) -> Estimate:
    """Average grids, such as the points of a sweep, with equal weights.

    Parameters
    ----------
    *grids : Grid
        One for each point.

    Returns
    -------
    Estimate
        Without an interval if one of the grids is a single number.
    """
    filled = [grid for grid in grids if grid.values.size]
    if not filled:
        return Estimate(*3 * (float("nan"),))
    value = float(np.mean([middle_mean(grid.means()) for grid in filled]))
    if any(grid.values.size == 1 for grid in filled):
        return Estimate(value, float("nan"), float("nan"))
    # Axes of equal size are resampled together in all grids.
    axes = [(axis, size) for grid in filled for axis, size in enumerate(grid.values.shape) if size > 1]
    sizes = list(dict.fromkeys(axes))

    def average(*drawn: Floats, axis: int = -1) -> Floats:
        chosen = {place: index.astype(np.intp) for place, index in zip(sizes, drawn, strict=True)}
        return np.asarray(np.mean([_resampled(grid, chosen) for grid in filled], axis=0))

    with np.errstate(invalid="ignore"):  # a sample may draw denominators of 0 only
        return Estimate(value, *interval_of([np.arange(size) for _, size in sizes], average))


def _resampled(grid: Grid, chosen: Mapping[tuple[int, int], Integers]) -> Floats:
    """Averages of a grid over drawn runs and replications; an axis of size 1 is not resampled."""
    runs, replications = grid.values.shape
    with np.errstate(divide="ignore", invalid="ignore"):
        means = grid.means(chosen.get((1, replications)))
    drawn_runs = chosen.get((0, runs))
    if drawn_runs is None:
        return np.asarray(means[..., 0])
    return np.asarray(middle_mean(np.take_along_axis(np.atleast_2d(means), drawn_runs, axis=-1)))
