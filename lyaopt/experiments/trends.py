"""Claims of the paper beside what was measured: each held or not held, with the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.evaluation import Estimate, interquartile_mean
from lyaopt.experiments.paper import BASELINES, FIGURES, OURS, Trend
from lyaopt.experiments.results import Results
from lyaopt.experiments.tables import NAMES
from lyaopt.experiments.units import estimate

_CONVERGED_AT = 0.4
"""1,000 of 2,500 episodes."""
_WITHIN = 0.05
"""Of the whole rise of a curve of training: what is nearer to its end than that has converged."""


@dataclass(frozen=True)
class Verdict:
    """A claim and what became of it.

    Attributes
    ----------
    figure, claim : str
    held : bool or None
        None where one training says nothing of how far others would differ.
    first, last : Estimate
        What is compared: the measure at the two ends of a sweep, or two policies.
    change : Estimate
        Of the last against the first, relative to it.
    steps : str
        How many steps along the sweep go the claimed way.
    scale, unit
        With which `first` and `last` are shown.
    """

    figure: str
    claim: str
    held: bool | None
    first: Estimate
    last: Estimate
    change: Estimate
    steps: str
    scale: float = 1.0
    unit: str = ""


_SHOWN = {
    "energy_j": (1e3, "mJ"),
    "local_energy_j": (1e3, "mJ"),
    "transmit_energy_j": (1e3, "mJ"),
    "local_queue_cycles": (1e-6, "Mcycles"),
}


def trends_of(results: Results, policy: str = OURS) -> list[Verdict]:
    """Verdicts on how a policy's figures move along a sweep."""
    figure = FIGURES.get(results.figure or "")
    if figure is None:
        return []
    points = [point for point in range(len(results.points)) if (policy, point) in results.runs]
    if len(points) < 2 or len(points) != len(results.points):
        return []
    return [_trend(results, policy, points, trend) for trend in figure.trends]


def _trend(results: Results, policy: str, points: list[int], trend: Trend) -> Verdict:
    measure, sign = trend.measure, 1.0 if trend.rises else -1.0
    found = [results.estimate(policy, point, measure) for point in points]
    steps = sign * np.diff([each.value for each in found])
    ratio = results.compared((policy, points[-1]), (policy, points[0]), measure)
    change = estimate(ratio._replace(values=ratio.values - 1.0))
    scale, unit = _SHOWN.get(measure, (1.0, ""))
    return Verdict(
        figure=results.figure or "",
        claim=trend.claim,
        held=is_sure(change, sign),
        first=found[0],
        last=found[-1],
        change=change,
        steps=f"{int((steps > 0).sum())} of {steps.size}",
        scale=scale,
        unit=unit,
    )


def is_sure(found: Estimate, sign: float) -> bool | None:
    """Whether the whole interval of a number has a sign; None where there is no interval."""
    if np.isnan(found.low):
        return None
    return bool(sign * found.low > 0.0 and sign * found.high > 0.0)


@dataclass(frozen=True)
class Saving:
    """What LyaPPO saves of the energy of a baseline, over a sweep, in shares.

    Attributes
    ----------
    figure, policy, other : str
    paper : float
    ours : Estimate
    against_fixed : Estimate
        What the best fixed points save of it: so much needs no learning.
    latency : Estimate
        What LyaPPO saves of its mean latency: who lets tasks wait saves energy.
    """

    figure: str
    policy: str
    other: str
    paper: float
    ours: Estimate
    against_fixed: Estimate
    latency: Estimate

    @property
    def held(self) -> bool | None:
        """Whether we find a saving at all."""
        return is_sure(self.ours, 1.0)


def savings_of(results: Results, policy: str = OURS) -> list[Saving]:
    """Savings beside those of the paper."""
    figure = FIGURES.get(results.figure or "")
    if figure is None or not figure.percent:
        return []
    found = [
        Saving(
            figure=results.figure or "",
            policy=policy,
            other=other,
            paper=percent / 100.0,
            ours=results.saving_over_points(policy, other),
            against_fixed=results.saving_over_points("best-fixed", other),
            latency=results.saving_over_points(policy, other, "latency_s"),
        )
        for other, percent in zip(BASELINES, figure.percent, strict=True)
    ]
    return [saving for saving in found if not np.isnan(saving.ours.value)]


def convergence_of(results: Results, policy: str = OURS) -> list[Verdict]:
    """Verdicts on curves of training: who ends highest, and when LyaPPO has converged."""
    figure = FIGURES.get(results.figure or "")
    ends = {name: _ends(results, name) for name in results.policies if results.curves.get((name, 0))}
    if figure is None or figure.setting is not None or policy not in ends:
        return []
    verdicts = []
    for other in ("ppo-joint", "ddpg"):
        if other in ends:
            verdicts.append(_higher(results, ends, policy, other))
    return [*verdicts, _converged(results, policy)]


def _ends(results: Results, policy: str) -> dict[int | None, float]:
    """Mean reward of a decision in the last tenth of each training, by its seed."""
    curves = zip(results.runs[policy, 0], results.curves[policy, 0], strict=True)
    return {
        run.seed: float(np.mean(curve["reward"][-max(1, len(curve["reward"]) // 10) :]))
        for run, curve in curves
    }


def _higher(results: Results, ends: dict[str, dict[int | None, float]], policy: str, other: str) -> Verdict:
    seeds = [seed for seed in ends[policy] if seed in ends[other]]
    mine, theirs = (np.array([ends[name][seed] for seed in seeds]) for name in (policy, other))
    # Rewards are negative: the sign of the change is that of the loss.
    change = interquartile_mean(mine / theirs - 1.0)
    return Verdict(
        figure=results.figure or "",
        claim=f"{NAMES[policy]} ends with a higher return than {NAMES[other]}",
        held=is_sure(change, -1.0),
        first=interquartile_mean(theirs),
        last=interquartile_mean(mine),
        change=change,
        steps="",
    )


def _converged(results: Results, policy: str) -> Verdict:
    shares = np.array([_share_at_convergence(curve["reward"]) for curve in results.curves[policy, 0]])
    found = interquartile_mean(shares)
    until = np.array([curve["decisions"][-1] for curve in results.curves[policy, 0]])
    return Verdict(
        figure=results.figure or "",
        claim=f"{NAMES[policy]} has converged by two fifths of the training (episode 1,000 of 2,500)",
        held=None if np.isnan(found.high) else bool(found.high <= _CONVERGED_AT),
        first=interquartile_mean(until * shares),
        last=interquartile_mean(until),
        change=interquartile_mean(shares - 1.0),
        steps="",
        unit="decisions",
    )


def _share_at_convergence(reward: list[float]) -> float:
    """The part of a curve after which it stays near its end, smoothed over a twentieth of it."""
    values = np.array(reward)
    width = max(1, values.size // 20)
    smooth = np.convolve(values, np.ones(width) / width, mode="valid")
    end, span = smooth[-1], smooth.max() - smooth.min()
    far = np.flatnonzero(np.abs(smooth - end) > max(_WITHIN * span, 1e-12))
    return float((far[-1] + 1 + width if far.size else width) / values.size)
