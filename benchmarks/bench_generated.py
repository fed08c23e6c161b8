"""Problems 3 and 5: lyaopt and the C code that CVXPYgen generates, called from Python.

Problem 4 is left out: CVXPYgen has no exponential cones with ECOS, and Clarabel needs Rust and Eigen.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.data import problems
from lyaopt._kernels.slot.edge import edge_exact
from lyaopt._kernels.slot.local import local_exact

cvxpygen = pytest.importorskip("cvxpygen.cpg", reason="needs cvxpygen (extra lyaopt[bench])")
cp = pytest.importorskip("cvxpy")

GROUPS = {"local": "Problem 3, one device, N = 2", "edge": "Problem 5, 8 services, called from Python"}


def make_problem(kind, queue, capacity, tau, price):
    """The scaled problem with its parameters, as in lyaopt.verify.cvxpy_reference."""
    scale = min(capacity, queue.sum() / tau)
    weights, caps, limit = queue / queue.max(), np.minimum(queue / tau / scale, 2.0), capacity / scale
    shares = cp.Variable(queue.size, name="shares")
    parameters = {
        "weights": cp.Parameter(queue.size, nonneg=True, name="weights", value=weights),
        "caps": cp.Parameter(queue.size, nonneg=True, name="caps", value=caps),
        "capacity": cp.Parameter(nonneg=True, name="capacity", value=min(limit, 2.0)),
    }
    gain, total = parameters["weights"] @ shares, cp.sum(shares)
    limits = [shares >= 0, shares <= parameters["caps"]]
    if kind == "edge":
        return cp.Problem(cp.Minimize(-gain), [*limits, total <= parameters["capacity"]])
    speed = cp.Variable(nonneg=True, name="speed")
    energy = cp.Parameter(nonneg=True, name="energy", value=price * scale**2 / queue.max())
    limits += [total <= speed, speed <= parameters["capacity"]]
    return cp.Problem(cp.Minimize(energy * cp.power(speed, 3) - gain), limits)


@pytest.mark.parametrize("kind", ["local", "edge"])
def test_generated_code(benchmark, record, kind, tmp_path, monkeypatch):
    slot = problems(1)[0]
    queue, capacity, price = slot.edge_queue_cycles.ravel(), slot.edge_capacity_hz, 0.0
    if kind == "local":
        queue, capacity = slot.local_queue_cycles[0], slot.cpu_capacity_hz[0]
        price = slot.energy_weight_local * slot.energy_coefficient
    problem = make_problem(kind, queue, capacity, slot.slot_duration_s, price)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # the generated module is imported by its folder's name
    cvxpygen.generate_code(problem, code_dir=f"generated_{kind}", solver="ECOS", prefix=kind)
    benchmark.pedantic(problem.solve, kwargs={"method": "CPG"}, rounds=50, iterations=5, warmup_rounds=2)
    record.time(GROUPS[kind], "CVXPYgen's C code with ECOS", benchmark.stats.stats.median, "solve")


@pytest.mark.parametrize("kind", ["local", "edge"])
def test_lyaopt(benchmark, record, kind):
    slot = problems(1)[0]
    tau, one = slot.slot_duration_s, np.empty(1)
    if kind == "local":
        queue = np.array(slot.local_queue_cycles[0]).reshape(-1, 1)
        weights = (slot.energy_weight_local, slot.energy_coefficient)
        args = (queue, slot.cpu_capacity_hz[:1].copy(), tau, *weights, np.empty_like(queue), one, np.empty(1))
        call = local_exact
    else:
        queue = slot.edge_queue_cycles.reshape(-1, 1)
        args = (queue, slot.edge_capacity_hz, tau, np.empty_like(queue), one)
        call = edge_exact
    benchmark.pedantic(call, args=args, rounds=200, iterations=100, warmup_rounds=2)
    record.time(GROUPS[kind], "lyaopt", benchmark.stats.stats.median, "solve")
