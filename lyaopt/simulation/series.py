"""A run as a time series of a few hundred steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.simulation import sums
from lyaopt.arrays import Floats
from lyaopt.simulation.simulator import Progress, Simulator


@dataclass(frozen=True, eq=False)
class Series:
    """Means over each time step and over the replications, summed over devices and services.

    Attributes
    ----------
    time_s : ndarray (steps + 1,)
        Boundaries of the steps, in seconds.
    local_energy_j, transmit_energy_j, tail_energy_j : ndarray (steps,)
        Per slot; what is drawn always is left out.
    queues : ndarray (3, steps)
        Backlogs: cycles, bits, cycles.
    """

    time_s: Floats
    local_energy_j: Floats
    transmit_energy_j: Floats
    tail_energy_j: Floats
    queues: Floats


def run_in_steps(
    simulator: Simulator, slots: int, steps: int = 400, progress: Progress | None = None
) -> Series:
    """Run a simulator for `slots` more slots, and return the means of each time step.

    Parameters
    ----------
    simulator : Simulator
        Continued from its present slot.
    slots : int
        Slots to simulate.
    steps : int
        Largest number of steps; each has at least one slot.
    progress : callable, optional
        As of `Simulator.run`.

    Returns
    -------
    Series
        Shorter where `progress` ended the run.
    """
    tau = simulator.system.slot_duration_s
    first = simulator.slot
    ends = np.linspace(first, first + slots, min(steps, max(slots, 1)) + 1).round().astype(int)
    edges, totals = [first], [_sums(simulator)]
    for end in ends[1:].tolist():
        finished = simulator.run(end - simulator.slot, progress=progress)
        edges.append(simulator.slot)
        totals.append(_sums(simulator))
        if not finished:
            break
    means = np.diff(np.array(totals), axis=0) / np.diff(edges)[:, None]
    local, power, tail, queues = means[:, 0], means[:, 1], means[:, 2], means[:, 3:].T
    return Series(np.array(edges) * tau, local, tau * power, tail, queues)


def _sums(simulator: Simulator) -> Floats:
    services, devices = simulator.sums()
    energy = devices[[sums.LOCAL_ENERGY, sums.POWER, sums.TAIL_ENERGY]].sum(axis=1)
    queues = services[: sums.RATES].sum(axis=1)
    return np.concatenate([energy, queues]).mean(axis=1)
