"""Backlogs in whole tasks, and their weights in the cost (34)."""

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
