"""The policies `price` and `value`: work has a price, which allocates resources and chooses cuts.

`price` puts the queues of a resource in one order, and its prices know the load. `value` gives each queue the
slope V'(Q) of what its own work costs if nothing else waits or comes.

Tables of prices depend on the load of CPUs and radios, the load on the cuts, and these on the prices. The
rule is therefore built in rounds: of plain prices first, then, from the load measured in a trial of the rule,
of prices that know it; loads of several rounds are averaged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.edge_prices import edges_price_rule
from lyaopt.policies.fixed import Fixed
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.paired_trials import DEFAULT_SEARCH, SearchOptions
from lyaopt.policies.price_cuts import costs_alone, cuts_worth_trying
from lyaopt.policies.price_loads import EdgeLoad, RuleTrials, edge_load, loads_of
from lyaopt.policies.price_tables import CELLS, TASKS, PriceTable, anticipative_tables, plain_tables
from lyaopt.policies.rate_waits import waits_s, with_waits
from lyaopt.policies.shadowed_prices import has_shadowing, shadowed_table, shadowing_filter
from lyaopt.policies.trace_radios import radio_of, task_rates_per_s
from lyaopt.simulation import Decision, Observation
from lyaopt.simulation.price_rule import CutChoice, PriceRule

_ROUNDS = 3
_SLOW_TABLE = (256, 64)
"""Cells and tasks of a table where there is one for each state of a channel."""
_NEW_SHARE = 0.5
"""Of the load of the last trial in that of the next tables."""


@dataclass(frozen=True, eq=False)
class Price:
    """Prices allocate resources and choose cuts, in the compiled loop over slots.

    Attributes
    ----------
    rule : PriceRule
        Weighs services and chooses the points of each period.
    waiting_cost_j_per_s : ndarray (S,) or None
        theta of each service; None in the backlog form.
    searched : int
        Slots simulated to build the rule.
    name : str
        `price` or `value`.
    """

    rule: PriceRule
    waiting_cost_j_per_s: Floats | None
    searched: int = 0
    name: str = "price"

    def decide(self, observation: Observation) -> Decision:
        """Return the best points of tasks alone, which the rule replaces in each period.

        Parameters
        ----------
        observation : Observation
            Not used.

        Returns
        -------
        Decision
        """
        assert self.rule.cuts is not None
        return Fixed(self.rule.cuts.usual).decide(observation)


def price_rule(
    system: System,
    waiting_cost_j_per_s: ArrayLike | None = None,
    *,
    options: SearchOptions = DEFAULT_SEARCH,
    rounds: int = _ROUNDS,
    joint: bool = True,
) -> PriceRule:
    """Build a rule by prices.

    Parameters
    ----------
    system : System
        To be served; trials simulate it.
    waiting_cost_j_per_s : array_like () or (S,), optional
        theta, what a second of a task of each service is worth, in J; by default that of the scenario. If
        there is none, the rule minimises cost (34) with the weights of the scenario's reward.
    options : SearchOptions, optional
        Seed, slots and replications of the trials, or traces; the budget may end them early.
    rounds : int
        Trials from which the rule takes its load; with 0 prices know of no arrivals.
    joint : bool
        Whether the queues of a resource are in one order, and prices know the load (`price`), or each queue
        is priced as if it were alone (`value`).

    Returns
    -------
    PriceRule
        Its `cuts` choose points by the state.

    Raises
    ------
    ProblemError
        If a cost is not > 0, devices move, or a service has no cut that can be served.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    trials = RuleTrials(system, options)
    return _build(trials, holding_costs(system, waiting_cost_j_per_s), rounds, joint)


def holding_costs(system: System, waiting_cost_j_per_s: ArrayLike | None = None) -> HoldingCosts:
    """Return what waiting costs: as given, as in the scenario, or else as in cost (34).

    Parameters
    ----------
    system : System
        The scenario.
    waiting_cost_j_per_s : array_like () or (S,), optional
        theta, in J per second.

    Raises
    ------
    ProblemError
        If a cost is not > 0.
    """
    found = system.waiting_costs_j_per_s if waiting_cost_j_per_s is None else waiting_cost_j_per_s
    return HoldingCosts.of_reward(system) if found is None else HoldingCosts.of_tasks(system, found)


def _build(trials: RuleTrials, costs: HoldingCosts, rounds: int, joint: bool) -> PriceRule:
    system, traces = trials.system, trials.options.traces
    if system.edges is not None:
        return edges_price_rule(trials, costs, rounds, joint)
    slow, radio = has_shadowing(system), radio_of(system, traces)
    tasks_per_s = task_rates_per_s(system, traces)
    plain = plain_tables(system, costs, *(_SLOW_TABLE if slow else (CELLS, TASKS)), radio)
    local, transmit = plain
    if slow:
        transmit = shadowed_table(system, costs, plain[1], _usual_bits(system, costs, plain))
    waits = waits_s(system, traces)

    def waited(table: PriceTable) -> PriceTable:
        bits = _usual_bits(system, costs, plain)
        return with_waits(system, costs, table, waits, bits) if waits.any() else table

    transmit = transmit if slow else waited(transmit)
    rule, load = _rule(system, costs, (local, transmit), EdgeLoad.none(system), joint), None
    for number in range(rounds):
        trial = trials.run(rule, number)
        if trial is None:
            break
        load = trial.rates if load is None else _NEW_SHARE * trial.rates + (1.0 - _NEW_SHARE) * load
        if joint:
            loads = loads_of(tasks_per_s, costs, load)
            local, fast = anticipative_tables(system, plain, loads, costs.by_work, radio)
            transmit = transmit if slow else waited(fast)
        rule = _rule(system, costs, (local, transmit), edge_load(system, costs, load), joint)
    return rule


def _usual_bits(system: System, costs: HoldingCosts, plain: tuple[PriceTable, PriceTable]) -> Floats:
    """Bits of a task of each service at the best cut of a task alone, over all states of its channel."""
    cuts = costs_alone(system, costs, plain).argmin(axis=1)
    bits = system.transmit_bits[np.arange(len(cuts)), cuts]
    return np.where(bits > 0.0, bits, system.transmit_bits[:, 0])


def _rule(
    system: System, costs: HoldingCosts, tables: tuple[PriceTable, PriceTable], edge: EdgeLoad, joint: bool
) -> PriceRule:
    """Put the tables together; a radio has a row for each device, or one for each service and state."""
    slow = shadowing_filter(system) if has_shadowing(system) else None
    device, states = system.device_of_service, 1 if slow is None else slow.states
    by_device = len(tables[1].price) == len(system.devices)
    first = device if by_device else states * np.arange(device.size)
    alone = np.stack(
        [costs_alone(system, costs, tables, np.stack([device, first + x]), edge.share) for x in range(states)]
    )
    alone += 0.5 * edge.delay_cost[:, None] * system.edge_cycles**2
    if not np.isfinite(alone).any(axis=2).all():
        raise ProblemError("$", "expected a cut of each service that its device and the edge can serve")
    cuts = CutChoice(alone.argmin(axis=2), cuts_worth_trying(system, alone[0]), edge.share, edge.delay_cost)

    def joined(name: str) -> Floats:
        return np.concatenate([getattr(table, name) for table in tables])

    devices = len(system.devices)
    scale = np.stack([tables[0].scale, _by_device(tables[1].scale, first, device, devices)])
    columns = (joined("price"), joined("integrals"), joined("slope"))
    row, name = np.stack([device, devices + first]), "price" if joint else "value"
    return PriceRule(costs.rates, costs.by_work, scale, row, *columns, cuts, slow, joint, name)


def _by_device(values: Floats, row: Integers, device: Integers, count: int) -> Floats:
    """Values (M,) of devices from those of rows, which services of one device share."""
    found = np.ones(count)
    found[device] = values[row]
    return found


_LEAST_COST, _FIRST_COST, _MOST_COST = 1e-9, 0.01, 1e6
_SEARCH_STEPS = 24
_CLOSE_ENOUGH = 2e-3


def price(
    system: System,
    options: SearchOptions = DEFAULT_SEARCH,
    *,
    waiting_cost_j_per_s: ArrayLike | None = None,
    target_latency_s: float | None = None,
) -> Price:
    """Make the policy `price`.

    Parameters
    ----------
    system : System
        To be served; trials simulate it.
    options : SearchOptions, optional
        Seed, slots and replications of the trials, or traces.
    waiting_cost_j_per_s : array_like () or (S,), optional
        As of `price_rule`.
    target_latency_s : float, optional
        In place of a waiting cost: the mean latency for which one is searched, equal for all services.

    Returns
    -------
    Price

    Raises
    ------
    ProblemError
        As `price_rule`, or if both options are given, or no waiting cost gives the latency.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    return _make(RuleTrials(system, options), waiting_cost_j_per_s, target_latency_s, True)


def value(
    system: System,
    options: SearchOptions = DEFAULT_SEARCH,
    *,
    waiting_cost_j_per_s: ArrayLike | None = None,
    target_latency_s: float | None = None,
) -> Price:
    """Make the policy `value`.

    Parameters
    ----------
    system : System
        To be served; trials simulate it.
    options : SearchOptions, optional
        As of `price`.
    waiting_cost_j_per_s, target_latency_s : optional
        As of `price`.

    Returns
    -------
    Price

    Raises
    ------
    ProblemError, MissingExtraError
        As `price`.
    """
    return _make(RuleTrials(system, options), waiting_cost_j_per_s, target_latency_s, False)


def _make(trials: RuleTrials, cost: ArrayLike | None, target_s: float | None, joint: bool) -> Price:
    if target_s is not None and cost is not None:
        raise ProblemError("$.target_latency_s", "expected either a waiting cost or a latency, got both")
    if target_s is not None:
        return _search(trials, target_s, joint)
    costs = holding_costs(trials.system, cost)
    rule = _build(trials, costs, _ROUNDS, joint)
    return Price(rule, None if costs.by_work else costs.rates[0], trials.used, rule.name)


def _search(trials: RuleTrials, target_s: float, joint: bool) -> Price:
    """Bisect log theta until the latency of a trial is the target, or steps over it."""
    if not (isinstance(target_s, (int, float)) and 0.0 < target_s < math.inf):
        raise ProblemError("$.target_latency_s", f"expected a number > 0, got {target_s!r}")
    low, high = math.log(_LEAST_COST), math.log(_MOST_COST)
    middle, bracket = math.log(_FIRST_COST), set()
    for _ in range(_SEARCH_STEPS):
        costs = HoldingCosts.of_tasks(trials.system, math.exp(middle))
        rule = _build(trials, costs, _ROUNDS, joint)
        trial = trials.run(rule, _ROUNDS)
        if trial is None:
            raise ProblemError("$.budget", f"expected more than {trials.options.budget} slots for the search")
        if math.isnan(trial.latency_s):
            raise ProblemError("$.slots", "expected trials long enough for a task to be completed")
        found = Price(rule, costs.rates[0], trials.used, rule.name)
        if abs(trial.latency_s / target_s - 1.0) < _CLOSE_ENOUGH:
            return found
        bracket.add(trial.latency_s > target_s)
        low, high = (middle, high) if trial.latency_s > target_s else (low, middle)
        middle = 0.5 * (low + high)
    if len(bracket) == 2:
        return found
    raise ProblemError("$.target_latency_s", f"expected a latency that prices reach, got {target_s!r}")
