"""The limits of the slot problems, one by one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lyaopt import ProblemError, SlotSolution, solve_slot
from lyaopt.verify.decimal_reference import judge, local_optimum, transmit_optimum
from tests.slot.one_device import LN2, slot


@pytest.fixture(params=["exact", "bisection"])
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def close(expected: float, relative: float) -> Any:
    """Relative only: the default absolute tolerance would accept any tiny number."""
    return pytest.approx(expected, rel=relative, abs=0)


def check(solution: SlotSolution) -> SlotSolution:
    """Optimal by certificate and by decimal arithmetic."""
    given = (solution.local_cpu_hz, solution.rate_bps, solution.edge_cpu_hz, solution.power_w)
    verdict = judge(solution.problem, *given)
    assert verdict.relative_gap <= 1e-12
    assert verdict.max_violation <= 1e-14
    assert solution.certificate.relative_gap <= 1e-12
    assert solution.certificate.max_violation <= 1e-14
    return solution


def test_ample_resources_empty_every_queue(method: str) -> None:
    solution = check(solve_slot(slot(max_power_w=[1e6]), method))
    for rates in (solution.local_cpu_hz, solution.rate_bps, solution.edge_cpu_hz):
        np.testing.assert_array_equal(rates, [[3.0, 2.0]])
    assert solution.edge_price == 0.0
    assert solution.local_price == [0.0]


def test_empty_queues_get_nothing(method: str) -> None:
    empty = np.zeros((1, 2))
    problem = slot(local_queue_cycles=empty, transmit_queue_bits=empty, edge_queue_cycles=empty)
    for weight in (0.0, 1.0):
        weighted = replace(problem, energy_weight_local=weight, energy_weight_transmit=weight)
        solution = check(solve_slot(weighted, method))
        assert not np.any([solution.local_cpu_hz, solution.rate_bps, solution.edge_cpu_hz])
        assert not solution.power_w.any()
        assert solution.objective.total == 0.0


def test_one_empty_queue_leaves_the_other_as_it_was(method: str) -> None:
    both = check(solve_slot(slot(local_queue_cycles=[[3.0, 0.0]], cpu_capacity_hz=[2.0]), method))
    np.testing.assert_array_equal(both.local_cpu_hz, [[2.0, 0.0]])


def test_no_cpu_gives_no_cpu(method: str) -> None:
    solution = check(solve_slot(slot(cpu_capacity_hz=[0.0], edge_capacity_hz=0.0), method))
    assert not np.any([solution.local_cpu_hz, solution.edge_cpu_hz])
    assert solution.local_energy_j == [0.0]
    assert solution.local_price == [3.0]  # the first hertz would serve the longest queue
    assert solution.edge_price == 3.0


@pytest.mark.parametrize("weight", [0.0, 1.0])
@pytest.mark.parametrize("dead", ["channel_gain", "max_power_w"])
def test_no_channel_or_power_sends_nothing_and_spends_nothing(method: str, dead: str, weight: float) -> None:
    solution = check(solve_slot(slot(**{dead: [0.0], "energy_weight_transmit": weight}), method))
    assert not solution.rate_bps.any()
    assert not solution.power_w.any()
    assert math.isfinite(solution.rate_price[0])


def test_free_energy_still_takes_the_least_power_that_carries_the_rates(method: str) -> None:
    solution = check(solve_slot(slot(max_power_w=[1e6]), method))
    assert solution.power_w[0] == close(math.expm1(5.0), 1e-14)


def test_free_energy_uses_all_power_where_the_channel_is_full(method: str) -> None:
    solution = check(solve_slot(slot(), method))
    assert solution.power_w == [100.0]
    assert solution.rate_bps.sum() == close(math.log(101.0), 1e-14)


def test_free_energy_and_the_largest_capacity_are_certified(method: str) -> None:
    largest = np.finfo(float).max
    solution = check(solve_slot(slot(max_power_w=[1e6], cpu_capacity_hz=[largest]), method))
    assert solution.cpu_hz[0] == 5.0
    assert solution.local_price[0] == 0.0


@pytest.mark.parametrize("free", [{"energy_weight_local": 0.0}, {"energy_coefficient": 0.0}])
def test_free_cpu_energy_by_weight_or_by_coefficient(method: str, free: dict[str, float]) -> None:
    problem = slot(**{"cpu_capacity_hz": [4.0], "energy_weight_local": 1.0} | free)
    np.testing.assert_array_equal(check(solve_slot(problem, method)).local_cpu_hz, [[3.0, 1.0]])


@pytest.mark.parametrize(("devices", "services"), [(0, 0), (0, 2), (2, 0)])
def test_no_devices_or_no_services_give_empty_answers(method: str, devices: int, services: int) -> None:
    lanes, queues = np.ones(devices), np.zeros((devices, services))
    names = ("cpu_capacity_hz", "max_power_w", "channel_gain", "bandwidth_hz")
    per_service = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
    problem = slot(**dict.fromkeys(names, lanes), **dict.fromkeys(per_service, queues))
    solution = solve_slot(problem, method)
    assert solution.local_cpu_hz.shape == solution.edge_cpu_hz.shape == (devices, services)
    assert solution.power_w.shape == (devices,)
    assert not solution.power_w.any()
    assert solution.objective.total == solution.certificate.relative_gap == 0.0


def test_a_device_without_services_beside_one_with(method: str) -> None:
    two = {name: [1.0, 1.0] for name in ("cpu_capacity_hz", "max_power_w", "channel_gain", "bandwidth_hz")}
    queues = np.array([[0.0, 0.0], [3.0, 2.0]])
    problem = slot(
        **two,
        local_queue_cycles=queues,
        transmit_queue_bits=queues,
        edge_queue_cycles=queues,
        service_counts=(0, 2),
    )
    solution = check(solve_slot(problem, method))
    np.testing.assert_array_equal(solution.local_cpu_hz, [[0.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(solution.power_w, [0.0, 1.0])


def test_ties_share_what_is_left_for_them(method: str) -> None:
    queues = [[5.0, 2.0, 2.0, 2.0, 1.0]]
    problem = slot(
        cpu_capacity_hz=[8.0],
        local_queue_cycles=queues,
        transmit_queue_bits=queues,
        edge_queue_cycles=queues,
        edge_capacity_hz=6.5,
    )
    solution = check(solve_slot(problem, method))
    np.testing.assert_allclose(solution.local_cpu_hz, [[5.0, 1.0, 1.0, 1.0, 0.0]], rtol=1e-15)
    np.testing.assert_allclose(solution.edge_cpu_hz, [[5.0, 0.5, 0.5, 0.5, 0.0]], rtol=1e-15)


def test_an_ulp_of_backlog_decides_between_near_ties(method: str) -> None:
    longer = math.nextafter(2.0, 3.0)
    problem = slot(local_queue_cycles=[[2.0, longer]], cpu_capacity_hz=[1.5])
    np.testing.assert_array_equal(check(solve_slot(problem, method)).local_cpu_hz, [[0.0, 1.5]])


@pytest.mark.parametrize(
    ("queue", "capacity", "expected"),
    [(12.0, 100.0, 2.0), (12.0, 1.0, 1.0), (0.25, 100.0, 0.25), (0.0, 100.0, 0.0)],
)
def test_a_single_service_is_limited_by_energy_capacity_or_backlog(
    method: str, queue: float, capacity: float, expected: float
) -> None:
    """With U delta = 1 the marginal energy of f is 3 f^2: a queue of 12 is worth f = 2."""
    problem = slot(
        energy_weight_local=1.0,
        cpu_capacity_hz=[capacity],
        local_queue_cycles=[[queue]],
        transmit_queue_bits=[[0.0]],
        edge_queue_cycles=[[0.0]],
    )
    solution = check(solve_slot(problem, method))
    assert solution.local_cpu_hz[0, 0] == close(expected, 1e-15)
    assert solution.local_energy_j[0] == close(expected**3, 1e-14)


@pytest.mark.parametrize(
    ("queue", "most", "expected"),
    [
        (3 * math.e, 100.0, 1.0),
        (3 * math.e, math.expm1(0.5), 0.5),
        (3.0, 100.0, 0.0),
        (1.0, 100.0, 0.0),
        (math.nextafter(3.0, 4.0), 100.0, 2.0**-51 / 3),
    ],
)
def test_a_single_transmission_is_limited_by_energy_power_or_not_worth_it(
    method: str, queue: float, most: float, expected: float
) -> None:
    """With U / (b eta) = q0 = 3 a queue Q is worth r = ln(Q / 3)."""
    problem = slot(
        energy_weight_transmit=3.0,
        max_power_w=[most],
        local_queue_cycles=[[0.0]],
        transmit_queue_bits=[[queue]],
        edge_queue_cycles=[[0.0]],
        slot_duration_s=0.125,
    )
    solution = check(solve_slot(problem, method))
    assert solution.rate_bps[0, 0] == close(expected, 1e-14)
    assert solution.power_w[0] == close(math.expm1(expected), 1e-14)


def test_energy_that_stops_exactly_at_a_breakpoint_serves_nothing_beyond_it(method: str) -> None:
    """3 U delta S^2 = Q at S = C_1 for the second queue: serving it gains nothing."""
    problem = slot(energy_weight_local=1.0, local_queue_cycles=[[4.0, 48.0]], slot_duration_s=12.0)
    solution = check(solve_slot(problem, method))
    assert solution.local_cpu_hz[0, 1] == 4.0
    assert solution.local_cpu_hz[0, 0] == 0.0
    assert local_optimum(problem, 0).total == 4


def test_a_short_queue_at_a_breakpoint_is_never_overserved(method: str) -> None:
    """Beside a large sum, the rounding of S - A is many times the short queue's own."""
    short = 0.0020937185347769996
    queues = np.array([[124.60470472, 4.90288434, 1.6224006, 0.0112156326, short]])
    total = queues.sum()
    weight = short / (3 * total**2)
    for ulps in range(-8, 9):
        problem = slot(
            energy_weight_local=weight + ulps * math.ulp(weight),
            cpu_capacity_hz=[1e9],
            local_queue_cycles=queues,
            transmit_queue_bits=queues,
            edge_queue_cycles=queues,
            edge_capacity_hz=total + ulps * math.ulp(total),
        )
        check(solve_slot(problem, method))


def test_weak_signals_keep_their_digits(method: str) -> None:
    """At p eta = 1e-12, log2(1 + p eta) would keep only four digits."""
    problem = slot(channel_gain=[1e-12 * LN2], max_power_w=[1.0])
    solution = check(solve_slot(problem, method))
    assert solution.rate_bps.sum() == close(1e-12 - 5e-25, 1e-15)


def test_strong_signals_do_not_overflow(method: str) -> None:
    """R / b = 600: powers over 260 orders of magnitude, carried by a power 1e-130 of the largest."""
    problem = slot(
        channel_gain=[math.exp(600.0) * LN2],
        max_power_w=[1.0],
        transmit_queue_bits=[[200.0, 100.0]],
    )
    solution = check(solve_slot(problem, method))
    assert solution.rate_bps.sum() == close(300.0, 1e-15)
    assert solution.power_w[0] == close(math.exp(-300.0), 1e-12)


@pytest.mark.parametrize("weight", [0.0, 1e-300, 1.0, 1e200])
def test_a_backlog_whose_power_overflows_is_limited_by_the_largest_power(method: str, weight: float) -> None:
    """2^(S / b_w) of the whole backlog is far beyond double precision."""
    problem = slot(transmit_queue_bits=[[1e6, 1e300]], energy_weight_transmit=weight)
    solution = check(solve_slot(problem, method))
    assert solution.power_w == [100.0]
    np.testing.assert_allclose(solution.rate_bps, [[0.0, math.log(101.0)]], rtol=1e-15)


def test_an_infinite_energy_price_sends_nothing(method: str) -> None:
    """q0 = U / (b eta) overflows; the optimum is zero, and it is certified."""
    solution = solve_slot(slot(energy_weight_transmit=1e200, channel_gain=[1e-200]), method)
    assert not solution.rate_bps.any()
    assert not solution.power_w.any()
    assert solution.certificate.relative_gap == 0.0


def test_the_smallest_numbers_of_full_precision(method: str) -> None:
    tiny = np.array([[1.0, 3.0]]) * np.finfo(np.float64).tiny
    problem = slot(local_queue_cycles=tiny, transmit_queue_bits=tiny, edge_queue_cycles=tiny)
    solution = solve_slot(problem, method)
    np.testing.assert_array_equal(solution.local_cpu_hz, tiny)
    np.testing.assert_array_equal(solution.edge_cpu_hz, tiny)
    assert np.all(solution.rate_bps <= tiny)
    assert np.isfinite(solution.certificate.relative_gap)


@pytest.mark.parametrize("tau", [1e-9, 1e9])
def test_very_short_and_very_long_slots(method: str, tau: float) -> None:
    problem = slot(slot_duration_s=tau, energy_weight_local=1e-3, energy_weight_transmit=1e-3)
    solution = check(solve_slot(problem, method))
    expected = float(transmit_optimum(problem, 0).total)
    assert solution.rate_bps.sum() == close(expected, 1e-12)


def test_backlogs_of_different_magnitude_do_not_affect_each_other(method: str) -> None:
    queues = [[1e200, 1.0, 1e-200]]
    problem = slot(
        cpu_capacity_hz=[1e250],
        edge_capacity_hz=1e250,
        local_queue_cycles=queues,
        transmit_queue_bits=[[0.0, 0.0, 0.0]],
        edge_queue_cycles=queues,
        energy_coefficient=0.0,
    )
    with pytest.raises(ProblemError, match="not finite in double precision"):
        solve_slot(problem, method)
    smaller = replace(problem, local_queue_cycles=np.sqrt(queues), edge_queue_cycles=np.sqrt(queues))
    np.testing.assert_array_equal(check(solve_slot(smaller, method)).edge_cpu_hz, np.sqrt(queues))
