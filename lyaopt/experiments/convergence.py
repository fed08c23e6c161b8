"""The paper's claims on Figure 3, training curves: final return, time of convergence, fluctuation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lyaopt.evaluation import interquartile_mean
from lyaopt.experiments.paper_figures import EPISODE, OURS, figure_of
from lyaopt.experiments.results import Results
from lyaopt.experiments.tables import NAMES
from lyaopt.experiments.verdicts import Verdict, is_sure

_CONVERGED_AT = 0.4
"""Claimed share of the training until convergence: 1,000 of 2,500 episodes."""
_TOLERANCE = 0.05
"""A curve has converged when its distance to its end is below this share of its range."""
_PARTS = 40
"""Parts of a training whose means are compared, as learners log at different intervals."""
_FORMS = (OURS, "lyappo-shared", "lyappo-paper")
"""Forms of LyaPPO for which the claim on convergence is judged."""
_THOUSANDS: dict[str, Any] = {"scale": 1e-3, "unit": "thousand decisions"}

Curve = Mapping[str, Sequence[float]]


def convergence_of(results: Results) -> list[Verdict]:
    """Judge the claims on training curves.

    Parameters
    ----------
    results : Results
        Of a sweep of trained policies.

    Returns
    -------
    list of Verdict
        Empty unless the results are those of Figure 3. Lower numbers are better in all comparisons.
    """
    figure = figure_of(results.figure)
    if figure is None or figure.setting is not None or not results.curves.get((OURS, 0)):
        return []
    claims: tuple[tuple[str, str, Callable[[Curve], float], dict[str, Any]], ...] = (
        ("ppo-joint", "ends with a higher return than", _end, {"scale": EPISODE}),
        ("ddpg", "ends with a higher return than", _end, {"scale": EPISODE}),
        ("ppo-joint", "converges earlier than", _decisions_at_convergence, _THOUSANDS),
        ("ddpg", "fluctuates less than", _fluctuation, {"scale": EPISODE}),
    )
    trained = {policy for policy, _ in results.curves if results.curves[policy, 0]}
    return [
        *(_compare(results, *claim) for claim in claims if claim[0] in trained),
        *(_converged(results, form) for form in _FORMS if form in trained),
    ]


def _end(curve: Curve) -> float:
    """Mean reward of a decision in the last tenth of a training. Rewards are negative: see `_compare`."""
    return float(np.mean(curve["reward"][-max(1, len(curve["reward"]) // 10) :]))


def _fluctuation(curve: Curve) -> float:
    """Standard deviation of the mean rewards of the parts in the second half of a training."""
    parts = np.array_split(np.array(curve["reward"]), min(_PARTS, len(curve["reward"])))
    means = np.array([part.mean() for part in parts])
    return float(means[means.size // 2 :].std())


def _decisions_at_convergence(curve: Curve) -> float:
    return _share_at_convergence(curve["reward"]) * curve["decisions"][-1]


def _share_at_convergence(reward: Sequence[float]) -> float:
    """The share of a curve after which it stays near its end, smoothed over a twentieth of its length."""
    values = np.array(reward)
    width = max(1, values.size // 20)
    smooth = np.convolve(values, np.ones(width) / width, mode="valid")
    end, span = smooth[-1], smooth.max() - smooth.min()
    far = np.flatnonzero(np.abs(smooth - end) > max(_TOLERANCE * span, 1e-12))
    return float((far[-1] + 1 + width if far.size else width) / values.size)


def _compare(
    results: Results, other: str, claim: str, number: Callable[[Curve], float], units: dict[str, Any]
) -> Verdict:
    """Compare LyaPPO with another learner by training seed; ratios below 1 are better, as rewards are < 0."""
    mine, theirs = (_by_seed(results, policy, number) for policy in (OURS, other))
    seeds = [seed for seed in mine if seed in theirs]
    ours, others = (np.array([by_seed[seed] for seed in seeds]) for by_seed in (mine, theirs))
    change = interquartile_mean(ours / others - 1.0)
    return Verdict(
        figure=results.figure or "",
        claim=f"{NAMES[OURS]} {claim} {NAMES[other]}",
        held=is_sure(change, -1.0),
        first=interquartile_mean(others),
        last=interquartile_mean(ours),
        change=change,
        steps="",
        **units,
    )


def _by_seed(results: Results, policy: str, number: Callable[[Curve], float]) -> dict[int | None, float]:
    curves = zip(results.runs[policy, 0], results.curves[policy, 0], strict=True)
    return {run.seed: number(curve) for run, curve in curves}


def _converged(results: Results, policy: str) -> Verdict:
    curves = results.curves[policy, 0]
    shares = np.array([_share_at_convergence(curve["reward"]) for curve in curves])
    share = interquartile_mean(shares)
    until = np.array([curve["decisions"][-1] for curve in curves])
    return Verdict(
        figure=results.figure or "",
        claim=f"{NAMES[policy]} has converged by two fifths of the training (episode 1,000 of 2,500)",
        held=None if np.isnan(share.high) else bool(share.high <= _CONVERGED_AT),
        first=interquartile_mean(until * shares),
        last=interquartile_mean(until),
        change=interquartile_mean(shares - 1.0),
        steps="",
        **_THOUSANDS,
    )
