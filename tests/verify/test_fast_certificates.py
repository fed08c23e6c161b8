"""Certificates of lanes side by side, against those of one lane at a time and against what is plain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lyaopt import SlotBatch, solve_slots
from lyaopt.slot.batch_solution import BatchSolution
from lyaopt.verify.random_problems import batches
from lyaopt.verify.regimes import PLAIN

ROUNDING = 1e-15  # of a gain or a bound; 4.5e-16 was seen
PER_DEVICE = ("local_cpu_hz", "rate_bps", "edge_cpu_hz")
MULTIPLIERS = ("local_multiplier", "transmit_multiplier", "edge_multiplier")
CHANGED = (*PER_DEVICE, "power_w", *MULTIPLIERS)


def assert_agree(solution: BatchSolution, relative: float = 1e-12) -> None:
    """Both certificates are the same but for rounding, infinities and NaN included."""
    fast, slow = solution.certificate, solution.independent_certificate()
    for name in ("relative_gap", "max_violation"):
        ours, theirs = getattr(fast, name), getattr(slow, name)
        assert not (ours < 0.0).any()
        np.testing.assert_allclose(ours, theirs, rtol=relative, atol=ROUNDING, err_msg=name)


def solved(regime: str, count: int, seed: int, method: str = "exact") -> Iterator[BatchSolution]:
    for batch in batches(regime, count, seed):
        yield solve_slots(batch, method)


@pytest.mark.parametrize("method", ["exact", "bisection"])
@pytest.mark.parametrize("regime", PLAIN)
def test_they_agree_on_optima_of_all_regimes(regime: str, method: str) -> None:
    for solution in solved(regime, 1500, 11, method):
        assert_agree(solution)
        assert solution.certificate.relative_gap.max() <= 1e-12
        assert solution.certificate.max_violation.max() <= 1e-14


@pytest.mark.parametrize("name", CHANGED)
@pytest.mark.parametrize("regime", PLAIN)
def test_they_agree_on_what_is_not_optimal(regime: str, name: str) -> None:
    """Each entry of one array is off by a factor of its own: of 1e-9, of 2, lost, or negative."""
    rng = np.random.default_rng(12)
    for solution in solved(regime, 200, 13):
        values = getattr(solution, name)
        factors = rng.choice([1.0, 1.0 + 1e-9, 1.0 - 1e-9, 1.01, 0.5, 2.0, 0.0, -0.1], values.shape)
        if name in (*MULTIPLIERS, "power_w"):
            factors = np.abs(factors)  # no multiplier or signal-to-noise ratio is negative
        wrong = replace(solution, **{name: np.asfortranarray(values * factors)})
        assert_agree(wrong, relative=1e-6)


@pytest.mark.parametrize("factor", [1.0 + 1e-9, 1.5, -0.1])
@pytest.mark.parametrize("name", [*PER_DEVICE, "power_w"])
def test_one_number_outside_its_bounds_is_found(name: str, factor: float) -> None:
    """Items are looked at once more only where one is outside."""
    for solution in solved("backlog-limited", 100, 16):
        values = getattr(solution, name).copy(order="F")
        bounds = solution.batch.max_power_w if name == "power_w" else values[7]  # all is served, to its bound
        values[7] = factor * bounds
        wrong = replace(solution, **{name: values})
        assert_agree(wrong, relative=1e-6)
        assert wrong.certificate.max_violation[7] > 1e-14


@pytest.mark.parametrize("name", CHANGED)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_never_certified(name: str, value: float) -> None:
    for solution in solved("mixed", 60, 14):
        values = getattr(solution, name).copy(order="F")
        values[::2] = value
        certificate = replace(solution, **{name: values}).certificate
        certified = (certificate.relative_gap <= 1e-9) & (certificate.max_violation <= 1e-9)
        assert not certified[::2].any()
        assert certified[1::2].all()


def test_a_negative_power_is_a_violation() -> None:
    for solution in solved("mixed", 60, 15):
        wrong = replace(solution, power_w=-1.5 * np.ones_like(solution.power_w))
        limits = solution.batch.max_power_w
        least = 1.5 / limits.max()
        assert (wrong.certificate.max_violation >= least * (1 - 1e-15)).all()


def one_device(**changes: Any) -> SlotBatch:
    """Slots of one device with one service; two of each kind, so that vectors and remainders are taken."""
    slots = 10
    ones = np.ones((slots, 1, 1))
    fields: dict[str, Any] = {
        "slot_duration_s": 0.01,
        "energy_coefficient": 1e-28,
        "energy_weight_local": 1e17,
        "energy_weight_transmit": 1e13,
        "edge_capacity_hz": 1e10,
        "cpu_capacity_hz": [1.5e9],
        "max_power_w": [0.3],
        "channel_gain": np.full((slots, 1), 6e-11),
        "bandwidth_hz": [1e6],
        "local_queue_cycles": 1e7 * ones,
        "transmit_queue_bits": 1e4 * ones,
        "edge_queue_cycles": 1e7 * ones,
    }
    return SlotBatch(**fields | changes)


def backlogs(value: float) -> dict[str, Any]:
    names = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
    return dict.fromkeys(names, np.full((10, 1, 1), value))


EXTREMES = {
    "nothing waits": backlogs(0.0),
    "no channel": {"channel_gain": np.zeros((10, 1))},
    "hardly a channel": {"channel_gain": np.full((10, 1), 1e-300)},
    "free energy": {"energy_weight_local": 0.0, "energy_weight_transmit": 0.0},
    "hardly a weight": {"energy_weight_local": 1e-300, "energy_weight_transmit": 1e-300},
    "a huge weight": {"energy_weight_local": 1e300, "energy_weight_transmit": 1e290},
    "no capacity": {"edge_capacity_hz": 0.0, "cpu_capacity_hz": [0.0], "max_power_w": [0.0]},
    "hardly a capacity": {"edge_capacity_hz": 1e-300, "cpu_capacity_hz": [1e-300], "max_power_w": [1e-300]},
    "tiny backlogs": backlogs(1e-150),
    "huge backlogs": backlogs(1e150),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_they_agree_at_extremes(name: str) -> None:
    assert_agree(solve_slots(one_device(**EXTREMES[name])))


def test_they_agree_where_backlog_and_marginal_cost_are_equal() -> None:
    """q0, the marginal cost at full power and at the CPU's capacity, within two ulps of each."""
    batch = one_device()
    noise = batch.noise_w_per_hz
    floor = batch.energy_weight_transmit * noise * np.log(2.0) / 6e-11
    snr = 0.3 * 6e-11 / (1e6 * noise)
    for backlog in (floor, floor * (1.0 + snr)):
        near = backlog * (1.0 + np.arange(-5, 5) * np.finfo(float).eps).reshape(10, 1, 1)
        assert_agree(solve_slots(replace(batch, transmit_queue_bits=near)))
    steepest = 3.0 * 1e17 * 1e-28 * 1.5e9**2
    near = steepest * (1.0 + np.arange(-5, 5) * np.finfo(float).eps).reshape(10, 1, 1)
    assert_agree(solve_slots(replace(batch, local_queue_cycles=near)))


def test_power_that_buys_nothing_is_a_gap() -> None:
    """No channel: the gap is the weighted energy against the gain of serving all."""
    batch = one_device(channel_gain=np.zeros((10, 1)))
    power = np.full((10, 1), 0.2, order="F")
    certificate = replace(solve_slots(batch), power_w=power).certificate
    expected = 1e13 * 0.2 / (1e4 / 0.01 * 1e4)
    np.testing.assert_allclose(certificate.relative_gap, expected, rtol=1e-14)


def test_half_of_the_work_left_is_half_of_the_gain_lost() -> None:
    """At the edge, with room for all and nu = 0: the gap is what is left, relative to what is served."""
    solution = solve_slots(one_device())
    half = replace(solution, edge_cpu_hz=0.5 * solution.edge_cpu_hz)
    np.testing.assert_allclose(half.certificate.relative_gap, 1.0, rtol=1e-14)
