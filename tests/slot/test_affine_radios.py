"""Radios whose power is affine in the rate, against programs that choose when to send and how fast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lyaopt
from lyaopt.model.system import MeasuredRadio

TAU = 0.01
WEIGHT = 1e6


@st.composite
def slots(draw):
    """A radio, the share of its rate in a slot, and backlogs and weights of some services."""
    numbers = st.floats(0.1, 2.0)
    radio = MeasuredRadio(
        draw(numbers) * 1e7,
        draw(st.sampled_from([0.0, 0.5, 3.0])) * draw(numbers),
        slope_w_per_mbps=draw(st.sampled_from([0.0, 0.02, 0.4])) * draw(numbers),
    )
    count = draw(st.integers(1, 5))
    share = draw(st.sampled_from([1.0, 0.6, 0.05]))
    most = radio.rate_bps * share * TAU
    bits = np.array([draw(numbers) for _ in range(count)]) * most / count * draw(st.sampled_from([0.3, 1.5]))
    per_bit = WEIGHT * (radio.power_w + radio.slope_w_per_mbps * 10) / radio.rate_bps + 1e-9
    weights = (
        np.array([draw(numbers) for _ in range(count)]) * per_bit * draw(st.sampled_from([0.5, 1.0, 4.0]))
    )
    return radio, share, bits, weights


def solved(radio, share, bits, weights):
    nothing = np.zeros((1, len(bits)))
    problem = lyaopt.SlotProblem(
        slot_duration_s=TAU,
        energy_coefficient=1e-28,
        energy_weight_local=1.0,
        energy_weight_transmit=WEIGHT,
        edge_capacity_hz=1e10,
        cpu_capacity_hz=[1e9],
        max_power_w=[0.0],
        channel_gain=[0.0],
        bandwidth_hz=[1e6],
        local_queue_cycles=nothing,
        transmit_queue_bits=bits[None],
        edge_queue_cycles=nothing,
        radio=(radio.in_slot(share),),
        transmit_weight=weights[None],
    )
    return lyaopt.solve_slot(problem)


def power_of(radio, on, mean_rate):
    """Affine power while it is on, for a share of the slot, at a mean rate over the slot."""
    return radio.power_w * on + radio.slope_w_per_mbps * mean_rate / 1e6


@given(slots())
@settings(max_examples=40, deadline=None)
def test_the_solution_is_that_of_the_convex_epigraph(slot):
    """Shares of the slot in which the radio is on and sends, as a cone program that holds every schedule."""
    cp = pytest.importorskip("cvxpy")
    radio, share, bits, weights = slot
    most, scale = radio.rate_bps * share, float(np.max(weights)) * radio.rate_bps * share
    served, on = cp.Variable(len(bits), nonneg=True), cp.Variable(nonneg=True)  # in units of `most`
    power = radio.power_w * on + radio.slope_w_per_mbps * most / 1e6 * cp.sum(served)
    gain = (weights * most / scale) @ served
    limits = [served <= bits / TAU / most, cp.sum(served) <= on, on <= 1.0]
    program = cp.Problem(cp.Minimize(-gain + WEIGHT / scale * power), limits)
    program.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    solution = solved(*slot)
    assert solution.objective.transmit / (TAU * scale) == pytest.approx(program.value, abs=1e-8)
    assert solution.certificate.relative_gap < 1e-12


@given(slots(), st.floats(0.01, 1.0))
@settings(max_examples=60)
def test_no_schedule_of_rates_is_cheaper_than_the_full_rate_for_a_part_of_the_slot(slot, load):
    """Any mixture of silence and of 200 rates, as a linear program over the time spent at each."""
    from scipy.optimize import linprog

    radio, share, _, _ = slot
    most = radio.rate_bps * share
    rates = np.linspace(0.0, 1.0, 201)[1:]
    watts = np.array([power_of(radio, 1.0, rate * most) for rate in rates])
    found = linprog(watts, A_ub=np.ones((1, 200)), b_ub=[1.0], A_eq=rates[None], b_eq=[load])
    on = load
    assert power_of(radio, on, load * most) == pytest.approx(found.fun, rel=1e-9, abs=1e-12)
    whole_slot = power_of(radio, 1.0, load * most)  # at the mean rate, never silent
    assert power_of(radio, on, load * most) <= whole_slot


@given(slots())
@settings(max_examples=60)
def test_the_price_of_a_bit_decides_who_is_served(slot):
    radio, share, bits, weights = slot
    most = radio.rate_bps * share
    per_bit = WEIGHT * (radio.power_w / most + radio.slope_w_per_mbps / 1e6)
    solution = solved(*slot)
    rates = solution.rate_bps[0]
    worth = weights > per_bit * (1.0 + 1e-12)
    if worth.any():
        assert rates.sum() == pytest.approx(min(most, bits[worth].sum() / TAU), rel=1e-12)
    assert not rates[weights < per_bit * (1.0 - 1e-12)].any()
    on = rates.sum() / most
    assert solution.power_w[0] == pytest.approx(power_of(radio, on, rates.sum()), rel=1e-12, abs=1e-15)


def test_a_radio_states_what_it_draws_in_a_slot():
    radio = MeasuredRadio(
        25e6, 2.926, slope_w_per_mbps=0.0767, idle_power_w=1.0, tail_s=10.0, tail_power_w=1.0
    )
    assert radio.in_slot() == pytest.approx((25e6, 2.926 + 25 * 0.0767))
    assert radio.in_slot(0.2) == pytest.approx((5e6, 2.926 + 5 * 0.0767))
    assert radio.in_slot(0.0) == (0.0, 2.926)
    assert radio.full_power_w == radio.in_slot()[1]
