"""One slot with weights apart from limits: one call, a batch of one, and what weights must do."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt import SlotProblem, solve_slot, solve_slots
from lyaopt.errors import ProblemError
from lyaopt.slot.batch import as_batch
from lyaopt.slot.inputs import QUEUE_FIELDS, WEIGHT_FIELDS
from lyaopt.slot.solve import _solve_as_batch
from tests.kernels.test_sizes import make_batch
from tests.support.same_problem import same_problem

ALLOCATION = ("local_cpu_hz", "rate_bps", "edge_cpu_hz")
PER_DEVICE = (
    "cpu_hz",
    "power_w",
    "local_multiplier",
    "transmit_multiplier",
    "local_energy_j",
    "transmit_energy_j",
    "local_price",
    "rate_price",
)


def make_problem(services: int = 3, devices: int = 3, seed: int = 0, **weights: Any) -> SlotProblem:
    batch = make_batch(services, devices=devices, slots=1, seed=seed)
    rows = {name: getattr(batch, name)[0] for name in (*QUEUE_FIELDS, "channel_gain")}
    scalars = ("slot_duration_s", "energy_coefficient", "energy_weight_local", "energy_weight_transmit")
    rows |= {name: getattr(batch, name) for name in (*scalars, "edge_capacity_hz", "noise_psd_dbm_per_hz")}
    rows |= {name: getattr(batch, name) for name in ("cpu_capacity_hz", "max_power_w", "bandwidth_hz")}
    return SlotProblem(**rows, **weights)


@st.composite
def problems(draw: Any) -> SlotProblem:
    """Weights of some of the problems, in any order against the backlogs, with ties and zeros."""
    services, devices = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    numbers = st.one_of(st.sampled_from([0.0, 1e5, 12345.0]), st.floats(min_value=1.0, max_value=1e9))
    weights = {
        name: np.array(draw(st.lists(numbers, min_size=services * devices, max_size=services * devices)))
        for name in draw(st.sets(st.sampled_from(WEIGHT_FIELDS), min_size=1))
    }
    shaped = {name: values.reshape(devices, services) for name, values in weights.items()}
    return make_problem(services, devices, draw(st.integers(0, 50)), **shaped)


@given(problems())
def test_one_call_gives_the_bits_of_a_batch_of_one(problem):
    ours, theirs = solve_slot(problem), _solve_as_batch(problem, "exact")
    for name in (*ALLOCATION, *PER_DEVICE):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    assert ours.edge_multiplier == theirs.edge_multiplier
    assert ours.certificate.relative_gap == pytest.approx(theirs.certificate.relative_gap, abs=1e-15)
    assert ours.certificate.relative_gap <= 1e-12
    assert ours.certificate.max_violation <= 1e-14
    assert ours.objective.total == pytest.approx(theirs.objective.total, rel=1e-13)


@pytest.mark.parametrize("services", [1, 2, 3, 4, 7, 20, 90])
@pytest.mark.parametrize("method", ["exact", "bisection"])
def test_backlogs_as_weights_change_nothing(services, method):
    plain = make_problem(services)
    backlogs = {name: getattr(plain, queue) for name, queue in zip(WEIGHT_FIELDS, QUEUE_FIELDS, strict=True)}
    ours, theirs = solve_slot(replace(plain, **backlogs), method), solve_slot(plain, method)
    for name in (*ALLOCATION, *PER_DEVICE):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-12, err_msg=name)
    assert ours.objective.total == pytest.approx(theirs.objective.total, rel=1e-13)


def test_a_service_of_weight_zero_is_given_what_costs_nothing():
    plain = make_problem(2, 2)
    zeros = np.zeros(plain.local_queue_cycles.shape)
    solution = solve_slot(replace(plain, local_weight=zeros, transmit_weight=zeros, edge_weight=zeros))
    assert not solution.local_cpu_hz.any()
    assert not solution.rate_bps.any()
    assert solution.objective.total == 0.0
    assert solution.certificate.relative_gap == 0.0
    some = zeros.copy()
    some[0, 0] = 1e9
    solution = solve_slot(replace(plain, local_weight=some, transmit_weight=some))
    for rates, queues in (
        ("local_cpu_hz", plain.local_queue_cycles),
        ("rate_bps", plain.transmit_queue_bits),
    ):
        assert (getattr(solution, rates)[0, 0] > 0.0) == (queues[0, 0] > 0.0)
        assert not getattr(solution, rates).ravel()[1:].any()


def test_a_larger_weight_is_served_first_whatever_the_backlogs():
    plain = make_problem(4, 2, edge_weight=[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    solution = solve_slot(replace(plain, edge_capacity_hz=1e8, edge_queue_cycles=np.full((2, 4), 3e5)))
    expected = np.array([0, 0, 0, 0, 1e7, 3e7, 3e7, 3e7])
    np.testing.assert_allclose(solution.edge_cpu_hz.ravel(), expected, rtol=1e-12)


@given(problems(), st.integers(1, 3))
def test_padding_of_ragged_services_changes_nothing(problem, more):
    devices, services = problem.local_queue_cycles.shape
    given = [name for name in WEIGHT_FIELDS if getattr(problem, name) is not None]
    padded = {name: np.pad(getattr(problem, name), [(0, 0), (0, more)]) for name in (*QUEUE_FIELDS, *given)}
    wider = replace(
        problem, **padded, service_counts=(services,) * devices, device_ids=None, service_ids=None
    )
    ours, theirs = solve_slot(wider), solve_slot(problem)
    for name in ALLOCATION:
        narrow = getattr(ours, name)[:, :services]
        np.testing.assert_allclose(narrow, getattr(theirs, name), rtol=1e-12, atol=1e-3, err_msg=name)
        assert not getattr(ours, name)[:, services:].any()


def test_later_changes_of_the_arguments_have_no_effect():
    weights = np.full((3, 3), 7.0)
    problem = make_problem(local_weight=weights)
    before = solve_slot(problem)
    weights[:] = 0.0
    assert (problem.local_weight == 7.0).all()
    with pytest.raises(ValueError, match="read-only"):
        problem.local_weight[0, 0] = 1.0
    for other in (pickle.loads(pickle.dumps(problem)), copy.copy(problem), copy.deepcopy(problem)):
        assert same_problem(problem, other)
        np.testing.assert_array_equal(solve_slot(other).local_cpu_hz, before.local_cpu_hz)


@pytest.mark.parametrize("name", WEIGHT_FIELDS)
def test_a_weight_is_refused_where_no_service_is(name):
    weights = np.zeros((2, 2))
    weights[1, 1] = 1.0
    queues = {queue: [[1.0, 1.0], [1.0, 0.0]] for queue in QUEUE_FIELDS}
    with pytest.raises(ProblemError, match="beyond the device's 1"):
        replace(make_problem(2, 2), **queues, service_counts=(2, 1), **{name: weights})


def test_many_services_and_tables_are_solved_as_batches():
    rng = np.random.default_rng(3)
    many = make_problem(200, 2, edge_weight=rng.uniform(1.0, 2.0, (2, 200)))
    table = make_problem(2, 2, local_weight=np.ones((2, 2)), cpu_points=(((1e9, 1e-9),), None))
    for problem in (many, table):
        solution = solve_slot(problem)
        assert solution.certificate.relative_gap <= 1e-12
        np.testing.assert_array_equal(solution.edge_cpu_hz, solve_slots(as_batch(problem)).edge_cpu_hz[0])


@pytest.mark.parametrize("method", ["exact", "bisection"])
@pytest.mark.parametrize("services", [2, 3, 9, 40])
@pytest.mark.parametrize(
    "silent", [{}, {"channel_gain": 0.0}, {"max_power_w": 0.0}, {"energy_weight_transmit": 1e30}]
)
def test_what_has_no_work_sets_no_price_of_the_rate(
    silent: dict[str, float], services: int, method: str
) -> None:
    """The first device has nothing to send; in the second the heaviest service has nothing."""
    problem = make_problem(services, 2)
    fields = {name: np.full_like(getattr(problem, name), value) for name, value in silent.items()}
    fields |= {name: value for name, value in silent.items() if name == "energy_weight_transmit"}
    limits = np.array(problem.transmit_queue_bits)
    limits[0], limits[1, 0] = 0.0, 0.0
    weights = np.vstack([np.linspace(1e3, 2e3, services), np.linspace(9e3, 1e3, services)])
    found = solve_slot(
        replace(problem, transmit_queue_bits=limits, transmit_weight=weights, **fields), method
    )
    assert found.rate_price[0] == 0.0
    if silent:
        assert found.power_w[1] == 0.0
        assert found.rate_price[1] == pytest.approx(problem.slot_duration_s * weights[1, 1], rel=1e-15)
