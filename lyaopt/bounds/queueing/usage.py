"""Machine time that tasks use at the cheapest steps: it gives the slope of LB4 in the tolls."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds.queueing.device_program import DeviceProgram, Evaluation, ServiceCosts


def expected_use(program: DeviceProgram, found: Evaluation) -> tuple[Floats, Floats]:
    """Mean machine time that tasks use in a slot in each state of CPU (Xl, 1) and radio (Xt, J).

    LB4 changes by this, less the probability of the state, as its toll rises.

    Parameters
    ----------
    program : DeviceProgram
        The device.
    found : Evaluation
        What `evaluate` found.
    """
    used = tuple(np.zeros(toll.toll.shape) for toll in found.tolls)
    at_radio = {hold: np.zeros(one.values.shape) for hold, one in found.transmit.items()}
    at_cpu = {hold: np.zeros(one.values.shape) for hold, one in found.local.items()}
    law = program.chain.long_run.law
    for n, costs in enumerate(found.services):
        born, hold = law @ program.chain.born[n], float(program.tasks.hold[n])
        for k in np.unique(costs.cut[(costs.cut >= 0) & (born > 0.0)]):
            mass = np.where(costs.cut == k, born, 0.0)
            cycles, bits = program.tasks.local[n, k], program.tasks.transmit[n, k]
            if k in costs.staged:
                mass = _first_stage(program, costs, int(k), mass, used[0])
            elif cycles > 0.0:
                at_cpu[hold][:, found.local[hold].node(cycles)] += program.chain.local.summed(mass)
            if bits > 0.0:
                at_radio[hold][:, found.transmit[hold].node(bits)] += program.chain.transmit.summed(mass)
    for total, starting, solved in ((used[0], at_cpu, found.local), (used[1], at_radio, found.transmit)):
        for hold, mass in starting.items():
            total += solved[hold].follow(mass)[0]
    return used[0], used[1]


def _first_stage(program: DeviceProgram, costs: ServiceCosts, cut: int, mass: Floats, used: Floats) -> Floats:
    """Book the CPU time of tasks with two stages; return the states in which they reach the radio (S,)."""
    solution = costs.staged[cut]
    starting = np.zeros(solution.values.shape)
    starting[:, -1] = mass
    time, finished = solution.follow(starting)
    used += program.chain.local.summed(time[:, 0])[:, None]
    return np.asarray(finished @ program.chain.joint)
