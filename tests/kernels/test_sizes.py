"""Every number of items, hence every solver behind the same call, against the naive oracle."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from lyaopt import SlotBatch, solve_slots
from tests.support import naive

TAU, DELTA = 0.01, 1e-28
NOISE = 10.0 ** (-20.4)
# registers (2, 4, 8), blocks, selection, and the sizes around the limits between them
SIZES = [1, 2, 3, 4, 5, 8, 9, 16, 33, 100, 256, 257]


def make_batch(services, devices=2, slots=9, weights=(1e17, 1e13), edge=2e9, seed=0):
    rng = np.random.default_rng(seed)
    shape = (services, devices, slots)  # the memory order of the kernels; transposed below
    queues = [10 ** rng.uniform(3, 7, shape) * (rng.random(shape) < 0.8) for _ in range(3)]
    for queue in queues:  # exact ties
        queue[:] = np.where(rng.random(shape) < 0.3, 123456.789, queue)
    return SlotBatch(
        slot_duration_s=TAU,
        energy_coefficient=DELTA,
        energy_weight_local=weights[0],
        energy_weight_transmit=weights[1],
        edge_capacity_hz=edge,
        cpu_capacity_hz=rng.uniform(1e8, 1.5e9, devices),
        max_power_w=rng.uniform(0.1, 0.3, devices),
        channel_gain=(rng.exponential(6e-11, shape[1:]) * (rng.random(shape[1:]) < 0.9)).T,
        bandwidth_hz=rng.uniform(1e5, 1e6, devices),
        local_queue_cycles=queues[0].T,
        transmit_queue_bits=queues[1].T,
        edge_queue_cycles=queues[2].T,
    )


def assert_close(actual, expected, scale):
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12 * scale)


@pytest.mark.parametrize("method", ["exact", "bisection"])
@pytest.mark.parametrize("weights", [(1e9, 1e6), (1e17, 1e13), (0.0, 0.0)])
@pytest.mark.parametrize("services", SIZES)
def test_agrees_with_the_naive_oracle(services, weights, method):
    batch = make_batch(services, weights=weights, seed=services, slots=9 if services < 50 else 2)
    solution = solve_slots(batch, method)
    for slot in range(batch.shape[0]):
        for m in range(batch.shape[1]):
            cpu = naive.local(
                batch.local_queue_cycles[slot, m].tolist(),
                batch.cpu_capacity_hz[m],
                TAU,
                weights[0],
                DELTA,
            )
            assert_close(solution.local_cpu_hz[slot, m], cpu, batch.cpu_capacity_hz[m])
            rate, power = naive.transmit(
                batch.transmit_queue_bits[slot, m].tolist(),
                batch.channel_gain[slot, m],
                batch.bandwidth_hz[m],
                batch.max_power_w[m],
                TAU,
                weights[1],
                NOISE,
            )
            assert_close(solution.rate_bps[slot, m], rate, max(rate))
            assert_close(solution.power_w[slot, m], power, batch.max_power_w[m])
        cpu = naive.edge(batch.edge_queue_cycles[slot].ravel().tolist(), 2e9, TAU)
        assert_close(solution.edge_cpu_hz[slot].ravel(), cpu, 2e9)


@pytest.mark.parametrize("method", ["exact", "bisection"])
@pytest.mark.parametrize("services", SIZES)
def test_every_slot_is_certified(services, method):
    certificate = solve_slots(make_batch(services, slots=50, seed=services), method).certificate
    assert certificate.relative_gap.max() <= 1e-14
    assert certificate.max_violation.max() <= 1e-14


@pytest.mark.parametrize("services", SIZES)
def test_a_lane_does_not_depend_on_its_neighbours(services):
    """The solution of a slot is bit-identical alone and within a long batch."""
    batch = make_batch(services, slots=301, seed=services)
    whole = solve_slots(batch)
    for slot in (0, 7, 150, 300):
        fields = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
        for name in ("channel_gain", "local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles"):
            fields[name] = fields[name][slot : slot + 1]
        alone = solve_slots(SlotBatch(**fields))
        for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "power_w", "edge_multiplier"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(whole, name)[slot])


@pytest.mark.parametrize("method", ["exact", "bisection"])
@pytest.mark.parametrize("services", [64, 100, 256, 257])
def test_sums_of_equal_backlogs_do_not_drift(services, method):
    """Sums of equal terms round the same way each time: a plain one drifts by many ulps."""
    batch = make_batch(services, slots=20, weights=(0.0, 0.0))
    values = np.random.default_rng(services).uniform(1e5, 2e5, (20, 1, 1))
    queue = np.broadcast_to(values, batch.shape).copy()
    capacity = 0.9 * services * 1.5e5 / TAU
    tied = replace(
        batch, local_queue_cycles=queue, cpu_capacity_hz=np.full(2, capacity), edge_capacity_hz=2 * capacity
    )
    certificate = solve_slots(tied, method).certificate
    # a compensated sum and a share of it, each accurate to some halves of an ulp
    limit = 1e-15 if services > 64 or method == "exact" else 4e-15
    assert certificate.max_violation.max() <= limit
    assert certificate.relative_gap.max() <= limit
