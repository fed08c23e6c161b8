"""The price of edge work: the best multiplier of the edge's capacity in a bound over tasks.

With the costs w_k of a task cut at k (J) and its edge work e_k (cycles), a bound at psi >= 0 is::

    sum_n lambda_n min_k (w_nk + psi e_nk) - psi F^e,

concave and piecewise linear in psi. Its slope is the edge work of the cheapest cuts less F^e, so that it is
largest at 0, or at a break where this work falls below F^e.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats, Integers


@dataclass(frozen=True)
class EdgeDual:
    """The best multiplier.

    Attributes
    ----------
    value_w : float
        The value there, in W; infinite if even the cuts with the least edge work overload the edge, or a
        task has no cut of finite cost.
    price : float
        psi, in J per cycle.
    cuts : ndarray (R,)
        Cheapest cuts there.
    """

    value_w: float
    price: float
    cuts: Integers


def edge_value(costs: Floats, work: Floats, rates: Floats, capacity_hz: float, price: float) -> float:
    """Value at a multiplier, in W.

    Parameters
    ----------
    costs, work : ndarray (R, K)
        w in J and e in cycles, of R kinds of tasks and K cuts.
    rates : ndarray (R,)
        lambda, tasks per second.
    capacity_hz : float
        F^e.
    price : float
        psi >= 0, in J per cycle.
    """
    cheapest = (costs + price * work).min(axis=1)
    return float(rates[rates > 0.0] @ cheapest[rates > 0.0] - price * capacity_hz)


def best_edge_price(costs: Floats, work: Floats, rates: Floats, capacity_hz: float) -> EdgeDual:
    """Maximise the value over the multiplier.

    Parameters
    ----------
    costs, work : ndarray (R, K)
        w in J, infinite where a cut is impossible, and e in cycles, of R kinds of tasks and K cuts.
    rates : ndarray (R,)
        lambda, tasks per second.
    capacity_hz : float
        F^e.

    Returns
    -------
    EdgeDual
    """
    ends = np.concatenate([[0.0], _breaks(costs, work)])
    # The load is constant between two breaks, and falls from one interval to the next.
    inner = np.append(0.5 * (ends[:-1] + ends[1:]), 2.0 * ends[-1] + 1.0)
    low, high = 0, ends.size
    while low < high:
        middle = (low + high) // 2
        if _load(costs, work, rates, inner[middle]) <= capacity_hz:
            high = middle
        else:
            low = middle + 1
    if low == ends.size:
        return EdgeDual(math.inf, math.inf, np.argmin(costs, axis=1))
    price = float(ends[low])
    value = edge_value(costs, work, rates, capacity_hz, price)
    return EdgeDual(value, price, np.argmin(costs + price * work, axis=1))


def _breaks(costs: Floats, work: Floats) -> Floats:
    """Multipliers > 0 at which two cuts of a task cost the same, in order."""
    more = work[:, None, :] - work[:, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        equal = (costs[:, :, None] - costs[:, None, :]) / more
    return np.unique(equal[(more > 0.0) & (equal > 0.0) & np.isfinite(equal)])


def _load(costs: Floats, work: Floats, rates: Floats, price: float) -> float:
    cheapest = np.argmin(costs + price * work, axis=1)
    return float(rates @ work[np.arange(len(work)), cheapest])
