"""Energy savings of LyaPPO, compared with the percentages of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.evaluation import Estimate
from lyaopt.experiments.paper_figures import BASELINES, OURS, figure_of
from lyaopt.experiments.results import Results
from lyaopt.experiments.verdicts import is_sure


@dataclass(frozen=True)
class Saving:
    """Savings compared with a baseline, averaged over a sweep, as shares.

    Attributes
    ----------
    figure, other : str
        Figure of the paper, and baseline.
    paper : float
        Energy saving of LyaPPO that the paper claims.
    ours : Estimate
        Energy saving of LyaPPO.
    against_fixed : Estimate
        Energy saving of the best fixed points, which needs no learning.
    latency, cost : Estimate
        Savings of LyaPPO in mean latency, as delaying tasks saves energy, and in cost (34), the objective of
        the training.
    """

    figure: str
    other: str
    paper: float
    ours: Estimate
    against_fixed: Estimate
    latency: Estimate
    cost: Estimate

    @property
    def held(self) -> bool | None:
        """Whether we measure a saving; None if undecided."""
        return is_sure(self.ours, 1.0)


def savings_of(results: Results) -> list[Saving]:
    """Compute the savings that the paper claims.

    Parameters
    ----------
    results : Results
        Of a sweep that reproduces a figure.

    Returns
    -------
    list of Saving
        Empty for a figure without claims on savings.
    """
    figure = figure_of(results.figure)
    if figure is None or not figure.percent:
        return []
    savings = [
        Saving(
            figure=results.figure or "",
            other=other,
            paper=percent / 100.0,
            ours=results.saving_over_points(OURS, other),
            against_fixed=results.saving_over_points("best-fixed", other),
            latency=results.saving_over_points(OURS, other, "latency_s"),
            cost=results.saving_over_points(OURS, other, "cost"),
        )
        for other, percent in zip(BASELINES, figure.percent, strict=True)
    ]
    return [saving for saving in savings if not np.isnan(saving.ours.value)]
