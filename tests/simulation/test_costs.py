"""The cost of a slot, against its formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import middle
from lyaopt.simulation import simulate, slot_costs


def test_costs_are_the_mean_of_the_reward_over_slots():
    system = load_scenario("default")
    uneven = replace(system.learning, backlog_share_local=0.5, backlog_share_transmit=0.3)
    system = replace(system, learning=replace(uneven, reward_energy_weight=700.0, reward_backlog_weight=2.0))
    result = simulate(system, middle(system), slots=500, record=True)
    record = result.record
    costs = np.zeros(len(system.devices))
    for slot in range(500):
        for s, service in enumerate(system.services):
            cycles = service.profile.total_macs * system.cycles_per_mac
            backlog = (
                0.5 * record.local_queue_cycles[slot, s] / cycles
                + 0.3 * record.transmit_queue_bits[slot, s] / service.profile.input_bits
                + 0.2 * record.edge_queue_cycles[slot, s] / cycles
            )
            costs[system.device_of_service[s]] += 2.0 * backlog
        costs += 700.0 * (record.local_energy_j[slot] + record.transmit_energy_j[slot])
    energy = result.local_energy_j + result.transmit_energy_j
    assert (costs > 0.0).any()
    np.testing.assert_allclose(slot_costs(system, energy, result.queues)[:, 0], costs / 500, rtol=1e-9)
    assert slot_costs(system, energy[:, 0], result.queues[..., 0]) == pytest.approx(costs / 500)
