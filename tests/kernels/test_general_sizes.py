"""Weighted items in every number, hence every general solver behind a call, against the naive oracle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt import SlotBatch, solve_slots
from lyaopt.slot.batch import noise_w_per_hz
from lyaopt.verify.single_slots import of_device, radio_of, table_of, take_slot
from tests.kernels.test_sizes import SIZES, assert_close, make_batch
from tests.support import naive

METHODS = ["exact", "bisection"]


def weighted_batch(services: int, slots: int, seed: int) -> SlotBatch:
    """Weights apart from the backlogs, with ties and zeros."""
    batch, rng = make_batch(services, slots=slots, seed=seed), np.random.default_rng(seed)

    def weights() -> np.ndarray:
        drawn = 10 ** rng.uniform(3, 7, batch.shape) * (rng.random(batch.shape) < 0.9)
        return np.where(rng.random(batch.shape) < 0.3, 123456.789, drawn)

    return replace(batch, local_weight=weights(), transmit_weight=weights(), edge_weight=weights())


def with_energies(batch: SlotBatch, seed: int) -> SlotBatch:
    """A table on the second device, and a measured radio on the first."""
    rng, slots = np.random.default_rng(seed), batch.shape[0]
    hz = np.sort(rng.uniform(1e8, 2e9, 6))
    power = 1e-28 * hz**3 * 10 ** rng.normal(0, 0.3, 6)
    table = list(zip(hz.tolist(), power.tolist(), strict=True))
    radio = rng.uniform(1e5, 1e8, slots) * (rng.random(slots) < 0.8), rng.uniform(0, 1, slots)
    return replace(batch, cpu_points=[None, table], radio=[radio, None], energy_weight_local=[1e17, 1e14])


def check(batch: SlotBatch, method: str) -> None:
    solution, noise = solve_slots(batch, method), noise_w_per_hz(-174.0)
    for slot in range(batch.shape[0]):
        given = take_slot(batch, slot)
        tau = given.slot_duration_s
        for m in range(batch.shape[1]):
            queue, weights = given.local_queue_cycles[m].tolist(), given.local_weight[m].tolist()
            energy_weight, capacity = of_device(given.energy_weight_local, m), float(given.cpu_capacity_hz[m])
            if (table := table_of(given, m)) is not None:
                cpu = naive.tabulated(queue, capacity, tau, energy_weight, table, weights)
            else:
                cpu = naive.local(queue, capacity, tau, energy_weight, given.energy_coefficient, weights)
            assert_close(solution.local_cpu_hz[slot, m], np.array(cpu, float), capacity)
            queue, weights = given.transmit_queue_bits[m].tolist(), given.transmit_weight[m].tolist()
            energy_weight = of_device(given.energy_weight_transmit, m)
            if (radio := radio_of(given, m)) is not None:
                rate, power = naive.measured(queue, *map(float, radio), tau, energy_weight, weights)
            else:
                channel = given.channel_gain[m], given.bandwidth_hz[m], given.max_power_w[m]
                rate, power = naive.transmit(queue, *channel, tau, energy_weight, noise, weights)
            assert_close(solution.rate_bps[slot, m], np.array(rate, float), float(max(rate)))
            assert_close(solution.power_w[slot, m], power, 1.0)
        weights = given.edge_weight.ravel().tolist()
        cpu = naive.edge(given.edge_queue_cycles.ravel().tolist(), given.edge_capacity_hz, tau, weights)
        assert_close(solution.edge_cpu_hz[slot].ravel(), np.array(cpu, float), given.edge_capacity_hz)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("services", SIZES)
def test_weights_agree_with_the_naive_oracle(services: int, method: str) -> None:
    check(weighted_batch(services, 9 if services < 50 else 2, services), method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("services", [1, 2, 3, 5, 9, 33, 100, 257])
def test_tables_and_measured_radios_agree_with_the_naive_oracle(services: int, method: str) -> None:
    slots = 9 if services < 50 else 2
    check(with_energies(weighted_batch(services, slots, services), services), method)


@pytest.mark.parametrize("services", SIZES)
def test_a_lane_does_not_depend_on_its_neighbours(services: int) -> None:
    """The solution of a slot is bit-identical alone and within a long batch."""
    batch = with_energies(weighted_batch(services, 151, services), services)
    whole = solve_slots(batch)
    for slot in (0, 7, 75, 150):
        fields = {
            name: getattr(batch, name)[slot : slot + 1]
            for name in (
                *("channel_gain", "local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles"),
                *("local_weight", "transmit_weight", "edge_weight"),
            )
        }
        alone = solve_slots(replace(batch, **fields, radio=[batch.radio[0][:, slot : slot + 1], None]))
        for name in ("local_cpu_hz", "rate_bps", "edge_cpu_hz", "power_w", "edge_multiplier"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(whole, name)[slot])
