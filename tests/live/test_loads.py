"""Births and rates of a run."""

from __future__ import annotations

import numpy as np
import pytest

from lyaopt import Device, Service, System, simulate
from lyaopt.errors import ProblemError
from lyaopt.live.loads import births_of, drawn_trace, full_rates_bps
from lyaopt.model.device_energies import MeasuredRadio
from lyaopt.policies.fixed import all_offload
from lyaopt.simulation import Simulator

SYSTEM = System(
    (
        Device(150.0, (Service("resnet18"), Service("alexnet"))),
        Device(170.0, (Service("resnet18"),), radio=MeasuredRadio(2e6, 0.5)),
    ),
    slot_duration_s=0.02,
    energy_weight_transmit=0.0,
)


def test_births_are_the_arrivals_in_their_slots_and_go_around():
    arrivals = np.zeros((5, 3), np.int64)
    arrivals[1, 0], arrivals[1, 1], arrivals[4, 2] = 2, 1, 1
    camera, phone = births_of(SYSTEM, arrivals, 0.2)  # ten slots: the trace twice
    assert [(n, cut) for _, n, cut in camera] == [(0, None), (1, None), (0, None)] * 2
    assert [at for at, _, _ in camera] == pytest.approx([0.025, 0.03, 0.035, 0.125, 0.13, 0.135])
    assert [at for at, _, _ in phone] == pytest.approx([0.09, 0.19])


def test_every_arrival_of_a_drawn_trace_is_born_once():
    trace = drawn_trace(SYSTEM, 5000, seed=3)
    births = births_of(SYSTEM, trace.arrivals, 5000 * 0.02)
    assert sum(map(len, births)) == trace.arrivals.sum() > 0
    assert [n for _, n, _ in births[0]].count(1) == trace.arrivals[:, 1].sum()
    for rows in births:
        assert rows == sorted(rows, key=lambda row: row[0])


def test_a_drawn_trace_is_that_of_a_simulation_with_the_seed():
    trace = drawn_trace(SYSTEM, 300, seed=3)
    record = simulate(SYSTEM, all_offload(SYSTEM), slots=300, seed=3, record=True).record
    assert (record.arrivals == trace.arrivals).all()
    assert record.channel_gain == pytest.approx(trace.channel_gain)


def test_rates_are_those_at_which_a_full_queue_is_sent_where_energy_has_no_weight():
    trace = drawn_trace(SYSTEM, 400, seed=1)
    simulator = Simulator(SYSTEM, all_offload(SYSTEM), seed=1, trace=trace, record=True)
    simulator.run(400)
    record = simulator.result().record
    rates = full_rates_bps(SYSTEM, trace.channel_gain)
    sent = np.stack([record.rate_bps[:, :2].sum(axis=1), record.rate_bps[:, 2]], axis=1)
    waiting = np.stack(
        [record.transmit_queue_bits[:-1, :2].sum(axis=1), record.transmit_queue_bits[:-1, 2]], axis=1
    )
    full = waiting > rates * 0.02
    assert full.any(axis=0).all()
    assert sent[full] == pytest.approx(rates[full], rel=1e-9)


def test_a_radio_that_never_carries_anything_is_refused():
    with pytest.raises(ProblemError, match=r"devices\[1\]"):
        full_rates_bps(SYSTEM, np.array([[1e-10, 0.0]]))
