"""Energy against latency over U^l and U^t, scaled together: the Pareto front, and a pick for a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lyaopt.errors import ProblemError
from lyaopt.evaluation import Estimate
from lyaopt.experiments.definition import Measuring, Sweep
from lyaopt.experiments.learners import LEARNERS
from lyaopt.experiments.results import ENERGY, Results
from lyaopt.experiments.variations import WEIGHTS
from lyaopt.model.system import System

LATENCIES = {"mean": "latency_s", "p50": "latency_p50_s", "p95": "latency_p95_s", "p99": "latency_p99_s"}
"""Of tasks: the mean and percentiles, by the measure that has them."""
POLICIES = ("middle", "best-fixed", "lyappo")
FACTORS = tuple(float(f"{10.0 ** (step / 2.0):.3g}") for step in range(-8, 4))
"""Two a decade, from 10^-4 (in the shipped scenarios energy hardly counts there) to 31.6."""
DECISIONS = 200_000
REFINEMENTS = 3
"""Factors that are tried beside a pick: each halves, in orders of magnitude, what it may be off by."""


@dataclass(frozen=True)
class Point:
    """A policy with scaled weights.

    Attributes
    ----------
    policy : str
    factor : float
        On both weights of the scenario.
    energy_weight_local, energy_weight_transmit : float
    energy_j, latency_s : Estimate
        Per slot; and the latency that is looked at.
    on_front : bool
        Whether no other point of any policy has less of both.
    """

    policy: str
    factor: float
    energy_weight_local: float
    energy_weight_transmit: float
    energy_j: Estimate
    latency_s: Estimate
    on_front: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        document = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return document | {name: document[name].to_dict() for name in ("energy_j", "latency_s")}


def tradeoff_sweep(
    scenario: str, policies: Sequence[str], factors: Sequence[float] = FACTORS, training_seeds: int = 1
) -> Sweep:
    """A sweep over the weights; one of other factors than usual looks at a part of them more closely."""
    learners = {name: replace(LEARNERS[name], decisions=DECISIONS) for name in policies if name in LEARNERS}
    return Sweep(
        policies=tuple(policies),
        name="trade-off" if factors == FACTORS else "trade-off, closer",
        scenario=scenario,
        training_seeds=training_seeds,
        vary={WEIGHTS: list(factors)},
        evaluation=Measuring(),
        learners=learners,
    )


def points_of(results: Sequence[Results], system: System, latency: str) -> list[Point]:
    """Points of some sweeps over the weights, by policy and factor, with the front marked.

    Raises
    ------
    ProblemError
        If the latency is none of `LATENCIES`.
    """
    if latency not in LATENCIES:
        raise ProblemError("$.latency", f"expected one of {', '.join(LATENCIES)}; got {latency!r}")
    found = {}
    for some in results:
        for policy, number in some.runs:
            factor = some.points[number][WEIGHTS]
            found[policy, factor] = Point(
                policy=policy,
                factor=factor,
                energy_weight_local=factor * system.energy_weight_local,
                energy_weight_transmit=factor * system.energy_weight_transmit,
                energy_j=some.estimate(policy, number, ENERGY),
                latency_s=some.estimate(policy, number, LATENCIES[latency]),
            )
    return with_front([found[key] for key in sorted(found)])


def with_front(points: Sequence[Point]) -> list[Point]:
    """Points of which each knows whether it is on the front of all."""
    values = np.array([(point.energy_j.value, point.latency_s.value) for point in points])
    better = [
        ((values <= mine).all(axis=1) & (values < mine).any(axis=1)).any() or np.isnan(mine).any()
        for mine in values
    ]
    return [replace(point, on_front=not worse) for point, worse in zip(points, better, strict=True)]


def pick(points: Sequence[Point], target_s: float) -> Point | None:
    """The point of least energy whose latency is surely within a target; None if there is none.

    Surely is with its whole interval, where there is one: of many points, those are nearest below a target
    that were lucky.
    """
    within = [point for point in points if _at_most(point.latency_s) <= target_s]
    return min(within, key=lambda point: point.energy_j.value, default=None)


def _at_most(latency: Estimate) -> float:
    return latency.value if np.isnan(latency.high) else latency.high


def factor_between(points: Sequence[Point], chosen: Point) -> float | None:
    """The factor half-way between a point that was picked and the next larger one of its policy."""
    mine = [point.factor for point in points if point.policy == chosen.policy]
    larger = [factor for factor in mine if factor > chosen.factor]
    if not larger or chosen.factor <= 0.0:
        return None
    return float(f"{(chosen.factor * min(larger)) ** 0.5:.3g}")


def document(points: Sequence[Point], latency: str, target_s: float | None) -> Mapping[str, Any]:
    """As `lyaopt tune` prints it."""
    chosen = None if target_s is None else pick(points, target_s)
    return {
        "latency": latency,
        "target_s": target_s,
        "pick": None if chosen is None else chosen.to_dict(),
        "points": [point.to_dict() for point in points],
    }
