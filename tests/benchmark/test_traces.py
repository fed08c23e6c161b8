"""Frozen traces: hashes, law, and an independent generator."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lyaopt.benchmark import load_suite
from lyaopt.benchmark.traces import frozen_traces, shadowing_hundredths
from lyaopt.errors import ProblemError
from tests.benchmark.small import TINY

SUITE = load_suite()
(SYSTEM,) = (instance.system for instance in SUITE.instances if instance.traced)


@pytest.mark.parametrize("budget", [SUITE.full, SUITE.quick], ids=["full", "quick"])
def test_traces_have_the_stated_hash(budget):
    traces = frozen_traces(SYSTEM, budget)
    assert len(traces) == budget.replications
    assert {trace.slots for trace in traces} == {budget.slots + budget.warmup}


def test_other_traces_are_refused():
    with pytest.raises(ProblemError, match=r"\$\.trace_sha256: expected "):
        frozen_traces(SYSTEM, replace(SUITE.quick, seed=2))


def test_traces_differ_and_longer_ones_begin_alike():
    short, long = frozen_traces(SYSTEM, TINY), frozen_traces(SYSTEM, replace(TINY, slots=200))
    assert len({trace.channel_gain.tobytes() for trace in short}) == len(short)
    for one, other in zip(short, long, strict=True):
        np.testing.assert_array_equal(one.channel_gain, other.channel_gain[: one.slots])
        np.testing.assert_array_equal(one.arrivals, other.arrivals[: one.slots])


def test_the_shadowing_is_that_of_a_slow_generator_in_plain_python():
    devices, before, slots = len(SYSTEM.devices), 2000, 5
    words = np.random.PCG64(np.random.SeedSequence([9, 1, 0])).random_raw((before + slots) * devices)
    memory = round(math.exp(-0.01 / 2.0), 12)
    spread = math.sqrt(4 * (65536**2 - 1) / 12)
    for m in range(devices):
        x, found = 0.0, []
        for row, word in enumerate(words.tolist()[m::devices]):
            total = sum((word >> shift) % 65536 for shift in (0, 16, 32, 48))
            normal = (total - 131070) / spread
            x = memory * x + math.sqrt(1.0 - memory * memory) * normal if row else normal
            found.append(round(x * 800.0))
        assert shadowing_hundredths(SYSTEM, 9, 2, slots)[:, 1, m].tolist() == found[before:]


def test_gains_and_arrivals_follow_the_law_of_the_system():
    traces = frozen_traces(SYSTEM, replace(TINY, replications=40, slots=20_000))
    decibels = np.stack([10.0 * np.log10(t.channel_gain / SYSTEM.mean_channel_gain()) for t in traces])
    assert abs(decibels.mean()) < 0.5
    assert decibels.std() == pytest.approx(8.0, rel=0.05)
    lag = round(SYSTEM.channel.shadowing_sojourn_s / SYSTEM.slot_duration_s)
    correlation = np.corrcoef(decibels[:, lag:].ravel(), decibels[:, :-lag].ravel())[0, 1]
    assert correlation == pytest.approx(math.exp(-1.0), abs=0.05)
    # The tails: a sum of four uniform numbers has a kurtosis of 2.7, a normal number of 3.
    assert ((decibels / decibels.std()) ** 4).mean() == pytest.approx(3.0, abs=0.25)
    born = np.stack([trace.arrivals for trace in traces])
    assert born.max() == 1
    assert born.mean() == pytest.approx(0.002, rel=0.05)
