"""Shared spectrum: feasible and optimal on every regime, and what its optimum must satisfy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt import SlotBatch, solve_slots
from lyaopt.verify.random_problems import REGIMES, batches, random_batch
from tests.support.spectrum import Solved, certified, general, problem, solve

# Next to q0 a whole slot may gain no more than its costs round to.
GAP = {"near-boundary": 1e-9}
VIOLATION = 1e-14


def ordinary(slots: int, devices: int, services: int, regime: str = "mixed") -> SlotBatch:
    return random_batch(regime, slots, np.random.default_rng(3), devices, services)


def assert_optimal(solved: Solved, gap: float = 1e-12) -> None:
    assert all(np.isfinite(array).all() for array in (*solved.allocation, solved.report))
    assert solved.gap <= gap
    assert solved.violation <= VIOLATION


@pytest.mark.parametrize("regime", REGIMES)
def test_is_optimal_in_every_regime(regime: str) -> None:
    for batch in batches(regime, 1500, 4):
        assert_optimal(solve(general(batch)), GAP.get(regime, 1e-12))


@pytest.mark.parametrize("devices", [1, 2, 3, 20, 150])
@pytest.mark.parametrize("services", [1, 2, 7, 8, 9, 40])
def test_takes_any_number_of_devices_and_services(devices: int, services: int) -> None:
    assert_optimal(solve(general(ordinary(11, devices, services))))


@pytest.mark.parametrize("regime", REGIMES)
def test_is_never_worse_than_each_devices_own_bandwidth(regime: str) -> None:
    batch = ordinary(200, 4, 2, regime)
    solved, split = solve(general(batch)), solve_slots(replace(batch, radio=None))
    worth = batch.transmit_queue_bits if batch.transmit_weight is None else batch.transmit_weight
    allowed = 1e-12 * np.maximum(solved.gross_gain, np.sum(split.rate_bps * worth, (1, 2)))
    assert np.all(solved.objective <= split.objective[1] + allowed)


def test_alike_devices_split_evenly() -> None:
    batch = ordinary(100, 1, 3)
    alike = replace(
        batch,
        cpu_capacity_hz=np.repeat(batch.cpu_capacity_hz, 4),
        max_power_w=np.repeat(batch.max_power_w, 4),
        bandwidth_hz=np.repeat(batch.bandwidth_hz, 4),
        channel_gain=np.repeat(batch.channel_gain, 4, axis=1),
        **{
            name: np.repeat(getattr(batch, name), 4, axis=1)
            for name in ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
        },
    )
    solved, split = solve(general(alike)), solve_slots(alike)
    bands = solved.by_slot(solved.allocation.bandwidth)
    assert np.all(bands == bands[:1])
    np.testing.assert_allclose(solved.objective, split.objective[1], rtol=1e-12)
    rates = solved.by_slot(solved.allocation.rate)
    np.testing.assert_allclose(rates, split.rate_bps.transpose(2, 1, 0), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("regime", ["mixed", "energy-limited", "capacity-limited", "zero-weights", "ties"])
def test_one_device_has_all_of_it(regime: str) -> None:
    batch = ordinary(200, 1, 3, regime)
    solved, alone = solve(general(batch)), solve_slots(batch)
    np.testing.assert_allclose(solved.objective, alone.objective[1], rtol=1e-12)
    np.testing.assert_allclose(solved.allocation.rate.T, alone.rate_bps[:, 0], rtol=1e-9, atol=1e-9)
    if regime != "zero-weights":
        np.testing.assert_allclose(solved.allocation.power, alone.power_w[:, 0], rtol=1e-8)


@pytest.mark.parametrize("services", [4, 11])
def test_follows_permutations_of_devices_and_services(services: int) -> None:
    base = general(ordinary(50, 3, services))
    devices = np.array([2, 0, 1])
    lanes = (devices[:, None] * 50 + np.arange(50)).ravel()
    items = np.random.default_rng(0).permutation(services)
    moved = base._replace(
        weights=np.ascontiguousarray(base.weights[items][:, lanes]),
        limits=np.ascontiguousarray(base.limits[items][:, lanes]),
        gain=base.gain[lanes],
        bandwidth=base.bandwidth[devices],
        max_power=base.max_power[devices],
    )
    plain, other = solve(base).allocation, solve(moved).allocation
    np.testing.assert_allclose(other.price, plain.price, rtol=1e-12)
    np.testing.assert_allclose(other.rate, plain.rate[items][:, lanes], rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(other.bandwidth, plain.bandwidth[lanes], rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(other.power, plain.power[lanes], rtol=1e-9, atol=1e-12)


def test_slots_do_not_depend_on_their_neighbours() -> None:
    base = general(ordinary(130, 3, 2))
    together = solve(base).allocation
    for slot in (0, 47, 129):
        lanes = np.arange(3) * 130 + slot
        one = base._replace(
            weights=np.ascontiguousarray(base.weights[:, lanes]),
            limits=np.ascontiguousarray(base.limits[:, lanes]),
            gain=base.gain[lanes],
        )
        alone = solve(one).allocation
        assert np.array_equal(alone.rate, together.rate[:, lanes])
        assert np.array_equal(alone.power, together.power[lanes])
        assert np.array_equal(alone.bandwidth, together.bandwidth[lanes])
        assert alone.price[0] == together.price[slot]


def test_an_empty_service_changes_nothing() -> None:
    """With a ninth service the items are sorted one slot after the other, not compared in pairs."""
    base = general(ordinary(60, 3, 8, "ties"))
    longer = base._replace(
        weights=np.vstack([base.weights, np.zeros((1, 180))]),
        limits=np.vstack([base.limits, np.zeros((1, 180))]),
    )
    plain, other = solve(base).allocation, solve(longer).allocation
    np.testing.assert_allclose(other.rate[:8], plain.rate, rtol=1e-10, atol=1e-6)
    assert not other.rate[8].any()
    np.testing.assert_allclose(other.price, plain.price, rtol=1e-12)


def test_parameters_may_be_one_per_device_or_per_lane() -> None:
    base = general(ordinary(40, 3, 2))
    names = ("bandwidth", "max_power", "tau", "energy_weight")
    lanes = np.arange(120)
    full = base._replace(**{n: getattr(base, n)[lanes * getattr(base, n).size // 120] for n in names})
    for one, other in zip(solve(base).allocation, solve(full).allocation, strict=True):
        assert np.array_equal(one, other)


def test_the_price_is_the_slope_of_the_value() -> None:
    base = general(ordinary(200, 3, 2))
    step = 1e-5
    more, less = (solve(base._replace(bandwidth=base.bandwidth * f)) for f in (1 + step, 1 - step))
    slope = (less.objective - more.objective) / (2 * step * base.bandwidth.sum())
    # The value is convex: its slope lies between those at the ends, which differ at a kink.
    tau = base.tau[0]
    allowed = 1e-6 * np.abs(slope) + 1e-9 * more.gross_gain / base.bandwidth.sum() / step * 1e-3
    assert np.all(slope >= tau * more.allocation.price - allowed)
    assert np.all(slope <= tau * less.allocation.price + allowed)


def test_measured_devices_take_no_part() -> None:
    base = general(ordinary(30, 3, 2))
    measured = base._replace(measured=np.array([0, 1, 0]))
    others = np.r_[0:30, 60:90]
    apart = base._replace(
        weights=np.ascontiguousarray(base.weights[:, others]),
        limits=np.ascontiguousarray(base.limits[:, others]),
        gain=base.gain[others],
        bandwidth=base.bandwidth[[0, 2]],
        max_power=base.max_power[[0, 2]],
        measured=np.zeros(2, dtype=np.int64),
    )
    solved, alone = solve(measured), solve(apart)
    assert np.array_equal(solved.allocation.rate[:, others], alone.allocation.rate)
    assert np.array_equal(solved.allocation.bandwidth[others], alone.allocation.bandwidth)
    assert np.array_equal(solved.report[:, others], alone.report)
    assert not solved.allocation.bandwidth[30:60].any()
    for untouched in (solved.allocation.rate, solved.allocation.power, solved.report):
        assert np.isnan(untouched[..., 30:60]).all()


def test_all_measured_leaves_nothing_to_do() -> None:
    base = general(ordinary(5, 2, 2))
    solved = solve(base._replace(measured=np.array([1, 1])))
    assert not solved.allocation.bandwidth.any()
    assert not solved.allocation.price.any()


DEAD = {
    "no channel": {"gain": [0.0, 0.0]},
    "no power": {"max_power": 0.0},
    "no backlog": {"weights": [[0.0, 0.0]], "limits": [[0.0, 0.0]]},
    "energy too dear": {"energy_weight": 1e9},
    "weights of zero": {"weights": [[0.0, 0.0]]},
}


@pytest.mark.parametrize("why", DEAD)
def test_nothing_is_served_where_nothing_pays(why: str) -> None:
    fields = {"weights": [[3.0, 2.0]], "limits": [[3.0, 2.0]], "gain": [1.0, 1.0]}
    solved = solve(problem(**fields | DEAD[why]))
    assert_optimal(solved)
    a = solved.allocation
    assert not any(array.any() for array in (a.rate, a.power, a.bandwidth, a.price))


@pytest.mark.parametrize("dead", [{"gain": [0.0, 1.0]}, {"max_power": [0.0, 1.0]}])
def test_a_device_that_cannot_send_leaves_its_band_to_the_other(dead: dict[str, list[float]]) -> None:
    fields = {"weights": [[9.0, 9.0]], "limits": [[9.0, 9.0]], "gain": [1.0, 1.0], "energy_weight": 0.0}
    solved = solve(problem(**fields | dead))
    assert_optimal(solved)
    np.testing.assert_allclose(solved.allocation.bandwidth, [0.0, 2.0])


def test_band_to_spare_has_no_price_and_is_handed_out() -> None:
    solved = solve(problem([[3.0, 2.0]], [[0.1, 0.2]], [1.0, 1.0], energy_weight=0.0))
    assert_optimal(solved)
    assert np.array_equal(solved.allocation.rate, [[0.1, 0.2]])
    assert solved.allocation.price[0] == 0.0
    assert solved.allocation.bandwidth.sum() == pytest.approx(2.0, rel=1e-15)
    assert np.all(solved.allocation.power < 1.0)


def test_equal_weights_share_by_their_limits() -> None:
    solved = solve(problem([[5.0], [5.0], [1.0]], [[3.0], [6.0], [1.0]], [2.0], energy_weight=0.01))
    rate = solved.allocation.rate[:, 0]
    assert_optimal(solved)
    assert rate[1] == pytest.approx(2 * rate[0], rel=1e-14)
    assert 0 < rate[0] < 3.0


@pytest.mark.parametrize("devices", [1, 2, 5, 300])
def test_alike_devices_on_a_jump_take_equal_parts_of_it(devices: int) -> None:
    """One item each that energy limits: at its price any part of it is as good as any other."""
    weights = np.full((1, devices), 3.0)
    solved = solve(problem(weights, 50.0 * weights, np.ones(devices), bandwidth=0.01, energy_weight=1.0))
    assert_optimal(solved)
    bands = solved.allocation.bandwidth
    assert np.all(bands == bands[0])
    assert bands.sum() == pytest.approx(0.01 * devices, rel=1e-14)
    assert np.all(solved.allocation.multiplier == 3.0)
    assert np.all(solved.allocation.power < 1.0)


def test_a_larger_item_on_a_jump_takes_the_part_in_proportion() -> None:
    solved = solve(problem([[3.0, 3.0]], [[0.05, 0.1]], [1.0, 1.0], bandwidth=0.01, energy_weight=1.0))
    one, other = solved.allocation.rate[0]
    assert_optimal(solved)
    assert other == pytest.approx(2 * one, rel=1e-12)


def test_the_certificate_is_a_bound() -> None:
    """Worse points that are feasible: their gap is at least what they lose, and grows with it."""
    base = general(ordinary(100, 3, 2))
    best = solve(base)
    a = best.allocation
    for worse in (
        a._replace(rate=0.9 * a.rate),
        a._replace(multiplier=1.1 * a.multiplier),
        a._replace(multiplier=0.9 * a.multiplier),
        a._replace(price=0.5 * a.price),
        a._replace(price=2.0 * a.price),
        a._replace(rate=0.0 * a.rate, power=0.0 * a.power, bandwidth=0.0 * a.bandwidth),
        a._replace(rate=0.0 * a.rate),
    ):
        found = certified(base, worse)
        scale = np.where(found.gross_gain > 0, found.gross_gain, np.inf)
        lost = (found.objective - best.objective) / scale
        gap = found.by_slot(found.report[0])[0]
        assert np.all(gap >= lost * (1 - 1e-9) - 1e-12)
        assert found.violation <= VIOLATION


@pytest.mark.parametrize("field", ["rate", "power", "bandwidth"])
@pytest.mark.parametrize("factor", [1.5, -1.0])
def test_the_certificate_reports_violations(field: str, factor: float) -> None:
    solved = solve(general(ordinary(1, 2, 2, "capacity-limited")))
    wrong = certified(
        solved.problem, solved.allocation._replace(**{field: factor * getattr(solved.allocation, field)})
    )
    assert wrong.violation > 0.1


@pytest.mark.parametrize("bits", [1e-10, 1e-20, 1e-30, 1e-60, 1e-100])
@pytest.mark.parametrize("seed", range(3))
def test_any_little_work_is_certified(bits: float, seed: int) -> None:
    """Efficiencies y far below an ulp of 1: they are lost in the multiplier, and not in the gap."""
    rng = np.random.default_rng(seed)
    weights, limits = 3e5 * rng.uniform(0.5, 1.0, (2, 3)), bits * rng.uniform(0.1, 1.0, (2, 3))
    kind = {"energy_weight": 1e13, "bandwidth": 2e5, "max_power": 0.3, "tau": 0.01, "noise": 4e-21}
    solved = solve(problem(weights, limits, rng.exponential(3e-11, 3), **kind))
    assert_optimal(solved)
    assert np.array_equal(solved.allocation.rate, limits / 0.01)
    a = solved.allocation
    for worse in (a._replace(price=2.0 * a.price), a._replace(power=(1 + 1e-9) * a.power)):
        assert certified(solved.problem, worse).gap > 0.0
    # half of the work undone, at half of the power: what is lost is seen whole
    half = certified(solved.problem, a._replace(rate=0.5 * a.rate, power=0.5 * a.power))
    lost = (half.objective - solved.objective) / half.gross_gain
    assert half.gap >= lost[0] * (1 - 1e-9) > 0.9
