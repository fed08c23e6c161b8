"""A run in a few hundred steps of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.simulation import slot_loop
from lyaopt.arrays import Floats
from lyaopt.simulation.simulator import Progress, Simulator


@dataclass(frozen=True, eq=False)
class Series:
    """Means over steps of time, over the replications, summed over devices and services.

    Attributes
    ----------
    time_s : ndarray (steps + 1,)
        Where the steps begin and end.
    local_energy_j, transmit_energy_j : ndarray (steps,)
        Per slot.
    queues : ndarray (3, steps)
        Backlogs: cycles, bits, cycles.
    """

    time_s: Floats
    local_energy_j: Floats
    transmit_energy_j: Floats
    queues: Floats


def run_in_steps(
    simulator: Simulator, slots: int, steps: int = 400, progress: Progress | None = None
) -> Series:
    """Take a simulator `slots` further, as `Simulator.run` does, and keep what each step comes to."""
    tau = simulator.system.slot_duration_s
    first = simulator.slot
    ends = np.linspace(first, first + slots, min(steps, max(slots, 1)) + 1).round().astype(int)
    edges, sums = [first], [_sums(simulator)]
    for end in ends[1:].tolist():
        finished = simulator.run(end - simulator.slot, progress=progress)
        edges.append(simulator.slot)
        sums.append(_sums(simulator))
        if not finished:
            break
    means = np.diff(np.array(sums), axis=0) / np.diff(edges)[:, None]
    return Series(np.array(edges) * tau, means[:, 0], tau * means[:, 1], means[:, 2:].T)


def _sums(simulator: Simulator) -> Floats:
    services, devices = simulator.sums()
    energy = devices[[slot_loop.LOCAL_ENERGY, slot_loop.POWER]].sum(axis=1)
    queues = services[: slot_loop.RATES].sum(axis=1)
    return np.concatenate([energy, queues]).mean(axis=1)
