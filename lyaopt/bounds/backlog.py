"""LB3 of the cost (34), energy and backlog: a lower bound that no policy passes.

The cost of a slot is omega1 E + omega2 Qbar, where a cycle of local backlog costs omega2 beta1 / (rho C),
and bits and edge cycles likewise. In joules, h = omega2 beta / (omega1 x whole task) per unit of backlog and
slot. Alone, work b costs at least::

    J(b) = int_0^b nu(h x / tau) dx,

as h b + E min_y [tau P(y / tau) + J(b - y)] >= h b + J(b) - tau g(nu(h b / tau)) = J(b): nu grows with x.
Since nu is a minimum of lines in H, its chords lie below it, and the trapezoidal rule below the integral.
Edge work e costs h (n e - F^e tau n (n - 1) / 2) in its n = ceil(e / (F^e tau)) slots. The rest is as in
`waiting_bound`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats, Integers, check_type
from lyaopt.bounds.edge_dual import best_edge_price
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import cpu_price, radio_price
from lyaopt.bounds.task_costs import refuse_channels
from lyaopt.errors import ProblemError
from lyaopt.model.backlog import backlog_shares
from lyaopt.model.system import System

_PIECES = 128


@dataclass(frozen=True)
class BacklogBound:
    """LB3 of the cost (34).

    Attributes
    ----------
    bound_cost : float
        Least mean cost of a slot, with the reward weights of the scenario; infinite where no policy keeps the
        queues bounded.
    edge_price : float
        psi, in J per cycle at the edge.
    cuts : ndarray (S,)
        Cheapest partition point of a task alone at this price.
    method : str
        ``lb3``.
    """

    bound_cost: float
    edge_price: float
    cuts: Integers
    method: str = "lb3"


def backlog_bound(system: System) -> BacklogBound:
    """LB3 of the cost (34) of a system, maximised over the price of edge work.

    Parameters
    ----------
    system : System
        Its `learning` gives the weights of energy and backlog.

    Returns
    -------
    BacklogBound

    Raises
    ------
    ProblemError
        If energy has no weight, or devices move.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    check_type(system, System, "system", "as load_scenario returns")
    refuse_channels(system, "shadowing_std_db", "fading_correlation")
    energy = system.learning.reward_energy_weight
    if energy == 0.0:
        raise ProblemError("$.learning.reward_energy_weight", "expected a number > 0, got 0")
    local, transmit, edge = backlog_shares(system) * system.learning.reward_backlog_weight / energy
    device = system.device_of_service
    radio = Radio.of(system).of_rows(device)
    tau = system.slot_duration_s
    costs = _integral(system.local_cycles, local / tau, lambda held: cpu_price(system, device, held))
    costs = costs + _integral(system.transmit_bits, transmit / tau, lambda held: radio_price(radio, held))
    costs = costs + _edge_costs(system, edge)
    work, rates = system.edge_cycles, system.arrival_rate_per_s
    dual = best_edge_price(costs, work, rates, system.edge_capacity_hz)
    bound = energy * tau * dual.value_w * (1.0 - 1e-10)
    return BacklogBound(bound, dual.price, dual.cuts)


def _integral(work: Floats, holding_w: Floats, price: Callable[[Floats], Floats]) -> Floats:
    """J of `work` (S, K) where a unit of it costs `holding_w` (S,) while it waits."""
    # A cubic grid, as prices rise steeply from no work on.
    x = np.linspace(0.0, 1.0, _PIECES + 1)[:, None] ** 3 * work.max(axis=1)
    nu = price(holding_w * x)
    with np.errstate(invalid="ignore"):
        pieces = 0.5 * (nu[1:] + nu[:-1]) * np.diff(x, axis=0)
        before = np.concatenate([np.zeros((1, x.shape[1])), np.cumsum(pieces, axis=0)])
        total = np.zeros_like(work)
        for s, amounts in enumerate(work):
            i = np.clip(np.searchsorted(x[:, s], amounts, side="right") - 1, 0, _PIECES - 1)
            at = np.interp(amounts, x[:, s], nu[:, s])
            total[s] = before[i, s] + 0.5 * (nu[i, s] + at) * (amounts - x[i, s])
    return np.where(work > 0.0, np.where(np.isfinite(nu[-1])[:, None], total, math.inf), 0.0)


def _edge_costs(system: System, share: Floats) -> Floats:
    work, slot = system.edge_cycles, system.edge_capacity_hz * system.slot_duration_s
    with np.errstate(divide="ignore", invalid="ignore"):
        slots = np.where(work > 0.0, np.ceil(work / slot * (1.0 - 1e-12)), 0.0)
        waits = np.where(np.isfinite(slots), slots * work - 0.5 * slot * slots * (slots - 1.0), math.inf)
        return np.where(work > 0.0, share[:, None] * waits, 0.0)
