"""Time per slot of batches: lyaopt, copying the same arrays, and convex solvers."""

from __future__ import annotations

import time

import numpy as np
import pytest

from benchmarks.data import batch, problems
from lyaopt import solve_slots
from lyaopt._kernels.slot.edge import edge_exact
from lyaopt._kernels.slot.local import local_exact
from lyaopt._kernels.slot.transmit import transmit_exact
from lyaopt.verify.cvxpy_reference import solve_reference

GROUP = "Batch of 20,000 slots, M = 4, N = 2"
SLOTS = 20_000
INPUTS = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles", "channel_gain")
OUTPUTS = (
    "local_cpu_hz",
    "rate_bps",
    "edge_cpu_hz",
    "cpu_hz",
    "power_w",
    "local_multiplier",
    "transmit_multiplier",
    "edge_multiplier",
)


def arrays_of(solution):
    batch = solution.batch
    return [getattr(batch, n) for n in INPUTS] + [getattr(solution, n) for n in OUTPUTS]


def test_solve_slots_into_earlier_arrays(benchmark, record):
    slots = batch(SLOTS)
    earlier = solve_slots(slots)
    benchmark.pedantic(solve_slots, args=(slots,), kwargs={"out": earlier}, rounds=60, warmup_rounds=3)
    record.time(
        GROUP, "lyaopt, solve_slots into earlier arrays", benchmark.stats.stats.median / SLOTS, "slot"
    )


def test_solve_slots(benchmark, record):
    slots = batch(SLOTS)
    benchmark.pedantic(solve_slots, args=(slots,), rounds=40, warmup_rounds=2)
    record.time(GROUP, "solve_slots, fresh arrays", benchmark.stats.stats.median / SLOTS, "slot")


def test_bisection(benchmark, record):
    slots = batch(SLOTS)
    benchmark.pedantic(solve_slots, args=(slots, "bisection"), rounds=5, warmup_rounds=1)
    record.time(GROUP, "solve_slots by bisection", benchmark.stats.stats.median / SLOTS, "slot")


def test_certificate(benchmark, record):
    slots = batch(SLOTS)
    benchmark.pedantic(solve_slots, args=(slots,), kwargs={"certificates": True}, rounds=40, warmup_rounds=2)
    record.time(GROUP, "solve_slots with certificates", benchmark.stats.stats.median / SLOTS, "slot")


def test_independent_certificate(benchmark, record):
    solution = solve_slots(batch(SLOTS))

    def certify():
        vars(solution).pop("_reports", None)
        solution.independent_certificate()

    benchmark.pedantic(certify, rounds=5, warmup_rounds=1)
    record.time(GROUP, "independent certificates", benchmark.stats.stats.median / SLOTS, "slot")


def test_copy(benchmark, record):
    sources = arrays_of(solve_slots(batch(SLOTS)))
    targets = [np.empty_like(source) for source in sources]

    def copy():
        for target, source in zip(targets, sources, strict=True):
            np.copyto(target, source)

    benchmark.pedantic(copy, rounds=60, warmup_rounds=3)
    record.time(GROUP, "copy of the same arrays", benchmark.stats.stats.median / SLOTS, "slot")


@pytest.mark.parametrize("solver", ["CLARABEL", "ECOS"])
def test_cvxpy(benchmark, record, solver):
    slots = problems(20)
    for slot in slots[:2]:
        solve_reference(slot, solver)

    def solve_all():
        for slot in slots:
            solve_reference(slot, solver)

    benchmark.pedantic(solve_all, rounds=3)
    seconds = benchmark.stats.stats.median / len(slots)
    record.time(GROUP, f"CVXPY with {solver.capitalize()}, parametrised, 9 solves", seconds, "slot")


def test_requirements(record):
    """Contenders take turns, so that changes of the machine's speed affect all of them."""
    solution, slots = solve_slots(batch(SLOTS)), problems(4)
    certified = solve_slots(solution.batch, certificates=True)
    sources = arrays_of(solution)
    targets = [np.empty_like(source) for source in sources]
    contenders = {
        "ours": (20, SLOTS, lambda: solve_slots(solution.batch, out=solution)),
        "fresh": (20, SLOTS, lambda: solve_slots(solution.batch)),
        "certified": (20, SLOTS, lambda: solve_slots(certified.batch, out=certified, certificates=True)),
        "fresh certified": (20, SLOTS, lambda: solve_slots(certified.batch, certificates=True)),
        "copy": (20, SLOTS, lambda: [np.copyto(t, s) for t, s in zip(targets, sources, strict=True)]),
        "CVXPY": (1, len(slots), lambda: [solve_reference(slot) for slot in slots]),
    }
    rounds = {name: [] for name in contenders}
    for _ in range(20):
        for name, (repeats, units, call) in contenders.items():
            start = time.perf_counter()
            for _ in range(repeats):
                call()
            rounds[name].append((time.perf_counter() - start) / repeats / units)
    ours = np.array(rounds["ours"])
    faster = float(np.median(np.array(rounds["CVXPY"]) / ours))
    copies = float(np.median(ours / np.array(rounds["copy"])))
    met = faster >= 500_000
    record.require("batch: faster than CVXPY with Clarabel", ">= 500,000", f"{faster:,.0f}", met)
    record.require("batch, in times of a copy", "<= 8", f"{copies:.2f}", copies <= 8)
    fresh = float(np.median(np.array(rounds["fresh"]) / np.array(rounds["copy"])))
    record.require("batch into fresh arrays, in times of a copy", "<= 8", f"{fresh:.2f}", fresh <= 8)
    for name in ("certified", "fresh certified"):
        times = float(np.median(np.array(rounds[name]) / np.array(rounds["copy"])))
        record.require(f"batch, {name}, in times of a copy", "<= 4", f"{times:.2f}", times <= 4)


@pytest.mark.parametrize("slots", [1, 10, 100, 1_000, 10_000, 100_000])
def test_batch_sizes(benchmark, record, slots):
    many = batch(slots)
    benchmark.pedantic(
        solve_slots, args=(many,), rounds=20, warmup_rounds=2, iterations=max(1, 1000 // slots)
    )
    seconds = benchmark.stats.stats.median / slots
    record.time("solve_slots by batch size, M = 4, N = 2", f"{slots:,} slots", seconds, "slot")


@pytest.mark.parametrize("services", [1, 2, 3, 4, 8, 10, 32, 100])
def test_services_on_a_device(benchmark, record, services):
    slots = 40_000 // services
    many = batch(slots, services=services)
    benchmark.pedantic(solve_slots, args=(many,), rounds=10, warmup_rounds=1)
    seconds = benchmark.stats.stats.median / (slots * 4 * services)
    group = "solve_slots by services on a device, M = 4"
    record.time(group, f"{services} services", seconds, "service and slot")


@pytest.mark.parametrize("problem", ["local", "transmit", "edge"])
def test_single_problems(benchmark, record, problem):
    many = batch(SLOTS)
    solution = solve_slots(many)
    calls = {
        "local": lambda: local_exact(many._local_problem, solution._local_allocation),
        "transmit": lambda: transmit_exact(many._transmit_problem, solution._transmit_allocation),
        "edge": lambda: edge_exact(many._edge_problem, solution._edge_allocation),
    }
    benchmark.pedantic(calls[problem], rounds=40, warmup_rounds=2)
    record.time("The three problems, same batch", problem, benchmark.stats.stats.median / SLOTS, "slot")
