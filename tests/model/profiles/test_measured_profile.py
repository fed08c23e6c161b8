"""Measured profiles: order of times, their place in documents, and the systems that take them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.profiles import Cut, Measurement, Profile, format_profile, parse_profile
from lyaopt.model.profiles.timing import Timing, measure_halves, rising
from lyaopt.model.scenarios import load_scenario, scenario_to_dict
from lyaopt.model.system import Device, Service, System
from lyaopt.policies import Fixed
from lyaopt.simulation import simulate

CUTS = (Cut("input", 0, 800), Cut("a", 100, 400), Cut("b", 400, 40), Cut("end", 500, 0))
TIMES = Measurement(
    machine="some CPU",
    runtime="by hand",
    cpu_hz=2e9,
    threads=1,
    runs=3,
    head_s=(0.0, 0.02, 0.03, 0.05),
    tail_s=(0.06, 0.03, 0.01, 0.0),
    head_range_s=(0.0, 0.001, 0.001, 0.002),
    tail_range_s=(0.002, 0.001, 0.001, 0.0),
)
PROFILE = Profile("net", "made up", 800, 500, 8, CUTS, TIMES)


def test_a_document_keeps_the_times():
    assert parse_profile(format_profile(PROFILE)) == PROFILE
    assert parse_profile(format_profile(PROFILE, one_line=True)) == PROFILE
    assert "measured" not in json.loads(format_profile(replace(PROFILE, measured=None)))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"head_s": [0.0, 0.02, 0.01, 0.05]}, r"\$\.measured\.head_s\[2\]"),
        ({"tail_s": [0.06, 0.03, 0.04, 0.0]}, r"\$\.measured\.tail_s\[1\]"),
        ({"head_s": [0.1, 0.2, 0.3, 0.5]}, r"\$\.measured\.head_s\[0\]"),
        ({"tail_s": [0.06, 0.03, 0.01, 0.005]}, r"\$\.measured\.tail_s\[3\]"),
        ({"tail_s": [0.06, 0.03, 0.0]}, r"\$\.measured\.tail_s: expected 4"),
        ({"cpu_hz": 0.0}, r"\$\.measured\.cpu_hz: expected more than 0"),
        ({"runs": 0}, r"\$\.measured\.runs: expected at least 1"),
        ({"head_s": [0.0, "x", 0.03, 0.05]}, r"\$\.measured\.head_s\[1\]: expected a number"),
        ({"frequency": 3}, r"\$\.measured\.frequency"),
    ],
)
def test_wrong_times_are_refused_by_their_place(changes, path):
    document = json.loads(format_profile(PROFILE))
    document["measured"] |= changes
    with pytest.raises(DocumentError, match=path):
        parse_profile(json.dumps(document))


def test_there_is_a_time_for_every_cut():
    with pytest.raises(ProblemError, match=r"\$\.measured\.head_s: expected 3 times"):
        Profile("net", "made up", 800, 500, 8, (CUTS[0], CUTS[2], CUTS[3]), TIMES)


def system_of(work):
    service = Service(PROFILE, arrival_rate_per_s=2.0, work=work)
    return System((Device(180.0, (service,)), Device(200.0, (Service("alexnet"),))))


def test_a_system_takes_measured_cycles_where_it_is_told():
    by_macs, measured = system_of("macs"), system_of("measured")
    np.testing.assert_allclose(measured.local_cycles[0, :4], 2e9 * np.array(TIMES.head_s))
    np.testing.assert_allclose(measured.edge_cycles[0, :4], 2e9 * np.array(TIMES.tail_s))
    np.testing.assert_allclose(by_macs.local_cycles[0, :4], 0.12 * np.array([0, 100, 400, 500]))
    np.testing.assert_array_equal(measured.local_cycles[1], by_macs.local_cycles[1])
    np.testing.assert_array_equal(measured.transmit_bits, by_macs.transmit_bits)
    assert (measured.edge_cycles[0, 3:] == 0.0).all()
    assert (measured.local_cycles[0, 3:] == measured.local_cycles[0, 3]).all()


def test_the_simulator_serves_measured_cycles():
    """A device that is never short of energy takes the measured time, in whole slots."""
    system = replace(system_of("measured"), energy_weight_local=0.0)
    result = simulate(system, Fixed([3, 0]), slots=20_000)
    cycles = 2e9 * TIMES.head_s[3]
    least = np.ceil(cycles / system.cpu_capacity_hz[0] / system.slot_duration_s) * system.slot_duration_s
    assert result.latencies.of_groups(np.array([0])).mean * system.slot_duration_s >= least


def test_a_profile_without_times_cannot_give_them():
    with pytest.raises(ProblemError, match=r"\$\.work: expected macs, as alexnet has no measured times"):
        Service("alexnet", work="measured")


def test_documents_of_scenarios_are_as_before():
    document = scenario_to_dict(load_scenario("default"))
    assert all("work" not in service for device in document["devices"] for service in device["services"])


@given(st.lists(st.floats(0.0, 1e3), min_size=1, max_size=12))
def test_rising_times_are_the_closest_that_rise(values):
    found = rising(np.array([0.0, *values]))
    assert found[0] == 0.0
    assert (np.diff(found[1:]) >= -1e-9).all()
    # Least squares over rising sequences: residuals sum to zero in every pool, and no split does better.
    np.testing.assert_allclose(found[1:].sum(), sum(values), rtol=1e-9, atol=1e-9)
    for other in (np.maximum.accumulate(values), np.minimum.accumulate(values[::-1])[::-1]):
        assert ((found[1:] - values) ** 2).sum() <= ((other - values) ** 2).sum() + 1e-6


def test_halves_are_run_in_turn_and_timed():
    calls = []
    heads = [None, lambda: calls.append("h1"), lambda: calls.append("h2")]
    tails = [lambda: calls.append("t0"), lambda: calls.append("t1"), None]
    seen = []
    timing = Timing(threads=1, runs=2, cpu_hz=1e9, progress=lambda *done: seen.append(done))
    found = measure_halves(heads, tails, "r", timing)
    assert calls == ["h1", "h2", "t0", "t1"] * 3
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert found.head_s[0] == found.tail_s[-1] == 0.0
    assert found.cpu_hz == 1e9


def test_every_cut_of_a_module_is_run_and_timed():
    torch = pytest.importorskip("torch", reason="measuring needs the extra lyaopt[profile]")
    from lyaopt.model.profiles.torch_measure import measure_torch
    from lyaopt.model.profiles.torch_profiler import profile_torch

    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3),
        torch.nn.ReLU(),
        torch.nn.Conv2d(8, 4, 3, stride=2),
        torch.nn.Flatten(),
        torch.nn.Linear(4 * 14 * 14, 5),
    )
    inputs = (torch.randn(1, 3, 32, 32),)
    profile = profile_torch(module, inputs)
    threads = torch.get_num_threads()
    measured = measure_torch(module, inputs, timing=Timing(threads=1, runs=3, cpu_hz=1e9))
    assert torch.get_num_threads() == threads
    assert len(measured.head_s) == len(profile.cuts)
    assert replace(profile, measured=measured).measured == measured
    assert min(measured.head_s[1:]) > 0.0
    assert min(measured.tail_s[:-1]) > 0.0
