"""Every regime has the property of its name, shown by the limit that binds at the optimum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import numpy as np
import pytest

from lyaopt._kernels.slot.dispatch import NETWORK_ITEMS
from lyaopt.errors import ProblemError
from lyaopt.slot.batch import SlotBatch
from lyaopt.slot.inputs import SlotInputs
from lyaopt.verify import decimal_reference, random_problems

LIMITED = Decimal("1e-9")


def problems(regime: str, count: int = 3000) -> Iterator[SlotInputs]:
    """Two slots of each of several batches of every shape."""
    for batch in random_problems.batches(regime, count, seed=5):
        for index in (0, batch.shape[0] - 1):
            yield random_problems.take_slot(batch, index)


def limits(regime: str) -> Iterator[tuple[str, Decimal, Decimal, Decimal]]:
    """(stage, S, capacity, backlog rate) of every device of some slots."""
    for problem in problems(regime):
        tau = Decimal(problem.slot_duration_s)
        for m in range(len(problem.cpu_capacity_hz)):
            local = decimal_reference.local_optimum(problem, m)
            backlog = Decimal(float(problem.local_queue_cycles[m].sum())) / tau
            yield "local", local.total, Decimal(float(problem.cpu_capacity_hz[m])), backlog
            transmit = decimal_reference.transmit_optimum(problem, m)
            backlog = Decimal(float(problem.transmit_queue_bits[m].sum())) / tau
            yield "transmit", transmit.total, Decimal(full_rate(problem)[m]), backlog


def signal(problem: SlotInputs) -> np.ndarray:
    noise = problem.bandwidth_hz * 10 ** ((problem.noise_psd_dbm_per_hz - 30) / 10)
    return problem.max_power_w * problem.channel_gain / noise


def full_rate(problem: SlotInputs) -> np.ndarray:
    return problem.bandwidth_hz * np.log1p(signal(problem)) / np.log(2)


def near(value: Decimal, bound: Decimal) -> bool:
    return abs(value - bound) <= LIMITED * bound


def test_energy_limited_slots_reach_neither_capacity_nor_backlog() -> None:
    for stage, total, capacity, backlog in limits("energy-limited"):
        assert 0 < total < capacity, stage
        assert total < backlog, stage


def test_capacity_limited_slots_reach_capacity_with_work_left() -> None:
    for stage, total, capacity, backlog in limits("capacity-limited"):
        assert near(total, capacity), stage
        assert backlog > total, stage
    for problem in problems("capacity-limited"):
        assert problem.edge_queue_cycles.sum() > problem.edge_capacity_hz * problem.slot_duration_s


def test_backlog_limited_slots_serve_everything() -> None:
    for stage, total, capacity, backlog in limits("backlog-limited"):
        assert near(total, backlog), stage
        assert capacity > total, stage
    for problem in problems("backlog-limited"):
        assert problem.edge_queue_cycles.sum() < problem.edge_capacity_hz * problem.slot_duration_s


@pytest.mark.parametrize("regime", ["mixed", "ties", "huge", "tiny", "near-boundary", "high-signal"])
def test_wide_regimes_meet_every_limit(regime: str) -> None:
    seen = set()
    for _, total, capacity, backlog in limits(regime):
        bound = "capacity" if near(total, capacity) else "backlog" if near(total, backlog) else "energy"
        seen.add(bound if total else "nothing")
    assert seen >= {"capacity", "backlog", "energy"}


def test_ties_are_exact() -> None:
    for problem in problems("ties"):
        if problem.local_queue_cycles.shape[1] > 2:
            for queues in (*problem.local_queue_cycles, *problem.transmit_queue_bits):
                assert len(np.unique(queues)) <= 2


@pytest.mark.parametrize(
    ("regime", "zero"),
    [
        ("zero-channel", lambda p: p.channel_gain),
        ("zero-power", lambda p: p.max_power_w),
        ("zero-capacity", lambda p: p.cpu_capacity_hz),
        ("zero-queue", lambda p: p.local_queue_cycles),
        ("zero-queue", lambda p: p.transmit_queue_bits),
        ("zero-queue", lambda p: p.edge_queue_cycles),
    ],
)
def test_zero_regimes_hold_zeros_and_others_beside_them(
    regime: str, zero: Callable[[SlotInputs], np.ndarray]
) -> None:
    values = np.concatenate([np.ravel(zero(p)) for p in problems(regime)])
    assert 0.1 < np.mean(values == 0) < 0.9


def test_zero_weights_and_edge_capacity() -> None:
    assert all(p.energy_weight_local == p.energy_weight_transmit == 0 for p in problems("zero-weights"))
    assert all(p.edge_capacity_hz == 0 for p in problems("zero-capacity"))


def test_magnitudes_match_the_names_of_the_regimes() -> None:
    for problem in problems("huge"):
        assert problem.cpu_capacity_hz.min() > 1e27
        assert problem.bandwidth_hz.min() > 1e23
    for problem in problems("tiny"):
        assert problem.cpu_capacity_hz.max() < 1e-9
        assert problem.bandwidth_hz.max() < 1e-11


def test_low_and_high_signal_reach_the_ends_of_the_rate_function() -> None:
    for problem in problems("low-signal"):
        assert np.all((signal(problem) > 0.9e-13) & (signal(problem) < 1.1e-11))
    for problem in problems("high-signal"):
        assert np.all(np.abs(np.log(signal(problem)) - 575) <= 75)


def test_near_boundary_slots_sit_on_a_boundary() -> None:
    """In most slots two of S's candidates F, C_i and s_i, or Q_i and q0, agree to some ulps."""
    close = []
    for problem in problems("near-boundary"):
        k = problem.energy_weight_local * problem.energy_coefficient
        for queues, capacity in zip(problem.local_queue_cycles, problem.cpu_capacity_hz, strict=True):
            longest_first = np.sort(queues)[::-1]
            prefix = np.cumsum(longest_first) / problem.slot_duration_s
            affordable = np.sqrt(longest_first / (3 * k))
            pairs = np.abs(np.log([prefix / affordable, prefix / capacity, affordable / capacity]))
            close.append(pairs.min() < 1e-14)
    assert np.mean(close) == 1


@pytest.mark.parametrize("regime", random_problems.REGIMES)
def test_batches_are_finite_and_laid_out_in_lanes(regime: str) -> None:
    rng = np.random.default_rng(0)
    batch = random_problems.random_batch(regime, 50, rng, devices=3, services=4)
    assert_shapes(batch, 4, 3, 50)
    for name in SlotBatch.__dataclass_fields__:
        value = getattr(batch, name)
        if name == "radio":
            value = np.array([entry for entry in value or () if entry is not None])
        if name == "cpu_points":
            value = np.array([point for table in value or () for point in table or ()])
        if name not in ("spectrum", "service_counts") and value is not None:
            assert np.all(np.isfinite(value)), name
            assert name == "noise_psd_dbm_per_hz" or np.all(np.asarray(value) >= 0), name


def assert_shapes(batch: SlotBatch, services: int, devices: int, count: int) -> None:
    queues = [batch.local_queue_cycles, batch.transmit_queue_bits, batch.edge_queue_cycles]
    weights = [batch.local_weight, batch.transmit_weight, batch.edge_weight]
    for values in (*queues, *(w for w in weights if w is not None)):
        assert values.shape == (count, devices, services)
        assert values.T.flags.c_contiguous
    assert batch.channel_gain.shape == (count, devices)
    for value in (batch.cpu_capacity_hz, batch.max_power_w, batch.bandwidth_hz):
        assert value.shape in ((devices,), (count, devices))


@pytest.mark.parametrize("instances_wanted", [0, 1, 255, 256, 257, 1000])
def test_batches_hold_exactly_the_instances_asked_for(instances_wanted: int) -> None:
    sizes = [b.channel_gain.shape[0] for b in random_problems.batches("mixed", instances_wanted, seed=1)]
    assert sum(sizes) == instances_wanted
    assert all(0 < size <= random_problems.LARGEST_BATCH for size in sizes)


def test_the_seed_decides_and_slots_are_taken_out_whole() -> None:
    first, again = (next(random_problems.batches("mixed", 9, seed=4)) for _ in range(2))
    other = next(random_problems.batches("mixed", 9, seed=5))
    assert np.array_equal(first.local_queue_cycles, again.local_queue_cycles)
    assert first.slot_duration_s != other.slot_duration_s
    problem = random_problems.to_problem(first, 3)
    assert np.array_equal(problem.edge_queue_cycles, first.edge_queue_cycles[3])
    assert np.array_equal(problem.channel_gain, first.channel_gain[3])


def test_an_unknown_regime_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ProblemError, match=r"^\$\.regime: expected one of .*energy-limited.*, got 'no-such'"):
        random_problems.random_batch("no-such", 1, np.random.default_rng(0))


@pytest.mark.parametrize("regime", ["ties", "near-boundary"])
def test_some_batches_have_too_many_services_to_sort(regime: str) -> None:
    """Many services on a device and in total, so that all three problems are solved by selection."""
    shapes = {batch.shape for batch in random_problems.batches(regime, 20_000, seed=1)}
    assert max(services for _, _, services in shapes) > NETWORK_ITEMS
    many = [shape for shape in shapes if shape[1] * shape[2] > NETWORK_ITEMS]
    assert all(slots <= random_problems.LARGEST_BATCH_OF_MANY for slots, _, _ in many)
    assert any(devices > 1 for _, devices, _ in many)
