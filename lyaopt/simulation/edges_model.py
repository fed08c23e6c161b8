"""The model of a system with several edge servers as the loop over slots takes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from lyaopt._kernels.simulation.edge_links import Edges
from lyaopt._kernels.simulation.edge_prices import EdgeChoice
from lyaopt._kernels.simulation.edge_slots import EdgesModel
from lyaopt._kernels.simulation.priced_cuts import Cuts
from lyaopt._kernels.simulation.prices import Prices
from lyaopt._kernels.slot.problems import EDGE_CAPACITY, TAU, WEIGHT_LOCAL, WEIGHT_TRANSMIT
from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation.linked_layout import LinkedLayout
from lyaopt.simulation.price_rule import PriceRule


def edges_model(model: Any, system: System, layout: LinkedLayout) -> EdgesModel:
    """Add links to a model, with all devices attached to the servers of best mean gain.

    Parameters
    ----------
    model : Model
        Of the devices.
    system : System
        With `edges`.
    layout : LinkedLayout
        Of the system.
    """
    links, groups, count = system.links, layout.groups, layout.edges
    laws = model.laws._replace(
        curve=np.tile(model.laws.curve, groups), measured=np.tile(model.laws.measured, groups)
    )
    sizes = model.sizes
    if sizes.law.size:
        sizes = sizes._replace(law=np.tile(sizes.law, groups), spread=np.tile(sizes.spread, groups))
    scalars = np.tile(model.scalars, (count, 1))
    scalars[:, EDGE_CAPACITY] = links.capacity_hz
    attached = layout.device_lanes(
        np.broadcast_to(links.nearest[:, None], (layout.devices, layout.replications))
    )
    edges = Edges(system.slots_per_period, 0, scalars, attached[None].copy(), attached)
    fields = {
        "method": model.method,
        "scalars": model.scalars,
        "devices": np.tile(model.devices, groups),
        "amounts": np.tile(model.amounts, (1, 1, groups, 1)),
        "weights": np.zeros((layout.blocks, 3, layout.rows, layout.lanes)),
        "laws": laws,
        "sizes": sizes,
    }
    choice = EdgeChoice(0, 0, links.reached.astype(np.int64), np.zeros((layout.rows, layout.devices)))
    return EdgesModel(**fields, edges=edges, **_no_prices(layout), choice=choice)


def with_prices(model: EdgesModel, rule: PriceRule, system: System, layout: LinkedLayout) -> EdgesModel:
    """Let prices weigh services and, if the rule has cuts, choose servers and points.

    Parameters
    ----------
    model : EdgesModel
        Its weights of energy are replaced by 1, as prices are in J per unit of work.
    rule : PriceRule
        Built for the servers of the system.
    system : System
        With `edges`.
    layout : LinkedLayout
        Of the system.

    Raises
    ------
    ProblemError
        If the rule is for another number of servers.
    """
    if rule.links != layout.edges or rule.slow is not None:
        reason = f"expected prices of links to {layout.edges} edge servers, got {rule.links}"
        raise ProblemError("$.rule", reason)
    scalars, servers = model.scalars.copy(), model.edges.scalars.copy()
    for numbers in (scalars, servers):
        numbers[..., [WEIGHT_LOCAL, WEIGHT_TRANSMIT]] = 1.0
    prices = rule.price_arrays(layout)
    groups = layout.groups
    prices = prices._replace(
        holding=np.tile(prices.holding, groups),
        scale=np.tile(prices.scale, groups),
        row=np.tile(prices.row, groups),
    )
    period_s = system.slots_per_period * float(scalars[TAU])
    coming = layout.spread(period_s * system.arrival_rate_per_s)
    choice = model.choice._replace(priced=1, chosen=int(rule.cuts is not None), coming=coming)
    edges = model.edges._replace(scalars=servers)
    found = model._replace(scalars=scalars, edges=edges, prices=prices, choice=choice)
    return found if rule.cuts is None else found._replace(cuts=_linked_cuts(rule, layout))


def _linked_cuts(rule: PriceRule, layout: LinkedLayout) -> Cuts:
    assert rule.cuts is not None
    groups = layout.groups
    tried = np.moveaxis(layout.spread(rule.cuts.tried.T + 1, np.int64), 0, -1) - 1
    return Cuts(
        1,
        np.tile(layout.spread(rule.cuts.alone, np.int64), groups),
        np.tile(tried, (1, groups, 1)),
        _by_link(layout.spread(rule.cuts.edge_share)),
        _by_link(layout.spread(rule.cuts.delay_cost)),
    )


def _by_link(values: Floats) -> Floats:
    """From (E, N, M) to (N, (1 + E) M)."""
    return np.ascontiguousarray(np.concatenate([values[0], *values], axis=1))


def _no_prices(layout: LinkedLayout) -> dict[str, Any]:
    rows, devices, count = layout.rows, layout.groups * layout.devices, layout.edges
    table = np.zeros((count, 1))
    places = np.zeros((2, rows, devices), np.int64)
    numbers = np.zeros((3, rows, devices)), np.ones((2, devices)), places
    prices = Prices(0, 0, *numbers, table, table.copy(), np.zeros(count), count)
    tried = np.full((rows, devices, 1), -1)
    cuts = Cuts(0, np.zeros((count, rows, devices), np.int64), tried, *np.ones((2, rows, devices)))
    return {"prices": prices, "cuts": cuts}
