"""What a worker does with a cell: train, if there is something to train, evaluate, and write the result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.experiments.cells import Cell
from lyaopt.experiments.definition import BOUND, Measuring
from lyaopt.experiments.prepare_policy import Prepared, prepare, train
from lyaopt.experiments.provenance import versions
from lyaopt.experiments.store import Store
from lyaopt.model.system import System
from lyaopt.simulation import Decision, Observation, Policy, simulate

_CURVE_POINTS = 200
"""Of a curve of training: means over as many parts of its log."""
LATENCIES = ("latency_s", "latency_p50_s", "latency_p95_s", "latency_p99_s")
QUEUES = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")


def do_cell(cell: Cell, folder: str, commit: str | None) -> None:
    """Compute a cell and keep its result, unless it is there already."""
    store = Store(folder)
    if store.read(cell.key) is not None:
        return
    start = time.perf_counter()
    found = compute(cell)
    provenance = {"versions": versions(), "commit": commit, "configuration": cell.key}
    seconds = round(time.perf_counter() - start, 3)
    store.write(cell.key, {"wanted": cell.wanted, **found, **provenance, "seconds": seconds})


def compute(cell: Cell) -> dict[str, Any]:
    """`training` (None where nothing is trained), `prepared_slots`, and `evaluations` on each system."""
    if cell.policy == BOUND:
        found = [{"energy_j": _bound(system)} for system in cell.systems]
        return {"training": None, "prepared_slots": 0, "evaluations": found}
    if cell.learner is None or cell.home is None:
        ready = prepare(cell.policy, cell.systems[0], cell.measuring.search_seed)
    else:
        ready = train(cell.learner, cell.home, cell.seed or 0)
    return {
        "training": _training(ready),
        "prepared_slots": ready.slots,
        "evaluations": [_evaluated(system, ready.policy, cell.measuring) for system in cell.systems],
    }


def _training(ready: Prepared) -> dict[str, Any] | None:
    if ready.summary is None:
        return None
    numbers = {"decisions": ready.summary.decisions, "searched": ready.summary.searched}
    return {**numbers, "slots": ready.slots, "curve": curve_of(ready.log)}


def _bound(system: System) -> list[float] | None:
    """LB1; None where devices walk or no policy is stable."""
    from lyaopt.bounds import energy_bound

    try:
        energy = energy_bound(system).energy_j
    except ProblemError:
        return None
    return [energy] if np.isfinite(energy) else None


def curve_of(lines: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Means over equal parts of the log of a training: of a decision's reward, energy and backlog."""
    parts = np.array_split(np.arange(len(lines)), min(_CURVE_POINTS, len(lines)))
    columns = {
        "decisions": [line["decisions"] for line in lines],
        "reward": [line["reward"] for line in lines],
        "energy_j": [line["local_energy_j"] + line["transmit_energy_j"] for line in lines],
        "backlog": [line["backlog"] for line in lines],
    }
    return {name: [_mean(values, part) for part in parts] for name, values in columns.items()}


def _mean(values: list[float], part: Any) -> float:
    return float(np.mean(np.array(values)[part]))


@dataclass(eq=False)
class WatchedPoints:
    """A policy, and how deep it cuts.

    Attributes
    ----------
    depth : float
        Mean over decisions and services of k / K.
    local_share : float
        Mean share of the MACs of all tasks that is done on the devices.
    """

    policy: Policy
    system: System
    depth: float = 0.0
    local_share: float = 0.0
    periods: int = 0

    @property
    def name(self) -> str:
        """As the policy calls itself."""
        return self.policy.name

    def decide(self, observation: Observation) -> Decision:
        """What the policy decides."""
        decision = self.policy.decide(observation)
        if decision.for_good:  # in force for the rest of the run: what came before hardly counts
            self.periods = 0
        self._watch(np.asarray(decision.points))
        return decision

    def _watch(self, points: Any) -> None:
        services = len(self.system.cut_counts)
        periods = len(points) if points.ndim == 3 else 1
        # Services along the first axis, periods and copies along the second.
        rows = np.moveaxis(points, -2, 0).reshape(services, -1) if points.ndim > 1 else points[:, None]
        work = self.system.local_cycles * self.system.arrival_rate_per_s[:, None]
        local = np.take_along_axis(work, rows, axis=1).sum(axis=0).mean() / (work[:, -1].sum() or 1.0)
        depth = (rows / np.maximum(self.system.cut_counts - 1, 1)[:, None]).mean()
        self.periods += periods
        self.depth += (float(depth) - self.depth) * periods / self.periods
        self.local_share += (float(local) - self.local_share) * periods / self.periods


def _evaluated(system: System, policy: Policy, measuring: Measuring) -> dict[str, Any]:
    """Figures of each copy, so that policies can be compared copy by copy."""
    from lyaopt.evaluation import Score

    watched = WatchedPoints(policy, system)
    result = simulate(
        system,
        watched,
        slots=measuring.slots,
        warmup=measuring.warmup,
        replications=measuring.replications,
        seed=measuring.seed,
    )
    score = Score.of(system, replace(result, policy=policy.name))
    return {
        "energy_j": _listed(score.energy_j),
        "local_energy_j": _listed(score.local_energy_j),
        "transmit_energy_j": _listed(score.transmit_energy_j),
        "cost": _listed(score.cost),
        **{name: _listed(row) for name, row in zip(LATENCIES, score.latency_s, strict=True)},
        **{name: _listed(row) for name, row in zip(QUEUES, score.queues, strict=True)},
        "cut_depth": [watched.depth],
        "local_share": [watched.local_share],
        "energy_limited_share": [result.limited_share],
        "completed_share": [result.completed / result.born if result.born else 1.0],
        "born": result.born,
        "completed": result.completed,
        "queued": result.queued,
    }


def _listed(values: Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
