"""Partition points by prices: what a task costs that finds nothing waiting, at each cut."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.price_tables import PriceTable


def costs_alone(
    system: System,
    costs: HoldingCosts,
    tables: tuple[PriceTable, PriceTable],
    rows: Integers | None = None,
    edge_share: Floats | float = 1.0,
) -> Floats:
    """Compute what a task alone costs at each cut, in joules.

    In each stage it is served in whole slots, of which half a one is waited in vain on average.

    Parameters
    ----------
    system : System
        Gives tasks and capacities.
    costs : HoldingCosts
        Of waiting.
    tables : tuple of PriceTable
        Of CPUs and radios.
    rows : ndarray (2, S) of int, optional
        The row of each service in the tables; by default that of its device.
    edge_share : ndarray (S,), optional
        Of the capacity of the edge, what more urgent tasks leave.

    Returns
    -------
    ndarray (S, largest K + 1)
        Infinite where a cut may not be chosen or cannot be served.
    """
    total = _at_edge(system, costs, edge_share)
    works = (system.local_cycles, system.transmit_bits)
    row_of = np.stack([system.device_of_service] * 2) if rows is None else rows
    for stage, (work, table) in enumerate(zip(works, tables, strict=True)):
        steps = costs.step(stage, work)
        for s, m in enumerate(row_of[stage].tolist()):
            if costs.by_work:
                cost = table.integral(m, steps[s]) / costs.rates[stage, s]
            else:
                cost = work[s] * table.at(m, steps[s])
            cost = cost + 0.5 * system.slot_duration_s * steps[s]
            total[s] += np.where(work[s] > 0.0, cost if table.slope[m] > 0.0 else np.inf, 0.0)
    total[np.arange(total.shape[1]) >= system.cut_counts[:, None]] = np.inf
    total[:, : least_cut(system)] = np.inf
    return total


def _at_edge(system: System, costs: HoldingCosts, share: Floats | float) -> Floats:
    work, slot = system.edge_cycles, system.slot_duration_s
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        capacity = system.edge_capacity_hz * np.broadcast_to(share, len(work))[:, None]
        time = (0.5 * work if costs.by_work else work) / capacity + 0.5 * slot
        wait = costs.step(2, work) * np.maximum(time, slot)
    return np.where(work > 0.0, wait, 0.0)


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
