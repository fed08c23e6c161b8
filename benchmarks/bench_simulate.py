"""Nanoseconds per slot of the simulator, and of the batch solver alone."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from statistics import median

import numpy as np
import pytest

from benchmarks.data import batch
from lyaopt import solve_slots
from lyaopt._kernels.slot.edge import edge_lanes
from lyaopt._kernels.slot.local import local_lanes
from lyaopt._kernels.slot.problems import (
    EdgeAllocation,
    LocalAllocation,
    TransmitAllocation,
)
from lyaopt._kernels.slot.transmit import transmit_lanes, transmit_workspace_size
from lyaopt.model.profiles import load_profile
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import Device, Service, System
from lyaopt.policies import middle
from lyaopt.simulation import Simulator

MANY = "A slot of a replication of the default scenario, 256 together, everything drawn inside"
ONE = "A slot of one replication of the default scenario"
LARGE = "A slot of 1,000 devices with 10 services each, by service"
ROUNDS = 15
SLOTS = 20_000


def seconds_a_slot(simulator, slots):
    """Seconds of a slot of a replication, in a part of a run."""
    start = time.perf_counter()
    simulator.run(slots)
    return (time.perf_counter() - start) / slots / simulator.result().replications


def test_many_replications_compared_with_the_batch_solver(record):
    system = load_scenario("default")
    simulator = Simulator(system, middle(system), replications=256, seed=1)
    simulator.run(1_000)
    slots = batch(SLOTS)
    solution = solve_slots(slots)
    ratios, ours, theirs = [], [], []
    for _ in range(ROUNDS):
        ours.append(seconds_a_slot(simulator, 100))
        start = time.perf_counter()
        solve_slots(slots, out=solution)
        theirs.append((time.perf_counter() - start) / SLOTS)
        ratios.append(ours[-1] / theirs[-1])
    record.time(MANY, "simulate", median(ours), "slot")
    record.time(MANY, "solve_slots alone, 20,000 busy slots", median(theirs), "slot")
    ratio = median(ratios)
    record.require("256 systems, of the batch solver", "<= 8", f"{ratio:.2f}", ratio <= 8.0)


def test_one_system_beside_the_slot_solver(record):
    system = load_scenario("default")
    simulator = Simulator(system, middle(system), seed=1)
    simulator.run(1_000)
    solve = scalar_solver()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds_a_slot(simulator, 20_000))
        start = time.perf_counter()
        solve(20_000)
        theirs.append((time.perf_counter() - start) / 20_000)
    record.time(ONE, "simulate", median(ours), "slot")
    record.time(ONE, "the three solvers alone, one slot after the other, compiled", median(theirs), "slot")
    rate = 1.0 / median(ours)
    least = 3e6 * 1e-6 / median(theirs)
    record.require(
        "one system: slots per second (3,000,000 if a slot solve takes 1 us)",
        f">= {least:,.0f}",
        f"{rate:,.0f}",
        rate >= least,
    )


def scalar_solver():
    """A compiled loop over slots that solves the three problems and does nothing else."""
    import numba

    slots = batch(1)
    problems = slots._local_problem, slots._transmit_problem, slots._edge_problem

    @numba.njit(error_model="numpy")
    def solve(times, local, transmit, edge):
        rate, edge_rate = np.empty_like(local.queue), np.empty_like(edge.queue)
        devices = local.capacity.size
        total, multiplier = np.empty(devices), np.empty(devices)
        workspace = np.empty(transmit_workspace_size(edge.queue.shape[0], devices, devices, False))
        for _ in range(times):
            local_lanes(local, LocalAllocation(rate, total, multiplier), workspace)
            transmit_lanes(transmit, TransmitAllocation(rate, total, multiplier), workspace)
            edge_lanes(edge, EdgeAllocation(edge_rate, multiplier), workspace)

    def repeat(times):
        solve(times, *problems)

    repeat(1)
    return repeat


def large_system(devices):
    """Devices of ten services each, with capacities in proportion to the number of services."""
    network = load_profile("hand_landmark")
    services = tuple(Service(network, arrival_rate_per_s=0.2) for _ in range(10))
    return System(
        tuple(
            Device(distance_m=150.0 + m % 100, services=services, cpu_capacity_hz=7.5e9)
            for m in range(devices)
        ),
        bandwidth_hz=1.25e6 * devices,
        edge_capacity_hz=25e8 * devices,
    )


@pytest.mark.parametrize("devices", [250, 1000])
def test_many_devices(record, devices):
    small = load_scenario("default")
    few = Simulator(small, middle(small), seed=1)
    system = large_system(devices)
    many = Simulator(system, middle(system), seed=1)
    few.run(2_000)
    many.run(200)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds_a_slot(many, 20) / len(system.services))
        theirs.append(seconds_a_slot(few, 5_000) / len(small.services))
    record.time(LARGE, f"{devices} devices", median(ours), "service and slot")
    record.time(LARGE, f"the default system alone, beside {devices}", median(theirs), "service and slot")
    ratio = median(ours) / median(theirs)
    record.require(
        f"{devices} devices of 10 services, a service, of the default system",
        "<= 3",
        f"{ratio:.2f}",
        ratio <= 3,
    )


def test_memory_stays_constant_when_stable(record):
    system = load_scenario("default")
    simulator = Simulator(system, middle(system), replications=64, seed=1)
    simulator.run(10_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    simulator.run(40_000)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    record.require(
        "memory of 2.6e6 more slots of stable systems", "<= 4 MiB", f"{grown / 1024:.1f} MiB", grown <= 4096
    )


def test_switching_every_period(record):
    system = load_scenario("default")
    system = replace(system, slots_per_period=1)
    simulator = Simulator(system, middle(system), replications=256, seed=1)
    simulator.run(100)
    record.time(
        MANY,
        "simulate, periods of one slot",
        median(seconds_a_slot(simulator, 50) for _ in range(ROUNDS)),
        "slot",
    )
