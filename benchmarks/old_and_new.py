"""Times of one installed lyaopt, this one or commit 90e93f2: a process that measures when it is told to.

``python old_and_new.py edge`` or ``batch`` answers each line of its input with one line of JSON, the least
time of a few runs of each case in ns a slot. Two such processes take turns in `bench_old_and_new.py`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).parent]
import lyaopt  # noqa: E402
from lyaopt import SlotBatch, solve_slots  # noqa: E402
from lyaopt.kernels import edge_exact  # noqa: E402

TAU = 0.01
SIZES = (9, 16, 40, 64, 128, 256)
SHAPES = {(4, 2): 20_000, (10, 4): 4_000, (100, 2): 1_024}
IS_OLD = not hasattr(lyaopt.kernels, "EdgeProblem")
Case = tuple[str, int, Callable[[], Any]]


def edge_queues(shape: tuple[int, int]) -> Iterator[tuple[str, Any, float]]:
    """Regimes of Problem 5: what limits a slot, and what makes it degenerate; backlogs and F tau."""
    rng = np.random.default_rng(shape)
    spread = 10 ** rng.uniform(5, 9, shape)
    yield "underloaded", spread, 1.2 * spread.sum(axis=0).max()
    yield "first items", spread, 0.9 * np.median(spread.max(axis=0))
    yield "half", spread, 0.5 * np.median(spread.sum(axis=0))
    alike = rng.uniform(0.5, 1.5, shape) * 1e7
    yield "half of alike", alike, 0.5 * np.median(alike.sum(axis=0))
    yield "all equal", np.full(shape, 1e7), 0.4e7 * shape[0]
    yield "far apart", 10 ** rng.uniform(-150, 150, shape), 10 ** rng.uniform(0, 150)
    ties = rng.choice([1e6, 2e6, 5e6, 1e7], shape)
    yield "ties", ties, 0.5 * np.median(ties.sum(axis=0))
    zeros = spread * (rng.random(shape) < 0.3)
    yield "zeros", zeros, 0.5 * np.median(zeros.sum(axis=0))


def edge_cases() -> Iterator[Case]:
    for services in SIZES:
        slots = max(64, 40_000 // services // 8 * 8)
        for regime, queue, work in edge_queues((services, slots)):
            problem = np.ascontiguousarray(queue), float(work / TAU), TAU
            allocation = np.empty_like(problem[0]), np.empty(slots)
            yield f"{services} items, {regime}", slots, edge_call(problem, allocation)


def edge_call(problem: tuple[Any, ...], allocation: tuple[Any, ...]) -> Callable[[], Any]:
    if IS_OLD:
        return lambda: edge_exact(*problem, *allocation)
    given, taken = lyaopt.kernels.EdgeProblem(*problem), lyaopt.kernels.EdgeAllocation(*allocation)
    return lambda: edge_exact(given, taken)


def batch(devices: int, services: int, slots: int, edge: Any, work: float) -> SlotBatch:
    rng = np.random.default_rng(slots)
    shape = (services, devices, slots)
    arrays = {
        "channel_gain": rng.exponential(6e-11, shape[1:]),
        "local_queue_cycles": 10 ** rng.uniform(5, 9, shape),
        "transmit_queue_bits": 10 ** rng.uniform(3, 7, shape),
        "edge_queue_cycles": edge.reshape(shape),
    }
    return SlotBatch(
        slot_duration_s=TAU,
        energy_coefficient=1e-28,
        energy_weight_local=1e17,
        energy_weight_transmit=1e13,
        edge_capacity_hz=float(work / TAU),
        cpu_capacity_hz=np.full(devices, 1.5e9),
        max_power_w=np.full(devices, 0.3),
        bandwidth_hz=np.full(devices, 1e6 / devices),
        **{name: values if IS_OLD else values.T for name, values in arrays.items()},
    )


def batch_cases() -> Iterator[Case]:
    """Batches whose edge is in one of the regimes."""
    for (devices, services), slots in SHAPES.items():
        for regime, queue, work in edge_queues((services * devices, slots)):
            given = batch(devices, services, slots, queue, work)
            yield f"M = {devices}, N = {services}, {regime}", slots, solving_into(given)


def solving_into(given: SlotBatch) -> Callable[[], Any]:
    earlier = solve_slots(given)
    return lambda: solve_slots(given, out=earlier)


def least_time(slots: int, call: Callable[[], Any]) -> float:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return 1e9 * min(seconds) / slots


if __name__ == "__main__":
    cases = list(edge_cases() if sys.argv[1] == "edge" else batch_cases())
    for _ in sys.stdin:
        print(json.dumps({name: least_time(slots, call) for name, slots, call in cases}), flush=True)
