"""Energy that LyaPPO saves, beside the percentages of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.evaluation import Estimate
from lyaopt.experiments.paper_figures import BASELINES, FIGURES, OURS
from lyaopt.experiments.results import Results
from lyaopt.experiments.verdicts import is_sure


@dataclass(frozen=True)
class Saving:
    """What LyaPPO saves of the energy of a baseline, over a sweep, in shares.

    Attributes
    ----------
    figure, other : str
    paper : float
    ours : Estimate
    against_fixed : Estimate
        What the best fixed points save of it: so much needs no learning.
    latency, cost : Estimate
        What LyaPPO saves of its mean latency, as who lets tasks wait saves energy, and of its cost (34),
        which is what both are trained for.
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
        """Whether we find a saving at all."""
        return is_sure(self.ours, 1.0)


def savings_of(results: Results) -> list[Saving]:
    """Savings beside those of the paper."""
    figure = FIGURES.get(results.figure or "")
    if figure is None or not figure.percent:
        return []
    found = [
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
    return [saving for saving in found if not np.isnan(saving.ours.value)]
