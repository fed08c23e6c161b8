"""What a slot costs the upper level: the reward (34) with its sign changed."""

from __future__ import annotations

import numpy as np

from lyaopt.problem import Floats
from lyaopt.system import System


def waiting_tasks(system: System, queues: Floats) -> Floats:
    """Backlogs in whole tasks: Q^l / (rho C), Q^t / D, Q^e / (rho C).

    Parameters
    ----------
    queues : ndarray (3, S, ...)
        Backlogs in cycles, bits, cycles.

    Returns
    -------
    ndarray (3, S, ...)
    """
    whole = np.stack([system.local_cycles[:, -1], system.transmit_bits[:, 0], system.edge_cycles[:, 0]])
    return np.asarray(queues / whole.reshape(whole.shape + (1,) * (queues.ndim - 2)))


def slot_costs(system: System, energy_j: Floats, queues: Floats) -> Floats:
    """Cost of each device: omega1 E_m + omega2 sum_n (beta1 Q^l / c + beta2 Q^t / d + beta3 Q^e / c).

    Their sum over the devices is the cost of (34), with the weights of the scenario's `[learning]`. It is
    linear, so that the costs of means are mean costs.

    Parameters
    ----------
    energy_j : ndarray (M, ...)
        Energy of a slot.
    queues : ndarray (3, S, ...)
        Backlogs in cycles, bits, cycles.

    Returns
    -------
    ndarray (M, ...)
    """
    weights = system.learning
    shares = (weights.backlog_share_local, weights.backlog_share_transmit, weights.backlog_share_edge)
    waiting = np.tensordot(shares, waiting_tasks(system, queues), axes=1)
    backlog = np.zeros_like(energy_j, np.float64)
    np.add.at(backlog, system.device_of_service, waiting)
    return np.asarray(weights.reward_energy_weight * energy_j + weights.reward_backlog_weight * backlog)
