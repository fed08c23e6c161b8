"""Tables of CPUs and measured radios: hulls, refusals, and what they come to in the limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from lyaopt import ProblemError, SlotBatch, SlotProblem, solve_slot, solve_slots
from lyaopt.kernels import TransmitAllocation, general_transmit_certificate, general_transmit_exact
from lyaopt.slot.tables import lower_hull, make_curves
from lyaopt.verify.random_problems import random_batch, to_problem
from tests.slot.one_device import slot
from tests.support.spectrum import problem

# Frequencies are apart, as Qhull rounds: a segment that is upright to it would be left out below.
frequencies = st.integers(10, 1000).map(lambda tenths: tenths / 10)
tables = st.lists(
    st.tuples(frequencies, st.floats(0.0, 100.0)), min_size=1, max_size=12, unique_by=lambda p: p[0]
).map(sorted)


def power_of(hull: list[tuple[float, float]], hz: float) -> float:
    return float(np.interp(hz, [0.0, *(f for f, _ in hull)], [0.0, *(p for _, p in hull)]))


@given(tables)
def test_the_hull_is_convex_and_below_every_point_and_chord(points: list[tuple[float, float]]) -> None:
    hull = lower_hull(points)
    assert hull[-1] == points[-1]
    assert set(hull) <= set(points)
    slopes = np.diff([0.0, *(p for _, p in hull)]) / np.diff([0.0, *(f for f, _ in hull)])
    assert np.all(np.diff(slopes) > 0)
    assert np.all(slopes >= 0)
    for hz, power in points:
        assert power_of(hull, hz) <= power + 1e-12


@given(tables)
def test_the_hull_is_that_of_qhull(points: list[tuple[float, float]]) -> None:
    """Its lower part: facets whose outer normal points down."""
    above = [(0.0, 1e3), (points[-1][0], 1e3)]
    corners = np.array([(0.0, 0.0), *points, *above])
    qhull = ConvexHull(corners)
    for hz in np.linspace(0, points[-1][0], 37):
        lines = [eq for eq in qhull.equations if eq[1] < -1e-12]
        lower = max(-(eq[0] * hz + eq[2]) / eq[1] for eq in lines)
        assert power_of(lower_hull(points), hz) == pytest.approx(lower, rel=1e-9, abs=1e-9)


def test_equal_tables_share_a_row_and_short_rows_repeat_their_end() -> None:
    long, short = ((1.0, 1.0), (2.0, 3.0), (4.0, 9.0)), ((5.0, 1.0),)
    curves = make_curves((long, None, short, long), 4)
    assert curves.row.tolist() == [0, -1, 1, 0]
    assert curves.hz.tolist() == [[1.0, 2.0, 4.0], [5.0, 5.0, 5.0]]
    assert curves.slope.tolist() == [[1.0, 2.0, 3.0], [0.2, np.inf, np.inf]]


@pytest.mark.parametrize("points", [20, 200, 2000])
def test_a_fine_table_approaches_the_cubic_law(points: int) -> None:
    """The hull lies above the cube by at most (3/4) delta F^3 / K^2, the value by U tau times that."""
    batch = random_batch("weights", 50, np.random.default_rng(points), 3, 4)
    tables = []
    for capacity in batch.cpu_capacity_hz:
        hz = capacity * np.arange(1, points + 1) / points
        tables.append(list(zip(hz.tolist(), (batch.energy_coefficient * hz**3).tolist(), strict=True)))
    cubic, table = solve_slots(batch), solve_slots(replace(batch, cpu_points=tables))
    most = batch.energy_coefficient * batch.cpu_capacity_hz**3 / points**2
    bound = 0.75 * np.sum(most) * batch.energy_weight_local * batch.slot_duration_s
    gross = np.abs(cubic.objective[0]).max()
    assert np.all(table.objective[0] >= cubic.objective[0] - 1e-12 * gross)
    assert np.all(table.objective[0] <= cubic.objective[0] + bound + 1e-12 * gross)


@given(st.integers(0, 2**32 - 1), st.floats(0, 4))
def test_a_table_of_one_point_is_a_measured_radio(seed: int, price: float) -> None:
    """A rate and a price a unit: the same for a CPU and a radio."""
    batch = random_batch("weights", 3, np.random.default_rng(seed), 2, 3)
    rate, power = 1.2e9, 0.7
    weight = price * float(np.median(batch.local_weight)) * rate / power
    same = replace(
        batch,
        transmit_queue_bits=batch.local_queue_cycles,
        transmit_weight=batch.local_weight,
        energy_weight_local=weight,
        energy_weight_transmit=weight,
        cpu_capacity_hz=2 * rate,
        cpu_points=[[(rate, power)]] * 2,
        radio=[(rate, power)] * 2,
    )
    solution = solve_slots(same)
    np.testing.assert_array_equal(solution.rate_bps, solution.local_cpu_hz)
    np.testing.assert_array_equal(solution.transmit_multiplier, solution.local_multiplier)
    np.testing.assert_allclose(solution.transmit_energy_j, solution.local_energy_j, rtol=1e-14)
    totals, prices = solution.cpu_hz, weight * power / rate
    assert np.all((totals == 0) | (solution.local_multiplier >= prices * (1 - 1e-15)))


def test_a_radio_with_shannons_rate_at_full_power_serves_the_same_for_nothing() -> None:
    shannon = slot(max_power_w=[3.0], transmit_queue_bits=[[1.0, 2.0]])
    measured = replace(shannon, radio=[(float(np.log(4.0)), 3.0)])
    ours, theirs = solve_slot(measured), solve_slot(shannon)
    np.testing.assert_allclose(ours.rate_bps, theirs.rate_bps, rtol=1e-15)
    assert ours.power_w == theirs.power_w == [3.0]


@pytest.mark.parametrize(("rate", "power"), [(0.0, 3.0), (0.0, 0.0), (5.0, 0.0)])
def test_a_radio_without_rate_or_power(rate: float, power: float) -> None:
    solution = solve_slot(slot(radio=[(rate, power)], energy_weight_transmit=1.0))
    np.testing.assert_array_equal(solution.rate_bps, [[3.0, 2.0]] if rate else [[0.0, 0.0]])
    assert solution.power_w == [0.0]
    assert solution.certificate.relative_gap == 0.0


def test_a_radio_may_differ_between_slots() -> None:
    one = solve_slots(random_batch("measured-radios", 6, np.random.default_rng(0), 2, 2)).batch
    rates = np.array([entry[0] for entry in one.radio])
    assert rates.shape == (2, 6)
    for index in range(6):
        problem = to_problem(replace(one, energy_weight_transmit=1.0, energy_weight_local=1.0), index)
        np.testing.assert_array_equal([entry[0] for entry in problem.radio], rates[:, index])


POINTS = [
    (5.0, "$.cpu_points: expected one entry for each of 1 devices, or None"),
    ([None, None], "$.cpu_points: expected one entry for each of 1 devices, or None"),
    ([[]], "$.devices[0].cpu_points: expected a table of points (hz, power_w), at least one"),
    ([[(1.0, 2.0, 3.0)]], "$.devices[0].cpu_points: expected a table of points (hz, power_w), at least one"),
    ([[(1.0, 2.0), (2,)]], "$.devices[0].cpu_points: expected a table of points (hz, power_w), at least one"),
    ([[(1.0, [2.0])]], "$.devices[0].cpu_points: expected a table of points (hz, power_w), at least one"),
    ([[(5e-324, 1.0)]], "$.devices[0].cpu_points: the power for each hertz of a point is not finite"),
    ([[(0.0, 1.0)]], "$.devices[0].cpu_points[0].hz: expected a frequency above 0, got 0.0"),
    ([[(2.0, 1.0), (2.0, 3.0)]], "$.devices[0].cpu_points[1].hz: expected a frequency above 2, got 2.0"),
    ([[(1.0, -1.0)]], "$.devices[0].cpu_points[0].power_w: expected a finite number >= 0, got -1.0"),
    ([[(1.0, np.nan)]], "$.devices[0].cpu_points[0].power_w: expected a finite number >= 0, got nan"),
]
RADIOS = [
    ([None, None], "$.radio: expected one entry for each of 1 devices, or None"),
    ([(1.0,)], "$.devices[0].radio: expected (rate_bps, power_w)"),
    ([([1.0, [2.0, 3.0]], 1.0)], "$.devices[0].radio.rate_bps: expected numbers, got [1.0, [2.0, 3.0]]"),
    ([(-1.0, 1.0)], "$.devices[0].radio.rate_bps: expected a finite number >= 0, got -1.0"),
    ([(1.0, np.inf)], "$.devices[0].radio.power_w: expected a finite number >= 0, got inf"),
    (
        [(1e-320, 1.0)],
        "$.devices[0].radio.rate_bps: expected 0, or a rate at which a bit takes a finite energy, got 1e-320",
    ),
]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [*(("cpu_points", *case) for case in POINTS), *(("radio", *case) for case in RADIOS)],
)
def test_refusals_name_the_entry(name: str, value: Any, message: str) -> None:
    with pytest.raises(ProblemError) as refused:
        slot(**{name: value})
    assert str(refused.value) == message


def test_a_radio_of_another_number_of_slots_is_refused() -> None:
    batch = random_batch("mixed", 4, np.random.default_rng(0), 1, 2)
    with pytest.raises(ProblemError, match=r"^\$\.devices\[0\]\.radio\.rate_bps: expected shape \(4,\)"):
        replace(batch, radio=[(np.ones(3), 1.0)])


@pytest.mark.parametrize("kind", [SlotProblem, SlotBatch])
def test_no_table_at_all_is_none(kind: type) -> None:
    batch = random_batch("mixed", 1, np.random.default_rng(0), 2, 2)
    given_ = batch if kind is SlotBatch else to_problem(batch, 0)
    assert replace(given_, cpu_points=[None, None], radio=[None, None]).cpu_points is None


def test_a_batch_refuses_a_radio_whose_bits_take_infinite_energy() -> None:
    batch = random_batch("mixed", 2, np.random.default_rng(0), 1, 1)
    with pytest.raises(ProblemError, match=r"^\$\.devices\[0\]\.radio\.rate_bps: .*, got 1e-310$"):
        replace(batch, radio=[(np.array([0.0, 1e-310]), np.array([1.0, 1.0]))])


def test_a_radio_whose_energy_is_beyond_double_precision_is_silent() -> None:
    solution = solve_slot(slot(radio=[(1e-200, 1e100)], energy_weight_transmit=1e20))
    assert not solution.rate_bps.any()
    assert not solution.power_w.any()
    assert solution.certificate.relative_gap == 0.0


def test_kernels_send_nothing_by_a_radio_whose_bits_take_infinite_energy() -> None:
    shannon = problem([[3.0, 2.0]], [[3.0, 2.0]], [1.0, 1.0])
    rate, power = np.array([1e-320, 1.0]), np.array([1.0, 1.0])
    radios = shannon._replace(measured=np.ones(2, dtype=np.int64), radio_rate=rate, radio_power=power)
    solved = TransmitAllocation(np.full((1, 2), np.nan), np.full(2, np.nan), np.full(2, np.nan))
    report = np.full((3, 2), np.nan)
    general_transmit_exact(radios, solved)
    general_transmit_certificate(radios, solved, report)
    assert solved.power.tolist() == [0.0, 1.0]
    assert solved.rate[0] == pytest.approx([0.0, 1.0], rel=2e-15)
    assert np.all(report[0] <= 1e-15)


def test_the_price_of_a_cpu_without_capacity_is_minus_its_gradient() -> None:
    """The first hertz runs at the first point: a cycle takes 1 nJ of the 2 that it is worth."""
    batch = replace(
        random_batch("mixed", 1, np.random.default_rng(0), 2, 1),
        slot_duration_s=0.5,
        cpu_capacity_hz=[0.0, 1e9],
        cpu_points=[[(5e8, 0.5), (1e9, 2.0)], None],
        local_queue_cycles=np.full((1, 2, 1), 2e9),
        local_weight=np.full((1, 2, 1), 2e-9),
        energy_weight_local=1.0,
        energy_coefficient=0.0,
    )
    solution = solve_slots(batch)
    np.testing.assert_allclose(solution.local_price, [[0.5 * (2e-9 - 1e-9), 0.5 * 2e-9]], rtol=1e-12)
    np.testing.assert_allclose(solution.gradient().cpu_capacity_hz, -solution.local_price, rtol=1e-12)
    dear = solve_slots(replace(batch, energy_weight_local=3.0))
    np.testing.assert_array_equal(dear.local_price[:, 0], [0.0])
