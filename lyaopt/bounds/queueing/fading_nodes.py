"""Rayleigh fading in a few states, in which a cheapest step costs no more than under the fading itself.

With the gain beta ~ Exp(1) times its mean, let f(q) be the cost of a task's best step at q = 1 / beta. It is
a minimum over steps of costs that are linear in q, as power is and as the toll shall be within each bin, so
it is concave, where the steps that are allowed are the same in all of the bin. In a bin of beta:

- between two nodes, E f is at least that of the two ends, with the bin's probability and mean of q;
- below the first node, f is at least what it is there: less gain costs more;
- above the last node, q falls to 0: its end q = 0 is a state in which work needs no energy.

Steps are limited by p^max: in both bins at a node, to what is possible at the better end of the upper one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds.ergodic_rate import scipy_special

_FIRST, _LAST = 3e-3, 6.0
_CROWDING = 0.4
"""Nodes are as dense in log beta as its probability density there to this power; 0.4 loses least."""


@dataclass(frozen=True)
class FadingNodes:
    """States of the gain.

    Attributes
    ----------
    inverse_gain : ndarray (J,)
        q, mean gain over the gain; the last one may be 0.
    share : ndarray (J,)
        Probability of each state.
    best_gain : ndarray (J,)
        Gain over its mean that limits the work of a slot; infinite where there is no limit.
    """

    inverse_gain: Floats
    share: Floats
    best_gain: Floats


def steady() -> FadingNodes:
    """The gain is its mean."""
    return FadingNodes(np.ones(1), np.ones(1), np.ones(1))


def rayleigh(nodes: int) -> FadingNodes:
    """Rayleigh fading.

    Parameters
    ----------
    nodes : int
        Number of nodes; there is one state more.
    """
    gain = _places(nodes)
    inverse = 1.0 / gain
    share = np.zeros(nodes + 1)
    share[0] = -math.expm1(-gain[0])
    tail = scipy_special().exp1(gain)
    mass = np.exp(-gain[:-1]) * -np.expm1(-np.diff(gain))
    # With p the probability of a bin and m its integral of q, (m - p q') / (q - q') goes to its lower gain.
    worse = (tail[:-1] - tail[1:] - mass * inverse[1:]) / (inverse[:-1] - inverse[1:])
    share[: nodes - 1] += worse
    share[1:nodes] += mass - worse
    last = tail[-1] / inverse[-1]
    share[nodes - 1] += last
    share[nodes] = math.exp(-gain[-1]) - last
    return FadingNodes(np.r_[inverse, 0.0], share, np.r_[gain[1:], math.inf, math.inf])


def _places(nodes: int) -> Floats:
    """Gains at the nodes, rising."""
    log_gain = np.linspace(math.log(_FIRST), math.log(_LAST), 4000)
    density = np.exp(_CROWDING * (log_gain - np.exp(log_gain)))
    total = np.r_[0.0, np.cumsum(0.5 * (density[1:] + density[:-1]))]
    return np.exp(np.interp(np.linspace(0.0, total[-1], nodes), total, log_gain))
