"""Cost of a slot for the choice of partition points: the negative reward (34)."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.model.system import System


def whole_tasks(system: System) -> Floats:
    """Amounts of one whole task in each stage: rho C cycles, D bits, rho C cycles.

    Parameters
    ----------
    system : System
        Its profiles give C and D; its services, rho.

    Returns
    -------
    ndarray (3, S)
    """
    return np.stack([system.local_cycles[:, -1], system.transmit_bits[:, 0], system.edge_cycles[:, 0]])


def backlog_shares(system: System) -> Floats:
    """Weight of a cycle or bit of backlog in Qbar of (34): beta1 / c, beta2 / d, beta3 / c.

    Parameters
    ----------
    system : System
        Gives beta, and c and d of each service.

    Returns
    -------
    ndarray (3, S)
        Per cycle, bit, cycle.
    """
    weights = system.learning
    shares = (weights.backlog_share_local, weights.backlog_share_transmit, weights.backlog_share_edge)
    return np.asarray(np.array(shares)[:, None] / whole_tasks(system))


def waiting_tasks(system: System, queues: Floats) -> Floats:
    """Backlogs in whole tasks: Q^l / (rho C), Q^t / D, Q^e / (rho C).

    Parameters
    ----------
    system : System
        Gives the size of a task of each service.
    queues : ndarray (3, S, ...)
        Backlogs in cycles, bits, cycles.

    Returns
    -------
    ndarray (3, S, ...)
    """
    whole = whole_tasks(system)
    return np.asarray(queues / whole.reshape(whole.shape + (1,) * (queues.ndim - 2)))


def slot_costs(system: System, energy_j: Floats, queues: Floats) -> Floats:
    """Cost of each device: omega1 E_m + omega2 sum_n (beta1 Q^l / c + beta2 Q^t / d + beta3 Q^e / c).

    Their sum over the devices is the cost of (34), with the weights of the scenario's `[learning]`. It is
    linear, so that the costs of means are mean costs.

    Parameters
    ----------
    system : System
        Gives the weights, and the size of a task of each service.
    energy_j : ndarray (M, ...)
        Energy of a slot, in joules.
    queues : ndarray (3, S, ...)
        Backlogs in cycles, bits, cycles.

    Returns
    -------
    ndarray (M, ...)
    """
    weights = system.learning
    waiting = np.einsum("qs,qs...->s...", backlog_shares(system), queues)
    backlog = np.zeros_like(energy_j, np.float64)
    np.add.at(backlog, system.device_of_service, waiting)
    return np.asarray(weights.reward_energy_weight * energy_j + weights.reward_backlog_weight * backlog)
