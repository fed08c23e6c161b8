"""The best policy of one service at one machine, by dynamic programming: what LB4 is compared with.

Work comes in `pieces` a task, and a slot serves a whole number of them: that restricts policies, so the cost
is never below that of the best one. With first come, first served, ceil(b / pieces) tasks wait. Arrivals that
find more than `most_tasks` waiting are dropped; tests keep that next to impossible.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import poisson

Floats = np.ndarray


def least_cost(
    energy: Floats, share: Floats, pieces: int, most_tasks: int, tasks: Floats, switch: Floats
) -> float:
    """Least mean of energy and tasks waiting per slot.

    `energy` (J, Y + 1) is that of serving 0 to Y pieces in each state of the channel, whose probabilities are
    `share`, in waiting costs of a task in a slot. `tasks` (Z,) are the mean arrivals of a slot in each state
    of the arrivals, which move by `switch` (Z, Z). Policy iteration.
    """
    top = pieces * most_tasks
    backlog = np.arange(top + 1)
    joins = np.stack([_joins(mean, pieces, top) for mean in tasks])
    left = backlog[:, None] - np.arange(energy.shape[1])[None, :]
    # From the policy that serves all it can: values under one that never does say nothing.
    later = np.tile(1e6 * backlog, (len(tasks), 1))
    mean = -np.inf
    for _ in range(100):
        after = np.einsum("zbc,zy,yc->zb", joins, switch, later, optimize=True)
        chosen = [_best(energy, np.where(left >= 0, row[np.maximum(left, 0)], np.inf)) for row in after]
        new, later = _evaluate(energy, share, chosen, joins, switch, pieces)
        if abs(new - mean) < 1e-12 * abs(new):
            return new
        mean = new
    raise ArithmeticError("policy iteration did not converge")


def _joins(mean: float, pieces: int, top: int) -> Floats:
    """Probabilities of the backlog after arrivals."""
    matrix, backlog = np.zeros((top + 1, top + 1)), np.arange(top + 1)
    for count in range(top // pieces + 2):
        chance = poisson.pmf(count, mean) if count <= top // pieces else poisson.sf(count - 1, mean)
        np.add.at(matrix, (backlog, np.minimum(backlog + count * pieces, top)), chance)
    return matrix


def _best(energy: Floats, later: Floats) -> Floats:
    """Pieces to serve at each backlog, in each state of the channel (J, top + 1)."""
    return np.stack([(row[None, :] + later).argmin(axis=1) for row in energy])


def _evaluate(energy, share, chosen, joins, switch, pieces):
    """Mean cost of a policy, and its relative values (Z, top + 1)."""
    states, size = len(chosen), joins.shape[1]
    backlog = np.arange(size)
    matrix, cost = np.zeros((states * size, states * size)), np.zeros(states * size)
    for z, pieces_served in enumerate(chosen):
        moved, paid = np.zeros((size, size)), np.ceil(backlog / pieces)
        for j, chance in enumerate(share):
            moved[backlog, backlog - pieces_served[j]] += chance
            paid = paid + chance * energy[j][pieces_served[j]]
        rows = slice(z * size, (z + 1) * size)
        cost[rows] = paid
        matrix[rows] = np.hstack([chance * (moved @ joins[z]) for chance in switch[z]])
    system = np.eye(states * size) - matrix
    system[:, 0] = 1.0
    solution = np.linalg.solve(system, cost)
    mean, solution[0] = solution[0], 0.0
    return float(mean), solution.reshape(states, size)
