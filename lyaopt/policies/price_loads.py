"""What arrives at CPUs, radios and the edge under a rule by prices, measured in simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt._kernels.simulation import sums
from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.policies.fixed import Fixed
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.paired_trials import SearchOptions, search_seed
from lyaopt.policies.price_tables import Loads
from lyaopt.simulation import Simulator, Trace
from lyaopt.simulation.price_rule import PriceRule

_PURPOSE = 0x7072696365  # "price"
_MOST_BUSY = 0.95
"""Of the edge: beyond it no mean delay is finite."""
_LARGEST_SQUARED = 1e154
"""Above it squares are beyond doubles."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A simulation of a rule.

    Attributes
    ----------
    rates : ndarray (3, S)
        Work done, in cycles, bits, cycles a second.
    latency_s : float
        Mean latency.
    edge_rates : ndarray (E, S)
        Cycles a second done at each of several edge servers; of none where there is one.
    """

    rates: Floats
    latency_s: float
    edge_rates: Floats


@dataclass
class RuleTrials:
    """Simulations of rules that choose cuts, on traffic that runs do not see.

    Attributes
    ----------
    system : System
        To be served.
    options : SearchOptions
        Seed, slots and replications, or traces; the first tenth of the slots is not measured.
    used : int
        Slots simulated so far.
    """

    system: System
    options: SearchOptions
    used: int = 0

    def run(self, rule: PriceRule, number: int) -> Trial | None:
        """Simulate a rule.

        Parameters
        ----------
        rule : PriceRule
            With a choice of cuts.
        number : int
            Of the trial: trials of one number have the same traffic.

        Returns
        -------
        Trial or None
            None if the budget does not suffice.

        Raises
        ------
        ProblemError
            If `progress` stops the search.
        """
        options = self.options
        parts: list[tuple[int, int, Trace | None]] = [(trace.slots, 1, trace) for trace in options.traces]
        parts = parts or [(options.slots, options.replications, None)]
        needed = sum(slots * replications for slots, replications, _ in parts)
        if options.progress is not None and options.progress(self.used, options.budget) is False:
            raise ProblemError("$.progress", "the search was stopped")
        if self.used + needed > options.budget:
            return None
        self.used += needed
        seed = search_seed(options.seed, _PURPOSE, number)
        trials = [self._part(rule, seed, *part) for part in parts]
        rates, at_edges = (np.mean([getattr(t, n) for t in trials], axis=0) for n in ("rates", "edge_rates"))
        return Trial(rates, float(np.mean([trial.latency_s for trial in trials])), at_edges)

    def _part(self, rule: PriceRule, seed: int, slots: int, replications: int, trace: Trace | None) -> Trial:
        assert rule.cuts is not None
        options: dict[str, Any] = {"replications": replications, "seed": seed, "trace": trace, "rule": rule}
        run = Simulator(self.system, Fixed(rule.cuts.usual), workers=self.options.workers, **options)
        measured = slots - slots // 10
        run.run(measured, slots // 10)
        services, _ = run.sums()
        done = np.asarray(services, np.float64).mean(axis=2) / measured
        at_edges = done[sums.SERVICE_SUMS :]
        return Trial(
            done[sums.RATES : sums.RATES + 3], run.result().mean_latency_s, at_edges[len(at_edges) // 2 :]
        )


def loads_of(tasks_per_s: Floats, costs: HoldingCosts, rates: Floats) -> Loads:
    """Describe the work that arrives at CPUs and radios.

    Parameters
    ----------
    tasks_per_s : ndarray (S,)
        lambda of each service.
    costs : HoldingCosts
        Of waiting.
    rates : ndarray (3, S)
        Cycles, bits, cycles a second.

    Returns
    -------
    Loads
        With tasks of mean work.
    """
    work = rates[:2] / np.maximum(tasks_per_s, np.finfo(np.float64).tiny)
    return Loads(rates[:2], np.stack([costs.step(stage, work[stage]) for stage in (0, 1)]))


@dataclass(frozen=True, eq=False)
class EdgeLoad:
    """What tasks to come mean for a task at the edge.

    Attributes
    ----------
    share : ndarray (S,)
        Of the capacity, what more urgent tasks to come leave.
    delay_cost : ndarray (S,)
        Cost of the delay of tasks to come, J per cycle of a task and cycle of work at the edge.
    """

    share: Floats
    delay_cost: Floats

    @classmethod
    def none(cls, system: System) -> EdgeLoad:
        """Return the load of no tasks.

        Parameters
        ----------
        system : System
            Gives the number of services.
        """
        count = len(system.services)
        return cls(np.ones(count), np.zeros(count))


def edge_load(system: System, costs: HoldingCosts, rates: Floats) -> EdgeLoad:
    """Describe the load of the edge.

    Services are classes of an M/G/1 queue with priorities, the more urgent ones first. Work W at a server of
    capacity F is done after W / (F (1 - rho)), with rho the load of that class and of those before it. Tasks
    of class j that come until then wait longer for a new task of work e by e / (F (1 - rho of those before)).
    So do those of all classes that are no more urgent than the new task's:

        e (W + e / 2) sum_j cost_j rate_j / (F^2 (1 - rho up to j) (1 - rho before j)).

    Parameters
    ----------
    system : System
        Gives the edge and the tasks.
    costs : HoldingCosts
        Of waiting.
    rates : ndarray (3, S)
        Cycles, bits, cycles a second.

    Returns
    -------
    EdgeLoad
    """
    capacity, whole = system.edge_capacity_hz, system.edge_cycles[:, 0]
    squared = capacity**2 if capacity < _LARGEST_SQUARED else np.inf
    if squared == 0.0:  # also of capacities next to nothing
        return EdgeLoad.none(system)
    per_cycle = costs.rates[2] / (1.0 if costs.by_work else np.where(whole > 0.0, whole, np.inf))
    load = rates[2] / capacity
    before = np.array([load[per_cycle > own].sum() for own in per_cycle])
    up_to = np.array([load[per_cycle >= own].sum() for own in per_cycle])
    left, left_after = 1.0 - np.minimum(before, _MOST_BUSY), 1.0 - np.minimum(up_to, _MOST_BUSY)
    each = per_cycle * rates[2] / (squared * left * left_after)
    return EdgeLoad(left, np.array([each[per_cycle <= own].sum() for own in per_cycle]))
