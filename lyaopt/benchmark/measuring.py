"""One policy on one instance: simulation, and its figures in each replication."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.benchmark.document import Interval, PolicyFigures, Seconds
from lyaopt.benchmark.instances import Budget, Instance
from lyaopt.benchmark.intervals import mean_interval
from lyaopt.evaluation import Score
from lyaopt.model.system import System
from lyaopt.policies.own_policy import Guarded
from lyaopt.simulation import Result, Simulator, Trace

_P99 = 3
"""Row of the 99th percentile in `Score.latency_s`."""

Progress = Callable[[int], bool | None]


@dataclass(frozen=True, eq=False)
class Measured:
    """Results of a policy on an instance.

    Attributes
    ----------
    results : tuple of Result
        One of all replications, or one of each trace.
    prepare_s, decide_s, run_s : float
        Wall time: making the policy; in `decide` and of all, over the measured slots.
    """

    results: tuple[Result, ...]
    prepare_s: float
    decide_s: float
    run_s: float


def measure(
    instance: Instance,
    policy: Guarded,
    budget: Budget,
    traces: Sequence[Trace],
    prepare_s: float,
    progress: Progress,
) -> Measured | None:
    """Simulate a policy.

    Parameters
    ----------
    instance : Instance
        The instance.
    policy : Guarded
        Of this instance.
    budget : Budget
        Slots, replications and seed.
    traces : sequence of Trace
        One for each replication, or none if arrivals and channels are drawn.
    prepare_s : float
        What making the policy took.
    progress : callable
        Called with the slots that are simulated, over all replications; ends the run if it returns False.

    Returns
    -------
    Measured or None
        None if `progress` ended the run.
    """
    results: list[Result] = []
    decide_s, run_s = 0.0, 0.0
    replications = 1 if traces else budget.replications
    for number, trace in enumerate(traces or (None,)):
        run = Simulator(instance.system, policy, replications=replications, seed=budget.seed, trace=trace)
        before = number * (budget.slots + budget.warmup)

        def report(done: int, before: int = before) -> bool | None:
            return progress((before + done) * replications)

        # The warm-up compiles what the run needs, so that its time is not taken.
        if not run.run(0, budget.warmup, report):
            return None
        decided, started = policy.seconds, time.perf_counter()
        if not run.run(budget.slots, progress=report):
            return None
        run_s += time.perf_counter() - started
        decide_s += policy.seconds - decided
        results.append(run.result())
    return Measured(tuple(results), prepare_s, decide_s, run_s)


def objectives(system: System, result: Result, energy_j: Floats) -> Floats:
    """Energy plus theta tau (tasks in the system), mean per slot, of each replication.

    Parameters
    ----------
    system : System
        Gives theta and tau.
    result : Result
        Gives the tasks.
    energy_j : ndarray (B,)
        Mean energy per slot, summed over the devices.

    Returns
    -------
    ndarray (B,)
    """
    theta = system.waiting_costs_j_per_s
    assert theta is not None  # every instance has a waiting cost
    return np.asarray(energy_j + system.slot_duration_s * (theta @ result.mean_tasks))


def figures(label: str, instance: Instance, measured: Measured, bound_j: float | None) -> PolicyFigures:
    """Summarise a policy on an instance.

    Parameters
    ----------
    label : str
        Of the entry.
    instance : Instance
        The instance.
    measured : Measured
        Its results.
    bound_j : float or None
        LB3; positive.

    Returns
    -------
    PolicyFigures
    """
    system, results = instance.system, measured.results
    scores = [Score.of(system, result) for result in results]
    parts = [
        objectives(system, result, score.energy_j) for result, score in zip(results, scores, strict=True)
    ]
    objective = np.concatenate(parts)
    latency = np.concatenate([score.latency_s for score in scores], axis=1)
    born, completed = (sum(getattr(result, name) for result in results) for name in ("born", "completed"))
    simulated = sum((result.slots - result.warmup) * result.replications for result in results)
    return PolicyFigures(
        policy=label,
        name=results[0].policy,
        objective_j=_interval(objective),
        over_bound=_interval(objective / (math.nan if bound_j is None else bound_j)),
        energy_j=_interval(np.concatenate([score.energy_j for score in scores])),
        cost=_interval(np.concatenate([score.cost for score in scores])),
        latency_s=_interval(latency[0]),
        latency_p99_s=_interval(latency[_P99]),
        born=born,
        completed=completed,
        done_share=completed / born if born else 1.0,
        seconds=Seconds(
            prepare=measured.prepare_s,
            decide_per_slot=measured.decide_s / simulated,
            run_per_slot=measured.run_s / simulated,
        ),
        objective_j_by_replication=objective.tolist(),
    )


def _interval(values: Floats) -> Interval:
    return Interval(**mean_interval(values).to_dict())


def lower_bound(system: System) -> float | None:
    """LB3 of a system in J per slot; None unless it is finite and above 0.

    Parameters
    ----------
    system : System
        With a waiting cost.

    Raises
    ------
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    from lyaopt.bounds import waiting_bound

    bound = waiting_bound(system).bound_j
    return bound if 0.0 < bound < math.inf else None
