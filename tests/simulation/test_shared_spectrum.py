"""Systems whose devices share their spectrum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import lyaopt
from lyaopt.bounds import energy_bound

SLOTS = 400


def system_of(spectrum, name="balanced"):
    return replace(lyaopt.load_scenario(name), spectrum=spectrum)


def batch_of(system, record, channel_gain):
    """The slots of a record as a batch, from what the record says of their starts."""
    devices = len(system.devices)
    services = len(system.services) // devices

    def by_device(queue):
        return queue[:-1].reshape(-1, devices, services)

    return lyaopt.SlotBatch(
        slot_duration_s=system.slot_duration_s,
        energy_coefficient=system.energy_coefficient,
        energy_weight_local=system.energy_weight_local,
        energy_weight_transmit=system.energy_weight_transmit,
        edge_capacity_hz=system.edge_capacity_hz,
        cpu_capacity_hz=system.cpu_capacity_hz,
        max_power_w=system.max_power_w,
        channel_gain=channel_gain,
        bandwidth_hz=system.device_bandwidth_hz,
        noise_psd_dbm_per_hz=system.noise_psd_dbm_per_hz,
        local_queue_cycles=by_device(record.local_queue_cycles),
        transmit_queue_bits=by_device(record.transmit_queue_bits),
        edge_queue_cycles=by_device(record.edge_queue_cycles),
        spectrum=system.spectrum,
    )


@pytest.fixture(scope="module")
def trace():
    system = system_of("split")
    rng = np.random.default_rng(5)
    services = len(system.services)
    gain = system.mean_channel_gain() * rng.exponential(size=(SLOTS, len(system.devices)))
    arrivals = rng.poisson(0.05, (SLOTS, services))
    last = np.array([service.profile.cuts.__len__() - 1 for service in system.services])
    partition = rng.integers(0, last + 1, (SLOTS // system.slots_per_period, services))
    return lyaopt.Trace(arrivals, gain, partition)


@pytest.mark.parametrize("spectrum", ["split", "shared"])
def test_every_slot_is_solved_exactly(trace, spectrum):
    system = system_of(spectrum)
    record = lyaopt.simulate(system, slots=SLOTS, trace=trace, record=True).record
    solution = lyaopt.solve_slots(batch_of(system, record, trace.channel_gain))
    assert solution.certificate.relative_gap.max() < 1e-12
    shape = record.rate_bps.shape
    np.testing.assert_allclose(record.rate_bps, solution.rate_bps.reshape(shape), rtol=1e-9)
    np.testing.assert_allclose(record.power_w, solution.power_w, rtol=1e-9)
    np.testing.assert_allclose(record.local_cpu_hz, solution.local_cpu_hz.reshape(shape), rtol=1e-12)


def test_replications_do_not_depend_on_each_other():
    system = system_of("shared")
    policy = lyaopt.make_policy("middle", system)
    together = lyaopt.simulate(system, policy, slots=300, replications=5, seed=3)
    alone = lyaopt.simulate(system, policy, slots=300, replications=1, seed=3)
    assert together.local_energy_j[:, 0].tolist() == alone.local_energy_j[:, 0].tolist()
    assert together.transmit_energy_j[:, 0].tolist() == alone.transmit_energy_j[:, 0].tolist()


def test_sharing_saves_transmit_energy_over_a_run():
    results = {}
    for spectrum in ("split", "shared"):
        system = system_of(spectrum)
        policy = lyaopt.make_policy("middle", system)
        results[spectrum] = lyaopt.simulate(
            system, policy, slots=20_000, warmup=2_000, replications=4, seed=1
        )
    split, shared = results["split"], results["shared"]
    assert shared.transmit_energy_j.mean() < split.transmit_energy_j.mean()
    assert shared.born == split.born


def test_the_bound_allows_for_sharing():
    split, shared = (energy_bound(system_of(s)).energy_j for s in ("split", "shared"))
    assert 0 < shared < split


def test_a_rule_of_backlogs_changes_nothing(trace):
    system = system_of("shared")
    plain = lyaopt.simulate(system, slots=SLOTS, trace=trace, record=True).record
    ruled = lyaopt.simulate(
        system, slots=SLOTS, trace=trace, record=True, rule=lambda seen: tuple(seen.backlog)
    ).record
    np.testing.assert_allclose(ruled.rate_bps, plain.rate_bps, rtol=1e-9)
    np.testing.assert_allclose(ruled.transmit_queue_bits, plain.transmit_queue_bits, rtol=1e-9)
