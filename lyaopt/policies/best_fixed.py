"""Search for the best fixed partition points: least mean cost (34) without a growing backlog.

Devices interact only at the edge server, so the search has two phases:

1. All devices at once, each judged by its own cost: every cut of its first service, then of its second, and
   so on. With an ample edge this is exact.
2. One service at a time, judged by the cost of the whole system. It starts from the result of phase 1, or
   from middle cuts, all-local or all-offload if one of these costs less in total. It ends when no cut of any
   service gains more than the standard error of its gain.

All candidates of a trial are simulated on the same random numbers, which makes their differences much more
precise than their costs.

The result is a local optimum: within the precision of the trials, no change of a single service improves it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lyaopt.arrays import Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.fixed import Fixed, least_cut, middle_points
from lyaopt.policies.paired_trials import DEFAULT_SEARCH, SearchOptions, Trials

_MOST_ROUNDS = 4
"""Passes over all devices in phase 1: with a scarce edge they need not converge."""


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Result of a search for fixed points.

    Attributes
    ----------
    points : ndarray (S,) of int
    stable : bool
        Whether the backlog did not grow in the trials.
    finished : bool
        Whether no change of one service gains more than its standard error; False if the budget ran out.
    slots : int
        Slots simulated.
    """

    points: Integers
    stable: bool
    finished: bool
    slots: int

    def policy(self) -> Fixed:
        """Return a policy of these points; `ProblemError` if the backlog grew."""
        if not self.stable:
            raise ProblemError(
                "$", "expected a system that fixed points keep stable; every trial was unstable"
            )
        return Fixed(self.points, "best-fixed")


def best_fixed(system: System, options: SearchOptions = DEFAULT_SEARCH) -> Fixed:
    """Search for the best fixed points and return them as a policy.

    Parameters
    ----------
    system : System
        Simulated by the search.
    options : SearchOptions, optional
        Budget, seed and trials of the search.

    Returns
    -------
    Fixed

    Raises
    ------
    ProblemError
        If the backlog grew under all points that were tried, or as `search_fixed` raises it.
    """
    return search_fixed(system, options).policy()


def search_fixed(system: System, options: SearchOptions = DEFAULT_SEARCH) -> SearchResult:
    """Search for the best fixed points.

    Parameters
    ----------
    system : System
        Simulated by the search.
    options : SearchOptions, optional
        Budget, seed and trials of the search.

    Returns
    -------
    SearchResult

    Raises
    ------
    ProblemError
        If an option is wrong, the budget does not allow the first trial, or `progress` stopped the search
        before it.
    """
    trials = options.trials(system)
    first = _first_trial(trials)
    by_device = _search_by_device(trials, first.points)
    start = None if by_device is None else _best_of(trials, np.stack([first.points, by_device]))
    best = first if start is None else _search_by_service(trials, start)
    return replace(best, slots=trials.used)


def _first_trial(trials: Trials) -> SearchResult:
    """The best of middle cuts, all-local and all-offload."""
    system = trials.system
    starts = np.stack([middle_points(system), system.cut_counts - 1, np.zeros_like(system.cut_counts)])
    needed = trials.slots_needed(len(starts))
    if needed > trials.budget:
        reason = f"expected at least {needed} slots, for the first trial, got {trials.budget}"
        raise ProblemError("$.budget", reason)
    best = _best_of(trials, np.maximum(starts, least_cut(system)))
    if best is None:
        raise ProblemError("$.progress", "the search was stopped before its first trial")
    return best


def _best_of(trials: Trials, candidates: Integers) -> SearchResult | None:
    """The best of some points (C, S)."""
    outcome = trials.run(candidates.T)
    if outcome is None:
        return None
    total = outcome.total()
    best = total.better(0, 0)
    return SearchResult(candidates[best], bool(total.stable(0)[best]), False, trials.used)


def _search_by_device(trials: Trials, start: Integers) -> Integers | None:
    """Search all devices at once, each judged by its own cost; None if the budget runs out."""
    points, device = start.copy(), trials.system.device_of_service
    row = np.arange(device.size) - np.searchsorted(device, device)
    for _ in range(_MOST_ROUNDS):
        before = points.copy()
        for n in range(int(row.max()) + 1):
            services = np.flatnonzero(row == n)
            candidates = _with_all_cuts(trials.system, points, services)
            outcome = trials.run(candidates)
            if outcome is None:
                return None
            for s in map(int, services):
                points[s] = candidates[s, outcome.better(int(device[s]), _index(candidates, s, points))]
        if (points == before).all():
            break
    return points


def _search_by_service(trials: Trials, start: SearchResult) -> SearchResult:
    """Change one service at a time, judged by the cost of the system, until no change gains."""
    points, stable, unchanged, service = start.points.copy(), start.stable, 0, 0
    while unchanged < points.size:
        candidates = _with_all_cuts(trials.system, points, np.array([service]))
        outcome = trials.run(candidates)
        if outcome is None:
            return SearchResult(points, stable, False, trials.used)
        total = outcome.total()
        incumbent = _index(candidates, service, points)
        best = total.better(0, incumbent)
        unchanged = unchanged + 1 if best == incumbent else 1
        points, stable = candidates[:, best].copy(), bool(total.stable(0)[best])
        service = (service + 1) % points.size
    return SearchResult(points, stable, True, trials.used)


def _with_all_cuts(system: System, points: Integers, services: Integers) -> Integers:
    """Points (S, C) in which some services take every cut; a DNN with fewer cuts repeats its last one."""
    cuts = np.arange(least_cut(system), int(system.cut_counts[services].max()))
    candidates = np.repeat(points[:, None], cuts.size, axis=1)
    candidates[services] = np.minimum(cuts, system.cut_counts[services, None] - 1)
    return candidates


def _index(candidates: Integers, service: int, points: Integers) -> int:
    """The candidate in which a service has its present cut."""
    return int(np.searchsorted(candidates[service], points[service]))
