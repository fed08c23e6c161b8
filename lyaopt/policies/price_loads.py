"""What arrives at CPUs, radios and the edge under a rule by prices, measured in simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.simulation import sums
from lyaopt.arrays import Floats
from lyaopt.model.system import System
from lyaopt.policies.fixed import Fixed
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.paired_trials import SearchOptions, search_seed
from lyaopt.policies.price_tables import Loads
from lyaopt.simulation import Simulator
from lyaopt.simulation.price_rule import PriceRule

_PURPOSE = 0x7072696365  # "price"
_MOST_BUSY = 0.95
"""Of the edge: beyond it no mean delay is finite."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A simulation of a rule.

    Attributes
    ----------
    rates : ndarray (3, S)
        Work done, in cycles, bits, cycles a second.
    latency_s : float
        Mean latency.
    """

    rates: Floats
    latency_s: float


def try_rule(system: System, rule: PriceRule, options: SearchOptions, number: int) -> Trial:
    """Simulate a rule that chooses cuts, on traffic that runs do not see.

    Parameters
    ----------
    system : System
        To be served.
    rule : PriceRule
        With a choice of cuts.
    options : SearchOptions
        Seed, slots and replications, or traces; the first tenth of the slots is not measured.
    number : int
        Of the trial: each has traffic of its own.

    Returns
    -------
    Trial
    """
    assert rule.cuts is not None
    policy = Fixed(rule.cuts.alone)
    seed = search_seed(options.seed, _PURPOSE, number)
    replications = 1 if options.traces else options.replications
    rates, latencies = [], []
    for trace in options.traces or (None,):
        slots = options.slots if trace is None else trace.slots
        run = Simulator(system, policy, replications=replications, seed=seed, trace=trace, rule=rule)
        run.run(slots - slots // 10, slots // 10)
        services, _ = run.sums()
        done = np.asarray(services[sums.RATES : sums.RATES + 3], np.float64)
        rates.append(done.mean(axis=2) / (slots - slots // 10))
        latencies.append(run.result().mean_latency_s)
    return Trial(np.mean(rates, axis=0), float(np.mean(latencies)))


def loads_of(system: System, costs: HoldingCosts, rates: Floats) -> Loads:
    """Describe the work that arrives at CPUs and radios.

    Parameters
    ----------
    system : System
        Gives arrival rates.
    costs : HoldingCosts
        Of waiting.
    rates : ndarray (3, S)
        Cycles, bits, cycles a second.

    Returns
    -------
    Loads
        With tasks of mean work.
    """
    work = rates[:2] / np.maximum(system.arrival_rate_per_s, np.finfo(np.float64).tiny)
    return Loads(rates[:2], np.stack([costs.step(stage, work[stage]) for stage in (0, 1)]))


def delay_cost(system: System, costs: HoldingCosts, rates: Floats) -> float:
    """Compute what work at the edge costs later tasks, per cycle of a new task and cycle of work there.

    With work W at a server of capacity F, Poisson arrivals of rate lambda and load rho, the total wait of the
    tasks that come before it is empty is lambda W^2 / (2 (1 - rho) F^2). Where backlogs cost, the fluid of
    these arrivals costs h W^2 rho / (2 (1 - rho) F).

    Parameters
    ----------
    system : System
        Gives the edge and the tasks.
    costs : HoldingCosts
        Of waiting; the mean over the work at the edge counts.
    rates : ndarray (3, S)
        Cycles, bits, cycles a second.

    Returns
    -------
    float
        J per cycle^2.
    """
    capacity, work = system.edge_capacity_hz, float(rates[2].sum())
    if work == 0.0 or capacity == 0.0:
        return 0.0
    load = min(work / capacity, _MOST_BUSY)
    cost = float((costs.rates[2] * rates[2]).sum()) / work
    if costs.by_work:
        return cost / capacity * load / (1.0 - load)
    whole = system.edge_cycles[:, 0]
    tasks = float((rates[2][whole > 0.0] / whole[whole > 0.0]).sum())
    return cost * tasks / (1.0 - load) / capacity**2
