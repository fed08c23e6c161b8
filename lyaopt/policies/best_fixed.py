"""The best fixed points, found offline by trials on arrivals and channels of their own.

The points of least mean cost (34), of those that keep the backlog from growing. Devices meet only at the
edge server. So the search first takes every device for itself, all of them in the same trials: all cuts of
its first service, then of its second, and so on, each judged by the cost of this device alone. Where the
edge is ample that is exact. From what this found, or from middle cuts, all-local or all-offload where they
cost less in all, it goes on through the services one by one, judged by the cost of the whole system, until
no cut of any service gains more than the standard error of the gain. All candidates of a trial meet the
same random numbers, so that their differences are known far better than their costs.

The points are a local optimum: no change of one service alone improves them as far as the trials can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lyaopt.arrays import Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.fixed import Fixed, least_cut, middle_points
from lyaopt.policies.paired_trials import Progress, Trials, search_seed
from lyaopt.simulation import Trace

SLOTS, REPLICATIONS, BUDGET = 20_000, 8, 200_000_000
_ROUNDS_APART = 4
"""Times that each device is searched for itself: with a scarce edge there may be no end to it."""


@dataclass(frozen=True, eq=False)
class Search:
    """What a search found.

    Attributes
    ----------
    points : ndarray (S,) of int
    stable : bool
        Whether the backlog kept from growing in the trials.
    finished : bool
        Whether no change of one service gains more than its standard error; else the budget ran out before.
    slots : int
        Slots that were simulated.
    """

    points: Integers
    stable: bool
    finished: bool
    slots: int

    def policy(self) -> Fixed:
        """The points for good; `ProblemError` if the backlog grew."""
        if not self.stable:
            raise ProblemError("$", "expected a system that fixed points can keep stable, none were found")
        return Fixed(self.points, "best-fixed")


def best_fixed(
    system: System,
    *,
    seed: int = 0,
    budget: int = BUDGET,
    slots: int = SLOTS,
    replications: int = REPLICATIONS,
    traces: Sequence[Trace] = (),
    progress: Progress | None = None,
) -> Fixed:
    """The best fixed points that `search_fixed` finds; the parameters are the same.

    Raises
    ------
    ProblemError
        If all points that were tried let the backlog grow, or as `search_fixed` raises it.
    """
    return search_fixed(
        system,
        seed=seed,
        budget=budget,
        slots=slots,
        replications=replications,
        traces=traces,
        progress=progress,
    ).policy()


def search_fixed(
    system: System,
    *,
    seed: int = 0,
    budget: int = BUDGET,
    slots: int = SLOTS,
    replications: int = REPLICATIONS,
    traces: Sequence[Trace] = (),
    progress: Progress | None = None,
) -> Search:
    """Search for the best fixed points.

    Parameters
    ----------
    system : System
    seed : int
        Of the search; a run of the same seed meets other arrivals and channels.
    budget : int
        Slots that may be simulated, summed over candidates and replications.
    slots, replications : int
        Of the trial of one candidate. The first tenth of the slots is warm-up.
    traces : sequence of Trace, optional
        Recorded traffic to search on, a replication each.
    progress : callable, optional
        Called now and then with the slots simulated so far and the budget; False ends the search.

    Raises
    ------
    ProblemError
        If the budget does not allow the first trial, or it is called off, or an argument is wrong.
    """
    trials = Trials(system, search_seed(seed), slots, replications, budget, traces, progress)
    found = _first_trial(trials)
    apart = _search_apart(trials, found.points)
    start = None if apart is None else _best_of(trials, np.stack([found.points, apart]))
    best = found if start is None else _search_together(trials, start)
    return replace(best, slots=trials.used)


def _first_trial(trials: Trials) -> Search:
    """The best of the points that need no search."""
    system = trials.system
    starts = np.stack([middle_points(system), system.cut_counts - 1, np.zeros_like(system.cut_counts)])
    price = trials.price(len(starts))
    if price > trials.budget:
        reason = f"expected at least {price} slots, for the first trial, got {trials.budget}"
        raise ProblemError("$.budget", reason)
    found = _best_of(trials, np.maximum(starts, least_cut(system)))
    if found is None:
        raise ProblemError("$.progress", "the search was called off before its first trial")
    return found


def _best_of(trials: Trials, candidates: Integers) -> Search | None:
    """The best of some points (C, S)."""
    outcome = trials.run(candidates.T)
    if outcome is None:
        return None
    total = outcome.total()
    best = total.better(0, 0)
    return Search(candidates[best], bool(total.stable(0)[best]), False, trials.used)


def _search_apart(trials: Trials, start: Integers) -> Integers | None:
    """Search all devices at once, each judged by its own cost; None if the budget runs out."""
    points, device = start.copy(), trials.system.device_of_service
    row = np.arange(device.size) - np.searchsorted(device, device)
    for _ in range(_ROUNDS_APART):
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


def _search_together(trials: Trials, start: Search) -> Search:
    """Change one service at a time, judged by the cost of the system, until none is left to change."""
    points, stable, unchanged, service = start.points.copy(), start.stable, 0, 0
    while unchanged < points.size:
        candidates = _with_all_cuts(trials.system, points, np.array([service]))
        outcome = trials.run(candidates)
        if outcome is None:
            return Search(points, stable, False, trials.used)
        total = outcome.total()
        incumbent = _index(candidates, service, points)
        best = total.better(0, incumbent)
        unchanged = unchanged + 1 if best == incumbent else 1
        points, stable = candidates[:, best].copy(), bool(total.stable(0)[best])
        service = (service + 1) % points.size
    return Search(points, stable, True, trials.used)


def _with_all_cuts(system: System, points: Integers, services: Integers) -> Integers:
    """Points (S, C) where some services take every cut, the last one again where a DNN has fewer."""
    cuts = np.arange(least_cut(system), int(system.cut_counts[services].max()))
    candidates = np.repeat(points[:, None], cuts.size, axis=1)
    candidates[services] = np.minimum(cuts, system.cut_counts[services, None] - 1)
    return candidates


def _index(candidates: Integers, service: int, points: Integers) -> int:
    """Where a service has the cut that it has now."""
    return int(np.searchsorted(candidates[service], points[service]))
