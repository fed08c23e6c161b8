"""LB3: a lower bound on energy and waiting together, of every causal policy.

Where a second of latency of a task of service n is worth theta_n joules, and tasks arrive at lambda_n, a
policy with the mean energy E a slot and N_n tasks in the system on average pays E + tau sum theta_n N_n a
slot. Alone, a task cut at k would pay at least w_k = V^l(c_k) + V^t(d_k) + V^e(e_k), see
`lyaopt.bounds.task_costs`. As powers are convex and 0 at rest, tasks together pay no less; so for psi >= 0::

    E + tau sum theta_n N_n  >=  LB3 = tau sum_n lambda_n min_k (w_nk + psi e_nk) - psi F^e tau.

The proof is in docs/explanation/waiting-bound.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import Floats, Integers, as_floats, check_array, check_type
from lyaopt.bounds.assumptions import sizes_vary
from lyaopt.bounds.edge_dual import EdgeDual, best_edge_price
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.shadowed_tasks import shadowed_costs
from lyaopt.bounds.stationary import stationary_bound
from lyaopt.bounds.task_costs import edge_costs, local_costs, measured_costs, transmit_costs
from lyaopt.errors import ProblemError
from lyaopt.model.edges import check_one_edge
from lyaopt.model.system import System

_ROUNDING = 1e-10
"""Relative error of the special functions, and more."""


@dataclass(frozen=True)
class WaitingBound:
    """LB3 at waiting costs.

    Attributes
    ----------
    bound_j : float
        LB3: least mean energy, idle power included, plus waiting cost per slot, in J; infinite where no
        policy keeps the number of tasks bounded. Tails of radios count as nothing.
    waiting_cost_j_per_s : ndarray (S,)
        theta of each service.
    edge_price : float
        psi, in J per cycle at the edge.
    cuts : ndarray (S,)
        Cheapest partition point of a task alone at this price; under shadowing, on a median channel.
    form : str
        ``closed`` or ``whole slots``; with slow channels ``shadowing`` (prices for each state) or, where
        fading is correlated or the sizes of tasks vary, ``stationary`` (one price for all states, which is
        lower); ``queueing`` of LB4.
    method : str
        ``lb3``, or ``lb4`` where `best_waiting_bound` finds that to be more.
    """

    bound_j: float
    waiting_cost_j_per_s: Floats
    edge_price: float
    cuts: Integers
    form: str
    method: str = "lb3"


def waiting_bound(
    system: System, waiting_cost_j_per_s: ArrayLike | None = None, *, whole_slots: bool = True
) -> WaitingBound:
    """LB3 of a system, maximised over the price of edge work.

    Parameters
    ----------
    system : System
        Arrivals of any law enter by their mean rates. Moving devices are refused.
    waiting_cost_j_per_s : float or array_like (S,), optional
        theta >= 0 of all services or of each, in joules per second of a task's latency; that of the scenario
        by default.
    whole_slots : bool
        Count the slots in which a task is served as whole ones, which is tighter where tasks are small;
        False evaluates the closed form. Where the sizes of tasks vary, only the closed form holds.

    Returns
    -------
    WaitingBound

    Raises
    ------
    ProblemError
        If there is no waiting cost, one is negative or not finite, or devices move.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    check_type(system, System, "system", "as load_scenario returns")
    theta = waiting_costs(system, waiting_cost_j_per_s)
    dual = task_bound(system, theta, whole_slots)
    bound = dual.value_w * system.slot_duration_s * (1.0 - _ROUNDING) + system.idle_energy_j
    return WaitingBound(bound, theta, dual.price, dual.cuts, form_of(system, whole_slots))


def task_bound(system: System, theta: Floats, whole_slots: bool) -> EdgeDual:
    """The bound in W, from the least costs of tasks alone.

    Parameters
    ----------
    system : System
        The system.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    whole_slots : bool
        As of `waiting_bound`.
    """
    check_one_edge(system, "LB3 knows one edge server")
    rates, work, capacity = system.arrival_rate_per_s, system.edge_cycles, system.edge_capacity_hz
    whole_slots = whole_slots and not sizes_vary(system)
    form = form_of(system, whole_slots)
    if form == "stationary":
        held = local_costs(system, theta, whole_slots) + edge_costs(system, theta, whole_slots)
        return stationary_bound(system, theta, held + measured_costs(system, theta, whole_slots))
    if form != "shadowing":
        parts = (local_costs, transmit_costs, edge_costs)
        costs = np.sum([part(system, theta, whole_slots) for part in parts], axis=0)
        return best_edge_price(costs, work, rates, capacity)
    Radio.of(system)  # refuses devices that move
    costs, weight = shadowed_costs(system, theta, whole_slots)
    services, states, cuts = costs.shape
    dual = best_edge_price(
        costs.reshape(-1, cuts), work.repeat(states, axis=0), np.outer(rates, weight).ravel(), capacity
    )
    median = dual.cuts.reshape(services, states)[:, states // 4]
    return EdgeDual(dual.value_w, dual.price, median)


def form_of(system: System, whole_slots: bool) -> str:
    """How LB3 of a system is found.

    Parameters
    ----------
    system : System
        Its channel decides, and whether the sizes of tasks vary.
    whole_slots : bool
        As of `waiting_bound`.

    Returns
    -------
    str
        ``closed``, ``whole slots``, ``shadowing`` or ``stationary``.
    """
    channel, varied = system.channel, sizes_vary(system)
    if channel.fading == "rayleigh" and channel.fading_correlation > 0.0:
        return "stationary"
    if channel.shadowing_std_db > 0.0:
        # Prices for each state are those of tasks of at most so many bits.
        return "stationary" if varied else "shadowing"
    return "whole slots" if whole_slots and not varied else "closed"


def waiting_costs(system: System, waiting_cost_j_per_s: ArrayLike | None = None) -> Floats:
    """theta of each service (S,), in J/s.

    Parameters
    ----------
    system : System
        Gives the default.
    waiting_cost_j_per_s : float or array_like (S,), optional
        Of all services, or of each.

    Raises
    ------
    ProblemError
        If there is none, or one is negative or not finite.
    """
    count = len(system.services)
    if waiting_cost_j_per_s is None:
        theta = system.waiting_costs_j_per_s
        if theta is None:
            raise ProblemError("$.system.waiting_cost_j_per_s", "expected a waiting cost, got none")
        return theta
    shape = (count,) if np.ndim(waiting_cost_j_per_s) else ()
    theta = as_floats(waiting_cost_j_per_s, "waiting_cost_j_per_s", shape)
    place = "$.waiting_cost_j_per_s"
    theta = check_array(theta, lambda index: place + "".join(f"[{i}]" for i in index))
    return np.asarray(np.broadcast_to(theta, (count,)))
