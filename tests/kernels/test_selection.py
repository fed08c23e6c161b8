"""Selection among many items: hard orders, ties and magnitudes, against the sorted formula."""

import math

import numpy as np
import pytest

from lyaopt._kernels.slot.edge import edge_bisection, edge_many
from lyaopt._kernels.slot.problems import EdgeAllocation, EdgeProblem

TAU = 0.01


def solve(queue, capacity, kernel=edge_many):
    cpu = np.empty((queue.size, 1))
    multiplier = np.empty(1)
    kernel(EdgeProblem(queue.reshape(-1, 1), float(capacity), TAU), EdgeAllocation(cpu, multiplier))
    return cpu[:, 0], multiplier[0]


def by_sorting(queue, capacity):
    order = np.argsort(-queue, kind="stable")
    ranked = queue[order]
    before = np.concatenate([[0.0], np.cumsum(ranked)[:-1]])
    work = np.empty_like(queue)
    work[order] = np.clip(capacity * TAU - before, 0.0, ranked)
    return work / TAU


ORDERS = {
    "random": lambda rng, n: 10 ** rng.uniform(2, 9, n),
    "ascending": lambda rng, n: np.sort(10 ** rng.uniform(2, 9, n)),
    "descending": lambda rng, n: -np.sort(-(10 ** rng.uniform(2, 9, n))),
    "one giant": lambda rng, n: np.concatenate([[1e15], rng.uniform(1, 2, n - 1)]),
    "one giant off the sample": lambda rng, n: np.concatenate([[1.0, 1e15], rng.uniform(1, 2, n - 2)]),
    "all magnitudes": lambda rng, n: 10 ** rng.uniform(-250, 250, n),
    "neighbouring floats": lambda rng, n: 1.0 + rng.integers(0, 9, n) * np.finfo(float).eps,
    "mostly empty": lambda rng, n: 10 ** rng.uniform(2, 9, n) * (rng.random(n) < 0.001),
}


@pytest.mark.parametrize("share", [1e-9, 0.01, 0.5, 0.99, 1.0, 2.0])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n", [3, 257, 513, 5000, 100_000])
def test_serves_the_largest_backlogs(n, order, share):
    queue = ORDERS[order](np.random.default_rng(n), n)
    capacity = math.fsum(queue) / TAU * share
    cpu, threshold = solve(queue, capacity)
    np.testing.assert_array_less(-1e-300, cpu)
    assert np.all(cpu <= queue / TAU)
    assert math.fsum(cpu) == pytest.approx(min(capacity, math.fsum(queue) / TAU), rel=1e-14)
    assert np.all(cpu[queue > threshold] == queue[queue > threshold] / TAU)
    assert not cpu[queue < threshold].any()


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_agrees_with_sorting(share):
    queue = 10 ** np.random.default_rng(5).uniform(2, 9, 50_000)
    capacity = math.fsum(queue) / TAU * share
    cpu, _ = solve(queue, capacity)
    np.testing.assert_allclose(cpu, by_sorting(queue, capacity), atol=1e-12 * capacity)


# sums of a tenth round in the same direction every time
@pytest.mark.parametrize("value", [7.5, 0.1])
@pytest.mark.parametrize("n", [257, 512, 600, 40_000, 1_000_000])
@pytest.mark.parametrize("kernel", [edge_many, edge_bisection], ids=lambda kernel: kernel.name)
def test_exact_ties_share_equally_and_to_the_last_digits(kernel, n, value):
    queue = np.full(n, value)
    cpu, threshold = solve(queue, 0.4 * n * value / TAU, kernel)
    assert threshold == value
    assert np.ptp(cpu) == 0.0
    assert math.fsum(cpu) == pytest.approx(0.4 * n * value / TAU, rel=2e-15)


def test_no_capacity_serves_nothing():
    queue = np.arange(1.0, 5000.0)
    cpu, threshold = solve(queue, 0.0)
    assert not cpu.any()
    assert threshold == queue.max()


@pytest.mark.parametrize("order", ["random", "uniform"])
def test_a_capacity_that_ends_at_a_backlog_up_to_rounding(order):
    """Where sums in different orders disagree on whether the last item fits, nothing below it is served."""
    n = 20_000
    queue = (ORDERS | {"uniform": lambda rng, n: rng.random(n)})[order](np.random.default_rng([0, n]), n)
    prefix = np.cumsum(np.sort(queue)[::-1].astype(np.longdouble))
    for last in range(19, n, 40):
        work = float(prefix[last])
        for ulps in (-16, -8, 0, 8):
            capacity = (work + ulps * np.spacing(work)) / TAU
            cpu, _ = solve(queue, capacity)
            assert cpu.sum() == pytest.approx(capacity, rel=1e-12)
