"""Frozen traces: hashes, law, and an independent generator."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from lyaopt.benchmark import load_suite
from lyaopt.benchmark.drive import SECONDS, drive_log, make_log
from lyaopt.benchmark.traces import frozen_traces
from lyaopt.errors import ProblemError
from tests.benchmark.small import TINY

SUITE = load_suite()
(SYSTEM,) = (instance.system for instance in SUITE.instances if instance.traced)
DEVICES = len(SYSTEM.devices)


@pytest.mark.parametrize("budget", [SUITE.full, SUITE.quick], ids=["full", "quick"])
def test_traces_have_the_stated_hash(budget):
    traces = frozen_traces(SYSTEM, budget)
    assert len(traces) == budget.replications
    assert {trace.slots for trace in traces} == {budget.slots + budget.warmup}


def test_other_traces_and_other_devices_are_refused():
    with pytest.raises(ProblemError, match=r"\$\.trace_sha256: expected "):
        frozen_traces(SYSTEM, replace(SUITE.quick, seed=2))
    with pytest.raises(ProblemError, match=r"\$\.devices: expected the devices"):
        frozen_traces(replace(SYSTEM, devices=SYSTEM.devices[::-1]), TINY)


def test_replications_start_elsewhere_in_the_log_and_go_around_it():
    names, log = drive_log()
    assert names == SYSTEM.device_ids
    traces = frozen_traces(SYSTEM, replace(TINY, replications=3, slots=100_000))
    for b, trace in enumerate(traces):
        trace.check_against(SYSTEM)
        second = (b * SECONDS // 3 + np.arange(trace.slots) // 100) % SECONDS
        np.testing.assert_array_equal(trace.channel_gain, log[second] / 1000)
    assert len({trace.arrivals.tobytes() for trace in traces}) == len(traces)


def test_longer_traces_begin_alike():
    short, long = frozen_traces(SYSTEM, TINY), frozen_traces(SYSTEM, replace(TINY, slots=200))
    for one, other in zip(short, long, strict=True):
        np.testing.assert_array_equal(one.channel_gain, other.channel_gain[: one.slots])
        np.testing.assert_array_equal(one.arrivals, other.arrivals[: one.slots])


def test_the_log_is_that_of_a_slow_generator_in_plain_python():
    text = (files("lyaopt.benchmark") / "data" / "drive.csv").read_text(encoding="utf-8")
    assert text == make_log(SYSTEM.device_ids)
    words = np.random.PCG64(np.random.SeedSequence([40])).random_raw((40 + SECONDS) * DEVICES)
    memory, spread = round(math.exp(-1 / 4), 12), math.sqrt(4 * (65536**2 - 1) / 12)
    for m in range(DEVICES):
        x, found = 0.0, []
        for row, word in enumerate(words.tolist()[m::DEVICES]):
            total = sum((word >> shift) % 65536 for shift in (0, 16, 32, 48))
            normal = (total - 131070) / spread
            x = memory * x + math.sqrt(1.0 - memory * memory) * normal if row else normal
            found.append(min(max(round(1200.0 + 600.0 * x), 0), 1000))
        assert drive_log()[1][:, m].tolist() == found[40:]


def test_the_log_and_arrivals_have_the_stated_law():
    """Of numbers that are normal: P(x >= -1/3) is 0.631, P(x <= -2) 0.023."""
    shares = drive_log()[1]
    assert shares.shape == (SECONDS, DEVICES)
    assert (shares == 1000).mean() == pytest.approx(0.631, abs=0.06)
    assert (shares == 0).mean() == pytest.approx(0.023, abs=0.012)
    assert ((shares > 0) & (shares < 1000)).mean() > 0.3
    born = np.stack([t.arrivals for t in frozen_traces(SYSTEM, replace(TINY, slots=100_000))])
    assert born.max() == 1
    assert born.mean() == pytest.approx(0.002, rel=0.05)
