"""`solve_slots`: shapes, refusals, and quantities computed from the allocation."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

from lyaopt import ProblemError, SlotBatch, SlotProblem, solve_slot, solve_slots
from lyaopt.slot.batch_fields import device_lanes, slot_lanes
from tests.kernels.test_sizes import make_batch


def fields_of(batch):
    return {name: getattr(batch, name) for name in SlotBatch.__dataclass_fields__}


@pytest.fixture(scope="module")
def batch():
    return make_batch(3, devices=4, slots=20)


def test_every_slot_equals_the_single_solve(batch):
    many = solve_slots(batch)
    for slot in range(20):
        fields = fields_of(batch) | {"channel_gain": batch.channel_gain[slot]}
        for name in ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles"):
            fields[name] = fields[name][slot]
        one = solve_slot(SlotProblem(**fields))
        for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz"):
            np.testing.assert_array_equal(getattr(one, name), getattr(many, name)[slot])
        for name in ("power_w", "cpu_hz", "local_energy_j", "transmit_energy_j", "local_price", "rate_price"):
            np.testing.assert_array_equal(getattr(one, name), getattr(many, name)[slot])
        assert one.edge_price == many.edge_price[slot]
        assert one.certificate.relative_gap == pytest.approx(many.certificate.relative_gap[slot], abs=1e-15)
        assert one.objective.total == pytest.approx(many.objective[:, slot].sum(), rel=1e-14)


def test_objective_is_worked_out_from_the_allocation(batch):
    solution = solve_slots(batch)
    tau = batch.slot_duration_s
    local = batch.energy_weight_local * solution.local_energy_j.sum(1)
    local -= tau * (solution.local_cpu_hz * batch.local_queue_cycles).sum((1, 2))
    transmit = batch.energy_weight_transmit * solution.transmit_energy_j.sum(1)
    transmit -= tau * (solution.rate_bps * batch.transmit_queue_bits).sum((1, 2))
    edge = -tau * (solution.edge_cpu_hz * batch.edge_queue_cycles).sum((1, 2))
    np.testing.assert_allclose(solution.objective, [local, transmit, edge], rtol=1e-12)


@pytest.mark.parametrize("method", ["exact", "bisection"])
def test_an_earlier_solution_is_solved_into(batch, method):
    other = make_batch(3, devices=4, slots=20, seed=9)
    earlier = solve_slots(other)
    arrays = {name: value for name, value in vars(earlier).items() if isinstance(value, np.ndarray)}
    assert earlier.certificate.relative_gap.shape == earlier.edge_price.shape  # cached, of the other batch
    again, fresh = solve_slots(batch, method, out=earlier), solve_slots(batch, method)
    assert again is earlier
    assert again.batch is batch
    for name, array in arrays.items():
        assert getattr(again, name) is array
        np.testing.assert_array_equal(array, getattr(fresh, name))
    for name in ("local_price", "edge_price", "objective"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fresh, name))
    np.testing.assert_array_equal(again.certificate.relative_gap, fresh.certificate.relative_gap)


def test_certificates_of_the_same_call_are_those_of_a_later_look(batch):
    other = make_batch(3, devices=4, slots=20, seed=9)
    certified, later = solve_slots(other, certificates=True), solve_slots(other)
    assert "certificate" in vars(certified)
    for name in ("relative_gap", "max_violation"):
        np.testing.assert_array_equal(getattr(certified.certificate, name), getattr(later.certificate, name))
    gaps = certified.certificate.relative_gap
    again = solve_slots(batch, certificates=True, out=certified)
    assert np.shares_memory(again.certificate.relative_gap, gaps)
    np.testing.assert_array_equal(gaps, solve_slots(batch).certificate.relative_gap)
    assert "certificate" not in vars(solve_slots(other, out=certified))
    assert solve_slots(other, certificates=True, out=later).certificate.relative_gap.max() < 1e-12


@pytest.mark.parametrize("changes", [{"spectrum": "shared"}, {"slot_duration_s": np.full(20, 0.01)}])
def test_batches_of_other_problems_are_certified_in_the_same_call(batch, changes):
    """One lane at a time: those have no kernel of lanes side by side."""
    certified = solve_slots(replace(batch, **changes), certificates=True)
    independent = certified.independent_certificate()
    np.testing.assert_allclose(certified.certificate.relative_gap, independent.relative_gap, atol=1e-15)
    assert certified.certificate.max_violation.max() <= 1e-14


def test_arrays_of_a_shared_spectrum_are_solved_into(batch):
    shared = [replace(b, spectrum="shared") for b in (make_batch(3, devices=4, slots=20, seed=9), batch)]
    earlier = solve_slots(shared[0])
    bandwidth, multiplier = earlier.bandwidth_hz, earlier.spectrum.multiplier
    again, fresh = solve_slots(shared[1], out=earlier), solve_slots(shared[1])
    assert again.bandwidth_hz is bandwidth
    assert again.spectrum.multiplier is multiplier
    np.testing.assert_array_equal(bandwidth, fresh.bandwidth_hz)
    np.testing.assert_array_equal(again.spectrum_price, fresh.spectrum_price)
    assert again.certificate.relative_gap.max() < 1e-12
    assert solve_slots(batch, out=again).spectrum is None
    np.testing.assert_array_equal(solve_slots(shared[1], out=again).bandwidth_hz, fresh.bandwidth_hz)
    other = replace(fresh, spectrum=replace(fresh.spectrum, bandwidth_hz=np.zeros((20, 4))))
    with pytest.raises(ProblemError, match=r"^\$\.out\.spectrum\.bandwidth_hz: expected a writeable"):
        solve_slots(shared[1], out=other)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_copies_are_solved_and_solved_into_as_the_original(batch, copied):
    """What a solution or a batch has cached are views, which a copy must not hold apart from its arrays."""
    earlier = solve_slots(make_batch(3, devices=4, slots=20, seed=9))
    earlier.certificate, earlier.local_price  # noqa: B018  cached, of the other batch
    again, fresh = solve_slots(batch, out=copied(earlier)), solve_slots(batch)
    for name in (*SOLVED, "edge_multiplier", "local_price"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fresh, name))
    other = copied(earlier.batch)
    for name in LARGE:
        getattr(other, name)[:] = getattr(batch, name)
    refilled = replace(batch, **{name: getattr(other, name) for name in LARGE})
    np.testing.assert_array_equal(solve_slots(refilled).rate_bps, fresh.rate_bps)
    assert np.shares_memory(other._local_problem.queue, other.local_queue_cycles)
    assert np.shares_memory(other._transmit_problem.gain, other.channel_gain)


def test_a_batch_whose_arrays_are_refilled_is_solved_anew(batch):
    other = make_batch(3, devices=4, slots=20, seed=9)
    taken = SlotBatch(**fields_of(batch) | in_order(batch, "F"))
    solution = solve_slots(taken)
    for name in LARGE:
        getattr(taken, name)[:] = getattr(other, name)
    again, fresh = solve_slots(taken, out=solution), solve_slots(replace(batch, **in_order(other, "F")))
    for name in SOLVED:
        np.testing.assert_array_equal(getattr(again, name), getattr(fresh, name))
    assert again.certificate.relative_gap.max() < 1e-12


def test_a_solution_of_another_shape_is_not_solved_into(batch):
    earlier = solve_slots(make_batch(3, devices=4, slots=19))
    with pytest.raises(
        ProblemError, match=r"^\$\.out\.local_cpu_hz: expected .* shape \(20, 4, 3\) .*, got .* \(19,"
    ):
        solve_slots(batch, out=earlier)
    scattered = np.empty((3, 4, 40))[:, :, ::2].T
    with pytest.raises(ProblemError, match=r"^\$\.out\.rate_bps: expected a writeable .* Fortran's order"):
        solve_slots(batch, out=replace(solve_slots(batch), rate_bps=scattered))


LARGE = ("channel_gain", "local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
SOLVED = ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "cpu_hz", "power_w", "local_multiplier")


def in_order(batch, order):
    """New arrays of a batch, in an order of memory."""
    return {name: getattr(batch, name).copy(order) for name in LARGE}


def test_arrays_in_the_order_of_the_kernels_are_not_copied(batch):
    arrays = in_order(batch, "F")
    taken = SlotBatch(**fields_of(batch) | arrays)
    for name, array in arrays.items():
        assert array.T.flags.c_contiguous
        assert getattr(taken, name) is array, name


@pytest.mark.parametrize("method", ["exact", "bisection"])
def test_arrays_in_the_order_of_c_are_copied_once(batch, method):
    arrays = in_order(batch, "C")
    taken = SlotBatch(**fields_of(batch) | arrays)
    for name, array in arrays.items():
        kept = getattr(taken, name)
        assert kept.flags.f_contiguous
        assert not np.shares_memory(kept, array)
        np.testing.assert_array_equal(kept, array)
    again, expected = solve_slots(taken, method), solve_slots(batch, method)
    for name in SOLVED:
        np.testing.assert_array_equal(getattr(again, name), getattr(expected, name))
    assert all(np.shares_memory(getattr(taken, name), device_lanes(getattr(taken, name))) for name in LARGE)


def test_solutions_are_views_of_what_the_kernels_wrote(batch):
    solution = solve_slots(batch)
    for name in SOLVED:
        array = getattr(solution, name)
        assert array.T.flags.c_contiguous
        assert np.shares_memory(array, device_lanes(array))
    assert np.shares_memory(solution.edge_cpu_hz, slot_lanes(solution.edge_cpu_hz))
    assert solution.rate_bps.shape == batch.shape == (20, 4, 3)
    assert solution.power_w.shape == (20, 4)
    assert solution.edge_multiplier.shape == (20,)


def test_refusals_name_the_slot_first(batch):
    queues = batch.transmit_queue_bits.copy()
    queues[17, 2, 1] = -1.0
    with pytest.raises(ProblemError, match=r"\$\.transmit_queue_bits\[17, 2, 1\]: expected a finite"):
        SlotBatch(**fields_of(batch) | {"transmit_queue_bits": queues})


def test_arrays_may_be_read_only(batch):
    fields = fields_of(batch)
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            fields[name] = value.copy()
            fields[name].flags.writeable = False
    again = solve_slots(SlotBatch(**fields))
    np.testing.assert_array_equal(again.rate_bps, solve_slots(batch).rate_bps)
    np.testing.assert_array_equal(again.certificate.relative_gap, solve_slots(batch).certificate.relative_gap)


@pytest.mark.parametrize("shape", [(3, 2, 0), (3, 0, 2), (0, 2, 2)])
def test_empty_batches_have_empty_answers(shape):
    slots, devices, _ = shape
    ones = np.ones(devices)
    queue = np.zeros(shape)
    solution = solve_slots(
        SlotBatch(
            0.01, 1e-28, 1.0, 1.0, 1e9, ones, ones, np.ones((slots, devices)), ones, queue, queue, queue
        )
    )
    assert solution.rate_bps.shape == shape
    assert solution.certificate.relative_gap.shape == (slots,)
    assert solve_slots(solution.batch, certificates=True).certificate.relative_gap.shape == (slots,)
    assert not solution.power_w.any()


REFUSED = [
    ("slot_duration_s", 0.0, "$.slot_duration_s: expected a finite number > 0, got 0.0"),
    ("edge_capacity_hz", -1.0, "$.edge_capacity_hz: expected a finite number >= 0, got -1.0"),
    ("energy_coefficient", np.nan, "$.energy_coefficient: expected a finite number >= 0, got nan"),
    ("energy_weight_local", True, "$.energy_weight_local: expected numbers, got True"),
    ("bandwidth_hz", np.zeros(4), "$.bandwidth_hz[0]: expected a finite number > 0, got 0.0"),
    (
        "cpu_capacity_hz",
        [1, 2],
        "$.cpu_capacity_hz: expected a number, or an array that broadcasts to (20, 4)",
    ),
    ("max_power_w", ["x"] * 4, "$.max_power_w: expected numbers, got ['x', 'x', 'x', 'x']"),
    ("max_power_w", np.ones(4, dtype=bool), "$.max_power_w: expected numbers, got array([ True"),
    (
        "max_power_w",
        np.ma.masked_array(np.ones(4), [0, 1, 0, 0]),
        "$.max_power_w: expected an array without a mask",
    ),
    (
        "channel_gain",
        np.full((20, 4), np.inf),
        "$.channel_gain[0, 0]: expected a finite number >= 0, got inf",
    ),
    ("noise_psd_dbm_per_hz", 1e6, "$.noise_psd_dbm_per_hz: expected a power density within range"),
    ("local_queue_cycles", 1.0, "$.local_queue_cycles: expected an array of shape (B, M, N)"),
    ("edge_queue_cycles", np.full((20, 4, 3), 1e307), "$.edge_queue_cycles: the sum of the backlogs"),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_refusals_name_the_field(batch, name, value, message):
    with pytest.raises(ProblemError) as refused:
        SlotBatch(**fields_of(batch) | {name: value})
    assert str(refused.value).startswith(message)


def test_an_overflowing_signal_is_refused(batch):
    gain = batch.channel_gain.copy()
    gain[5, 2] = 1e300
    with pytest.raises(ProblemError, match=r"\$\.devices\[2\]\.channel_gain: the signal-to-noise"):
        SlotBatch(**fields_of(batch) | {"channel_gain": gain, "max_power_w": np.full(4, 1e10)})


@pytest.mark.parametrize(("exponent", "refused"), [(708.9, False), (709.1, True)])
def test_a_signal_is_refused_if_its_rate_cannot_be_inverted(batch, exponent, refused):
    floor = batch.bandwidth_hz * batch.noise_w_per_hz
    gain = np.tile(np.exp(exponent) * floor, (20, 1))
    free = {"max_power_w": np.ones(4)}
    fields = fields_of(batch) | {"channel_gain": gain, **free}
    if refused:
        with pytest.raises(ProblemError, match=r"the signal-to-noise ratio at full power is beyond 8\.2e"):
            SlotBatch(**fields)
    else:
        certificate = solve_slots(SlotBatch(**fields)).certificate
        assert certificate.relative_gap.max() <= 1e-12
        assert certificate.max_violation.max() <= 1e-14


def test_an_unknown_method_is_refused(batch):
    with pytest.raises(ProblemError, match=r"^\$\.method: expected one of exact, bisection, got 'newton'"):
        solve_slots(batch, "newton")


def test_representations_are_one_readable_line(batch):
    assert repr(batch) == "SlotBatch(20 slots, 4 devices, up to 3 services each)"
    assert repr(solve_slots(batch)) == "BatchSolution(20 slots, 4 devices, up to 3 services each)"


@pytest.mark.parametrize("method", ["exact", "bisection"])
def test_read_only_arrays_are_taken(batch, method):
    fields = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in fields_of(batch).items()}
    for value in fields.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    again = solve_slots(SlotBatch(**fields), method)
    np.testing.assert_array_equal(again.rate_bps, solve_slots(batch, method).rate_bps)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["local_cpu_hz", "rate_bps", "edge_cpu_hz", "power_w"])
def test_nan_is_never_certified(batch, name, value):
    solution = solve_slots(batch)
    broken = getattr(solution, name).copy()
    broken[7] = value
    certificate = replace(solution, **{name: broken}).certificate
    assert not (certificate.relative_gap[7] <= 1e-9 and certificate.max_violation[7] <= 1e-9)
    assert certificate.relative_gap[6] <= 1e-14


def test_power_without_backlog_is_not_optimal():
    one, none = np.ones(1), np.zeros((1, 1, 1))
    empty = SlotBatch(
        0.01, 1e-28, 1e17, 1e13, 1e9, one, one, np.full((1, 1), 6e-11), 1e6 * one, none, none, none
    )
    solution = solve_slots(empty)
    assert solution.certificate.relative_gap[0] == 0.0
    wasteful = replace(solution, power_w=np.ones((1, 1)))
    assert wasteful.certificate.relative_gap[0] == np.inf
