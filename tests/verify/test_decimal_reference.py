"""The closed forms in decimal arithmetic against a search that does not use them."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext

import numpy as np
import pytest

from lyaopt.slot.inputs import SlotInputs
from lyaopt.slot.problem import SlotProblem
from lyaopt.verify import decimal_numbers, decimal_reference, random_problems
from tests.support import oracle

AGREEMENT = Decimal("1e-30")


def slots(regime: str, count: int, devices: int = 2, services: int = 3) -> list[SlotInputs]:
    batch = random_problems.random_batch(regime, count, np.random.default_rng(11), devices, services)
    return [random_problems.take_slot(batch, i) for i in range(count)]


def served(optimum: decimal_reference.Optimum) -> np.ndarray:
    return np.array([float(f) for f in optimum.allocation])


def agree(optimum: decimal_reference.Optimum, found: oracle.Found) -> bool:
    # A search ends next to the optimum, and below it by no more than rounding.
    behind = found.objective - optimum.objective
    size = abs(optimum.objective) + optimum.gross_gain
    return -AGREEMENT * size <= behind <= AGREEMENT * optimum.gross_gain


@pytest.mark.parametrize("regime", random_problems.REGIMES)
def test_closed_forms_agree_with_the_search(regime: str) -> None:
    for problem in slots(regime, 3):
        assert agree(decimal_reference.edge_optimum(problem), oracle.edge(problem))
        for device in range(2):
            assert agree(decimal_reference.local_optimum(problem, device), oracle.local(problem, device))
            assert agree(
                decimal_reference.transmit_optimum(problem, device), oracle.transmit(problem, device)
            )


@pytest.mark.parametrize("regime", random_problems.REGIMES)
def test_the_optimum_rounded_to_doubles_passes_its_own_judge(regime: str) -> None:
    for problem in slots(regime, 3):
        local, transmit = (
            [optimum(problem, m) for m in range(2)]
            for optimum in (decimal_reference.local_optimum, decimal_reference.transmit_optimum)
        )
        edge = served(decimal_reference.edge_optimum(problem)).reshape(2, 3)
        power = np.array([float(o.power) for o in transmit])
        verdict = decimal_reference.judge(
            problem,
            np.array([served(o) for o in local]),
            np.array([served(o) for o in transmit]),
            edge,
            power,
        )
        assert verdict.relative_gap < 1e-14
        assert verdict.max_violation < 1e-15


def test_the_judge_measures_a_known_gap_and_violation() -> None:
    problem = SlotProblem(
        slot_duration_s=1.0,
        energy_coefficient=1.0,
        energy_weight_local=0.0,
        energy_weight_transmit=0.0,
        edge_capacity_hz=0.0,
        cpu_capacity_hz=np.array([4.0]),
        max_power_w=np.array([0.0]),
        channel_gain=np.array([0.0]),
        bandwidth_hz=np.array([1.0]),
        local_queue_cycles=np.array([[8.0, 2.0]]),
        transmit_queue_bits=np.zeros((1, 2)),
        edge_queue_cycles=np.zeros((1, 2)),
    )
    none, power = np.zeros((1, 2)), np.zeros(1)
    best = decimal_reference.judge(problem, np.array([[4.0, 0.0]]), none, none, power)
    assert (best.relative_gap, best.max_violation) == (0.0, 0.0)
    short = decimal_reference.judge(problem, np.array([[3.0, 0.0]]), none, none, power)
    assert (short.relative_gap, short.max_violation) == (0.25, 0.0)
    over = decimal_reference.judge(problem, np.array([[4.0, 1.0]]), none, none, power)
    assert (over.relative_gap, over.max_violation) == (2 / 34, 0.25)
    negative = decimal_reference.judge(problem, np.array([[4.0, -0.5]]), none, none, power)
    assert (negative.max_violation, negative.pool_violation) == (0.25, 0.125)
    leak = decimal_reference.judge(problem, np.array([[4.0, 0.0]]), np.array([[1e-300, 0.0]]), none, power)
    assert leak.max_violation == float("inf")


@pytest.mark.parametrize("x", ["1e-40", "9.9e-9", "1.01e-8", "0.5", "600"])
def test_log1p_and_expm1_hold_their_digits_on_both_sides_of_the_series(x: str) -> None:
    with localcontext(Context(prec=200)):
        value = Decimal(x)
        assert abs(decimal_numbers.log1p(value) / (1 + value).ln() - 1) < Decimal("1e-55")
        assert abs(decimal_numbers.expm1(value) / (value.exp() - 1) - 1) < Decimal("1e-55")
