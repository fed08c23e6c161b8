"""Trade-off of energy and latency by scaling U^l and U^t: Pareto front, and the choice for a target.

Policies by prices do not depend on U: there the waiting costs are scaled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lyaopt.errors import ProblemError
from lyaopt.evaluation import Estimate
from lyaopt.experiments.definition import Sweep
from lyaopt.experiments.learners import LEARNERS
from lyaopt.experiments.results import ENERGY, Results
from lyaopt.experiments.sweeps import Part
from lyaopt.experiments.variations import WAITING, WEIGHTS
from lyaopt.model.system import System
from lyaopt.policies import is_priced
from lyaopt.simulation import RecordedTrace

_JUDGED = ("judged_energy_j", "judged_latency_s")
LATENCIES = {"mean": "latency_s", "p50": "latency_p50_s", "p95": "latency_p95_s", "p99": "latency_p99_s"}
"""Mean and percentiles of the latency of tasks, by measure."""
POLICIES = ("middle", "best-fixed", "lyappo")
FACTORS = tuple(float(f"{10.0 ** (step / 2.0):.3g}") for step in range(-8, 4))
"""Two per decade, from 10^-4, where energy hardly matters in the shipped scenarios, to 31.6."""
DECISIONS = 200_000
REFINEMENTS = 3
"""Further factors near the choice: each halves its uncertainty on a logarithmic scale."""


@dataclass(frozen=True)
class Point:
    """A policy with scaled energy weights.

    Attributes
    ----------
    policy : str
    factor : float
        Factor on both weights of the scenario, or on its waiting costs.
    energy_weight_local, energy_weight_transmit : float or None
        The scaled weights U^l and U^t; None of policies by prices.
    energy_j : Estimate
        Energy of a slot; on a trace, in the part on which policies were searched and trained.
    latency_s : Estimate
        The selected latency, in the same slots.
    on_front : bool
        Whether no other point of any policy is better in both.
    waiting_cost_j_per_s : float or None
        The scaled theta of the system; None of other policies, or where every service has its own.
    judged_energy_j, judged_latency_s : Estimate or None
        Both in the part of a trace that is judged; None without a trace.
    """

    policy: str
    factor: float
    energy_weight_local: float | None
    energy_weight_transmit: float | None
    energy_j: Estimate
    latency_s: Estimate
    on_front: bool = False
    waiting_cost_j_per_s: float | None = None
    judged_energy_j: Estimate | None = None
    judged_latency_s: Estimate | None = None

    @property
    def setting(self) -> str:
        """What its factor multiplies: ``U`` or ``theta``."""
        return "theta" if self.energy_weight_local is None else "U"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        document = {name: getattr(self, name) for name in self.__dataclass_fields__}
        found = {name: value for name, value in document.items() if isinstance(value, Estimate)}
        unjudged = {name: None for name in _JUDGED if document[name] is None}
        shown = document | {name: value.to_dict() for name, value in found.items()}
        return {name: value for name, value in shown.items() if name not in unjudged}

    def meets(self, target_s: float) -> bool:
        """Tell whether its latency, that which was judged, is at most `target_s` with its whole interval."""
        judged = self.latency_s if self.judged_latency_s is None else self.judged_latency_s
        return _at_most(judged) <= target_s


def tradeoff_parts(
    system: System,
    scenario: str,
    policies: Sequence[str],
    factors: Sequence[float] = FACTORS,
    training_seeds: int = 1,
    trace: RecordedTrace | None = None,
) -> list[Part]:
    """Define the sweeps over the energy weights, and over the waiting costs of policies by prices.

    Parameters
    ----------
    system : System
        The scenario; where it has no waiting cost, factors are those on 1 J/s.
    scenario : str
        Its name or path.
    policies : sequence of str
        Names as in `make_policy`, or of algorithms.
    factors : sequence of float
        On both weights, or on the waiting costs; other ones than the default refine a part of the range.
    training_seeds : int
        Number of trainings of each algorithm.
    trace : RecordedTrace, optional
        Arrivals and channels; points are compared on the part that is searched, and judged on the other one.

    Returns
    -------
    list of Part
        One or two.
    """
    priced = tuple(filter(is_priced, policies))
    weighted = tuple(name for name in policies if name not in priced)
    learners = {name: replace(LEARNERS[name], decisions=DECISIONS) for name in weighted if name in LEARNERS}
    closer = "" if tuple(factors) == FACTORS else f", closer: {', '.join(policies)}"
    common: dict[str, Any] = {"scenario": scenario, "training_seeds": training_seeds}
    if trace is not None:
        common |= {"trace": trace.file, "search_slots": trace.search_slots}
    parts = []
    if weighted:
        name, vary = f"trade-off{closer}", {WEIGHTS: list(factors)}
        sweep = Sweep(weighted, name=name, vary=vary, learners=learners, **common)
        parts.append(Part(sweep, system, trace=trace))
    if priced:
        name, vary = f"trade-off of prices{closer}", {WAITING: list(factors)}
        sweep = Sweep(priced, name=name, vary=vary, **common)
        parts.append(Part(sweep, _with_waiting_cost(system), trace=trace))
    return parts


def _with_waiting_cost(system: System) -> System:
    return system if system.waiting_costs_j_per_s is not None else replace(system, waiting_cost_j_per_s=1.0)


def points_of(results: Sequence[Results], system: System, latency: str) -> list[Point]:
    """Collect the points of sweeps over the weights.

    Parameters
    ----------
    results : sequence of Results
        Of sweeps by `tradeoff_parts`.
    system : System
        The scenario.
    latency : str
        A key of `LATENCIES`.

    Returns
    -------
    list of Point
        Ordered by policy and factor, with the Pareto front marked.

    Raises
    ------
    ProblemError
        If there is no such latency.
    """
    if latency not in LATENCIES:
        raise ProblemError("$.latency", f"expected one of {', '.join(LATENCIES)}; got {latency!r}")
    points = {}
    for sweep in results:
        compared = sweep if sweep.trace is None else sweep.on_searched_part
        for policy, number in compared.runs:
            (setting, factor), *_ = sweep.points[number].items()
            judged: dict[str, Any] = (
                {} if sweep.trace is None else _judged(sweep, policy, number, LATENCIES[latency])
            )
            points[policy, factor] = Point(
                policy=policy,
                factor=factor,
                **_scaled(system, setting, factor),
                energy_j=compared.estimate(policy, number, ENERGY),
                latency_s=compared.estimate(policy, number, LATENCIES[latency]),
                **judged,
            )
    return with_front([points[key] for key in sorted(points)])


def _judged(sweep: Results, policy: str, number: int, latency: str) -> dict[str, Estimate]:
    """Fields of a `Point` in the part of a trace that is judged."""
    measures = dict(zip(_JUDGED, (ENERGY, latency), strict=True))
    return {name: sweep.estimate(policy, number, measure) for name, measure in measures.items()}


def _scaled(system: System, setting: str, factor: float) -> dict[str, Any]:
    """Fields of a `Point` that its factor scales."""
    if setting == WEIGHTS:
        local, transmit = system.energy_weight_local, system.energy_weight_transmit
        return {"energy_weight_local": factor * local, "energy_weight_transmit": factor * transmit}
    cost = _with_waiting_cost(system).waiting_cost_j_per_s
    scaled = None if cost is None else factor * cost
    return {"energy_weight_local": None, "energy_weight_transmit": None, "waiting_cost_j_per_s": scaled}


def with_front(points: Sequence[Point]) -> list[Point]:
    """Mark the Pareto front of energy and latency.

    Parameters
    ----------
    points : sequence of Point
        Of all policies and factors.

    Returns
    -------
    list of Point
        With `on_front` set.
    """
    values = np.array([(point.energy_j.value, point.latency_s.value) for point in points])
    dominated = [
        ((values <= mine).all(axis=1) & (values < mine).any(axis=1)).any() or np.isnan(mine).any()
        for mine in values
    ]
    return [replace(point, on_front=not worse) for point, worse in zip(points, dominated, strict=True)]


def pick(points: Sequence[Point], target_s: float) -> Point | None:
    """Choose the point of least energy whose latency meets a target.

    The whole interval must meet it, if there is one: among many points, those just below the target tend to
    be there by chance.

    Parameters
    ----------
    points : sequence of Point
        Candidates.
    target_s : float
        Largest latency allowed, in seconds.

    Returns
    -------
    Point or None
        None if no point meets the target.
    """
    within = [point for point in points if _at_most(point.latency_s) <= target_s]
    return min(within, key=lambda point: point.energy_j.value, default=None)


def _at_most(latency: Estimate) -> float:
    return latency.value if np.isnan(latency.high) else latency.high


def factor_between(points: Sequence[Point], chosen: Point) -> float | None:
    """Compute a factor that refines a choice.

    Parameters
    ----------
    points : sequence of Point
        Of all policies and factors.
    chosen : Point
        One of them, as `pick` returns it.

    Returns
    -------
    float or None
        Geometric mean of the chosen factor and the next one of its policy that spends less: a larger one on
        weights of energy, a smaller one on waiting costs. None if there is none.
    """
    mine = [point.factor for point in points if point.policy == chosen.policy and point.factor > 0.0]
    if chosen.setting == "theta":
        following = max((factor for factor in mine if factor < chosen.factor), default=None)
    else:
        following = min((factor for factor in mine if factor > chosen.factor), default=None)
    if following is None or chosen.factor <= 0.0:
        return None
    return float(f"{(chosen.factor * following) ** 0.5:.3g}")


def end_of_range(points: Sequence[Point], found: Point) -> str | None:
    """Tell whether a point lies at an end of the factors that were tried, beyond which a better one may lie.

    Parameters
    ----------
    points : sequence of Point
        Of all policies and factors.
    found : Point
        One of them.

    Returns
    -------
    str or None
        ``smallest``, ``largest``, or None between them.
    """
    mine = [point.factor for point in points if point.policy == found.policy]
    ends = {"smallest": min(mine), "largest": max(mine)}
    return next((end for end, factor in ends.items() if factor == found.factor and len(set(mine)) > 1), None)


def fastest(points: Sequence[Point]) -> Point | None:
    """Return the point of least latency; None if no point has a latency.

    Parameters
    ----------
    points : sequence of Point
        Of any factors.
    """
    timed = [point for point in points if not np.isnan(point.latency_s.value)]
    return min(timed, key=lambda point: point.latency_s.value, default=None)


def document(
    points: Sequence[Point], latency: str, target_s: float | None, trace: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """Make the document that `lyaopt tune --json` prints.

    Parameters
    ----------
    points : sequence of Point
        With the Pareto front marked.
    latency : str
        A key of `LATENCIES`.
    target_s : float or None
        Largest latency allowed, in seconds; None without a target.
    trace : mapping, optional
        How a trace was used.

    Returns
    -------
    mapping
    """
    chosen = None if target_s is None else pick(points, target_s)
    told = None if target_s is None else chosen or fastest(points)
    judged = {"judged_meets_target": None if chosen is None or target_s is None else chosen.meets(target_s)}
    return {
        **({} if trace is None else {"trace": trace, **judged}),
        "latency": latency,
        "target_s": target_s,
        "pick": None if chosen is None else chosen.to_dict(),
        "end_of_range": None if told is None else end_of_range(points, told),
        "points": [point.to_dict() for point in points],
    }
