"""Prices where each task finds nothing waiting: what it then costs beside LB3, the least of any policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.bounds import waiting_bound
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import System
from lyaopt.policies import Fixed, price_rule
from lyaopt.simulation import Simulator

SILENT = 1e-12
"""Arrivals a second, in place of none."""


def light(system: System, rate: float) -> System:
    """The system with so many arrivals a second of each service."""
    devices = [
        replace(device, services=tuple(replace(one, arrival_rate_per_s=rate) for one in device.services))
        for device in system.devices
    ]
    return replace(system, devices=tuple(devices))


def costs_of_lone_tasks(system: System, rule, theta: float, copies: int):
    """Mean energy and waiting (S,) of a task of each service that is the only one in the system."""
    services, points = len(system.services), rule.cuts.usual
    count = services * copies
    quiet = light(system, SILENT)
    run = Simulator(quiet, Fixed(points), replications=count, seed=1, rule=replace(rule, cuts=None))
    alone = np.repeat(np.eye(services, dtype=np.int64), copies, axis=1)
    run.run(1)
    run._state.add_tasks(alone, np.repeat(points[:, None], count, axis=1))
    slots = np.zeros(count)
    while (left := run._state.backlog().any(axis=(0, 1))).any():
        slots += left
        run.run(1)
    result = run.result()
    energy = (result.local_energy_j + result.transmit_energy_j).sum(axis=0) * result.slots
    costs = energy + theta * system.slot_duration_s * slots
    return costs.reshape(services, copies).mean(axis=1)


@pytest.mark.parametrize("joint", [True, False], ids=["price", "value"])
@pytest.mark.parametrize("name", ["balanced", "scarce-edge"])
def test_lone_tasks_cost_what_the_bound_says(name, joint):
    """Within one in a hundred: rules do not know that slots are whole, and LB3 does."""
    system, theta = load_scenario(name), 0.01
    rule = price_rule(system, theta, rounds=0, joint=joint)
    found = costs_of_lone_tasks(system, rule, theta, 250).sum()
    rate = 1e-4  # of each service, so that all count alike; nobody waits for the edge
    bound = waiting_bound(light(system, rate), theta).bound_j / (rate * system.slot_duration_s)
    assert 0.995 * bound < found < 1.01 * bound
