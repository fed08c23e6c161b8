"""References of shared spectrum: the decimal enclosure, the exact kernel within it, and the CVXPY program."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from lyaopt import SlotProblem, solve_slot
from lyaopt.errors import ProblemError, SolverError
from lyaopt.verify.cvxpy_reference import solve_reference
from lyaopt.verify.cvxpy_scaling import WEAK_SIGNAL
from lyaopt.verify.cvxpy_spectrum import solve_spectrum_reference
from lyaopt.verify.decimal_reference import judge
from lyaopt.verify.decimal_spectrum import judge_spectrum, spectrum_optimum
from lyaopt.verify.random_problems import REGIMES, random_batch, to_problem
from lyaopt.verify.spectrum_slot import SpectrumSlot, spectrum_slot
from lyaopt.verify.verdicts import Verdict
from tests.support.spectrum import Solved, general, solve

# CVXPY's solvers stop at 1e-8 in scaled units; with weights apart from limits their points violate more.
CLOSE, WITHIN = 1e-5, 1e-4
# Exponents of hundreds: the bisection in decimal arithmetic ends before its dual bound is tight.
ENCLOSED = [regime for regime in REGIMES if regime != "weights-high-signal"]
# Clarabel fails where a total lies within some ulps of a limit.
SOLVED = [regime for regime in REGIMES if not regime.endswith("near-boundary")]


def solved_batch(regime: str, slots: int, devices: int = 2, services: int = 2, seed: int = 2) -> Solved:
    batch = random_batch(regime, slots, np.random.default_rng(seed), devices, services)
    return solve(general(batch))


def gross(slot: SpectrumSlot, rate: np.ndarray) -> float:
    return slot.slot_duration_s * float((slot.weights * rate).sum())


@pytest.mark.parametrize("regime", ENCLOSED)
def test_the_exact_solution_is_optimal_in_decimal_arithmetic(regime: str) -> None:
    solved = solved_batch(regime, 1)
    slot, a = solved.slot(0), solved.allocation
    optimum = spectrum_optimum(slot)
    scale = max(optimum.gross_gain, Decimal("1e-300"))
    assert abs(optimum.objective - optimum.bound) / scale < Decimal("1e-20")
    verdict = judge_spectrum(slot, a.rate.T, a.power, a.bandwidth, optimum)
    assert verdict.relative_gap < 1e-12
    assert verdict.max_violation < 1e-14
    # the certificate is honest up to the rounding of its terms
    assert verdict.relative_gap <= solved.gap + 1e-14


@pytest.mark.parametrize("seed", range(3))
def test_the_price_is_that_of_decimal_arithmetic(seed: int) -> None:
    solved = solved_batch("mixed", 1, seed=seed)
    assert solved.allocation.price[0] == pytest.approx(
        float(spectrum_optimum(solved.slot(0)).price), rel=1e-9
    )


def test_a_worse_point_is_judged_by_what_it_loses() -> None:
    solved = solved_batch("capacity-limited", 1)
    slot, a = solved.slot(0), solved.allocation
    optimum = spectrum_optimum(slot)
    verdict = judge_spectrum(slot, 0.5 * a.rate.T, a.power, a.bandwidth, optimum)
    assert verdict.relative_gap == pytest.approx(0.5, rel=1e-3)
    for power, bands in ((a.power, 2 * a.bandwidth), (2 * a.power, a.bandwidth)):
        verdict = judge_spectrum(slot, a.rate.T, power, bands, optimum)
        assert verdict.max_violation == pytest.approx(1.0)


def test_an_empty_slot_has_no_gap() -> None:
    slot = replace(solved_batch("mixed", 1).slot(0), limits=np.zeros((2, 2)))
    assert spectrum_optimum(slot).objective == 0
    zeros = np.zeros(2)
    assert judge_spectrum(slot, np.zeros((2, 2)), zeros, zeros).relative_gap == 0.0


def test_a_slot_pools_the_bandwidths_of_its_devices() -> None:
    problem = to_problem(random_batch("shared-mixed", 1, np.random.default_rng(0), 3, 2), 0)
    slot = spectrum_slot(problem)
    assert slot.pool_hz == pytest.approx(problem.bandwidth_hz.sum())
    assert np.array_equal(slot.weights, problem.transmit_queue_bits)


def test_a_measured_radio_takes_no_part_and_weights_count() -> None:
    problem = to_problem(random_batch("shared-mixed", 1, np.random.default_rng(0), 3, 2), 0)
    weights = np.arange(6.0).reshape(3, 2)
    slot = spectrum_slot(replace(problem, radio=[None, (1e6, 0.1), None], transmit_weight=weights))
    assert slot.pool_hz == pytest.approx(problem.bandwidth_hz[[0, 2]].sum())
    assert slot.weights.tolist() == [[0.0, 1.0], [4.0, 5.0]]
    assert np.array_equal(slot.limits, problem.transmit_queue_bits[[0, 2]])
    assert np.array_equal(slot.gain, problem.channel_gain[[0, 2]])


# One radio of its own beside two that share; the split optimum is another.
MIXED = {
    "slot_duration_s": 0.01,
    "energy_coefficient": 1e-28,
    "energy_weight_local": 1e17,
    "energy_weight_transmit": 1e13,
    "edge_capacity_hz": 2e10,
    "cpu_capacity_hz": [1e9, 1e9, 1e9],
    "max_power_w": [0.3, 0.3, 0.3],
    "channel_gain": [1e-11, 5e-11, 3e-11],
    "bandwidth_hz": [2e5, 2e5, 1e5],
    "local_queue_cycles": np.full((3, 2), 4e7),
    "transmit_queue_bits": [[1e6, 3e5], [2e5, 4e4], [1e5, 1e5]],
    "edge_queue_cycles": np.full((3, 2), 1e8),
}
OTHERS: list[dict[str, Any]] = [
    {},
    {"radio": [None, None, (2e6, 0.1)]},
    {"radio": [None, (2e6, 0.1), None], "transmit_weight": [[1e5, 3e6], [1e6, 2e6], [1e5, 2e5]]},
]


@pytest.mark.parametrize("other", OTHERS)
def test_the_reference_of_a_slot_shares_its_spectrum(other: dict[str, Any]) -> None:
    problem = SlotProblem(**(MIXED | other), spectrum="shared")
    ours, theirs = solve_slot(problem), solve_reference(problem)
    split = solve_reference(replace(problem, spectrum="split")).objective
    assert abs(split.transmit / ours.objective.transmit - 1) > 0.05
    assert theirs.objective.transmit == pytest.approx(ours.objective.transmit, rel=1e-6)
    assert theirs.objective.total == pytest.approx(ours.objective.total, rel=1e-6)
    np.testing.assert_allclose(theirs.bandwidth_hz, ours.bandwidth_hz, rtol=1e-3, atol=1e3)
    np.testing.assert_allclose(theirs.rate_bps, ours.rate_bps, rtol=1e-3, atol=1e3)


@pytest.mark.parametrize("other", OTHERS)
def test_a_slot_is_judged_with_the_spectrum_that_it_shares(other: dict[str, Any]) -> None:
    problem = SlotProblem(**(MIXED | other), spectrum="shared")

    def verdict(of: SlotProblem) -> Verdict:
        s = solve_slot(of)
        return judge(problem, s.local_cpu_hz, s.rate_bps, s.edge_cpu_hz, s.power_w, s.bandwidth_hz)

    best, split = verdict(problem), verdict(replace(problem, spectrum="split"))
    assert best.relative_gap < 1e-14
    assert best.max_violation < 1e-14
    assert split.relative_gap > 0.05


@pytest.mark.parametrize("regime", SOLVED)
def test_clarabel_agrees(regime: str) -> None:
    solved = solved_batch(regime, 2, devices=3)
    for index in range(2):
        slot = solved.slot(index)
        found = solve_spectrum_reference(slot)
        lanes = np.arange(3) * 2 + index
        scale = max(gross(slot, solved.allocation.rate[:, lanes].T), gross(slot, found.rate_bps)) or 1.0
        assert abs(found.objective - solved.objective[index]) <= WITHIN * scale
        assert found.bandwidth_hz.sum() <= slot.pool_hz * (1 + CLOSE)


def test_ecos_agrees() -> None:
    solved = solved_batch("mixed", 1)
    found = solve_spectrum_reference(solved.slot(0), "ecos")
    assert found.solver == "ECOS"
    assert found.objective == pytest.approx(solved.objective[0], rel=CLOSE)


def test_the_objective_is_the_value_of_the_returned_point() -> None:
    slot = solved_batch("energy-limited", 1).slot(0)
    found = solve_spectrum_reference(slot)
    spent = slot.slot_duration_s * float((slot.energy_weight * found.power_w).sum())
    assert found.objective == pytest.approx(spent - gross(slot, found.rate_bps), rel=1e-6)


def test_nothing_to_send_needs_no_solver() -> None:
    slot = replace(solved_batch("mixed", 1).slot(0), gain=np.zeros(2))
    found = solve_spectrum_reference(slot)
    assert found.objective == 0.0
    assert not any(np.any(array) for array in (found.rate_bps, found.power_w, found.bandwidth_hz))


def test_errors_name_the_solver() -> None:
    slot = solved_batch("mixed", 1).slot(0)
    with pytest.raises(ProblemError, match=r"^\$\.solver: expected one of .*CLARABEL.*, got 'NOSUCH'"):
        solve_spectrum_reference(slot, "NOSUCH")
    with pytest.raises(SolverError, match="HIGHS did not solve the shared spectrum"):
        solve_spectrum_reference(slot, "HIGHS")


def test_a_weak_signal_is_carried_by_an_approximant() -> None:
    slot = solved_batch("low-signal", 1).slot(0)
    assert math.log1p(float(np.max(slot.max_power * slot.gain)) / (slot.noise_w_per_hz * slot.pool_hz)) < 1e-9
    assert solve_spectrum_reference(slot).status == "optimal"


def test_little_work_on_a_narrow_band_is_not_a_weak_signal() -> None:
    """On all of the pool it would be one; the approximant would carry a quarter of it on no band at all."""
    problem = SlotProblem(**MIXED, spectrum="shared")
    bits = np.array([[1e6, 1e6 / 3], [200.0, 0.0], [9.8, 4.2]])
    problem = replace(problem, transmit_queue_bits=bits, transmit_weight=np.full((3, 2), 1e5))
    slot = spectrum_slot(problem)
    ours, theirs = solve_slot(problem), solve_spectrum_reference(slot)
    loads = bits[1:].sum(axis=1) / 0.01 / slot.pool_hz * math.log(2)
    assert np.expm1(loads[1]) < WEAK_SIGNAL < np.expm1(loads[0])
    verdict = judge_spectrum(slot, theirs.rate_bps, theirs.power_w, theirs.bandwidth_hz)
    assert verdict.pool_violation < 1e-7
    assert verdict.pool_gap < 1e-6
    assert theirs.objective == pytest.approx(ours.objective.transmit, rel=1e-6)
