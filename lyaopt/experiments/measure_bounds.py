"""Bounds beside the results of a sweep: at a point, and at the mean latency of a policy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds import energy_at_latency, energy_bound, frontier, waiting_bound
from lyaopt.errors import ProblemError
from lyaopt.evaluation.over_bound import (
    curve_is_slow,
    energies_j,
    latency_curve,
    mean_times_s,
    waiting_cost_in_force,
)
from lyaopt.experiments.waiting import Waiting
from lyaopt.model.system import System
from lyaopt.simulation import Result, Trace

_LEAST_COST, _MOST_COST, _LINES = 1e-6, 1e3, 37
"""Waiting costs of the curve in a picture, four lines a decade."""


def measure_bound(system: System, waiting: Waiting | None) -> dict[str, Any]:
    """Evaluate the bound of a system.

    Parameters
    ----------
    system : System
        The scenario at a point.
    waiting : Waiting or None
        With the latency at which energy is bounded.

    Returns
    -------
    dict
        ``energy_j`` (LB1, or the least energy at the latency), ``waiting_and_energy_j`` (LB3, where the
        scenario has waiting costs) and ``curve`` (the lines of LB3), where there are such bounds; None in
        their place where devices move, or no policy is stable or as fast.
    """
    try:
        if waiting is not None and waiting.target_latency_s is not None:
            return {"energy_j": _known(energy_at_latency(system, waiting.target_latency_s).bound_energy_j)}
        lb3 = None
        if system.waiting_costs_j_per_s is not None:
            lb3 = _known(waiting_bound(system).bound_j)
        return {
            "energy_j": _known(energy_bound(system).energy_j),
            "waiting_and_energy_j": lb3,
            "curve": _curve(system),
        }
    except ProblemError:
        return {"energy_j": None}


def _known(bound: float) -> list[float] | None:
    return [bound] if math.isfinite(bound) else None


def _curve(system: System) -> dict[str, Any] | None:
    """Lines of LB3 in the closed form; none where each takes seconds."""
    if curve_is_slow(system):
        return None
    lines = frontier(system, np.geomspace(_LEAST_COST, _MOST_COST, _LINES), whole_slots=False)
    finite = np.isfinite(lines.bound_j)
    if not (finite.any() and math.isfinite(lines.least_j)):
        return None
    return {
        "waiting_cost_j_per_s": lines.waiting_cost_j_per_s[finite].tolist(),
        "bound_j": lines.bound_j[finite].tolist(),
        "least_j": lines.least_j,
        "tasks_per_slot": lines.tasks_per_slot,
    }


def beside_bounds(system: System, policy: Any, result: Result, trace: Trace | None = None) -> dict[str, Any]:
    """Set a run beside the bounds that know delay, replication by replication.

    Parameters
    ----------
    system : System
        The scenario at a point.
    policy : Policy
        Of the run.
    result : Result
        The run.
    trace : Trace, optional
        Of the run: bounds, which are of the scenario's law, are then left out.

    Returns
    -------
    dict
        ``stay_s``, the mean latency by Little's law; ``least_energy_j``, so that the mean of ``energy_j``
        over its mean is the energy over the least energy at the policy's own latency; where waiting has a
        cost, ``waiting_and_energy_j`` and the bound ``least_waiting_and_energy_j``.
    """
    times = mean_times_s(system, result, trace)
    found = {"stay_s": times}
    if trace is None:
        found["least_energy_j"] = _least_energies(system, times)
    theta = system.waiting_costs_j_per_s
    theta = waiting_cost_in_force(policy, system) if theta is None else theta  # all alike, if possible
    if theta is not None:
        waiting = result.slot_duration_s * (theta[:, None] * result.mean_tasks).sum(axis=0)
        found["waiting_and_energy_j"] = energies_j(result) + waiting
        if trace is None:
            found["least_waiting_and_energy_j"] = np.full_like(times, _least_cost(system, theta))
    return {name: _listed(values) for name, values in found.items()}


def _listed(values: Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _least_energies(system: System, times: Floats) -> Floats:
    """Least energies by the line that touches the curve at the mean latency.

    A line bounds the energy at every latency, and its mean over replications is the bound at their mean
    latency. The curve itself, at the latency of each replication, would give the mean of a convex function.
    """
    mean = float(times.mean())
    curve = None if curve_is_slow(system) else latency_curve(system, [mean])
    if curve is None:
        return np.full_like(times, np.nan)
    theta, cost = np.append(curve.waiting_cost_j_per_s, 0.0), np.append(curve.bound_j, curve.least_j)
    line = (cost - theta * curve.tasks_per_slot * mean).argmax()
    return np.asarray(cost[line] - theta[line] * curve.tasks_per_slot * times)


def _least_cost(system: System, theta: Floats) -> float:
    try:
        bound = waiting_bound(system, theta).bound_j
    except ProblemError:  # devices move
        return math.nan
    return bound if bound > 0.0 else math.nan
