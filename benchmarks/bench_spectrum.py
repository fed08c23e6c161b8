"""Time per slot of shared spectrum in batches."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.data import batch
from lyaopt import SlotBatch
from lyaopt._kernels.slot.general_problems import GeneralTransmitProblem, SpectrumAllocation
from lyaopt._kernels.slot.shared_spectrum import spectrum_exact
from lyaopt._kernels.slot.spectrum_certificate import spectrum_certificate
from lyaopt.verify.random_problems import random_batch

SLOTS = 20_000
GROUP = "Shared spectrum, 20,000 slots, M = 4, N = 2"


def general(slots: SlotBatch) -> GeneralTransmitProblem:
    """Problem 4 of a batch; weights are the backlogs."""
    count, devices, items = slots.shape
    queues = np.ascontiguousarray(slots.transmit_queue_bits.transpose(2, 1, 0)).reshape(items, -1)
    return GeneralTransmitProblem(
        weights=queues,
        limits=queues.copy(),
        gain=np.ascontiguousarray(slots.channel_gain.T).reshape(devices * count),
        bandwidth=np.array(slots.bandwidth_hz),
        max_power=np.array(slots.max_power_w),
        tau=np.array([slots.slot_duration_s]),
        energy_weight=np.array([slots.energy_weight_transmit]),
        noise=slots.noise_w_per_hz,
        measured=np.zeros(devices, dtype=np.int64),
        radio_rate=np.zeros(0),
        radio_power=np.zeros(0),
    )


def empty(problem: GeneralTransmitProblem) -> SpectrumAllocation:
    items, lanes = problem.weights.shape
    slots = lanes // problem.measured.size
    return SpectrumAllocation(*(np.zeros(shape) for shape in ((items, lanes), lanes, lanes, lanes, slots)))


@pytest.mark.parametrize("regime", ["benchmark", "mixed", "energy-limited", "capacity-limited"])
def test_spectrum(benchmark, record, regime):
    drawn = batch(SLOTS) if regime == "benchmark" else random_batch(regime, SLOTS, np.random.default_rng(1))
    problem = general(drawn)
    allocation = empty(problem)
    benchmark.pedantic(spectrum_exact, args=(problem, allocation), rounds=40, warmup_rounds=2)
    record.time(GROUP, f"spectrum_exact, {regime} slots", benchmark.stats.stats.min / SLOTS, "slot")
    if regime == "benchmark":
        each = benchmark.stats.stats.min / SLOTS * 1e6
        record.require("shared spectrum, a slot of 4 devices", "<= 3 us", f"{each:.2f} us", each <= 3.0)


def test_certificate(benchmark, record):
    problem = general(batch(SLOTS))
    allocation, report = empty(problem), np.zeros((3, problem.gain.size))
    spectrum_exact(problem, allocation)
    benchmark.pedantic(spectrum_certificate, args=(problem, allocation, report), rounds=10, warmup_rounds=1)
    record.time(GROUP, "spectrum_certificate", benchmark.stats.stats.min / SLOTS, "slot")


@pytest.mark.parametrize(("devices", "services"), [(2, 1), (10, 2), (4, 8), (4, 32), (100, 2), (10, 100)])
def test_sizes(benchmark, record, devices, services):
    count = max(1, 80_000 // (devices * services))
    problem = general(batch(count, devices, services))
    allocation = empty(problem)
    benchmark.pedantic(spectrum_exact, args=(problem, allocation), rounds=10, warmup_rounds=1)
    seconds = benchmark.stats.stats.min / (count * devices * services)
    record.time("Shared spectrum by size", f"M = {devices}, N = {services}", seconds, "service and slot")
