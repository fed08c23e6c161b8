"""Cost of a slot for the choice of partition points: the negative reward (34)."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.model.backlog import backlog_shares, whole_tasks
from lyaopt.model.system import System

__all__ = ["backlog_shares", "slot_costs", "task_costs", "waiting_tasks", "whole_tasks"]


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


def task_costs(system: System, energy_j: Floats, tasks: Floats, waiting_cost_j_per_s: Floats) -> Floats:
    """Cost of each device where tasks cost time: E_m + tau sum_n theta_n N_n.

    Parameters
    ----------
    system : System
        Tells which device runs a service.
    energy_j : ndarray (M, ...)
        Energy of a slot, in joules.
    tasks : ndarray (S, ...)
        Mean number of tasks in the system.
    waiting_cost_j_per_s : ndarray (S,)
        theta.

    Returns
    -------
    ndarray (M, ...)
        In joules.
    """
    theta = system.slot_duration_s * waiting_cost_j_per_s
    costs = np.array(energy_j, np.float64)
    np.add.at(costs, system.device_of_service, theta.reshape(-1, *(1,) * (tasks.ndim - 1)) * tasks)
    return costs
