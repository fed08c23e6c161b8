"""Compute a cell: train or search, evaluate, and write the result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.experiments.cells import Cell
from lyaopt.experiments.definition import Measuring
from lyaopt.experiments.measure_bounds import beside_bounds, measure_bound
from lyaopt.experiments.prepare_policy import Prepared, prepare, train
from lyaopt.experiments.provenance import versions
from lyaopt.experiments.store import Store
from lyaopt.experiments.watched_points import WatchedPoints
from lyaopt.model.system import System
from lyaopt.simulation import Policy, Trace, TraceParts, simulate

_CURVE_POINTS = 200
"""Points of a training curve, each a mean over a part of the log."""
LATENCIES = ("latency_s", "latency_p50_s", "latency_p95_s", "latency_p99_s")
QUEUES = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")


def do_cell(cell: Cell, folder: str, commit: str | None) -> None:
    """Compute a cell and write its result, unless that is finished.

    Parameters
    ----------
    cell : Cell
        To be computed.
    folder : str
        Of the store.
    commit : str or None
        Of the sources.
    """
    store = Store(folder)
    if store.load_cell(cell.key) is not None:
        return
    start = time.perf_counter()
    result = compute(cell)
    provenance = {"versions": versions(), "commit": commit, "configuration": cell.key}
    seconds = round(time.perf_counter() - start, 3)
    store.write_cell(cell.key, {"inputs": cell.inputs, **result, **provenance, "seconds": seconds})


def compute(cell: Cell) -> dict[str, Any]:
    """Compute a cell.

    Parameters
    ----------
    cell : Cell
        System, policy, seeds and sizes of the runs.

    Returns
    -------
    dict
        ``training`` (None without one), ``prepared_slots``, and ``evaluations``, one for each system;
        without values where a policy by prices does not reach its target latency. On a trace evaluations are
        on its judged part, and ``searched``, as many, on the other one.
    """
    if cell.is_bound:
        bounds = [measure_bound(system, cell.waiting) for system in cell.systems]
        return {"training": None, "prepared_slots": 0, "evaluations": bounds}
    trace = None if cell.trace is None else cell.trace.parts(cell.systems[0], cell.measuring.seed)
    if cell.learner is None or cell.training_system is None:
        try:
            prepared = prepare(cell.policy, cell.systems[0], cell.measuring.search_seed, cell.waiting, trace)
        except ProblemError as error:
            if cell.waiting is None or not cell.waiting.out_of_reach(error):
                raise
            nothing = [{"energy_j": None}]
            searched = {} if trace is None else {"searched": nothing}
            return {"training": None, "prepared_slots": 0, "evaluations": nothing, **searched}
    else:
        prepared = train(cell.learner, cell.training_system, cell.seed or 0, trace)
    found: dict[str, Any] = {"training": _training(prepared), "prepared_slots": prepared.slots}
    return found | _evaluations(cell, prepared.policy, trace)


def _evaluations(cell: Cell, policy: Policy, trace: TraceParts | None) -> dict[str, Any]:
    """Evaluations of a policy for each system, on both parts of a trace if there is one."""
    if trace is None:
        return {"evaluations": [_evaluate(system, policy, cell.measuring) for system in cell.systems]}
    (system,) = cell.systems  # a training over ranges, which serves several, has no trace
    parts = {"evaluations": trace.judged, "searched": trace.searched}
    return {name: [_evaluate(system, policy, cell.measuring, part)] for name, part in parts.items()}


def _training(prepared: Prepared) -> dict[str, Any] | None:
    if prepared.summary is None:
        return None
    numbers = {"decisions": prepared.summary.decisions, "searched": prepared.summary.searched}
    return {**numbers, "slots": prepared.slots, "curve": curve_of(prepared.log)}


def curve_of(lines: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Average a training log over equal parts.

    Parameters
    ----------
    lines : sequence of dict
        Log lines.

    Returns
    -------
    dict
        ``decisions``, and the ``reward``, ``energy_j`` and ``backlog`` of a decision.
    """
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


def _evaluate(
    system: System, policy: Policy, measuring: Measuring, trace: Trace | None = None
) -> dict[str, Any]:
    """Measures of each replication, for paired comparisons of policies."""
    from lyaopt.evaluation import Score

    watched = WatchedPoints(policy, system, trace)
    replayed = None if trace is None else trace.spread_over(measuring.replications)
    result = simulate(
        system,
        watched,
        slots=measuring.slots,
        warmup=measuring.warmup,
        replications=measuring.replications,
        seed=measuring.seed,
        trace=replayed,
    )
    watched.measure_rule(measuring.warmup + measuring.slots, measuring.seed)
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
        "own_waiting_cost_j_per_s": _waiting_cost(policy),
        "born": result.born,
        "completed": result.completed,
        "queued": result.queued,
        **beside_bounds(system, policy, result, replayed),
    }


def _waiting_cost(policy: Policy) -> list[float] | None:
    """theta of a policy by prices, where it is the same for all services."""
    own: Floats | None = getattr(policy, "waiting_cost_j_per_s", None)
    return None if own is None or (own != own[0]).any() else [float(own[0])]


def _listed(values: Floats) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
