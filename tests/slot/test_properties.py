"""Properties of the optimum of every slot, on slots from every regime and on small round ones."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lyaopt import SlotProblem, SlotSolution, solve_slot, solve_slots
from lyaopt._kernels.slot.dispatch import NETWORK_ITEMS
from lyaopt.verify.cvxpy_reference import solve_reference
from lyaopt.verify.decimal_reference import Verdict, edge_optimum, judge, local_optimum, transmit_optimum
from lyaopt.verify.random_problems import PLAIN_REGIMES as REGIMES
from lyaopt.verify.random_problems import random_batch, to_problem
from tests.support import oracle

GAP = 1e-12
VIOLATION = 1e-14
# Next to q0, S = b log1p((Q - q0) / q0) holds few digits, though the objective holds all.
LOOSE = 1e-3

methods = st.sampled_from(["exact", "bisection"])
ROUND = st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, 8.0])


@st.composite
def regime_slots(draw: st.DrawFn, regimes: tuple[str, ...] = REGIMES) -> SlotProblem:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    devices, services = draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3, 5, 8, 9, 33]))
    return to_problem(random_batch(draw(st.sampled_from(regimes)), 1, rng, devices, services), 0)


@st.composite
def round_slots(draw: st.DrawFn) -> SlotProblem:
    """Small numbers, where limits, ties and zeros coincide; N_0 is 1 W/Hz."""
    devices, services = draw(st.integers(1, 2)), draw(st.integers(1, 3))

    def numbers(*shape: int) -> np.ndarray:
        size = math.prod(shape)
        return np.array(draw(st.lists(ROUND, min_size=size, max_size=size))).reshape(shape)

    return SlotProblem(
        slot_duration_s=draw(st.sampled_from([0.25, 1.0, 2.0])),
        energy_coefficient=draw(st.sampled_from([0.0, 1 / 3, 1.0])),
        energy_weight_local=draw(ROUND),
        energy_weight_transmit=draw(ROUND),
        edge_capacity_hz=draw(ROUND),
        cpu_capacity_hz=numbers(devices),
        max_power_w=numbers(devices),
        channel_gain=numbers(devices),
        bandwidth_hz=1.0 + numbers(devices),
        local_queue_cycles=numbers(devices, services),
        transmit_queue_bits=numbers(devices, services),
        edge_queue_cycles=numbers(devices, services),
        noise_psd_dbm_per_hz=30.0,
    )


slots = st.one_of(regime_slots(), round_slots())
# Where rates, not only objectives, are well determined.
steady_slots = st.one_of(
    regime_slots(tuple(r for r in REGIMES if r not in ("low-signal", "near-boundary"))), round_slots()
)


QUEUE_OF = {
    "local_cpu_hz": "local_queue_cycles",
    "rate_bps": "transmit_queue_bits",
    "edge_cpu_hz": "edge_queue_cycles",
}


def judged(solution: SlotSolution) -> Verdict:
    return judge(
        solution.problem,
        solution.local_cpu_hz,
        solution.rate_bps,
        solution.edge_cpu_hz,
        solution.power_w,
    )


def gains(problem: SlotProblem) -> np.ndarray:
    """Gross gain of the local, transmit and edge optimum, in decimal arithmetic."""
    devices = range(len(problem.cpu_capacity_hz))
    local = sum(local_optimum(problem, m).gross_gain for m in devices)
    transmit = sum(transmit_optimum(problem, m).gross_gain for m in devices)
    return np.array([float(local), float(transmit), float(edge_optimum(problem).gross_gain)])


def values(solution: SlotSolution) -> np.ndarray:
    objective = solution.objective
    return np.array([objective.local, objective.transmit, objective.edge])


def assert_same_value(first: SlotSolution, second: SlotSolution, factors: object = 1.0) -> None:
    scale = gains(first.problem)
    assert np.all(np.abs(values(second) / factors - values(first)) <= GAP * scale)


@given(slots, methods)
def test_the_solution_is_feasible_and_optimal_in_decimals(problem: SlotProblem, method: str) -> None:
    verdict = judged(solve_slot(problem, method))
    assert verdict.relative_gap <= GAP
    assert verdict.max_violation <= VIOLATION


@given(slots, methods)
def test_the_certificate_is_small_and_never_too_small(problem: SlotProblem, method: str) -> None:
    solution = solve_slot(problem, method)
    assert 0 <= solution.certificate.relative_gap <= GAP
    assert 0 <= solution.certificate.max_violation <= VIOLATION
    assert judged(solution).relative_gap <= solution.certificate.relative_gap + 1e-14


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(REGIMES),
    st.sampled_from(list(QUEUE_OF)),
    st.sampled_from(["local_multiplier", "transmit_multiplier", "edge_multiplier"]),
)
def test_the_certificate_bounds_the_gap_of_allocations_that_are_not_optimal(
    seed: int, regime: str, rates: str, multiplier: str
) -> None:
    """Weak duality for any allocation and multipliers: the optimum is within the gap."""
    rng = np.random.default_rng(seed)
    batch = random_batch(regime, 1, rng, devices=2, services=3)
    best = solve_slots(batch)
    moved = getattr(best, multiplier) * rng.choice([0.5, 1.0, 1.0, 1 + 1e-9, 2.0])
    most = getattr(batch, QUEUE_OF[rates]) / batch.slot_duration_s
    # Where nothing is served there is no gross gain, and the two relate their gaps to other figures.
    spending = best.power_w > 0
    wasted = spending * rng.choice([0.0, 0.1, 1.0]) * (batch.max_power_w - best.power_w)
    worse = replace(
        best,
        **{rates: other_rates(rng, getattr(best, rates), most), multiplier: moved},
        power_w=np.minimum(best.power_w + wasted, batch.max_power_w),
    )
    found = (worse.local_cpu_hz, worse.rate_bps, worse.edge_cpu_hz)
    verdict = judge(to_problem(batch, 0), *(rate[0] for rate in found), worse.power_w[0])
    assert worse.certificate.relative_gap[0] >= verdict.relative_gap * (1 - 1e-9) - 1e-14


def other_rates(rng: np.random.Generator, rates: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Serve less, or move half of every service's rate to its neighbour, up to the neighbour's backlog."""
    if rng.random() < 0.5:
        return rates * rng.choice([0.1, 0.5, 1 - 1e-6, 1.0], size=rates.shape)
    handed = np.clip(most - rates, 0, np.roll(rates, 1, axis=2) / 2)
    return rates + handed - np.roll(handed, -1, axis=2)


@given(slots)
def test_exact_and_bisection_have_the_same_value(problem: SlotProblem) -> None:
    assert_same_value(solve_slot(problem), solve_slot(problem, "bisection"))


@given(steady_slots)
def test_exact_and_bisection_have_the_same_rates(problem: SlotProblem) -> None:
    exact, bisection = solve_slot(problem), solve_slot(problem, "bisection")
    for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz"):
        ours, other = getattr(exact, name), getattr(bisection, name)
        np.testing.assert_allclose(ours, other, rtol=1e-9, atol=1e-9 * ours.max(initial=0.0))
    np.testing.assert_allclose(exact.power_w, bisection.power_w, rtol=1e-9)


@given(slots, methods)
@settings(max_examples=15)
def test_the_objective_is_what_the_oracle_finds(problem: SlotProblem, method: str) -> None:
    assume(problem.local_queue_cycles.size <= 12)
    devices = range(len(problem.cpu_capacity_hz))
    local = sum(oracle.local(problem, m).objective for m in devices)
    transmit = sum(oracle.transmit(problem, m).objective for m in devices)
    found = np.array([float(local), float(transmit), float(oracle.edge(problem).objective)])
    difference = np.abs(values(solve_slot(problem, method)) - found)
    assert np.all(difference <= GAP * gains(problem))


@given(slots, methods)
@settings(max_examples=15)
def test_a_convex_solver_agrees_to_its_own_accuracy(problem: SlotProblem, method: str) -> None:
    assume(problem.local_queue_cycles.size <= 12)
    theirs = solve_reference(problem).objective
    ours = values(solve_slot(problem, method))
    difference = np.abs(np.array([theirs.local, theirs.transmit, theirs.edge]) - ours)
    backlog = [problem.local_queue_cycles, problem.transmit_queue_bits, problem.edge_queue_cycles]
    nothing = [np.sum(q.astype(np.longdouble) ** 2) for q in backlog]
    scale = np.where(gains(problem) > 0, gains(problem), np.array(nothing, dtype=np.float64))
    assert np.all(difference <= 1e-4 * scale)


@given(slots, st.randoms(use_true_random=False))
def test_services_and_devices_can_be_renamed(problem: SlotProblem, random: object) -> None:
    devices, services = problem.local_queue_cycles.shape
    by_device = random.sample(range(devices), devices)  # type: ignore[attr-defined]
    by_service = random.sample(range(services), services)  # type: ignore[attr-defined]
    per_service = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
    per_device = ("cpu_capacity_hz", "max_power_w", "channel_gain", "bandwidth_hz")
    renamed = replace(
        problem,
        **{name: getattr(problem, name)[by_device][:, by_service] for name in per_service},
        **{name: getattr(problem, name)[by_device] for name in per_device},
    )
    first, second = solve_slot(problem), solve_slot(renamed)
    few = devices * services <= NETWORK_ITEMS  # sorted before they are summed: bit-identical
    for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz"):
        expected = getattr(first, name)[by_device][:, by_service]
        scale = 0.0 if few else LOOSE * expected.max(initial=0.0)
        np.testing.assert_allclose(getattr(second, name), expected, rtol=0, atol=scale)
    np.testing.assert_allclose(second.power_w, first.power_w[by_device], rtol=0 if few else LOOSE)
    assert_same_value(first, second)


@given(slots, methods)
def test_equal_backlogs_are_served_equally(problem: SlotProblem, method: str) -> None:
    tied = np.repeat(problem.local_queue_cycles, 2, axis=1)
    doubled = replace(
        problem,
        local_queue_cycles=tied,
        transmit_queue_bits=np.repeat(problem.transmit_queue_bits, 2, axis=1),
        edge_queue_cycles=np.repeat(problem.edge_queue_cycles, 2, axis=1),
        service_counts=None,
    )
    solution = solve_slot(doubled, method)
    for rates in (solution.local_cpu_hz, solution.rate_bps, solution.edge_cpu_hz):
        np.testing.assert_array_equal(rates[:, ::2], rates[:, 1::2])


@given(slots, methods)
def test_longer_queues_are_served_first(problem: SlotProblem, method: str) -> None:
    solution = solve_slot(problem, method)
    tau = problem.slot_duration_s
    lanes = [
        *zip(problem.local_queue_cycles, solution.local_cpu_hz, solution.local_multiplier, strict=True),
        *zip(problem.transmit_queue_bits, solution.rate_bps, solution.transmit_multiplier, strict=True),
        (problem.edge_queue_cycles.ravel(), solution.edge_cpu_hz.ravel(), solution.edge_multiplier),
    ]
    for queues, rates, multiplier in lanes:
        assert np.all(queues[rates < queues / tau] <= multiplier)
        assert np.all(queues[rates > 0] >= multiplier * (1 - 1e-14))


@given(slots, methods, st.floats(1, 100))
def test_more_cpu_never_hurts(problem: SlotProblem, method: str, factor: float) -> None:
    more = replace(
        problem,
        cpu_capacity_hz=problem.cpu_capacity_hz * factor,
        edge_capacity_hz=problem.edge_capacity_hz * factor,
    )
    before, after = solve_slot(problem, method), solve_slot(more, method)
    assert np.all(after.cpu_hz >= before.cpu_hz * (1 - GAP))
    assert after.edge_cpu_hz.sum() >= before.edge_cpu_hz.sum() * (1 - GAP)
    assert np.all(values(after) <= values(before) + GAP * gains(problem))


@given(slots, methods, st.floats(1, 100))
def test_more_power_never_hurts(problem: SlotProblem, method: str, factor: float) -> None:
    assume(np.all(np.isfinite(problem.channel_gain * 1e30)))
    after = solve_slot(replace(problem, max_power_w=problem.max_power_w * factor), method)
    before = solve_slot(problem, method)
    assert np.all(after.rate_bps.sum(axis=1) >= before.rate_bps.sum(axis=1) * (1 - GAP))
    assert np.all(after.power_w >= before.power_w * (1 - GAP))
    assert np.all(values(after) <= values(before) + GAP * gains(problem))


@given(steady_slots, methods, st.floats(1, 100), st.data())
def test_a_longer_queue_is_served_no_less(
    problem: SlotProblem, method: str, factor: float, data: st.DataObject
) -> None:
    devices, services = problem.local_queue_cycles.shape
    m, n = data.draw(st.integers(0, devices - 1)), data.draw(st.integers(0, services - 1))
    before = solve_slot(problem, method)
    for rate, queue in QUEUE_OF.items():
        longer = getattr(problem, queue).copy()
        longer[m, n] *= factor
        after = solve_slot(replace(problem, **{queue: longer}), method)
        # A tie served in part moves its share to the item that grows beyond it, up to rounding of the total.
        slack = 1e-10 * getattr(before, rate).max()
        assert getattr(after, rate)[m, n] >= getattr(before, rate)[m, n] - slack
        assert np.all(values(after) <= values(before) + GAP * gains(problem))


@given(
    regime_slots(tuple(r for r in REGIMES if r not in ("huge", "tiny", "high-signal"))),
    methods,
    *(st.floats(-12, 12) for _ in range(4)),
)
def test_units_do_not_matter(
    problem: SlotProblem, method: str, cycles: float, bits: float, watts: float, seconds: float
) -> None:
    cycles, bits, watts, seconds = (10.0**x for x in (cycles, bits, watts, seconds))
    scaled = replace(
        problem,
        slot_duration_s=problem.slot_duration_s * seconds,
        energy_coefficient=problem.energy_coefficient * seconds**2 / cycles,
        energy_weight_transmit=problem.energy_weight_transmit * bits**2 / watts / seconds,
        edge_capacity_hz=problem.edge_capacity_hz * cycles / seconds,
        cpu_capacity_hz=problem.cpu_capacity_hz * cycles / seconds,
        max_power_w=problem.max_power_w * watts,
        channel_gain=problem.channel_gain * bits / watts / seconds,
        bandwidth_hz=problem.bandwidth_hz * bits / seconds,
        local_queue_cycles=problem.local_queue_cycles * cycles,
        transmit_queue_bits=problem.transmit_queue_bits * bits,
        edge_queue_cycles=problem.edge_queue_cycles * cycles,
    )
    factors = np.array([cycles**2, bits**2, cycles**2])
    assert_same_value(solve_slot(problem, method), solve_slot(scaled, method), factors)


@given(slots, st.floats(0, 3))
def test_prices_are_subgradients_of_the_optimal_value(problem: SlotProblem, factor: float) -> None:
    """The value is convex in every capacity: it stays above each of its tangents."""
    solution = solve_slot(problem)
    rounding = 10 * GAP * (gains(problem) + factor * gains(problem))
    local = solve_slot(replace(problem, cpu_capacity_hz=problem.cpu_capacity_hz * factor))
    moved = (factor - 1) * problem.cpu_capacity_hz
    tangent = solution.objective.local - np.sum(solution.local_price * moved)
    assert local.objective.local >= tangent - rounding[0]
    edge = solve_slot(replace(problem, edge_capacity_hz=problem.edge_capacity_hz * factor))
    moved = (factor - 1) * problem.edge_capacity_hz
    tangent = solution.objective.edge - solution.edge_price * moved
    assert edge.objective.edge >= tangent - rounding[2]


@given(slots, st.floats(0, 3))
def test_energies_are_supergradients_of_the_value_in_the_weights(problem: SlotProblem, factor: float) -> None:
    """The value is the least of functions linear in U: it stays below each of its tangents."""
    solution = solve_slot(problem)
    heavier = replace(
        problem,
        energy_weight_local=problem.energy_weight_local * factor,
        energy_weight_transmit=problem.energy_weight_transmit * factor,
    )
    weights = np.array([problem.energy_weight_local, problem.energy_weight_transmit])
    energies = np.array([solution.local_energy_j.sum(), solution.transmit_energy_j.sum()])
    tangent = values(solution)[:2] + (factor - 1) * weights * energies
    scale = gains(problem)[:2] + gains(heavier)[:2]
    assert np.all(values(solve_slot(heavier))[:2] <= tangent + 10 * GAP * scale)


STEP = 2.0**-20  # a power of two: the points of the difference are exact except for their last bit


def slope(problem: SlotProblem, name: str, index: tuple[int, ...], stage: str) -> float | None:
    """Central difference of the optimal value; None where its two sides differ, at a kink."""
    optimum = local_optimum if stage == "local" else transmit_optimum
    at, value = {}, {}
    for step in (-2, -1, 0, 1, 2):
        moved = getattr(problem, name).copy()
        moved[index] *= 1 + step * STEP
        at[step] = Decimal(float(moved[index]))
        value[step] = optimum(replace(problem, **{name: moved}), 0).objective

    def between(low: int, high: int) -> float:
        return float((value[high] - value[low]) / (at[high] - at[low]))

    left, right = between(-2, 0), between(0, 2)
    return between(-1, 1) if abs(left - right) <= 1e-3 * max(abs(left), abs(right)) else None


STEADY = ("energy-limited", "capacity-limited", "backlog-limited", "mixed")


@given(regime_slots(STEADY), st.data())
def test_gradients_in_the_backlogs_follow_from_rates_and_multipliers(
    problem: SlotProblem, data: st.DataObject
) -> None:
    solution = solve_slot(problem)
    n = data.draw(st.integers(0, problem.local_queue_cycles.shape[1] - 1))
    for stage, name, rates, multiplier in (
        ("local", "local_queue_cycles", solution.local_cpu_hz, solution.local_multiplier),
        ("transmit", "transmit_queue_bits", solution.rate_bps, solution.transmit_multiplier),
    ):
        queue = float(getattr(problem, name)[0, n])
        found = slope(problem, name, (0, n), stage)
        if found is not None:
            expected = -problem.slot_duration_s * rates[0, n] - max(queue - multiplier[0], 0)
            assert found == pytest.approx(expected, rel=1e-4, abs=1e-4 * queue)


@given(regime_slots(STEADY))
def test_gradients_in_channel_and_power_follow_from_power_and_multiplier(problem: SlotProblem) -> None:
    solution, tau = solve_slot(problem), problem.slot_duration_s
    noise = 10 ** ((problem.noise_psd_dbm_per_hz - 30) / 10)
    bandwidth, power, most = problem.bandwidth_hz[0], solution.power_w[0], problem.max_power_w[0]
    eta, b = problem.channel_gain[0] / (bandwidth * noise), bandwidth / math.log(2)
    multiplier, weight = solution.transmit_multiplier[0], problem.energy_weight_transmit
    found = slope(problem, "channel_gain", (0,), "transmit")
    if found is not None:
        expected = -tau * multiplier * power / (noise * math.log(2) * (1 + power * eta))
        assert found == pytest.approx(expected, rel=1e-3, abs=0)
    found = slope(problem, "max_power_w", (0,), "transmit")
    if found is not None:
        free = max(multiplier * b * eta / (1 + most * eta) - weight, 0) if power == most else 0
        assert found == pytest.approx(-tau * free, rel=1e-3, abs=1e-3 * tau * weight)
