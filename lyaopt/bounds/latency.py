"""The least energy of policies with a given mean latency.

LB3 at theta bounds E + theta tau sum lambda L, with E the mean energy a slot and L the mean latency (Little's
law: sum lambda L tasks are in the system on average). So for every theta::

    E  >=  LB3(theta) - theta tau L sum lambda,

a line in L for each theta; the bound is their largest value, or LB1 where that is more: of long latencies.
LB3 is concave in theta, as a least cost over policies is, and so is the difference: it has one maximum.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import Floats, as_floats, as_scalar, check_type
from lyaopt.bounds.long_run import energy_bound
from lyaopt.bounds.waiting import form_of, waiting_bound
from lyaopt.model.system import System

_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_FACTOR = 4.0
_LEAST, _MOST = 1e-18, 1e18
"""Waiting costs at which the search for a maximum ends."""


@dataclass(frozen=True)
class LatencyBound:
    """Least energy at a mean latency.

    Attributes
    ----------
    latency_s : float
        The mean latency of completed tasks.
    bound_energy_j : float
        Least mean energy per slot, idle power included, in J; infinite where no policy has this latency.
    waiting_cost_j_per_s : float
        theta of the line that proves it; 0 of LB1.
    method : str
        ``lb3``, or ``lb1`` where LB1 is more; ``lb4`` where `best_energy_at_latency` finds that to be more.
    """

    latency_s: float
    bound_energy_j: float
    waiting_cost_j_per_s: float
    method: str


def energy_at_latency(system: System, latency_s: float, *, whole_slots: bool = True) -> LatencyBound:
    """Bound the energy of every policy with a mean latency, or a lower one.

    Parameters
    ----------
    system : System
        Its own waiting costs do not matter: all tasks count alike.
    latency_s : float
        Mean latency, in seconds.
    whole_slots : bool
        As of `waiting_bound`.

    Returns
    -------
    LatencyBound

    Raises
    ------
    ProblemError
        If the latency is not a positive number, or devices move.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    check_type(system, System, "system", "as load_scenario returns")
    latency_s = as_scalar(latency_s, "latency_s", positive=True)

    def line(whole: bool) -> Callable[[float], float]:
        slope = system.slot_duration_s * latency_s * float(system.arrival_rate_per_s.sum())
        return lambda theta: waiting_bound(system, theta, whole_slots=whole).bound_j - theta * slope

    slow = form_of(system, False) == "shadowing"  # a second each
    if slow:
        theta, value = _largest(line(whole_slots), 0.01, 0.1)
    else:
        theta, value = _largest(line(False), 0.01, 1e-6)
    if whole_slots and math.isfinite(value) and not slow:
        theta, value = _largest(line(True), theta, 1e-2)
    least = energy_bound(system).energy_j
    if least > value:
        return LatencyBound(latency_s, least, 0.0, "lb1")
    return LatencyBound(latency_s, value, theta, "lb3")


def _largest(value: Callable[[float], float], start: float, precision: float) -> tuple[float, float]:
    """Maximise a concave function over waiting costs: where, and what; infinite if it grows for ever."""
    left, middle, right = start / _FACTOR, start, start * _FACTOR
    a, b, c = value(left), value(middle), value(right)
    while c > b:
        if right > _MOST or math.isinf(c):
            return right, math.inf
        left, a, middle, b, right = middle, b, right, c, right * _FACTOR
        c = value(right)
    while a > b:
        if left < _LEAST:
            return left, a
        right, c, middle, b, left = middle, b, left, a, left / _FACTOR
        a = value(left)
    return max(_golden(value, left, right, precision), (middle, b), key=lambda found: found[1])


def _golden(
    value: Callable[[float], float], left: float, right: float, precision: float
) -> tuple[float, float]:
    """Golden-section search over the logarithm, as a concave function has one maximum in any scale."""
    low, high = math.log(left), math.log(right)
    first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_first, at_second = value(math.exp(first)), value(math.exp(second))
    while high - low > precision:
        if at_first >= at_second:
            high, second, at_second = second, first, at_first
            first = high - _GOLDEN * (high - low)
            at_first = value(math.exp(first))
        else:
            low, first, at_first = first, second, at_second
            second = low + _GOLDEN * (high - low)
            at_second = value(math.exp(second))
    return max((math.exp(first), at_first), (math.exp(second), at_second), key=lambda found: found[1])


@dataclass(frozen=True)
class Frontier:
    """Least energies of all mean latencies, by lines.

    Attributes
    ----------
    waiting_cost_j_per_s, bound_j : ndarray (T,)
        theta and LB3, idle power included.
    least_j : float
        LB1, below which no latency brings the energy.
    tasks_per_slot : float
        tau sum lambda.
    """

    waiting_cost_j_per_s: Floats
    bound_j: Floats
    least_j: float
    tasks_per_slot: float

    def energy_at(self, latency_s: ArrayLike) -> Floats:
        """Least mean energy per slot at mean latencies, in J, of the same shape.

        Parameters
        ----------
        latency_s : array_like
            Mean latencies, in seconds.
        """
        latency = np.asarray(latency_s, np.float64)[..., None]
        lines = self.bound_j - self.waiting_cost_j_per_s * self.tasks_per_slot * latency
        return np.asarray(np.maximum(lines.max(axis=-1), self.least_j))


def frontier(system: System, waiting_costs_j_per_s: ArrayLike, *, whole_slots: bool = True) -> Frontier:
    """Bound the energy at all mean latencies, from LB3 at some waiting costs.

    Parameters
    ----------
    system : System
        Its own waiting costs do not matter: all tasks count alike.
    waiting_costs_j_per_s : array_like (T,)
        theta > 0, in J/s; the more, the tighter.
    whole_slots : bool
        As of `waiting_bound`.

    Returns
    -------
    Frontier
    """
    check_type(system, System, "system", "as load_scenario returns")
    theta = as_floats(waiting_costs_j_per_s, "waiting_costs_j_per_s", np.shape(waiting_costs_j_per_s))
    bounds = [waiting_bound(system, cost, whole_slots=whole_slots).bound_j for cost in theta.tolist()]
    tasks = system.slot_duration_s * float(system.arrival_rate_per_s.sum())
    return Frontier(theta, np.array(bounds), energy_bound(system).energy_j, tasks)
