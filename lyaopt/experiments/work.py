"""What a worker does with a cell: train, if there is something to train, evaluate, and write the result."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lyaopt.experiments.cells import Cell
from lyaopt.experiments.definition import BOUND, Measuring
from lyaopt.experiments.provenance import versions
from lyaopt.experiments.store import Store
from lyaopt.problem import Floats, ProblemError
from lyaopt.simulate import Decision, Observation, Policy, simulate
from lyaopt.system import System

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
    if cell.learner is not None:
        policy, training = _trained(cell)
        slots = training["slots"]
        found = [_evaluated(system, policy, cell.measuring) for system in cell.systems]
        return {"training": training, "prepared_slots": slots, "evaluations": found}
    (system,) = cell.systems
    policy, slots = _made(cell.policy, system, cell.measuring.search_seed)
    evaluations = [_evaluated(system, policy, cell.measuring)]
    return {"training": None, "prepared_slots": slots, "evaluations": evaluations}


def _bound(system: System) -> list[float] | None:
    """LB1; None where devices walk or no policy is stable."""
    from lyaopt.bounds import energy_bound

    try:
        energy = energy_bound(system).energy_j
    except ProblemError:
        return None
    return [energy] if np.isfinite(energy) else None


def _made(name: str, system: System, seed: int) -> tuple[Policy, int]:
    from lyaopt.policies import is_searched, make_policy, search_fixed

    if name == "best-fixed":
        found = search_fixed(system, seed=seed)
        return found.policy(), found.slots
    policy = make_policy(name, system, **({"seed": seed} if is_searched(name) else {}))
    return policy, int(getattr(policy, "searched", 0))


def _trained(cell: Cell) -> tuple[Policy, dict[str, Any]]:
    from lyaopt.experiments.learners import training_of
    from lyaopt.learning import load_policy
    from lyaopt.learning.run_folder import LOG, RunFolder
    from lyaopt.learning.training import begin, use_one_thread

    assert cell.learner is not None
    assert cell.home is not None
    use_one_thread()
    learner, system = cell.learner, cell.home
    ranges, budget = training_of(learner, system)
    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(path)
        with folder.locked():
            seed = cell.seed or 0
            training = begin(
                folder, system, learner.algorithm, preset=learner.preset, seed=seed, ranges=ranges, **budget
            )
            summary = training.run()
        policy, lines = load_policy(path), (Path(path) / LOG).read_text().splitlines()
    return policy, {
        "decisions": summary.decisions,
        "searched": summary.searched,
        "slots": summary.decisions * system.slots_per_period + summary.searched,
        "curve": curve_of([json.loads(line) for line in lines]),
    }


def curve_of(lines: list[dict[str, Any]]) -> dict[str, list[float]]:
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
        services = len(self.system.cuts)
        periods = len(points) if points.ndim == 3 else 1
        # Services along the first axis, periods and copies along the second.
        rows = np.moveaxis(points, -2, 0).reshape(services, -1) if points.ndim > 1 else points[:, None]
        work = self.system.local_cycles * self.system.arrival_rate_per_s[:, None]
        local = np.take_along_axis(work, rows, axis=1).sum(axis=0).mean() / (work[:, -1].sum() or 1.0)
        depth = (rows / np.maximum(self.system.cuts - 1, 1)[:, None]).mean()
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
        systems=measuring.copies,
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
