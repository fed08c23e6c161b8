"""How far a policy is above the bounds that know delay.

Mean latencies are here those of Little's law: the mean number of tasks in the system over their arrival rate.
For policies that keep up it is the mean latency of completed tasks; of others it also counts the tasks that
still wait, without which a policy that starves its large tasks would look fast.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import Floats
from lyaopt.bounds import Frontier, frontier, waiting_bound
from lyaopt.bounds.waiting import form_of
from lyaopt.errors import ProblemError
from lyaopt.evaluation.estimates import Estimate, paired_estimate
from lyaopt.model.system import System
from lyaopt.simulation import Result, Trace

_LEAST_COST, _MOST_COST = 1e-9, 1e5
_COSTS_PER_DECADE = 8


def waiting_cost_in_force(policy: Any, system: System, given: ArrayLike | None = None) -> Floats | None:
    """Waiting costs by which a policy is judged: its own, or those given, or those of the scenario.

    Parameters
    ----------
    policy : Policy or None
        Policies by prices have waiting costs of their own.
    system : System
        The scenario.
    given : array_like () or (S,), optional
        theta, in J/s.

    Returns
    -------
    ndarray (S,) or None
        None if there is none.
    """
    own: Floats | None = getattr(policy, "waiting_cost_j_per_s", None)
    if own is None and given is not None:
        own = np.array(np.broadcast_to(np.asarray(given, np.float64), (len(system.services),)))
    return system.waiting_costs_j_per_s if own is None else own


def mean_times_s(system: System, result: Result, trace: Trace | None = None) -> Floats:
    """Mean latency by Little's law in each replication (B,), in seconds; NaN where no task arrives.

    Parameters
    ----------
    system : System
        Gives the arrival rate.
    result : Result
        Of a run.
    trace : Trace, optional
        Gives it, where the run replays one.
    """
    rate = system.arrival_rate_per_s.sum()
    if trace is not None:
        rate = trace.arrivals.sum() / (trace.slots * system.slot_duration_s)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(result.mean_tasks.sum(axis=0) / rate)


def curve_is_slow(system: System) -> bool:
    """Tell whether `latency_curve` takes long: some seconds for each waiting cost, under slow shadowing.

    Parameters
    ----------
    system : System
        The scenario.
    """
    return form_of(system, True) == "shadowing"


def latency_curve(system: System, latencies_s: ArrayLike, more_costs: ArrayLike = ()) -> Frontier | None:
    """Least energy by latency, from the lines that touch it near some latencies.

    Parameters
    ----------
    system : System
        The scenario.
    latencies_s : array_like
        Where the curve shall be tight: within a per cent of `energy_at_latency`. Others than positive numbers
        are left out. Under slow shadowing they do not matter.
    more_costs : array_like
        theta > 0 of further lines, in J/s.

    Returns
    -------
    Frontier or None
        None if there is no such bound: devices move, there are several edge servers, or no policy is
        stable; or no latency is given.

    Raises
    ------
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    costs = np.asarray(more_costs, np.float64).ravel()
    try:
        if not curve_is_slow(system):
            costs = np.concatenate([costs, _touching(system, np.asarray(latencies_s, np.float64).ravel())])
        if not costs.size:  # no task came
            return None
        curve = frontier(system, np.unique(costs))
    except ProblemError:  # devices move
        return None
    return curve if math.isfinite(curve.least_j) and np.isfinite(curve.bound_j).all() else None


def _touching(system: System, latencies_s: Floats) -> Floats:
    """Waiting costs whose lines are highest at these latencies in the closed form, which is quick."""
    decades = round(math.log10(_MOST_COST / _LEAST_COST))
    costs = np.geomspace(_LEAST_COST, _MOST_COST, _COSTS_PER_DECADE * decades + 1)
    quick = frontier(system, costs, whole_slots=False)
    where = latencies_s[np.isfinite(latencies_s) & (latencies_s > 0.0)]
    lines = quick.bound_j - costs * quick.tasks_per_slot * where[:, None]
    return np.asarray(costs[lines.argmax(axis=1)])


def beside_bounds(
    system: System, results: Sequence[Result], costs: Sequence[Floats | None], *, at_latency: bool
) -> list[tuple[Estimate | None, Estimate | None]]:
    """Set runs beside the bounds that know delay.

    Parameters
    ----------
    system : System
        The scenario.
    results : sequence of Result
        Of runs.
    costs : sequence of ndarray (S,) or None
        Waiting costs by which each is judged; None where there is none.
    at_latency : bool
        Whether runs without one are set beside the least energy at their own mean latencies.

    Returns
    -------
    list of (over_bound, over_bound_at_latency)
        As the functions of these names return them; the other one is None.

    Raises
    ------
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    runs = list(zip(results, costs, strict=True))
    times = [mean_times_s(system, result).mean() for result, cost in runs if cost is None]
    curve = latency_curve(system, times) if times and at_latency else None
    bounds = {cost.tobytes(): _least_cost_j(system, cost) for cost in costs if cost is not None}
    return [
        (None, over_bound_at_latency(system, result, curve))
        if cost is None
        else (_over(result, cost, bounds[cost.tobytes()]), None)
        for result, cost in runs
    ]


def over_bound(system: System, result: Result, waiting_cost_j_per_s: Floats) -> Estimate | None:
    """Energy and waiting cost of a run over LB3, with the interval of its replications.

    Parameters
    ----------
    system : System
        The scenario.
    result : Result
        Of a run.
    waiting_cost_j_per_s : ndarray (S,)
        theta, in J/s.

    Returns
    -------
    Estimate or None
        None if there is no bound above 0.

    Raises
    ------
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    return _over(result, waiting_cost_j_per_s, _least_cost_j(system, waiting_cost_j_per_s))


def _least_cost_j(system: System, theta: Floats) -> float | None:
    """LB3 per slot; None where there is none above 0."""
    try:
        bound = waiting_bound(system, theta).bound_j
    except ProblemError:  # devices move
        return None
    return bound if 0.0 < bound < math.inf else None


def _over(result: Result, theta: Floats, bound: float | None) -> Estimate | None:
    if bound is None:
        return None
    waiting = result.slot_duration_s * (theta[:, None] * result.mean_tasks).sum(axis=0)
    return paired_estimate([energies_j(result) + waiting], lambda total: total / bound)


def over_bound_at_latency(system: System, result: Result, curve: Frontier | None) -> Estimate | None:
    """Energy of a run over the least energy at its own mean latency, with the interval of its replications.

    Parameters
    ----------
    system : System
        The scenario.
    result : Result
        Of a run.
    curve : Frontier or None
        As of `latency_curve`, tight at the latency.

    Returns
    -------
    Estimate or None
        None if there is no bound above 0.
    """
    if curve is None:
        return None
    samples = [energies_j(result), mean_times_s(system, result)]
    found = paired_estimate(samples, lambda energy, latency: energy / curve.energy_at(latency))
    return found if math.isfinite(found.value) else None


def energies_j(result: Result) -> Floats:
    """Mean energy per slot in each replication (B,), tails and idle power included, summed over the devices.

    Parameters
    ----------
    result : Result
        Of a run.
    """
    return np.asarray(result.energy_j.sum(axis=0))
