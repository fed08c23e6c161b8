"""The policy `price`: each unit of work gets a price, which allocates resources and chooses cuts.

Tables of prices depend on the load of CPUs and radios, the load on the cuts, and these on the prices. The
rule is therefore built in rounds: of plain prices first, then, from the load measured in a trial of the rule,
of prices that know it; loads of several rounds are averaged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.fixed import Fixed
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.paired_trials import DEFAULT_SEARCH, SearchOptions
from lyaopt.policies.price_cuts import costs_alone, cuts_worth_trying
from lyaopt.policies.price_loads import Trial, delay_cost, loads_of, try_rule
from lyaopt.policies.price_tables import PriceTable, anticipative_tables, plain_tables
from lyaopt.simulation import Decision, Observation
from lyaopt.simulation.price_rule import CutChoice, PriceRule

_ROUNDS = 3
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
    name : str
    """

    rule: PriceRule
    waiting_cost_j_per_s: Floats | None
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
        return Fixed(self.rule.cuts.alone).decide(observation)


def price_rule(
    system: System,
    waiting_cost_j_per_s: ArrayLike | None = None,
    *,
    options: SearchOptions = DEFAULT_SEARCH,
    rounds: int = _ROUNDS,
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
        Seed, slots and replications of the trials, or traces.
    rounds : int
        Trials from which the rule takes its load; with 0 prices know of no arrivals.

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
    return _build(system, holding_costs(system, waiting_cost_j_per_s), options, rounds)


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


def _build(system: System, costs: HoldingCosts, options: SearchOptions, rounds: int) -> PriceRule:
    plain = plain_tables(system, costs)
    rule, load = _rule(system, costs, plain, 0.0), None
    for number in range(rounds):
        measured = try_rule(system, rule, options, number).rates
        load = measured if load is None else _NEW_SHARE * measured + (1.0 - _NEW_SHARE) * load
        tables = anticipative_tables(system, plain, loads_of(system, costs, load), costs.by_work)
        rule = _rule(system, costs, tables, delay_cost(system, costs, load))
    return rule


def _rule(
    system: System, costs: HoldingCosts, tables: tuple[PriceTable, PriceTable], delay: float
) -> PriceRule:
    alone = costs_alone(system, costs, tables) + 0.5 * delay * system.edge_cycles**2
    if not np.isfinite(alone).any(axis=1).all():
        raise ProblemError("$", "expected a cut of each service that its device and the edge can serve")
    cuts = CutChoice(alone.argmin(axis=1), cuts_worth_trying(system, alone), 0.0, np.full(len(alone), delay))

    def of_both(name: str) -> Floats:
        return np.stack([getattr(table, name) for table in tables])

    shown = (of_both("scale"), of_both("price"), of_both("integrals"), of_both("slope"))
    return PriceRule(costs.rates, costs.by_work, *shown, cuts)


_LEAST_COST, _MOST_COST = 1e-9, 1e6
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
    if target_latency_s is None:
        costs = holding_costs(system, waiting_cost_j_per_s)
        theta = None if costs.by_work else costs.rates[0]
        return Price(_build(system, costs, options, _ROUNDS), theta)
    if waiting_cost_j_per_s is not None:
        raise ProblemError("$.target_latency_s", "expected either a waiting cost or a latency, got both")
    return _search(system, options, target_latency_s)


def _search(system: System, options: SearchOptions, target_s: float) -> Price:
    """Bisect log theta until the latency of a trial is the target."""
    if not (isinstance(target_s, (int, float)) and 0.0 < target_s < math.inf):
        raise ProblemError("$.target_latency_s", f"expected a number > 0, got {target_s!r}")
    low, high = math.log(_LEAST_COST), math.log(_MOST_COST)
    middle = math.log(0.01)
    for _ in range(_SEARCH_STEPS):
        found, trial = _at_cost(system, options, math.exp(middle))
        if abs(trial.latency_s / target_s - 1.0) < _CLOSE_ENOUGH:
            return found
        low, high = (middle, high) if trial.latency_s > target_s else (low, middle)
        middle = 0.5 * (low + high)
    raise ProblemError("$.target_latency_s", f"expected a latency that prices reach, got {target_s!r}")


def _at_cost(system: System, options: SearchOptions, theta: float) -> tuple[Price, Trial]:
    costs = HoldingCosts.of_tasks(system, theta)
    found = Price(_build(system, costs, options, _ROUNDS), costs.rates[0])
    return found, try_rule(system, found.rule, options, _ROUNDS)
