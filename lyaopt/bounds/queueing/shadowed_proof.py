"""Functions below what a task alone pays under slow shadowing, for all states and amounts of work.

U of `shadowed_radio` must be at most waiting + E_j F_j(z, b), with F_j the cost of the cheapest step. Let z
be in a fine cell (z0, z1). F_j is a least of functions linear in q = q_j e^(-s z) and in what the next slot
leaves to pay, M_z(b) = E_z U(Z', b), so it is concave in both; and it rises with both. Now

- q is convex in z, and exceeds its chord over the cell less a known share of it;
- M_z(b) exceeds its chord less (z1 - z0)^2 / 8 times the most that it bends, which the kinks of U and the
  normal density bound; positive kinks are convex in b, so that their chords between nodes of b do as well;
- U is linear in z, and the largest power counts as at z1.

So the inequality holds within the cell if it holds at both ends with q and M lowered by these. There, for all
b, `task_residuals` checks it. Below the first node U is constant and F_j larger, as U does not rise with z.
From the last one on U is at most the waiting, and F_j >= 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.bounds.step_costs import Chain, Grid, Machine, Tolls
from lyaopt._kernels.bounds.task_residuals import task_residuals
from lyaopt.arrays import Floats
from lyaopt.bounds.queueing.long_run_mean import rounding
from lyaopt.bounds.queueing.shadowed_radio import ShadowedRadio, shadowed_values

_FINER = 3
"""Cells of the proof in a cell of U."""
_ENOUGH, _MARGIN = 5e-4, 1.05
_WEIGHTS = 1e-9
"""More than the errors of the weights of a mean, together."""


@dataclass(frozen=True)
class ShadowedCosts:
    """U of a task alone.

    Attributes
    ----------
    work : ndarray (I,)
        Nodes of work.
    values : ndarray (Z, I)
        U at nodes, certified.
    residual : float
        By how much it was too high, relative to the cost of a slot: it was divided by 1 + this.
    """

    work: Floats
    values: Floats
    residual: float

    def at(self, work: float) -> Floats:
        """U (Z,) at a node's work."""
        return self.values[:, int(np.searchsorted(self.work, work))]


def shadowed_costs_of(radio: ShadowedRadio, work: Floats, hold: float, passes: int) -> ShadowedCosts:
    """Solve and certify U.

    Parameters
    ----------
    radio : ShadowedRadio
        The radio.
    work : ndarray (I,)
        Nodes of work, from 0.
    hold : float
        Cost of waiting for a slot, > 0.
    passes : int
        Most rounds of certification, at least 1.
    """
    paid = np.full((len(radio.shadowing.node), len(work)), hold)
    best = ShadowedCosts(work, np.zeros_like(paid), 0.0)
    for _ in range(passes):
        values = shadowed_values(radio, work, paid)
        excess = largest_excess(radio, work, values, hold)
        worst = max(float(excess.max()), 0.0) / hold
        found = ShadowedCosts(work, values / (1.0 + worst), worst)
        if found.values.sum() > best.values.sum():
            best = found
        if worst <= _ENOUGH:
            break
        paid = np.maximum(paid - _MARGIN * np.maximum(excess, 0.0), 0.0)
    return best


def largest_excess(radio: ShadowedRadio, work: Floats, values: Floats, hold: float) -> Floats:
    """By how much U is above its limit near each node, at most (Z, I); negative where there is room.

    Parameters
    ----------
    radio, work, values, hold
        U at nodes, and what it is of.
    """
    shadowing = radio.shadowing
    node, step = shadowing.node, shadowing.node[1] - shadowing.node[0]
    fine = np.linspace(node[0], node[-1], _FINER * (len(node) - 1) + 1)
    cell = step / _FINER
    kinks = np.diff(np.diff(values, axis=0) / step, axis=0, prepend=0.0, append=0.0)
    sag = shadowing.bends(fine, np.maximum(kinks, 0.0).T).T * cell**2 / 8.0
    sag = np.maximum(np.vstack([sag, sag[-1:]]), np.vstack([sag[:1], sag]))
    means = shadowing.means(fine) @ values - sag
    here = np.stack([np.interp(fine, node, column) for column in values.T], axis=1)
    flatter = np.exp(shadowing.std * cell) * (shadowing.std * cell) ** 2 / 8.0
    excess = np.empty_like(here)
    for number, z in enumerate(fine):
        one = radio.machine(z, cell)
        lowered = Machine(False, one.scale * (1.0 - flatter), one.share, one.most)
        excess[number] = _one_state(lowered, work, here[number], means[number], hold)
    terms = len(node) + len(radio.median.share)
    excess += rounding(terms, float(values.max()) + hold) + _WEIGHTS * float(values.max())
    return _around_nodes(excess)


def _one_state(machine: Machine, work: Floats, here: Floats, means: Floats, hold: float) -> Floats:
    """Excess of U, `here`, in one state of the shadowing, in the cells around the nodes of b (I,)."""
    free = machine.scale == 0.0
    knee = np.tile(np.where(free, machine.most, 0.0), (2, 1))
    tolls = Tolls(np.zeros_like(knee), knee, np.tile(machine.scale, (2, 1)))
    # The second state stands for the next slot.
    chain = Chain(np.arange(3), np.ones(2, np.int64), np.ones(2))
    residuals = np.empty((2, 2, len(work)))
    values = np.stack([here, means])
    task_residuals(machine, tolls, chain, Grid(work, np.zeros(2)), hold, values, residuals)
    at, between = residuals[0, 0].copy(), residuals[1, 0, :-1]
    worst = np.maximum(at[:-1], at[1:]) + between
    at[:-1] = np.maximum(at[:-1], worst)
    at[1:] = np.maximum(at[1:], worst)
    return at


def _around_nodes(excess: Floats) -> Floats:
    """The largest of the finer states in the two cells around each node (Z, I)."""
    first = np.arange(0, len(excess), _FINER)
    low, high = np.maximum(first - _FINER, 0), np.minimum(first + _FINER, len(excess) - 1)
    return np.stack([excess[a : b + 1].max(axis=0) for a, b in zip(low, high, strict=True)])
