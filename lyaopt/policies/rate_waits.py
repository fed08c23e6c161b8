"""Prices of measured radios whose rates come and go: what it costs to wait for the whole rate.

Let a radio of rate R and power P carry a share z of R now, and its whole rate again after T seconds. Now a
task of d bits costs P d / (R z), later it costs nu d and H T for waiting. So its bits are worth

    nu(H) + H T / d,        or        nu(H) + h T

where each bit that waits costs h. With T = 0 a radio would wait for its whole rate however long that takes.
The prices choose cuts too, before it is known what a task will find: T is the mean over all slots, those with
the whole rate included. It is read from the traces of a search; without traces rates are whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.model.system import System
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.price_tables import PriceTable
from lyaopt.simulation import Trace

_WHOLE = 0.95
"""Share of the rate that is as good as the whole."""


def waits_s(system: System, traces: Sequence[Trace]) -> Floats:
    """Mean time until measured radios carry their whole rate, from a slot on that is drawn at random.

    Parameters
    ----------
    system : System
        Tells which radios are measured.
    traces : sequence of Trace
        With their shares.

    Returns
    -------
    ndarray (M,)
        In seconds; 0 where a radio is not measured, or always carries its rate.
    """
    total, slots = np.zeros(len(system.devices)), sum(trace.slots for trace in traces)
    if np.isnan(system.radio_rate_bps).all():
        return total
    for trace in traces:
        left = np.zeros(len(system.devices))
        for share in trace.channel_gain[::-1]:
            left = np.where(share < _WHOLE, left + 1.0, 0.0)
            total += left
    mean = total / max(slots, 1) * system.slot_duration_s
    return np.where(np.isnan(system.radio_rate_bps), 0.0, mean)


def with_waits(
    system: System, costs: HoldingCosts, table: PriceTable, waits: Floats, bits: Floats
) -> PriceTable:
    """Add the cost of waiting for the whole rate to the prices of radios.

    Parameters
    ----------
    system : System
        Tells which device runs a service.
    costs : HoldingCosts
        Of waiting.
    table : PriceTable
        A row for each device.
    waits : ndarray (M,)
        T, in seconds.
    bits : ndarray (S,)
        d, of a task of each service, > 0.

    Returns
    -------
    PriceTable
        A row for each service.
    """
    device = system.device_of_service
    rows = PriceTable(table.most_w[device], table.price[device], table.slope[device])
    if costs.by_work:
        added, slope = np.outer(costs.rates[1] * waits[device], np.ones(rows.price.shape[1])), 0.0 * bits
    else:
        slope = waits[device] / bits
        added = rows.nodes * slope[:, None]
    return PriceTable(rows.most_w, rows.price + added, rows.slope + slope)
