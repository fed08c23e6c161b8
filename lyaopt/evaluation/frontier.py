"""Policies beside the frontier: energy against mean latency, with the least energy that any policy needs.

All policies run on the same replications. A rule that takes a waiting cost is a curve, its runs at several
costs; any other policy is a point. Each is set beside LB3 at its own mean latency, and beside the curve of
each rule there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds import Frontier
from lyaopt.errors import ProblemError
from lyaopt.evaluation.comparison import Progress, Score, evaluate
from lyaopt.evaluation.estimates import CONFIDENCE, Estimate, paired_estimate
from lyaopt.evaluation.over_bound import curve_is_slow, latency_curve, mean_times_s, over_bound_at_latency
from lyaopt.model.system import System
from lyaopt.simulation import Policy, Trace
from lyaopt.simulation.results import versions

_MARGIN = 1.25
_DRAWN = 81
"""Latencies at which the curve of the bound is printed and drawn."""
_LINES, _BEYOND = 16, 4.0
"""Lines of the bound where each takes long, and how far beyond the waiting costs they begin and end."""


@dataclass(frozen=True, eq=False)
class FrontierPoint:
    """A policy in the plane of latency and energy.

    Attributes
    ----------
    policy : str
    waiting_cost_j_per_s : float or None
        theta, of a point on the curve of a rule.
    energy_j : Estimate
        Mean energy per slot.
    latency_s : Estimate
        Mean latency, of tasks that still wait too: mean tasks in the system over their arrival rate.
    p99_s : Estimate
        99th percentile of the latency of completed tasks.
    done_share : float
        Completed tasks over born tasks.
    over_bound : Estimate or None
        Energy over the least energy at this mean latency; None without a bound.
    over_curve : dict of str to Estimate
        By rule: energy over that of the rule at this mean latency; only of rules that reach it.
    """

    policy: str
    waiting_cost_j_per_s: float | None
    energy_j: Estimate
    latency_s: Estimate
    p99_s: Estimate
    done_share: float
    over_bound: Estimate | None
    over_curve: dict[str, Estimate] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "policy": self.policy,
            "waiting_cost_j_per_s": self.waiting_cost_j_per_s,
            "energy_j": self.energy_j.to_dict(),
            "mean_latency_s": self.latency_s.to_dict(),
            "p99_s": self.p99_s.to_dict(),
            "done_share": self.done_share,
            "over_bound": None if self.over_bound is None else self.over_bound.to_dict(),
            "over_curve": {rule: estimate.to_dict() for rule, estimate in self.over_curve.items()},
        }


@dataclass(frozen=True, eq=False)
class FrontierReport:
    """The bound as a curve, rules as curves, policies as points.

    Attributes
    ----------
    bound : Frontier or None
        None if devices move, no policy is stable, or arrivals and channels are those of a trace.
    curves : dict of str to tuple of FrontierPoint
        By rule, by waiting cost.
    points : tuple of FrontierPoint
    slots, warmup, replications, seed : int
        Of the runs.
    traced : bool
        Whether arrivals and channels are those of a trace.
    """

    bound: Frontier | None
    curves: dict[str, tuple[FrontierPoint, ...]]
    points: tuple[FrontierPoint, ...]
    slots: int
    warmup: int
    replications: int
    seed: int
    traced: bool = False

    @property
    def all_points(self) -> tuple[FrontierPoint, ...]:
        """Those of the curves, then the policies."""
        return (*(point for curve in self.curves.values() for point in curve), *self.points)

    def bound_curve(self) -> tuple[Floats, Floats]:
        """Latencies that span those of all points, and the least energies at them; empty without a bound."""
        latencies = [point.latency_s.value for point in self.all_points if point.latency_s.value > 0.0]
        if self.bound is None or not latencies:
            return np.empty(0), np.empty(0)
        span = np.geomspace(min(latencies) / _MARGIN, max(latencies) * _MARGIN, _DRAWN)
        return span, self.bound.energy_at(span)

    def to_dict(self) -> dict[str, Any]:
        """As the document that `lyaopt frontier --json` prints."""
        latencies, energies = self.bound_curve()
        bound = None
        if self.bound is not None:
            bound = {
                "method": "lb3",
                "least_energy_j": self.bound.least_j,
                "latency_s": latencies.tolist(),
                "energy_j": energies.tolist(),
            }
        return {
            "slots": self.slots,
            "warmup": self.warmup,
            "replications": self.replications,
            "seed": self.seed,
            "confidence": CONFIDENCE,
            "bound": bound,
            "curves": {rule: [point.to_dict() for point in curve] for rule, curve in self.curves.items()},
            "policies": [point.to_dict() for point in self.points],
            "versions": versions(),
        }


def compare_with_bound(
    system: System,
    policies: Sequence[Policy],
    curves: Mapping[str, Mapping[float, Policy]] | None = None,
    *,
    replications: int = 20,
    slots: int = 20_000,
    warmup: int = 2_000,
    seed: int = 0,
    names: Sequence[str] | None = None,
    progress: Progress | None = None,
    trace: Trace | None = None,
    workers: int = 1,
) -> FrontierReport:
    """Run policies, and set their energy beside the least at their own mean latency.

    Parameters
    ----------
    system : System
        Devices, services, channels and weights.
    policies : sequence of Policy
        The points.
    curves : mapping of str to mapping of float to Policy, optional
        By rule: the rule at waiting costs theta > 0, in J/s.
    replications, slots, warmup, seed : int
        As in `evaluate`; all policies and rules have the same replications.
    names : sequence of str, optional
        Different names of the policies in the results; by default their own.
    progress : callable, optional
        As in `evaluate`; what is finished when it returns False is returned.
    trace : Trace, optional
        As in `evaluate`. There is no bound beside it.
    workers : int
        As in `evaluate`.

    Returns
    -------
    FrontierReport

    Raises
    ------
    ProblemError
        If there is nothing to run, two policies have the same name, or an argument is wrong.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    curves = curves or {}
    labels = {_label(rule, cost): (rule, cost) for rule, by_cost in curves.items() for cost in by_cost}
    if any(not 0.0 < cost < np.inf for _, cost in labels.values()):
        raise ProblemError("$.curves", "expected waiting costs that are finite and > 0")
    evaluation = evaluate(
        system,
        [*policies, *(curves[rule][cost] for rule, cost in labels.values())],
        replications=replications,
        slots=slots,
        warmup=warmup,
        seed=seed,
        names=[*(names or (policy.name for policy in policies)), *labels],
        progress=progress,
        bound=False,
        trace=trace,
        workers=workers,
    )
    scores = {score.result.policy: score for score in evaluation.scores}
    costs = [cost for _, cost in labels.values()]
    bound = _bound(system, evaluation.scores, costs) if trace is None else None
    return _Plane(system, scores, labels, bound, trace).report(warmup)


def _label(rule: str, cost: float) -> str:
    return f"{rule} {cost:g}"


def _bound(system: System, scores: Sequence[Score], costs: Sequence[float]) -> Frontier | None:
    """A curve that is tight at the latencies of all scores and between them."""
    times = [float(mean_times_s(system, score.result).mean()) for score in scores]
    reached = [time for time in times if time > 0.0]
    if not reached:
        return None
    between = np.geomspace(min(reached) / _MARGIN, max(reached) * _MARGIN, _DRAWN)
    least, most = min(costs, default=1e-3), max(costs, default=1.0)
    more = list(costs)
    if curve_is_slow(system):
        more += np.geomspace(least / _BEYOND, most * _BEYOND, _LINES).tolist()
    return latency_curve(system, [*reached, *between], more)


@dataclass(frozen=True)
class _Plane:
    """Scores on their way to a report."""

    system: System
    scores: Mapping[str, Score]
    labels: Mapping[str, tuple[str, float]]
    bound: Frontier | None
    trace: Trace | None

    def report(self, warmup: int) -> FrontierReport:
        curves: dict[str, list[str]] = {}
        for label, (rule, _) in sorted(self.labels.items(), key=lambda item: item[1]):
            if label in self.scores:
                curves.setdefault(rule, []).append(label)
        points = [name for name in self.scores if name not in self.labels]
        first = next(iter(self.scores.values())).result
        return FrontierReport(
            self.bound,
            {rule: tuple(self._point(name, {}) for name in names) for rule, names in curves.items()},
            tuple(self._point(name, curves) for name in points),
            first.slots,
            warmup,
            first.replications,
            first.seed,
            self.trace is not None,
        )

    def _point(self, name: str, curves: Mapping[str, Sequence[str]]) -> FrontierPoint:
        score = self.scores[name]
        result = score.result
        over = {rule: self._over_curve(name, names) for rule, names in curves.items()}
        p99 = score.latency_s[3][np.isfinite(score.latency_s[3])]
        return FrontierPoint(
            self.labels[name][0] if name in self.labels else name,
            self.labels[name][1] if name in self.labels else None,
            _mean(score.energy_j),
            _mean(mean_times_s(self.system, result, self.trace)),
            _mean(p99) if p99.size else Estimate(*3 * (float("nan"),)),
            result.completed / result.born if result.born else float("nan"),
            over_bound_at_latency(self.system, result, self.bound),
            {rule: found for rule, found in over.items() if np.isfinite(found.value)},
        )

    def _over_curve(self, name: str, names: Sequence[str]) -> Estimate:
        """Energy of a policy over that of a rule at the same mean latency, paired by replication."""
        chosen = [self.scores[each] for each in (name, *names)]
        energies = [score.energy_j for score in chosen]
        times = [mean_times_s(self.system, score.result, self.trace) for score in chosen]

        def ratio(*means: Floats) -> Floats:
            energy, time = np.array(means[: len(chosen)]), np.array(means[len(chosen) :])
            return np.asarray(energy[0] / interpolate(time[0], time[1:], energy[1:]))

        return paired_estimate([*energies, *times], ratio)


def _mean(values: Floats) -> Estimate:
    return paired_estimate([values], _same)


_same: Callable[[Floats], Floats] = np.asarray


def interpolate(latency_s: Floats, latencies_s: Floats, energies_j: Floats) -> Floats:
    """Energy of a curve at latencies, by straight lines on logarithmic axes.

    Parameters
    ----------
    latency_s : ndarray (R,)
        Where, in seconds.
    latencies_s, energies_j : ndarray (T, R)
        Points of a curve in each of R cases, in any order.

    Returns
    -------
    ndarray (R,)
        NaN beyond the ends of the curve.
    """
    found = np.full(latency_s.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        where, places, values = np.log(latency_s), np.log(latencies_s), np.log(energies_j)
    for case in range(len(found)):
        order = np.argsort(places[:, case])
        at, of = places[order, case], values[order, case]
        found[case] = np.interp(where[case], at, of, left=np.nan, right=np.nan)
    return np.asarray(np.exp(found))
