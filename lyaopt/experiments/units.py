"""Runs of policies as values to be averaged.

Of a learner each training is a run: its runs' means over the copies are averaged by their interquartile
mean, as trainings may go astray. A policy with one run has its copies, which are averaged as they are: what a
system spends in the long run is a mean, and its bad days belong to it. So both say what a slot comes to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lyaopt.evaluation import Estimate, mean_of_strata
from lyaopt.problem import Floats


@dataclass(frozen=True)
class Run:
    """A policy at a point, of one training seed."""

    seed: int | None
    measured: Mapping[str, Any]

    def copies(self, measure: str) -> Floats:
        """Values of the copies; none where nothing was measured."""
        values = self.measured.get(measure) or []
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def mean(self, measure: str) -> float:
        """Mean over the copies that have a value."""
        values = self.copies(measure)
        values = values[np.isfinite(values)]
        return float(values.mean()) if values.size else float("nan")


class Units(NamedTuple):
    """Values, and whether each is that of a training."""

    values: Floats
    trainings: bool


NOTHING = Units(np.empty(0), False)


def estimate(*strata: Units) -> Estimate:
    """Mean over strata of the means of their units."""
    some = [units for units in strata if units.values.size]
    trainings = any(units.trainings for units in some)
    return mean_of_strata([units.values for units in some], middle=trainings)


def units_of(runs: Sequence[Run], measure: str) -> Units:
    """Means of the runs; the copies where there is one run."""
    if len(runs) == 1:
        return Units(runs[0].copies(measure), False)
    return Units(np.array([run.mean(measure) for run in runs]), bool(runs))


def ratios(mine: Sequence[Run], theirs: Sequence[Run], measure: str) -> Units:
    """Mine over theirs, each paired with what met the same: the same training seed, else the same copies."""
    if len(mine) == len(theirs) == 1:
        return Units(_ratio_of_means(mine[0].copies(measure), theirs[0].copies(measure)), False)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Units(
            np.array([np.divide(a.mean(measure), b.mean(measure)) for a, b in _pairs(mine, theirs)]), True
        )


def _pairs(mine: Sequence[Run], theirs: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Runs of equal seeds; what is not trained goes with all."""
    return [(a, b) for a in mine for b in theirs if a.seed == b.seed or None in (a.seed, b.seed)]


def _ratio_of_means(ours: Floats, theirs: Floats) -> Floats:
    """Values whose mean is the ratio of the means, and that spread as it does (to first order)."""
    if ours.size != theirs.size:
        return np.empty(0)
    known = np.isfinite(ours) & np.isfinite(theirs)
    ours, theirs = ours[known], theirs[known]
    if not ours.size or theirs.mean() == 0.0:
        return np.empty(0)
    ratio = ours.mean() / theirs.mean()
    return np.asarray(ratio + (ours - ratio * theirs) / theirs.mean())
