"""Parameters of a batch that differ between slots and devices: broadcasting, counts, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lyaopt import ProblemError, SlotBatch, solve_slot, solve_slots
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS
from lyaopt.verify.random_problems import random_batch, to_problem
from tests.slot.general_slots import SERVED

SLOTS, DEVICES = 7, 3
BY_SLOT = ("slot_duration_s", "edge_capacity_hz")
BY_DEVICE = ("cpu_capacity_hz", "max_power_w", "bandwidth_hz")
COEFFICIENTS = ("energy_coefficient", "energy_weight_local", "energy_weight_transmit")


@pytest.fixture(scope="module")
def batch() -> SlotBatch:
    return random_batch("mixed", SLOTS, np.random.default_rng(8), DEVICES, 2)


@pytest.fixture(scope="module")
def weighted() -> SlotBatch:
    """Weights make the general kernels solve it, with parameters of any shape."""
    return random_batch("weights", SLOTS, np.random.default_rng(8), DEVICES, 2)


def assert_same(first: SlotBatch, second: SlotBatch, rtol: float) -> None:
    ours, theirs = solve_slots(first), solve_slots(second)
    for name in SERVED:
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=rtol, atol=0)
    for name in (
        "objective",
        "local_energy_j",
        "transmit_energy_j",
        "local_price",
        "rate_price",
        "edge_price",
    ):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=max(rtol, 1e-14))


SHAPES = [
    *((name, (SLOTS,)) for name in BY_SLOT),
    *((name, shape) for name in (*BY_DEVICE, *COEFFICIENTS) for shape in [(DEVICES,), (1, DEVICES)]),
    *((name, shape) for name in (*BY_DEVICE, *COEFFICIENTS) for shape in [(SLOTS, 1), (SLOTS, DEVICES)]),
]


@pytest.mark.parametrize(("name", "shape"), SHAPES)
def test_an_array_of_one_value_is_the_number(
    batch: SlotBatch, weighted: SlotBatch, name: str, shape: tuple[int, ...]
) -> None:
    for base, rtol in ((weighted, 0.0), (batch, 1e-12)):
        one = float(np.ravel(getattr(base, name))[0])
        array = np.full(shape, one)
        assert_same(replace(base, **{name: one}), replace(base, **{name: array}), rtol)


@pytest.mark.parametrize("name", [*BY_SLOT, *BY_DEVICE, *COEFFICIENTS])
@pytest.mark.parametrize("with_weights", [False, True])
def test_parameters_by_slot_are_those_of_a_loop_over_slots(
    batch: SlotBatch, weighted: SlotBatch, name: str, with_weights: bool
) -> None:
    base, factors = (weighted if with_weights else batch), np.linspace(0.3, 3, SLOTS)
    value = np.max(getattr(base, name))
    many = replace(base, **{name: value * (factors if name in BY_SLOT else factors[:, None])})
    solution = solve_slots(many)
    for index in range(SLOTS):
        one = solve_slot(to_problem(many, index))
        for served in SERVED:
            found, expected = getattr(solution, served)[index], getattr(one, served)
            np.testing.assert_allclose(found, expected, rtol=1e-11)
        assert one.objective.total == pytest.approx(solution.objective[:, index].sum(), rel=1e-12)


@pytest.mark.parametrize("name", [*BY_SLOT, *BY_DEVICE, *COEFFICIENTS])
def test_every_block_of_a_long_batch_takes_its_own_parameters(name: str) -> None:
    """Slots beyond the first block of lanes that the kernels solve side by side."""
    base = random_batch("weights", 900, np.random.default_rng(3), DEVICES, 2)
    factors = np.where(np.arange(900) < 450, 1.0, 3.0)
    value = np.max(getattr(base, name))
    many = replace(base, **{name: value * (factors if name in BY_SLOT else factors[:, None])})
    whole, second = solve_slots(many), solve_slots(replace(base, **{name: value * 3.0}))
    for served in SERVED:
        np.testing.assert_array_equal(getattr(whole, served)[450:], getattr(second, served)[450:])
    assert whole.certificate.relative_gap.max() <= 1e-14


def test_a_device_may_have_its_own_energy_weight(batch: SlotBatch) -> None:
    weights = batch.energy_weight_local * np.array([1e-3, 1.0, 1e3])
    together = solve_slots(replace(batch, energy_weight_local=weights))
    for m, weight in enumerate(weights.tolist()):
        alone = solve_slots(replace(batch, energy_weight_local=weight))
        np.testing.assert_allclose(together.cpu_hz[:, m], alone.cpu_hz[:, m], rtol=1e-12)
    with pytest.raises(ProblemError, match=r"^\$\.energy_weight_local: expected a finite number"):
        to_problem(together.batch, 0)


TO_SLOTS = "expected a number, or an array that broadcasts to (7,), got"
TO_DEVICES = (
    "expected a number, or an array that broadcasts to (7, 3); [:, None] makes one number a slot, got"
)
REFUSED = [
    ("slot_duration_s", np.ones(6), f": {TO_SLOTS} shape (6,)"),
    ("slot_duration_s", np.ones((7, 3)), f": {TO_SLOTS} shape (7, 3)"),
    ("slot_duration_s", [1.0] * 6 + [0.0], "[6]: expected a finite number > 0, got 0.0"),
    ("edge_capacity_hz", [1.0] * 6 + [-1.0], "[6]: expected a finite number >= 0, got -1.0"),
    ("cpu_capacity_hz", np.ones(7), f": {TO_DEVICES} shape (7,)"),
    ("bandwidth_hz", np.zeros((7, 1)), "[0, 0]: expected a finite number > 0, got 0.0"),
    ("energy_weight_local", [[1.0], [2.0, 3.0]], f": {TO_DEVICES} rows of different lengths"),
    ("local_weight", np.ones((7, 3)), ": expected shape (7, 3, 2), got (7, 3)"),
    ("edge_weight", np.full((7, 3, 2), -1.0), "[0, 0, 0]: expected a finite number >= 0, got -1.0"),
    ("spectrum", "even", ": expected one of split, shared, got 'even'"),
    ("spectrum", np.ones((2, 2)), ": expected one of split, shared, got array([[1., 1.], [1., 1.]])"),
    ("noise_psd_dbm_per_hz", np.ones((2, 1)), ": expected a finite number, got array([[1.], [1.]])"),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_refusals_say_what_broadcasts(batch: SlotBatch, name: str, value: Any, message: str) -> None:
    with pytest.raises(ProblemError) as refused:
        replace(batch, **{name: value})
    assert str(refused.value) == f"$.{name}{message}"


@pytest.mark.parametrize("counts", [np.array([2, 1, 0]), np.array([[2, 1, 0]] * SLOTS)])
def test_ragged_batches_are_padded_with_zeros(batch: SlotBatch, counts: np.ndarray) -> None:
    beyond = np.arange(2) >= np.broadcast_to(counts, (SLOTS, DEVICES))[..., None]
    queues = {name: np.where(beyond, 0.0, getattr(batch, name)) for name in QUEUE_FIELDS}
    ragged = replace(batch, **queues, service_counts=counts)
    solution = solve_slots(ragged)
    for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz"):
        assert not (getattr(solution, name) * beyond).any()
    assert to_problem(ragged, 3).service_counts == (2, 1, 0)
    for name in (*QUEUE_FIELDS, *WEIGHT_FIELDS):
        path = rf"^\$\.{name}\[0, 1, 1\]: expected 0 beyond the device's services, got 1"
        with pytest.raises(ProblemError, match=path):
            replace(ragged, **{name: np.where(beyond, 1.0, 0.0) * [[1], [1], [0]]})


COUNTS = [
    [2, 1],
    [2, 1, 3],
    [2, -1, 0],
    [2.0, 1.0, 0.0],
    np.ones((SLOTS, 2), int),
    [[2, 1], [1]],
    [2, [1], 0],
    np.ma.array([2, 1, 0], mask=[0, 0, 1]),
    "211",
    [True, True, False],
]


@pytest.mark.parametrize("counts", COUNTS)
def test_counts_that_do_not_fit_are_refused(batch: SlotBatch, counts: Any) -> None:
    message = r"^\$\.service_counts: expected whole numbers in 0\.\.2, of shape \(3,\) or \(7, 3\)"
    with pytest.raises(ProblemError, match=message):
        replace(batch, service_counts=counts)
