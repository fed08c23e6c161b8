"""LB3 of the cost (34), energy and backlog: a lower bound that no policy passes.

The cost of a slot is omega1 E + omega2 Qbar, where a cycle of local backlog costs omega2 beta1 / (rho C),
and bits and edge cycles likewise. In joules, h = omega2 beta / (omega1 x whole task) per unit of backlog and
slot. Alone, work b costs at least::

    J(b) = int_0^b nu(h x / tau) dx,

as h b + E min_y [tau P(y / tau) + J(b - y)] >= h b + J(b) - tau g(nu(h b / tau)) = J(b): nu grows with x.
Since nu is a minimum of lines in H, its chords lie below it, and the trapezoidal rule below the integral.

In whole slots it costs more. Work that is done in the task's s-th slot has waited for s slots, so that for
any price mu of a unit, with y_s the work of the slots, whose sum is b::

    E sum_s [h s y_s + tau P(y_s / tau)]  =  mu b - E sum_s [(mu - h s) y_s - tau P(y_s / tau)]
                                         >=  mu b - tau sum_{s >= 1} g(mu - h s).

Near mu = nu(h b / tau) + h / 2 this is largest, and above J. As g is convex, slots far on are summed in
blocks by the mean of both ends. Edge work e costs h (n e - F^e tau n (n - 1) / 2) in its
n = ceil(e / (F^e tau)) slots. The rest is as in `waiting_bound`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from lyaopt.arrays import Floats, Integers, check_type
from lyaopt.bounds.assumptions import refuse_sizes
from lyaopt.bounds.edge_dual import best_edge_price
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import cpu_price, cubic_gain, radio_gain, radio_price
from lyaopt.bounds.task_costs import refuse_channels
from lyaopt.errors import ProblemError
from lyaopt.model.backlog import backlog_shares
from lyaopt.model.system import System

_PIECES = 128
_SINGLE, _LONGER = 24, 1.1
"""Slots that are summed one by one, and the ratio of the ends of the blocks after them."""
_PRICES = (0.5, 0.75, 1.0)
"""Prices mu that are tried: so many h above nu(h b / tau)."""

Price = Callable[[Floats], Floats]


@dataclass(frozen=True)
class BacklogBound:
    """LB3 of the cost (34).

    Attributes
    ----------
    bound_cost : float
        Least mean cost of a slot, with the reward weights of the scenario; infinite where no policy keeps the
        queues bounded. The cost leaves out idle power, and tails of radios count as nothing.
    edge_price : float
        psi, in J per cycle at the edge.
    cuts : ndarray (S,)
        Cheapest partition point of a task alone at this price.
    form : str
        ``whole slots`` or ``closed``.
    method : str
        ``lb3``.
    """

    bound_cost: float
    edge_price: float
    cuts: Integers
    form: str
    method: str = "lb3"


def backlog_bound(system: System, *, whole_slots: bool = True) -> BacklogBound:
    """LB3 of the cost (34) of a system, maximised over the price of edge work.

    Parameters
    ----------
    system : System
        Its `learning` gives the weights of energy and backlog. Its channels are drawn anew in each slot, or
        steady.
    whole_slots : bool
        Count the slots of CPUs and radios as whole ones, which is tighter; False evaluates the closed form.

    Returns
    -------
    BacklogBound

    Raises
    ------
    ProblemError
        If energy has no weight, the channel has a memory, devices move, or the sizes of tasks vary.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    check_type(system, System, "system", "as load_scenario returns")
    refuse_channels(system, "shadowing_std_db", "fading_correlation")
    refuse_sizes(system, "the bound of cost (34)")  # waiting work costs more than in proportion to its amount
    energy = system.learning.reward_energy_weight
    if energy == 0.0:
        raise ProblemError("$.learning.reward_energy_weight", "expected a number > 0, got 0")
    local, transmit, edge = backlog_shares(system) * system.learning.reward_backlog_weight / energy
    device = system.device_of_service
    radio = Radio.of(system).of_rows(device)
    tau, delta = system.slot_duration_s, system.energy_coefficient
    capacity = system.cpu_capacity_hz[device]
    cubic = np.array([system.cpu_hulls[m] is None for m in device.tolist()])
    # Whole slots are counted where the conjugate is that of a cubic CPU or of Shannon's radio.
    machines = (
        (
            system.local_cycles,
            local,
            partial(cpu_price, system, device),
            partial(cubic_gain, delta, capacity),
            cubic,
        ),
        (
            system.transmit_bits,
            transmit,
            partial(radio_price, radio),
            partial(radio_gain, radio),
            ~radio.is_measured,
        ),
    )
    costs = np.zeros_like(system.edge_cycles)
    for amounts, share, price, gain, in_slots in machines:
        alone = _integral(amounts, share / tau, price)
        if whole_slots:
            exact = _in_slots(amounts, share, tau, (price, gain))
            alone = np.where(in_slots[:, None], np.maximum(alone, exact), alone)
        costs = costs + alone
    costs = costs + _edge_costs(system, edge)
    dual = best_edge_price(costs, system.edge_cycles, system.arrival_rate_per_s, system.edge_capacity_hz)
    bound = energy * tau * dual.value_w * (1.0 - 1e-10)
    return BacklogBound(bound, dual.price, dual.cuts, "whole slots" if whole_slots else "closed")


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


def _in_slots(work: Floats, share: Floats, tau: float, machine: tuple[Price, Price]) -> Floats:
    """The bound in whole slots of `work` (S, K), where a unit costs `share` (S,) a slot; 0 without one."""
    price, gain = machine
    able = (work > 0.0) & (share > 0.0)[:, None]
    with np.errstate(invalid="ignore"):
        fluid = price((share[:, None] * work / tau).T).T
    able &= np.isfinite(fluid)
    best = np.zeros_like(work)
    for part in _PRICES:
        mu = np.where(able, fluid + part * share[:, None], 0.0)
        first, last = _blocks(float((mu / np.where(able, share[:, None], 1.0)).max()))
        earned = np.zeros_like(work)
        for a, b in zip(first, last, strict=True):
            ends = [gain(np.maximum(mu - share[:, None] * slot, 0.0).T).T for slot in (a, b)]
            earned += tau * (b - a + 1.0) * 0.5 * (ends[0] + ends[1])
        best = np.maximum(best, np.where(able, mu * work - earned, 0.0))
    return best


def _blocks(last: float) -> tuple[Floats, Floats]:
    """First and last slots of blocks that cover all up to `last`: single ones, then longer and longer."""
    starts = [float(s) for s in range(1, _SINGLE + 1)]
    while starts[-1] < last:
        starts.append(math.ceil(starts[-1] * _LONGER))
    start = np.array(starts)
    return start[:-1], start[1:] - 1.0


def _edge_costs(system: System, share: Floats) -> Floats:
    work, slot = system.edge_cycles, system.edge_capacity_hz * system.slot_duration_s
    with np.errstate(divide="ignore", invalid="ignore"):
        slots = np.where(work > 0.0, np.ceil(work / slot * (1.0 - 1e-12)), 0.0)
        waits = np.where(np.isfinite(slots), slots * work - 0.5 * slot * slots * (slots - 1.0), math.inf)
        return np.where(work > 0.0, share[:, None] * waits, 0.0)
