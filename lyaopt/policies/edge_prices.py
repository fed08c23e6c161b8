"""The rule by prices with several edge servers: tables of each link, loads of each server.

What a server and the links to it cost is what they would as those of a system with that server alone. Slow
channels count by their stationary distribution.
"""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.edges import with_one_edge
from lyaopt.model.system import System
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.price_cuts import costs_alone, cuts_worth_trying
from lyaopt.policies.price_loads import EdgeLoad, RuleTrials, edge_load, loads_of
from lyaopt.policies.price_tables import PriceTable, anticipative_tables, plain_tables
from lyaopt.policies.trace_radios import task_rates_per_s
from lyaopt.simulation.price_rule import CutChoice, PriceRule

_Tables = tuple[PriceTable, PriceTable]
_NEW_SHARE = 0.5
"""Of the load of the last trial in that of the next tables."""


def edges_price_rule(trials: RuleTrials, costs: HoldingCosts, rounds: int, joint: bool) -> PriceRule:
    """Build a rule that chooses edge servers and cuts.

    Parameters
    ----------
    trials : RuleTrials
        Simulate the system, which has `edges`.
    costs : HoldingCosts
        Of waiting.
    rounds, joint
        As of `lyaopt.policies.price_rule`.

    Returns
    -------
    PriceRule

    Raises
    ------
    ProblemError
        If a service has no cut that can be served.
    """
    system = trials.system
    apart = [with_one_edge(system, e) for e in range(len(system.links.edge_ids))]
    plain = [plain_tables(each, costs) for each in apart]
    loads = [EdgeLoad.none(system)] * len(apart)
    tables, rates = plain, None
    tasks_per_s = task_rates_per_s(system, trials.options.traces)
    rule = _rule(system, apart, costs, tables, loads, joint)
    for number in range(rounds):
        trial = trials.run(rule, number)
        if trial is None:
            break
        found = np.concatenate([trial.rates, trial.edge_rates])
        rates = found if rates is None else _NEW_SHARE * found + (1.0 - _NEW_SHARE) * rates
        if joint:
            come = loads_of(tasks_per_s, costs, rates[:3])
            pairs = zip(apart, plain, strict=True)
            tables = [anticipative_tables(each, table, come, costs.by_work) for each, table in pairs]
        at_edges = [np.stack([rates[0], rates[1], row]) for row in rates[3:]]
        loads = [edge_load(each, costs, row) for each, row in zip(apart, at_edges, strict=True)]
        rule = _rule(system, apart, costs, tables, loads, joint)
    return rule


def _rule(
    system: System,
    apart: list[System],
    costs: HoldingCosts,
    tables: list[_Tables],
    loads: list[EdgeLoad],
    joint: bool,
) -> PriceRule:
    """Put the tables together: those of CPUs, and of each radio one for each link."""
    device, count = system.device_of_service, len(apart)
    alone = np.stack([_alone(*each, costs) for each in zip(apart, tables, loads, strict=True)])
    alone[~system.links.reached[:, device]] = np.inf
    if not np.isfinite(alone).any(axis=(0, 2)).all():
        reason = "expected a cut of each service that its device and an edge server can serve"
        raise ProblemError("$", reason)
    cuts = CutChoice(
        alone.argmin(axis=2),
        cuts_worth_trying(system, alone.min(axis=0)),
        np.stack([load.share for load in loads]),
        np.stack([load.delay_cost for load in loads]),
    )
    radios = [table for _, table in tables]

    def joined(name: str) -> Floats:
        links = np.stack([getattr(table, name) for table in radios], axis=1)  # device by device
        return np.concatenate([getattr(tables[0][0], name), links.reshape(-1, *links.shape[2:])])

    scale = np.stack([tables[0][0].scale, radios[0].scale])
    row = np.stack([device, len(system.devices) + count * device])
    columns = (joined("price"), joined("integrals"), joined("slope"))
    name = "price" if joint else "value"
    return PriceRule(costs.rates, costs.by_work, scale, row, *columns, cuts, None, joint, name, count)


def _alone(system: System, tables: _Tables, load: EdgeLoad, costs: HoldingCosts) -> Floats:
    """What a task alone costs at each cut with one server (S, K + 1)."""
    found = costs_alone(system, costs, tables, edge_share=load.share)
    return found + 0.5 * load.delay_cost[:, None] * system.edge_cycles**2
