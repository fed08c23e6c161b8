"""Policies side by side: the same arrivals and channels for all, with confidence intervals.

Each policy runs on the same B replications of a system. A replication is a sample: figures are interquartile
means over the replications with bootstrap intervals, and a saving is computed replication by replication, so
that the noise that both policies share cancels. Needs SciPy (extra `bound`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, check_type
from lyaopt.bounds import energy_bound
from lyaopt.errors import ProblemError
from lyaopt.evaluation.estimates import CONFIDENCE, Estimate, interquartile_mean
from lyaopt.evaluation.over_bound import beside_bounds, curve_is_slow, waiting_cost_in_force
from lyaopt.model.system import System
from lyaopt.simulation import Policy, Result, Trace, simulate, slot_costs
from lyaopt.simulation.policy import check_policy
from lyaopt.simulation.results import versions

_PERCENTILES = (50.0, 95.0, 99.0)

Progress = Callable[[int], bool | None]


@dataclass(frozen=True, eq=False)
class Score:
    """Figures of one policy in every replication.

    Attributes
    ----------
    result : Result
    energy_j, local_energy_j, transmit_energy_j, tail_energy_j, idle_energy_j : ndarray (B,)
        Mean per slot, summed over the devices; the first is the sum of the others.
    cost : ndarray (B,)
        Mean of the negative reward (34): energy without idle power, and backlog, weighted as in `[learning]`.
    queues : ndarray (3, B)
        Mean backlogs, summed over the services: cycles, bits, cycles.
    latency_s : ndarray (4, B)
        Mean, median, 95th and 99th percentile; NaN where no task was completed.
    over_bound : Estimate or None
        Energy and waiting cost over LB3, where waiting has a cost.
    over_bound_at_latency : Estimate or None
        Where it has none: energy over the least energy at the policy's own mean latency.
    """

    result: Result
    energy_j: Floats
    local_energy_j: Floats
    transmit_energy_j: Floats
    tail_energy_j: Floats
    idle_energy_j: Floats
    cost: Floats
    queues: Floats
    latency_s: Floats
    over_bound: Estimate | None = None
    over_bound_at_latency: Estimate | None = None

    @classmethod
    def of(cls, system: System, result: Result) -> Score:
        """The score of the `result` of a run of a `system`."""
        kinds = (
            result.local_energy_j,
            result.transmit_energy_j,
            result.tail_energy_j,
            result.idle_energy_j,
        )
        local, transmit, tail, idle = (energy.sum(axis=0) for energy in kinds)
        energy = local + transmit + tail + idle
        cost = slot_costs(system, result.active_energy_j, result.queues).sum(axis=0)
        queues = result.queues.sum(axis=1)
        return cls(result, energy, local, transmit, tail, idle, cost, queues, _latencies(result))

    def saving_against(self, other: Score) -> Estimate:
        """Share of the other policy's energy that this one saves, paired by replication.

        Parameters
        ----------
        other : Score
            Of the same replications.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return interquartile_mean(1.0 - self.energy_j / other.energy_j)


def _latencies(result: Result) -> Floats:
    services = len(result.points)
    table = np.full((1 + len(_PERCENTILES), result.replications), np.nan)
    for replication in range(result.replications):
        groups = np.arange(replication * services, (replication + 1) * services)
        latencies = result.latencies.of_groups(groups)
        table[0, replication] = latencies.mean
        table[1:, replication] = latencies.percentiles(_PERCENTILES)
    return table * result.slot_duration_s


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of several policies on the same replications of a system.

    Attributes
    ----------
    scores : tuple of Score
    bound_energy_j : float or None
        LB1 per slot; None on a trace, or if devices move: there is no bound for these.
    """

    scores: tuple[Score, ...]
    bound_energy_j: float | None

    def to_dict(self) -> dict[str, Any]:
        """As the document that `lyaopt evaluate --json` prints."""
        first = self.scores[0].result
        return {
            "slots": first.slots,
            "warmup": first.warmup,
            "replications": first.replications,
            "seed": first.seed,
            "confidence": CONFIDENCE,
            "bound_energy_j": None if self._unbounded else self.bound_energy_j,
            "policies": [self._policy(score) for score in self.scores],
            "versions": versions(),
        }

    @property
    def _unbounded(self) -> bool:
        """Whether there is no finite bound: devices move, or no policy is stable."""
        return self.bound_energy_j is None or not np.isfinite(self.bound_energy_j)

    def _policy(self, score: Score) -> dict[str, Any]:
        names = ("mean", "p50", "p95", "p99")
        queues = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
        result = score.result
        return {
            "policy": result.policy,
            "energy_j": interquartile_mean(score.energy_j).to_dict(),
            "local_energy_j": interquartile_mean(score.local_energy_j).to_dict(),
            "transmit_energy_j": interquartile_mean(score.transmit_energy_j).to_dict(),
            "tail_energy_j": interquartile_mean(score.tail_energy_j).to_dict(),
            "idle_energy_j": interquartile_mean(score.idle_energy_j).to_dict(),
            "cost": interquartile_mean(score.cost).to_dict(),
            "latency_s": {
                name: interquartile_mean(row).to_dict()
                for name, row in zip(names, score.latency_s, strict=True)
            },
            **{
                name: interquartile_mean(row).to_dict()
                for name, row in zip(queues, score.queues, strict=True)
            },
            "energy_limited_share": result.limited_share,
            "born": result.born,
            "completed": result.completed,
            "queued": result.queued,
            "times_bound": self._times_bound(score),
            "over_bound": _as_dict(score.over_bound),
            "over_bound_at_latency": _as_dict(score.over_bound_at_latency),
            "saving_against": {
                other.result.policy: score.saving_against(other).to_dict()
                for other in self.scores
                if other is not score
            },
        }

    def _times_bound(self, score: Score) -> float | None:
        if not self.bound_energy_j or self._unbounded:
            return None
        return float(interquartile_mean(score.energy_j).value / self.bound_energy_j)


def evaluate(
    system: System,
    policies: Sequence[Policy],
    *,
    replications: int = 20,
    slots: int = 20_000,
    warmup: int = 2_000,
    seed: int = 0,
    names: Sequence[str] | None = None,
    progress: Progress | None = None,
    waiting_cost_j_per_s: float | None = None,
    bound: bool | None = None,
    trace: Trace | None = None,
    workers: int = 1,
) -> Evaluation:
    """Run policies on the same replications of a system.

    Parameters
    ----------
    system : System
        Devices, services, channels and weights.
    policies : sequence of Policy
        The policies to compare.
    replications, slots, warmup, seed : int
        As in `lyaopt.simulation.simulate`; each replication has arrivals and channels of its own.
    names : sequence of str, optional
        Different names of the policies in the results; by default their own.
    progress : callable, optional
        Called several times a second with the slots simulated so far, over all policies; if it returns False,
        the evaluation ends with the policies that are finished.
    waiting_cost_j_per_s : float, optional
        theta, in J per second of a task's latency, of policies without one of their own; by default that of
        the scenario.
    bound : bool, optional
        Whether to set each policy beside the bound that knows delay; by default, unless that takes long
        (half a minute under slow shadowing).
    trace : Trace, optional
        Arrivals and channels to replay, with a start for each replication (`Trace.spread_over`). There are no
        bounds beside it: they are of the scenario's law.
    workers : int
        Threads that share the replications, as of `lyaopt.simulate`; results are the same.

    Raises
    ------
    ProblemError
        If there is no policy, two have the same name, or an argument is wrong.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    names = _checked_names(system, policies, names)
    scores: list[Score] = []
    for number, (policy, name) in enumerate(zip(policies, names, strict=True)):
        before = number * (slots + warmup)
        done = [True]

        def check_progress(taken: int, before: int = before, done: list[bool] = done) -> bool:
            done[0] = progress is None or progress(before + taken) is not False
            return done[0]

        run: dict[str, Any] = {"warmup": warmup, "replications": replications, "workers": workers}
        run |= {"seed": seed, "trace": trace, "progress": check_progress}
        result = simulate(system, policy, slots=slots, **run)
        if result.slots < slots + warmup:
            break
        scores.append(Score.of(system, replace(result, policy=name)))
        if not done[0]:
            break
    if not scores:
        raise ProblemError("$", "stopped before the first policy was finished")
    if trace is not None:
        return Evaluation(tuple(scores), None)
    costs = [waiting_cost_in_force(policy, system, waiting_cost_j_per_s) for policy in policies]
    return Evaluation(tuple(_beside_bounds(system, scores, costs, bound)), _bound(system))


def _beside_bounds(
    system: System, scores: list[Score], costs: Sequence[Floats | None], wanted: bool | None
) -> list[Score]:
    """Scores with their ratio to the bound that knows delay, if `wanted`; None means if it is quick."""
    if wanted is False:
        return scores
    at_latency = wanted or not curve_is_slow(system)
    results = [score.result for score in scores]
    found = beside_bounds(system, results, costs[: len(scores)], at_latency=at_latency)
    return [
        replace(score, over_bound=over, over_bound_at_latency=at)
        for score, (over, at) in zip(scores, found, strict=True)
    ]


def _as_dict(estimate: Estimate | None) -> dict[str, float | None] | None:
    return None if estimate is None else estimate.to_dict()


def _bound(system: System) -> float | None:
    try:
        return energy_bound(system).energy_j
    except ProblemError:  # devices move
        return None


def _checked_names(system: Any, policies: Any, names: Sequence[str] | None) -> list[str]:
    """Check the arguments of `evaluate`, and return the names of the policies."""
    check_type(system, System, "system", "as load_scenario returns")
    check_type(policies, Sequence, "policies", "of policies")
    for number, policy in enumerate(policies):
        check_policy(policy, f"policies[{number}]")
    checked = [policy.name for policy in policies] if names is None else list(names)
    if not checked or len(set(checked)) < len(policies):
        raise ProblemError("$.policies", f"expected policies with different names, got {checked}")
    return checked
