"""Nodes of the work that a task has left."""

from __future__ import annotations

import numpy as np

from lyaopt.arrays import Floats

_NEAR = 4.0
"""Up to this much work, in slots, nodes are evenly spaced: a task's last slots are whole ones."""


def work_grid(amounts: Floats, slot: float, finest: float, growth: float) -> Floats:
    """Nodes from 0 to the largest amount, with a node at each amount.

    Parameters
    ----------
    amounts : ndarray
        Positive amounts of work.
    slot : float
        Work of a slot, about.
    finest : float
        Distance of nodes near 0, in slots.
    growth : float
        Ratio of the distances of neighbouring nodes further on.
    """
    amounts = np.unique(amounts)
    step = finest * slot
    nodes, width = [0.0], step
    while amounts.size and nodes[-1] < amounts[-1]:
        if nodes[-1] >= _NEAR * slot:
            width *= growth
        nodes.append(nodes[-1] + width)
    rough = np.array(nodes[1:])
    if not amounts.size:
        return np.zeros(1)
    # Cells much narrower than their neighbours only cost time.
    distance = np.abs(rough[:, None] - amounts[None, :]).min(axis=1)
    rough = rough[(distance > 0.3 * step) & (rough < amounts[-1])]
    return np.unique(np.r_[0.0, rough, amounts])
