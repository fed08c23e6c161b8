"""A radio under slow shadowing, and the least cost of a task alone that sends, by state of the channel.

The gain is hbar e^(s z) beta, with z the state of the shadowing (`lyaopt.bounds.shadowing`) and beta drawn
anew in each slot. Work is in nats, costs are in waiting costs of a slot::

    U(z, b) = paid + E_j min_{0 <= y <= b} [ q_j e^(-s z) (e^y - 1) + E_z U(Z', b - y) ],    U(z, 0) = 0.

U is linear in z between the nodes of the shadowing and constant outside, and linear in b between nodes of
the work. It is solved at the nodes, from little work to much; for each amount, by policy iteration over all
z, since a task may wait for a better channel. `shadowed_proof` makes a bound of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.bounds.step_costs import Machine
from lyaopt.arrays import Floats
from lyaopt.bounds.shadowing import Shadowing

_ROUNDS = 50
_CLOSE = 1e-9
_MOST_NATS = 600.0
"""Work of a slot beyond which its energy is no number; a bound as it is at most what the power allows."""


@dataclass(frozen=True)
class ShadowedRadio:
    """A radio under shadowing.

    Attributes
    ----------
    median : Machine
        The radio where z = 0.
    shadowing : Shadowing
        The process of z.
    """

    median: Machine
    shadowing: Shadowing

    def machine(self, z: float, better: float = 0.0) -> Machine:
        """The radio in state z, whose steps are limited as in state z + `better`."""
        one, s = self.median, self.shadowing.std
        with np.errstate(divide="ignore", over="ignore"):
            most = np.logaddexp(0.0, np.log(np.expm1(one.most)) + s * (z + better))
        return Machine(False, one.scale * np.exp(-s * z), one.share, most)


def shadowed_values(radio: ShadowedRadio, work: Floats, paid: Floats) -> Floats:
    """U at the nodes.

    Parameters
    ----------
    radio : ShadowedRadio
        The radio.
    work : ndarray (I,)
        Nodes of work, from 0, which stands for the limit of little work.
    paid : ndarray (Z, I)
        Cost of waiting for a slot, at nodes.

    Returns
    -------
    ndarray (Z, I)
        It does not rise with z, and is at most `paid` at the last node of z: the proof needs that.
    """
    node = radio.shadowing.node
    steps = _Steps(radio)
    mean = radio.shadowing.means(node)
    values, means = np.empty_like(paid), np.empty_like(paid)
    for i in range(len(work)):
        far = steps.far(work, means, i)
        width = work[i] - work[i - 1] if i else 0.0
        below = means[:, i - 1] if i else None
        values[:, i] = steps.solve(mean, paid[:, i], far, (width, below))
        values[:, i] = np.minimum.accumulate(values[:, i])
        means[:, i] = mean @ values[:, i]
    return values


class _Steps:
    """Cheapest steps in all states z and j."""

    def __init__(self, radio: ShadowedRadio) -> None:
        each = [radio.machine(z) for z in radio.shadowing.node]
        self._scale = np.stack([one.scale for one in each])
        self._most = np.minimum(np.stack([one.most for one in each]), _MOST_NATS)
        self._share = radio.median.share

    def far(self, work: Floats, means: Floats, i: int) -> Floats:
        """Least cost (Z, J) of steps from node i to lower nodes, what is between them, and to the end."""
        best = np.where(self._most >= work[i], self._energy(work[i]), np.inf)
        for c in range(1, i):
            least, width = work[i] - work[c], work[c] - work[c - 1]
            if not (self._most >= least).any():
                continue
            rise = ((means[:, c] - means[:, c - 1]) / width)[:, None]
            done = self._towards(rise, least, least + width)
            cost = self._energy(done) + means[:, c, None] - rise * (done - least)
            best = np.minimum(best, np.where(self._most >= least, cost, np.inf))
        return np.asarray(best)

    def _energy(self, work: Floats | float) -> Floats:
        return np.asarray(self._scale * np.expm1(np.minimum(work, _MOST_NATS)))

    def _towards(self, rise: Floats, least: float, greatest: float) -> Floats:
        """Work at which energy rises as fast as the cost of the rest falls, within limits."""
        with np.errstate(divide="ignore", invalid="ignore"):
            best = np.log(np.maximum(rise, 0.0) / self._scale)
        best = np.where(self._scale > 0.0, best, np.inf)
        return np.minimum(np.clip(best, least, greatest), np.maximum(self._most, least))

    def solve(self, mean: Floats, paid: Floats, far: Floats, near: tuple[float, Floats | None]) -> Floats:
        """U (Z,) at a node whose cell below is `near`: its width and the means at its lower end."""
        width, below = near
        value = mean @ (paid if below is None else below)
        for _ in range(_ROUNDS):
            here = mean @ value
            weight, rest = np.zeros_like(far), far
            stays = here[:, None] < far
            weight, rest = np.where(stays, 1.0, weight), np.where(stays, 0.0, rest)
            if below is not None:
                rise = ((here - below) / width)[:, None]
                done = self._towards(rise, 0.0, width)
                left = 1.0 - done / width
                cost = self._energy(done) + (1.0 - left) * below[:, None]
                better = cost + left * here[:, None] < np.minimum(far, here[:, None])
                weight, rest = np.where(better, left, weight), np.where(better, cost, rest)
            matrix = np.eye(len(mean)) - (weight @ self._share)[:, None] * mean
            right = paid + rest @ self._share
            matrix[-1], right[-1] = 0.0, paid[-1]
            matrix[-1, -1] = 1.0
            before, value = value, np.linalg.solve(matrix, right)
            if np.abs(value - before).max() <= _CLOSE * (1.0 + np.abs(value).max()):
                break
        return np.asarray(value)
