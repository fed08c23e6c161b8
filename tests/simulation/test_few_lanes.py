"""Blocks of few lanes are simulated apart: with the bits of the loop that all others take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyaopt import load_scenario, make_policy
from lyaopt._kernels.simulation import lane_rows
from lyaopt.policies import middle
from lyaopt.simulation import Simulator, Trace
from tests.simulation.scenarios import workloads

TABLES = ("tasks", "pool", "log")


def state_of(simulator):
    return {name: array for name, array in simulator._state.arrays().items() if name not in TABLES}


def assert_same_states(one, other):
    states = state_of(one), state_of(other)
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name], err_msg=name)


def replayed(workload, record, pieces):
    trace = Trace(workload.arrivals, workload.channel_gain, workload.partition)
    simulator = Simulator(workload.system, trace=trace, record=record)
    for stop in sorted({*pieces, workload.slots}):
        simulator.run(stop - simulator.slot)
    return simulator


@given(workloads(), st.data())
@settings(max_examples=150)
def test_as_in_a_run_with_a_record(workload, data):
    """Runs with a record take the loop. Systems have up to four lanes and 1 to 3 services a device."""
    pieces = data.draw(st.lists(st.integers(1, workload.slots), max_size=3))
    few, loop = replayed(workload, False, pieces), replayed(workload, True, pieces)
    assert_same_states(few, loop)
    one, other = few.result(), loop.result()
    np.testing.assert_array_equal(one.local_energy_j, other.local_energy_j)
    np.testing.assert_array_equal(one.queues, other.queues)
    assert (one.born, one.completed, one.queued) == (other.born, other.completed, other.queued)
    np.testing.assert_equal(one.mean_latency_s, other.mean_latency_s)


@pytest.mark.parametrize("scenario", ["default", "bursty", "shadowing"])
@pytest.mark.parametrize(("devices", "services"), [(1, 1), (4, 2), (3, 3), (2, 4), (4, 4)])
def test_as_beside_other_replications(scenario, devices, services):
    """Replications do not depend on how many there are: nine lanes or more take the loop."""
    system = load_scenario(scenario)
    device = system.devices[0]
    kinds = [service for each in system.devices for service in each.services]
    device = replace(device, services=tuple(kinds[n % len(kinds)] for n in range(services)))
    system = replace(system, devices=(device,) * devices)
    few, many = lane_rows.LANES // devices, lane_rows.LANES // devices + 1
    results = []
    for replications in (few, many):
        simulator = Simulator(system, middle(system), replications=replications, seed=5)
        simulator.run(333)
        results.append(simulator.result())
    for name in ("queues", "local_energy_j", "transmit_energy_j", "mean_rates"):
        if hasattr(results[0], name):
            one, other = getattr(results[0], name), getattr(results[1], name)
            np.testing.assert_array_equal(one, other[..., :few], err_msg=name)


def test_policies_that_decide_in_every_period():
    system = load_scenario("default")
    few, loop = (
        Simulator(system, make_policy("random", system), seed=3, record=record) for record in (False, True)
    )
    few.run(500)
    loop.run(500)
    assert_same_states(few, loop)
