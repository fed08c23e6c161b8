"""Tasks of one device whose channel is slow, as LB4 takes them: the cuts that may be best, and the others.

A task cut at k pays at least W(x, c_k) at the CPU, where a slot counts as `hold`, and T_k(z) after it, in
several ways of which the dearest counts (`radio_table`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.bounds.queueing.radio_table import RadioTable
from lyaopt.bounds.task_costs import edge_costs
from lyaopt.model.system import System

_ROUNDING = 1e-9
_WORTH_A_TABLE = (1.25, 10.0)
"""Cuts that cost a task alone more than so many times the least, plus so many slots, are not looked into."""
_OFTEN = 1e-3
"""Probability of the states in which that must be so."""


@dataclass(frozen=True)
class SlowCut:
    """A cut that may be the best.

    Attributes
    ----------
    cycles : float
        Work at the CPU, in its units.
    hold : ndarray (O,)
        Cost of waiting for a slot at the CPU, for each way to bound the rest.
    after : ndarray (O, 2, C)
        T and the cost at the edge, at the lower and upper ends of C cells of the channel's states.
    """

    cycles: float
    hold: Floats
    after: Floats


@dataclass(frozen=True)
class SlowTasks:
    """Tasks of one device; costs are in waiting costs of a slot.

    Attributes
    ----------
    weight : ndarray (2, C)
        Of the ends of the cells in means over states at birth.
    cuts : sequence of sequences of SlowCut
        Of each service.
    others : ndarray (N, 2, C)
        Least cost, of a task alone, of other cuts.
    alone : ndarray (N,)
        Mean least cost of a task alone.
    usual : sequence of (cycles, shares)
        Of each service: work at the CPU of the best cuts of a task alone, and how often they are best.
    hold : ndarray (N,)
        Cost of waiting for a slot.
    penalty : float
        What the device's bound is less by.
    """

    weight: Floats
    cuts: tuple[tuple[SlowCut, ...], ...]
    others: Floats
    alone: Floats
    usual: tuple[tuple[Floats, Floats], ...]
    hold: Floats
    penalty: float


def slow_tasks(
    system: System,
    device: int,
    theta: Floats,
    edge_price: float,
    table: RadioTable,
    units: tuple[float, float],
) -> SlowTasks:
    """Tables of a device.

    Parameters
    ----------
    system : System
        The system.
    device : int
        Its position.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    edge_price : float
        psi, in J per cycle at the edge.
    table : RadioTable
        Of the device.
    units : (float, float)
        Cycles of a unit of work at the CPU, and J of a unit of cost.
    """
    rows, (cycles, joules) = list(system.services_of(device)), units
    edge = edge_costs(system, theta, True) + edge_price * system.edge_cycles
    edge = edge[rows] * (1.0 - _ROUNDING) / joules
    work, hold = system.local_cycles[rows] / cycles, theta[rows] * system.slot_duration_s / joules
    parts = []
    for n, row in enumerate(rows):
        count = int(system.cut_counts[row])
        after = table.after[n, :count] + edge[n, :count, None, None, None]
        total = _dearest_way(table.local[n, :count, :, None, None] + after)
        kept = _looked_into(total, table.weight, float(hold[n]))
        ways = np.maximum(hold[n] - table.drift[n, :count], 0.0)
        cuts = tuple(_cut(float(work[n, k]), ways[k], after[k]) for k in kept)
        others = np.delete(total, kept, axis=0).min(axis=0, initial=np.inf)
        least = np.where(table.weight > 0.0, total.min(axis=0), 0.0)
        best = np.bincount(total.argmin(axis=0).ravel(), table.weight.ravel(), count)
        parts.append((cuts, others, float((least * table.weight).sum()), (work[n, :count], best)))
    every, rest, alone, usual = zip(*parts, strict=True)
    return SlowTasks(table.weight, every, np.array(rest), np.array(alone), usual, hold, table.penalty)


def _dearest_way(costs: Floats) -> Floats:
    """The way (K, O, 2, C) that is dearest in each cell, as one (K, 2, C): only then it is linear there."""
    best = costs.sum(axis=2).argmax(axis=1)
    return np.take_along_axis(costs, best[:, None, None], axis=1)[:, 0]


def _cut(cycles: float, hold: Floats, after: Floats) -> SlowCut:
    """A cut; without work at the CPU only the dearest way counts."""
    if cycles > 0.0:
        return SlowCut(cycles, hold, after)
    return SlowCut(0.0, hold[:1], _dearest_way(after[None]))


def _looked_into(total: Floats, weight: Floats, hold: float) -> Integers:
    """Cuts that are among the cheapest in enough states; none where waiting is free."""
    factor, slots = _WORTH_A_TABLE
    near = np.isfinite(total) & (total <= factor * total.min(axis=0) + slots * hold)
    return np.flatnonzero(((near * weight).sum(axis=(1, 2)) > _OFTEN) & (hold > 0.0))
