"""Partition points by prices: what a task costs that finds nothing waiting, at each cut."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.price_tables import PriceTable


def costs_alone(
    system: System, costs: HoldingCosts, tables: tuple[PriceTable, PriceTable], edge_price: float = 0.0
) -> Floats:
    """Compute what a task alone costs at each cut, in joules.

    Parameters
    ----------
    system : System
        Gives tasks and capacities.
    costs : HoldingCosts
        Of waiting.
    tables : tuple of PriceTable
        Of CPUs and radios.
    edge_price : float
        Of the capacity of the edge, in J per cycle.

    Returns
    -------
    ndarray (S, largest K + 1)
        Infinite where a cut may not be chosen or cannot be served.
    """
    total = _at_edge(system, costs, edge_price)
    works = (system.local_cycles, system.transmit_bits)
    for stage, (work, table) in enumerate(zip(works, tables, strict=True)):
        steps = costs.step(stage, work)
        for s, m in enumerate(system.device_of_service.tolist()):
            if costs.by_work:
                cost = table.integral(m, steps[s]) / costs.rates[stage, s]
            else:
                cost = work[s] * table.at(m, steps[s])
            total[s] += np.where(work[s] > 0.0, cost if table.slope[m] > 0.0 else np.inf, 0.0)
    total[np.arange(total.shape[1]) >= system.cut_counts[:, None]] = np.inf
    total[:, : least_cut(system)] = np.inf
    return total


def _at_edge(system: System, costs: HoldingCosts, edge_price: float) -> Floats:
    work, rate = system.edge_cycles, costs.rates[2][:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = rate * (0.5 * work * work if costs.by_work else work) / system.edge_capacity_hz
    return np.where(work > 0.0, wait + edge_price * work, 0.0)


def cuts_worth_trying(system: System, alone: Floats) -> Integers:
    """Find the cuts that no other one beats in cycles, bits and cycles at the edge.

    Parameters
    ----------
    system : System
        Gives tasks.
    alone : ndarray (S, largest K + 1)
        As of `costs_alone`.

    Returns
    -------
    ndarray (S, J) of int
        Padded by -1.
    """
    works = np.stack([system.local_cycles, system.transmit_bits, system.edge_cycles])
    rows = []
    for s in range(len(alone)):
        cuts = np.flatnonzero(np.isfinite(alone[s]))
        mine = works[:, s, cuts]
        no_worse = (mine[:, :, None] <= mine[:, None, :]).all(axis=0)
        earlier = np.tri(cuts.size, k=-1, dtype=bool).T  # of equal cuts the first stays
        beaten = (no_worse & (~no_worse.T | earlier)).any(axis=0)
        rows.append(cuts[~beaten])
    tried = np.full((len(rows), max(1, *(row.size for row in rows))), -1)
    for line, row in zip(tried, rows, strict=True):
        line[: row.size] = row
    return tried
