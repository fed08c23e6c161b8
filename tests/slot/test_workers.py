"""Threads that share the slots of a batch: the same bits, whatever their number and whatever is solved."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lyaopt import ProblemError, solve_slots
from lyaopt._kernels.slot.edge import edge_exact
from lyaopt._kernels.slot.parts import lanes_of_part
from lyaopt.slot import kernel_parts
from lyaopt.threads import available_cores, in_threads
from tests.kernels.test_sizes import make_batch

SLOTS = 700  # several blocks, of which the last is not full
ARRAYS = (
    "local_cpu_hz",
    "rate_bps",
    "edge_cpu_hz",
    "cpu_hz",
    "power_w",
    "local_multiplier",
    "transmit_multiplier",
    "edge_multiplier",
)
RADIO = [None, (np.full(SLOTS, 2e6), np.full(SLOTS, 0.2))]
TABLE = [None, [[0.5e9, 0.1], [1.2e9, 0.9]]]
KINDS = {
    "the paper's": {},
    "weights": {"edge_weight": np.arange(SLOTS * 4.0).reshape(SLOTS, 2, 2) % 7},
    "slot lengths": {"slot_duration_s": np.linspace(0.01, 0.02, SLOTS)},
    "CPU table": {"cpu_points": TABLE},
    "measured radio": {"radio": RADIO},
    "shared spectrum": {"spectrum": "shared"},
    "shared spectrum beside a measured radio": {"spectrum": "shared", "radio": RADIO},
}


@pytest.fixture(autouse=True)
def small_batches_in_parts(monkeypatch):
    monkeypatch.setattr(kernel_parts, "_LEAST_BACKLOGS", 1)


def assert_same_bits(one, other):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name), err_msg=name)
    np.testing.assert_array_equal(other.bandwidth_hz, one.bandwidth_hz)
    for name in ("relative_gap", "max_violation"):
        ours, theirs = (getattr(solution.certificate, name) for solution in (one, other))
        np.testing.assert_array_equal(theirs, ours, err_msg=name)


@pytest.mark.parametrize("workers", [2, 3, -1])
@pytest.mark.parametrize("kind", KINDS)
def test_bits_are_those_of_one_worker(kind, workers):
    batch = replace(make_batch(2, slots=SLOTS), **KINDS[kind])
    assert_same_bits(solve_slots(batch), solve_slots(batch, workers=workers))


@pytest.mark.parametrize("services", [1, 9, 300])
@pytest.mark.parametrize("method", ["exact", "bisection"])
def test_bits_are_those_of_one_worker_for_any_number_of_services(services, method):
    batch = make_batch(services, slots=SLOTS if services < 50 else 5)
    assert_same_bits(solve_slots(batch, method), solve_slots(batch, method, workers=2))


def test_an_earlier_solution_is_certified_by_the_workers_of_its_last_call():
    batch = make_batch(2, slots=SLOTS)
    out = solve_slots(batch, workers=3)
    expected = solve_slots(batch)
    for workers in (1, 2):
        assert_same_bits(expected, solve_slots(batch, out=out, workers=workers))


@pytest.mark.parametrize("lanes", [1, 7, 8, 1000])
@pytest.mark.parametrize("width", [1, 8, 272])
@pytest.mark.parametrize("parts", [1, 2, 5])
def test_parts_meet_at_the_blocks_of_the_whole(lanes, width, parts):
    cuts = [lanes_of_part(lanes, width, (number, parts)) for number in range(parts)]
    assert cuts[0][0] == 0
    assert cuts[-1][1] == lanes
    assert all(before[1] == after[0] for before, after in pairwise(cuts))
    assert all(first % width == 0 for first, last in cuts if first < last)
    sizes = [-(-(last - first) // width) for first, last in cuts]
    assert max(sizes) - min(sizes) <= 1


def test_a_kernel_writes_the_lanes_of_its_part_only():
    batch = make_batch(2, slots=SLOTS)
    expected = solve_slots(batch)
    found = solve_slots(batch)
    for number in range(3):
        found.edge_multiplier[:] = np.nan
        edge_exact(batch._edge_problem, found._edge_allocation, (number, 3))
        written = ~np.isnan(found.edge_multiplier)
        assert 0 < written.sum() < SLOTS
        np.testing.assert_array_equal(found.edge_multiplier[written], expected.edge_multiplier[written])


@pytest.mark.parametrize("workers", [0, -2, 1.5, True, "2", None])
def test_a_wrong_number_of_workers_is_refused(workers):
    with pytest.raises(ProblemError, match=r"\$\.workers: expected a whole number >= 1, or -1"):
        solve_slots(make_batch(1), workers=workers)


def test_small_batches_stay_in_the_thread_of_the_caller(monkeypatch):
    monkeypatch.undo()
    assert kernel_parts.parts_of((5_000, 4, 2), 2) == 1
    assert kernel_parts.parts_of((20_000, 4, 2), 2) == 2


def test_threads_are_not_multiplied_by_threads():
    import threading

    def inner(_):
        return threading.get_ident()

    outer = in_threads(lambda _: {threading.get_ident(), *in_threads(inner, 4)}, 3)
    assert all(len(threads) == 1 for threads in outer)
    assert len(set.union(*outer)) > 1
    assert outer[0] == {threading.get_ident()}
    assert len(set(in_threads(inner, 2))) == 2  # the mark is taken off afterwards


def test_errors_come_through_when_all_parts_have_ended():
    ended = []

    def task(part):
        if part != 1:
            ended.append(part)
            return
        raise ValueError("part 1")

    with pytest.raises(ValueError, match="part 1"):
        in_threads(task, 4)
    assert sorted(ended) == [0, 2, 3]
    assert available_cores() >= 1
