"""Nanoseconds per slot of a step of the environments, and of the simulation alone."""

from __future__ import annotations

import time
from statistics import median

import gymnasium
import numpy as np
import pytest

from lyaopt.learning import ENVIRONMENT, VectorSystems
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import Fixed
from lyaopt.simulation import Simulator

ROUNDS = 15
STEPS = 100


def seconds_a_step(step, points):
    """Seconds of a step with points (steps, B, S)."""
    start = time.perf_counter()
    for line in points:
        step(line)
    return (time.perf_counter() - start) / len(points)


@pytest.mark.parametrize("replications", [64, 256])
def test_steps_beside_the_simulation(record, replications):
    """The same replications with the same fixed points, so that both do the same work."""
    system = load_scenario("default")
    slots = system.slots_per_period
    line = np.random.default_rng(1).integers(0, system.cut_counts, (replications, system.cut_counts.size))
    points = np.broadcast_to(line, (STEPS, *line.shape))
    systems = VectorSystems(system, replications=replications, seed=1, decisions=10**9)
    envs = gymnasium.make_vec(ENVIRONMENT, num_envs=replications, scenario=system, decisions=10**9)
    envs.reset(seed=1)
    simulator = Simulator(system, Fixed(line.T), replications=replications, seed=1)
    times = {"simulate, a hundred periods a call": [], "VectorSystems.step": [], "gymnasium.make_vec": []}
    for _ in range(ROUNDS):
        start = time.perf_counter()
        simulator.run(STEPS * slots)
        measured = (time.perf_counter() - start) / STEPS
        seconds = (measured, seconds_a_step(systems.step, points), seconds_a_step(envs.step, points))
        for rounds, value in zip(times.values(), seconds, strict=True):
            rounds.append(value)
    for name, rounds in times.items():
        record.time(
            f"A slot of the default system, {replications} of them",
            name,
            median(rounds) / replications / slots,
            "slot",
        )
