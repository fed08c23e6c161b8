"""Nanoseconds per draw of the random streams, and of NumPy's generator of the same family."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import Arrivals, Channel
from lyaopt.simulation.streams import make_streams

REPLICATIONS, SLOTS = 32, 100  # 128 lanes, as in the simulator; many slots hide the call from Python
GAIN = "A channel gain, M = 4, 32 systems, 100 slots a call"
ARRIVAL = "A service's arrivals in a slot, M = 4, N = 2, 32 systems, 100 slots a call"
CHANNELS = {
    "shadowing": Channel(shadowing_std_db=6.0),
    "correlated fading": Channel(fading_correlation=0.9),
    "walking": Channel(walk_m_per_sqrt_s=1.0),
}


def streams_of(channel=None, arrivals=None, rate=None):
    system = load_scenario("default")
    if rate is not None:
        devices = tuple(
            replace(d, services=tuple(replace(s, arrival_rate_per_s=rate) for s in d.services))
            for d in system.devices
        )
        system = replace(system, devices=devices)
    return make_streams(
        replace(system, channel=channel or Channel(), arrivals=arrivals or Arrivals()), 1, range(REPLICATIONS)
    )


def seconds_a_draw(benchmark, draw, size):
    benchmark.pedantic(draw, rounds=200, iterations=2, warmup_rounds=5)
    return benchmark.stats.stats.median / size


def gains_of(benchmark, streams):
    return seconds_a_draw(benchmark, lambda: streams.draw_gains(0, SLOTS), SLOTS * streams.lane_gain.size)


def arrivals_of(benchmark, streams):
    return seconds_a_draw(benchmark, lambda: streams.draw_arrivals(0, SLOTS), SLOTS * streams.mean.size)


def test_gains(benchmark, record):
    seconds = gains_of(benchmark, streams_of())
    record.time(GAIN, "lyaopt, Rayleigh fading", seconds, "draw")
    record.require("a channel gain", "<= 6 ns", f"{seconds * 1e9:.1f} ns", seconds <= 6e-9)


@pytest.mark.parametrize("name", CHANNELS)
def test_slow_channels(benchmark, record, name):
    record.time(GAIN, f"the same with {name}", gains_of(benchmark, streams_of(CHANNELS[name])), "draw")


def test_numpy_exponential(benchmark, record):
    generator = np.random.Generator(np.random.Philox(1))
    mean = streams_of().lane_gain
    shape = (SLOTS, mean.size)
    seconds = seconds_a_draw(
        benchmark, lambda: generator.standard_exponential(shape) * mean, SLOTS * mean.size
    )
    record.time(GAIN, "numpy, Generator(Philox).standard_exponential", seconds, "draw")


def test_arrivals(benchmark, record):
    seconds = arrivals_of(benchmark, streams_of())
    record.time(ARRIVAL, "lyaopt, 0.002 tasks a slot", seconds, "draw")
    record.require("a service's arrivals in a slot", "<= 5 ns", f"{seconds * 1e9:.1f} ns", seconds <= 5e-9)


def test_bursty_arrivals(benchmark, record):
    seconds = arrivals_of(benchmark, streams_of(arrivals=Arrivals(busy_rate_factor=5.0)))
    record.time(ARRIVAL, "the same with bursts", seconds, "draw")


@pytest.mark.parametrize("mean", [1.0, 1000.0])
def test_many_arrivals(benchmark, record, mean):
    seconds = arrivals_of(benchmark, streams_of(rate=mean / 0.01))
    record.time(ARRIVAL, f"the same with {mean:g} tasks a slot", seconds, "draw")


def test_numpy_poisson(benchmark, record):
    generator = np.random.Generator(np.random.Philox(1))
    mean = streams_of().mean
    shape = (SLOTS, *mean.shape)
    seconds = seconds_a_draw(benchmark, lambda: generator.poisson(mean, shape), SLOTS * mean.size)
    record.time(ARRIVAL, "numpy, Generator(Philox).poisson", seconds, "draw")
