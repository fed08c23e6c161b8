"""Problem 5 with up to a million services: selection beside sorting and linear programming."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import linprog

from lyaopt._kernels.slot.dispatch import NETWORK_ITEMS
from lyaopt._kernels.slot.edge import edge_exact, edge_many

TAU = 0.01
SIZES = [1, 8, 100, 10_000, 1_000_000]


def make_queue(services):
    return 10 ** np.random.default_rng(services).uniform(5, 9, services)


def by_argsort(queue, capacity):
    """The closed form, written with NumPy's sort."""
    order = np.argsort(-queue)
    ranked = queue[order]
    after = np.cumsum(ranked)
    cpu = np.empty_like(queue)
    cpu[order] = np.clip(capacity * TAU - (after - ranked), 0.0, ranked) / TAU
    return cpu


def by_linprog(queue, capacity):
    scale = queue.max()
    result = linprog(
        -queue / scale,
        A_ub=np.ones((1, queue.size)),
        b_ub=[capacity * TAU / scale],
        bounds=np.column_stack([np.zeros(queue.size), queue / scale]),
        method="highs",
    )
    return result.x * scale / TAU


def group(services):
    return f"Problem 5, {services:,} services"


def rounds(services):
    return {"rounds": 15, "warmup_rounds": 2, "iterations": max(1, 1000 // services)}


@pytest.mark.parametrize("services", SIZES)
def test_lyaopt(benchmark, record, services):
    queue = make_queue(services).reshape(-1, 1)
    solve = edge_exact if services <= NETWORK_ITEMS else edge_many
    capacity = 0.3 * queue.sum() / TAU

    def call():
        cpu = np.empty_like(queue)
        solve(queue, capacity, TAU, cpu, np.empty(1))
        return cpu

    benchmark.pedantic(call, **rounds(services))
    record.time(group(services), "lyaopt", benchmark.stats.stats.median, "solve")
    np.testing.assert_allclose(call()[:, 0], by_argsort(queue[:, 0], capacity), atol=1e-10 * capacity)


@pytest.mark.parametrize("services", SIZES)
def test_numpy_argsort(benchmark, record, services):
    queue = make_queue(services)
    benchmark.pedantic(by_argsort, args=(queue, 0.3 * queue.sum() / TAU), **rounds(services))
    record.time(group(services), "NumPy argsort and cumsum", benchmark.stats.stats.median, "solve")


@pytest.mark.parametrize("services", SIZES)
def test_numpy_sort_alone(benchmark, record, services):
    benchmark.pedantic(np.sort, args=(make_queue(services),), **rounds(services))
    record.time(group(services), "NumPy sort alone", benchmark.stats.stats.median, "solve")


@pytest.mark.parametrize("services", SIZES[:4])
def test_linprog(benchmark, record, services):
    queue = make_queue(services)
    benchmark.pedantic(by_linprog, args=(queue, 0.3 * queue.sum() / TAU), rounds=3, warmup_rounds=1)
    record.time(group(services), "SciPy linprog (HiGHS)", benchmark.stats.stats.median, "solve")


def test_speed_requirement(record):
    ours = record.seconds(group(1_000_000), "lyaopt")
    ratio = record.seconds(group(1_000_000), "NumPy argsort and cumsum") / ours
    record.require("Problem 5, 10^6 services: faster than argsort", ">= 5", f"{ratio:.1f}", ratio >= 5)


MEMORY = """
import re
from pathlib import Path
import numpy as np
from lyaopt._kernels.slot.edge import edge_many
def resident(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
n = 1_000_000
small = np.ones((600, 1))
edge_many(small, 1e4, 0.01, np.empty_like(small), np.empty(1))  # compiles, and allocates its workspace
queue = np.random.default_rng(0).random((n, 1))
np.power(10.0, 5 + 4 * queue, out=queue)
total = queue.sum()
Path("/proc/self/clear_refs").write_text("5")  # reset the peak
before = resident("VmRSS")
cpu = np.empty_like(queue)
edge_many(queue, 0.3 * total / 0.01, 0.01, cpu, np.empty(1))
print((resident("VmHWM") - before) * 1024 / queue.nbytes)
"""


def test_memory_requirement(record):
    """Growth of the process, including the answer, plus the input, in units of the input."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    times = 1.0 + float(done.stdout)
    record.require("Problem 5, 10^6 services: memory, of the input", "<= 3", f"{times:.2f}", times <= 3)
