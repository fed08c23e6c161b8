"""Many items at the edge: the threshold that a search finds is the one of exact sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from lyaopt.arrays import Floats
from lyaopt.kernels import EdgeAllocation, EdgeProblem, edge_exact

TAU = 0.5  # divisions by it are exact
SIZES = [9, 12, 13, 16, 17, 24, 40, 63, 64, 130, 255, 256]
Queues = Callable[[np.random.Generator, tuple[int, int]], Floats]

QUEUES: dict[str, Queues] = {
    "apart": lambda rng, shape: 10 ** rng.uniform(5, 9, shape),
    "alike": lambda rng, shape: rng.uniform(0.5, 1.5, shape),
    "equal": lambda rng, shape: np.full(shape, 0.1),
    "few values": lambda rng, shape: rng.choice([0.1, 0.2, 0.3, 0.7], shape),
    "far apart": lambda rng, shape: 10 ** rng.uniform(-150, 150, shape),
    "mostly empty": lambda rng, shape: rng.random(shape) * (rng.random(shape) < 0.1),
    "neighbours": lambda rng, shape: 1.0 + rng.integers(0, 4, shape) * np.finfo(float).eps,
    "one large": lambda rng, shape: np.where(np.arange(shape[0])[:, None] == 3, 1e12, rng.random(shape)),
    "whole numbers": lambda rng, shape: rng.integers(0, 50, shape).astype(float),
}


def solve(queue: Floats, capacity: float) -> tuple[Floats, Floats]:
    cpu, multiplier = np.empty_like(queue), np.empty(queue.shape[1])
    edge_exact(EdgeProblem(queue, capacity, TAU), EdgeAllocation(cpu, multiplier))
    return cpu, multiplier


def threshold(backlogs: Floats, limit: float) -> float:
    """The largest backlog whose sum with all larger ones, rounded, exceeds the limit."""
    total = Fraction(0)
    for backlog in sorted(backlogs, reverse=True):
        total += Fraction(backlog)
        if backlog > 0.0 and float(total) > limit:
            # those equal to it count as well; the first one over the limit has the largest backlog
            return float(backlog)
    return 0.0


def limits(queue: Floats) -> list[float]:
    """Nothing, all, the half, and sums of the largest items, which the limit then meets exactly."""
    sums = np.sort(queue[:, 0])[::-1]
    exact = [math.fsum(sums[: k + 1]) for k in (0, len(sums) // 3, len(sums) - 2, len(sums) - 1)]
    half = 0.5 * float(np.median(queue.sum(axis=0)))
    near = [np.nextafter(x, side) for x in exact for side in (0.0, np.inf)]
    return [0.0, half, 0.01 * half, 4.0 * half, *exact, *map(float, near)]


@pytest.mark.parametrize("kind", QUEUES)
@pytest.mark.parametrize("services", SIZES)
def test_the_threshold_is_that_of_exact_sums(services: int, kind: str) -> None:
    rng = np.random.default_rng([services, len(kind)])
    queue = np.ascontiguousarray(QUEUES[kind](rng, (services, 11)))
    for limit in limits(queue):
        cpu, multiplier = solve(queue, limit / TAU)
        expected = [threshold(queue[:, lane], limit) for lane in range(11)]
        np.testing.assert_array_equal(multiplier, expected)
        for lane in range(11):
            check_rates(queue[:, lane], cpu[:, lane] * TAU, expected[lane], limit)


def check_rates(backlogs: Floats, work: Floats, level: float, limit: float) -> None:
    np.testing.assert_array_equal(work[backlogs > level], backlogs[backlogs > level])
    assert not work[backlogs < level].any()
    served = math.fsum(work)
    assert served <= limit * (1.0 + 3e-16)
    if level > 0.0:
        assert served >= limit * (1.0 - 3e-16 * len(backlogs))


@pytest.mark.parametrize("lanes", [1, 2, 7, 8, 9, 64, 200])
def test_lanes_do_not_depend_on_their_neighbours(lanes: int) -> None:
    """Lanes that are found soon stay as they are while others are searched."""
    rng = np.random.default_rng(lanes)
    kinds = [kind(rng, (40, 1)) for kind in QUEUES.values()]
    queue = np.concatenate([kinds[lane % len(kinds)] for lane in range(lanes)], axis=1)
    queue = np.ascontiguousarray(queue)
    cpu, multiplier = solve(queue, 10.0)
    for lane in range(lanes):
        alone, level = solve(np.ascontiguousarray(queue[:, lane : lane + 1]), 10.0)
        np.testing.assert_array_equal(cpu[:, lane], alone[:, 0])
        assert multiplier[lane] == level[0]


def test_the_largest_numbers_are_summed() -> None:
    queue = np.full((16, 3), np.finfo(float).max / 20)
    cpu, multiplier = solve(queue, np.finfo(float).max)
    assert not multiplier.any() or (multiplier == queue[0]).all()
    assert (cpu.sum(axis=0) * (1 - 1e-15) <= np.finfo(float).max).all()


def test_rounding_does_not_exceed_a_capacity() -> None:
    """Equal items round the same way each time: plain sums of hundreds are wrong by 1e-14."""
    for services in (100, 255, 256):
        queue = np.full((services, 4), 0.1)
        exact = math.fsum(queue[:, 0])
        _, whole = solve(queue, exact / TAU)
        assert not whole.any()
        cpu, level = solve(queue, float(np.nextafter(exact, 0.0)) / TAU)
        assert (level == 0.1).all()
        assert all(math.fsum(cpu[:, lane] * TAU) <= exact for lane in range(4))
