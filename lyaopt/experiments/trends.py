"""The paper's claims on trends along a sweep, compared with our measurements."""

from __future__ import annotations

import numpy as np

from lyaopt.experiments.paper_figures import Trend
from lyaopt.experiments.price_figures import trends_expected
from lyaopt.experiments.results import Results
from lyaopt.experiments.tables import NAMES
from lyaopt.experiments.verdicts import Verdict, is_steady, is_sure

_SHOWN = {
    "energy_j": (1e3, "mJ"),
    "waiting_and_energy_j": (1e3, "mJ"),
    "local_energy_j": (1e3, "mJ"),
    "transmit_energy_j": (1e3, "mJ"),
    "local_queue_cycles": (1e-6, "Mcycles"),
    "transmit_queue_bits": (1e-6, "Mbit"),
    "edge_queue_cycles": (1e-6, "Mcycles"),
}
_WORDS = {
    "energy_j": ("energy falls", "energy rises"),
    "waiting_and_energy_j": ("energy and waiting fall", "energy and waiting rise"),
    "local_energy_j": ("local energy falls", "local energy rises"),
    "transmit_energy_j": ("transmit energy falls", "transmit energy rises"),
    "cut_depth": ("cuts move forward", "cuts move back"),
    "local_queue_cycles": ("the local backlog falls", "the local backlog grows"),
    "transmit_queue_bits": ("the transmit backlog falls", "the transmit backlog grows"),
    "edge_queue_cycles": ("the edge backlog falls", "the edge backlog grows"),
}


def trends_of(results: Results) -> list[Verdict]:
    """Judge the paper's claims on trends.

    Parameters
    ----------
    results : Results
        Of a sweep that reproduces a figure.

    Returns
    -------
    list of Verdict
        Without those on policies that lack points.
    """
    points = range(len(results.points))
    if len(points) < 2:
        return []
    complete = [
        trend
        for trend in trends_expected(results)
        if all((trend.policy, point) in results.runs for point in points)
    ]
    verdicts = [_trend(results, trend) for trend in complete]
    return [verdict for verdict in verdicts if not np.isnan(verdict.change.value)]  # with values at both ends


def _trend(results: Results, trend: Trend) -> Verdict:
    policy, measure, sign = trend.policy, trend.measure, 1.0 if trend.rises else -1.0
    estimates = [results.estimate(policy, point, measure) for point in range(len(results.points))]
    steps = sign * np.diff([estimate.value for estimate in estimates])
    change = results.change(policy, measure)
    scale, unit = _SHOWN.get(measure, (1.0, ""))
    steady = is_steady(change)
    return Verdict(
        figure=results.figure or "",
        claim=f"{NAMES.get(policy, policy)}: {_WORDS[measure][trend.rises]}",
        held=False if steady else is_sure(change, sign),
        first=estimates[0],
        last=estimates[-1],
        change=change,
        steps=f"{int((steps > 0).sum())} of {steps.size}",
        scale=scale,
        unit=unit,
        steady=steady,
    )
