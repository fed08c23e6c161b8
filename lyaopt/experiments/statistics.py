"""What runs of policies come to on average, and how sure that is.

A policy that was trained with R seeds and ran on B copies has R times B values. A copy's bad days are part of
what a system spends in the long run, so that values are averaged over the copies as they are; trainings may
go astray, so that the means of the runs are averaged by their interquartile mean. The bootstrap draws runs
and copies, each for themselves: who did it again would have other seeds and other copies. All policies at all
points met the same copies and have the same seeds, and are drawn together.
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
    """A policy at a point, of one training seed."""

    seed: int | None
    measured: Mapping[str, Any]

    def copies(self, measure: str) -> Floats:
        """Values of the copies; none where nothing was measured."""
        values = self.measured.get(measure) or []
        return np.array([np.nan if value is None else value for value in values], np.float64)


class Grid(NamedTuple):
    """Values of runs on copies (R, B), NaN where there is none; what they are divided by, else ones."""

    values: Floats
    over: Floats

    def means(self, copies: Integers | None = None) -> Floats:
        """Of each run (..., R), over all copies, or over those that are drawn (..., B)."""
        return _means(self.values, copies) / _means(self.over, copies)


NOTHING = Grid(np.empty((0, 0)), np.empty((0, 0)))


def grid_of(runs: Sequence[Run], measure: str) -> Grid:
    """What runs measured."""
    values = [run.copies(measure) for run in runs]
    return _grid(values, [np.ones_like(some) for some in values])


def ratios(mine: Sequence[Run], theirs: Sequence[Run], measure: str) -> Grid:
    """Mine over theirs: runs of equal seeds, on the same copies; what is not trained goes with all."""
    pairs = [(a, b) for a in mine for b in theirs if a.seed == b.seed or None in (a.seed, b.seed)]
    return _grid([a.copies(measure) for a, _ in pairs], [b.copies(measure) for _, b in pairs])


def _grid(values: list[Floats], over: list[Floats]) -> Grid:
    """Runs that can be averaged, with as many copies as the first; values where both sides have one."""
    shape = next((some.shape for some in values if some.size), None)
    kept = [(a, b) for a, b in zip(values, over, strict=True) if a.shape == b.shape == shape]
    if not kept:
        return NOTHING
    known = [np.isfinite(a) & np.isfinite(b) for a, b in kept]
    above, below = (np.where(known, np.array([pair[side] for pair in kept]), np.nan) for side in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        sound = np.isfinite(Grid(above, below).means())
    return Grid(above[sound], below[sound]) if sound.any() else NOTHING


def _means(values: Floats, copies: Integers | None) -> Floats:
    known = np.isfinite(values)
    often = np.ones(values.shape[1]) if copies is None else _counts(copies, values.shape[1])
    return np.asarray((often @ np.where(known, values, 0.0).T) / (often @ known.T.astype(np.float64)))


def _counts(drawn: Integers, size: int) -> Floats:
    """How often each of `size` was drawn (..., size)."""
    first = np.arange(len(drawn))[:, None] * size
    often = np.bincount((first + drawn).ravel(), minlength=len(drawn) * size)
    return often.reshape(-1, size).astype(np.float64)


def estimate(*grids: Grid) -> Estimate:
    """Mean over grids, such as the points of a sweep, of their averages; no interval if one is a number."""
    some = [grid for grid in grids if grid.values.size]
    if not some:
        return Estimate(*3 * (float("nan"),))
    value = float(np.mean([middle_mean(grid.means()) for grid in some]))
    if any(grid.values.size == 1 for grid in some):
        return Estimate(value, float("nan"), float("nan"))
    # What has one size is drawn together, in all grids.
    axes = [(axis, size) for grid in some for axis, size in enumerate(grid.values.shape) if size > 1]
    sizes = list(dict.fromkeys(axes))

    def average(*drawn: Floats, axis: int = -1) -> Floats:
        chosen = {place: index.astype(np.intp) for place, index in zip(sizes, drawn, strict=True)}
        return np.asarray(np.mean([_drawn(grid, chosen) for grid in some], axis=0))

    return Estimate(value, *interval_of([np.arange(size) for _, size in sizes], average))


def _drawn(grid: Grid, chosen: Mapping[tuple[int, int], Integers]) -> Floats:
    """Averages of a grid for runs and copies that are drawn; all of those of which there is one."""
    runs, copies = grid.values.shape
    with np.errstate(divide="ignore", invalid="ignore"):
        means = grid.means(chosen.get((1, copies)))
    which = chosen.get((0, runs))
    if which is None:
        return np.asarray(means[..., 0])
    return np.asarray(middle_mean(np.take_along_axis(np.atleast_2d(means), which, axis=-1)))
