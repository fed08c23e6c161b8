"""The larger of LB3 and LB4, which are both bounds on energy and waiting."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from numpy.typing import ArrayLike

from lyaopt.bounds.latency import LatencyBound, energy_at_latency
from lyaopt.bounds.queueing import queueing_bound
from lyaopt.bounds.waiting import WaitingBound, waiting_bound
from lyaopt.errors import ProblemError
from lyaopt.model.system import System

Progress = Callable[[int, int], bool | None]


def best_waiting_bound(
    system: System, waiting_cost_j_per_s: ArrayLike | None = None, *, progress: Progress | None = None
) -> WaitingBound:
    """Bound energy and waiting of every policy by LB3 or LB4, whichever is larger.

    Parameters
    ----------
    system : System
        Where LB4 is not known (many services with bursts) LB3 is taken.
    waiting_cost_j_per_s : float or array_like (S,), optional
        As of `waiting_bound`.
    progress : callable, optional
        As of `queueing_bound`.

    Returns
    -------
    WaitingBound
        With `method` ``lb3`` or ``lb4``; `cuts` are those of LB3.

    Raises
    ------
    ProblemError, MissingExtraError
        As `waiting_bound`.
    """
    alone = waiting_bound(system, waiting_cost_j_per_s)
    if not math.isfinite(alone.bound_j):
        return alone
    try:
        queueing = with_queueing(alone, system, progress)
    except ProblemError:
        return alone
    return queueing if queueing.bound_j > alone.bound_j else alone


def with_queueing(bound: WaitingBound, system: System, progress: Progress | None = None) -> WaitingBound:
    """Replace LB3 by LB4 at the same waiting costs.

    Parameters
    ----------
    bound : WaitingBound
        LB3 of the system.
    system : System
        As of `queueing_bound`.
    progress : callable, optional
        As of `queueing_bound`.

    Raises
    ------
    ProblemError
        If LB4 is not known for the system.
    """
    found = queueing_bound(system, bound.waiting_cost_j_per_s, progress=progress)
    return replace(bound, bound_j=found.bound_j, edge_price=found.edge_price, form="queueing", method="lb4")


def best_energy_at_latency(
    system: System, latency_s: float, *, progress: Progress | None = None
) -> LatencyBound:
    """Bound the energy at a mean latency by LB3, and by LB4 at the waiting cost that LB3 finds.

    Every waiting cost gives a bound, so that one of LB3 serves LB4 too, if not at its best.

    Parameters
    ----------
    system : System
        As of `energy_at_latency`.
    latency_s : float
        Mean latency, in s.
    progress : callable, optional
        As of `queueing_bound`.

    Returns
    -------
    LatencyBound
        With `method` ``lb1``, ``lb3`` or ``lb4``.

    Raises
    ------
    ProblemError, MissingExtraError
        As `energy_at_latency`.
    """
    alone = energy_at_latency(system, latency_s)
    theta = alone.waiting_cost_j_per_s
    if theta <= 0.0 or not math.isfinite(alone.bound_energy_j):
        return alone
    try:
        joint = queueing_bound(system, theta, progress=progress).bound_j
    except ProblemError:
        return alone
    waiting = theta * system.slot_duration_s * latency_s * float(system.arrival_rate_per_s.sum())
    energy = joint - waiting
    return replace(alone, bound_energy_j=energy, method="lb4") if energy > alone.bound_energy_j else alone
