"""Short runs of all kernels of the simulator and of learning, cheap enough to interpret."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lyaopt.learning.credited import CreditedSystems
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies.fixed import middle
from lyaopt.simulation import Decision, Shares, simulate
from tests.learning.worlds import SHADOWED, ragged_system, random_points
from tests.simulation.rules import Everything, everything_compiled

SLOTS = 15


class Evenly:
    """Middle points, and equal shares of all capacities."""

    name = "evenly"

    def decide(self, observation):
        system = observation.system
        devices, even = np.ones(len(system.devices)), np.ones(len(system.services))
        shares = Shares(cpu_fraction=0.5 * devices, power_fraction=devices, local=even, rate=even, edge=even)
        return Decision((system.cut_counts - 1) // 2, for_good=True, shares=shares)


def answers() -> dict[str, np.ndarray]:
    """Arrays by name: of exact and shared allocation and under rules, with all traffic and channels."""
    bursty = load_scenario("bursty")
    busy = ragged_system(40.0, channel=SHADOWED)
    runs = {
        "bursty": (bursty, middle(bursty), None),
        "busy": (busy, middle(busy), None),
        "shared": (busy, Evenly(), None),
        "compiled rule": (busy, middle(busy), everything_compiled),
        "rule": (busy, middle(busy), Everything()),
    }
    found = {}
    for name, (system, policy, rule) in runs.items():
        result = simulate(system, policy, slots=SLOTS, replications=2, seed=3, rule=rule)
        found[f"{name} energy"] = result.local_energy_j + result.transmit_energy_j
        found[f"{name} queues"] = result.queues
    return found | learning()


def learning() -> dict[str, np.ndarray]:
    """Observations, rewards and their parts over two short episodes."""
    system = replace(ragged_system(40.0, edge_capacity_hz=40e6), slots_per_period=3)
    systems = CreditedSystems(system, replications=2, seed=3, decisions=2)
    found = {}
    for step, points in enumerate(random_points(systems, 4)):
        systems.step(points)
        for name in ("observation", "reward", "parts", "joined"):
            found[f"step {step} {name}"] = getattr(systems, name).copy()
    return found
