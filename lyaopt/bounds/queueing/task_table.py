"""Work and least costs of the tasks of one device by cut, in the units of the bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lyaopt.arrays import Floats, Integers
from lyaopt.bounds.queueing.resources import Resource
from lyaopt.bounds.task_costs import edge_costs, local_costs, transmit_costs
from lyaopt.model.system import System

_ROUNDING = 1e-9
"""Relative error of costs of tasks alone, and more."""
_WORTH_A_TABLE = (4.0, 50.0)
"""Cuts that cost a task alone more than so many times the least, plus so many slots, are not looked into."""


@dataclass(frozen=True)
class TaskTable:
    """Tasks of one device; costs are in waiting costs of a slot.

    Attributes
    ----------
    local, transmit : ndarray (N, K + 1)
        Work at the CPU and at the radio, in their units.
    edge : ndarray (N, K + 1)
        Least cost at the edge: whole slots, and the price of the edge's work.
    alone : ndarray (N, K + 1)
        Least cost of a task alone, with that at the edge.
    hold : ndarray (N,)
        Cost of waiting for a slot.
    kept : sequence of ndarray
        Cuts of each service to look into.
    least_of_others : ndarray (N,)
        Least cost, of a task alone, of the other cuts that may be best; infinite if there are none.
    """

    local: Floats
    transmit: Floats
    edge: Floats
    alone: Floats
    hold: Floats
    kept: tuple[Integers, ...]
    least_of_others: Floats

    def amounts(self, work: Floats, hold: float) -> Floats:
        """Positive amounts of work, `local` or `transmit`, of kept cuts of services whose cost is `hold`."""
        parts = [work[n, cuts] for n, cuts in enumerate(self.kept) if self.hold[n] == hold]
        found = np.concatenate(parts)
        return found[found > 0.0]


def task_table(
    system: System, device: int, theta: Floats, edge_price: float, resources: tuple[Resource, Resource]
) -> TaskTable:
    """Tables of a device.

    Parameters
    ----------
    system : System
        The system.
    device : int
        Its position.
    theta : ndarray (S,)
        Waiting cost of a task of each service, in J/s; the unit of cost is the largest of the device's, or 1
        if all are 0.
    edge_price : float
        psi, in J per cycle at the edge.
    resources : (Resource, Resource)
        CPU and radio.
    """
    rows = list(system.services_of(device))
    most = float(theta[rows].max(initial=0.0)) or 1.0
    unit = most * system.slot_duration_s
    priced = edge_price * system.edge_cycles
    edge = (edge_costs(system, theta, True) + priced)[rows] * (1.0 - _ROUNDING) / unit
    parts = [part(system, theta, True)[rows] for part in (local_costs, transmit_costs)]
    alone = (parts[0] + parts[1]) * (1.0 - _ROUNDING) / unit + edge
    local = system.local_cycles[rows] / resources[0].unit
    transmit = system.transmit_bits[rows] / resources[1].unit
    hold = theta[rows] / most
    kept, others = [], []
    for n in range(len(rows)):
        useful = _useful(local[n], transmit[n], edge[n]) & np.isfinite(alone[n])
        looked_into = useful & _worth_a_table(alone[n], float(hold[n]))
        kept.append(np.flatnonzero(looked_into))
        others.append(alone[n].min(initial=np.inf, where=useful & ~looked_into))
    return TaskTable(local, transmit, edge, alone, hold, tuple(kept), np.array(others))


def _useful(local: Floats, transmit: Floats, edge: Floats) -> NDArray[np.bool_]:
    """Cuts that are not worse than another one in each stage.

    A task that has less to do at every stage never pays more: it can do as the other one does, and wait.
    """
    tables = np.stack([local, transmit, edge])
    no_more = (tables[:, :, None] <= tables[:, None, :]).all(axis=0)
    index = np.arange(len(local))
    beats = no_more & (~no_more.T | (index[:, None] < index[None, :]))
    return np.asarray(~beats.any(axis=0))


def _worth_a_table(alone: Floats, hold: float) -> NDArray[np.bool_]:
    """Cuts that are not far too dear; none where waiting is free, as tasks may then wait for ever."""
    factor, slots = _WORTH_A_TABLE
    return np.asarray((alone <= factor * alone.min() + slots * hold) & (hold > 0.0))
