"""Costs of transmission under slow shadowing: a certified price of a bit for each state of the channel.

The gain is h = hbar e^(s X) beta, with X a standard normal first-order autoregression, X' = a X + noise,
and beta drawn anew in each slot. For a task with at most D bits, U(b, x) = A(x) b is below its cost if for
all x::

    D (A - A')^+ / tau + g_x(A') <= theta,        A'(x) = E[A(X') | X = x],                                (R)

with g_x the gain of a price in state x: then U(b, x) <= theta tau + E min_y [tau p + A' (b - y)]. The
channel may get better while the task is still on the CPU, which is worth D (A - A') a slot at most, so that
there waiting counts as theta - m, with m the largest D (A - A')^+ / tau.

A is made in two steps. **A guess**, on nodes: the largest solution of (R) with A - A' = -tau L A, L the
generator of the diffusion, and D (A - A')^+ <= kappa theta tau, by policy iteration. **A proof** for the
autoregression itself, with A linear between nodes, constant below the first and 0 above the last: A' is a
sum of normal integrals, with bounds on its second derivative. g is convex in the price and the noise
together, so that on a cell it is largest at an end, moved by what both bend. A is divided by 1 + the
largest excess of (R) over theta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds.ergodic_rate import Radio, scipy_special
from lyaopt.bounds.holding_price import radio_gain, radio_price

_FARTHEST, _NODES = 6.0, 481
_EVERY = (16, 8, 4, 2, 1)
_ROUNDS = 10
_SMOOTH = 0.03


@dataclass(frozen=True)
class Shadowing:
    """Shadowing of all devices, and the nodes on which prices are linear.

    Attributes
    ----------
    std : float
        s, in nats.
    correlation : float
        a.
    slot_s : float
        tau.
    node : ndarray (Z,)
        x.
    weight : ndarray (2, Z - 1)
        Of the lower and upper end of each cell in the mean, under the stationary law, of a function that is
        linear on cells and constant below them; what is above them, and may be 0, does not count.
    """

    std: float
    correlation: float
    slot_s: float
    node: Floats
    weight: Floats

    @classmethod
    def of(cls, std_db: float, sojourn_s: float, slot_s: float) -> Shadowing:
        """Shadowing by `std_db` and `sojourn_s` of a channel, in slots of `slot_s`."""
        node = np.linspace(-_FARTHEST, _FARTHEST, _NODES)
        below, ramps = scipy_special().ndtr(node), _ramp(node, np.zeros(1), 1.0)[0]
        upper = (ramps[:-1] - ramps[1:]) / (node[1] - node[0]) - scipy_special().ndtr(-node[1:])
        lower = np.diff(below) - upper
        lower[0] += below[0]
        weight = np.maximum([lower, upper], 0.0)
        return cls(std_db * math.log(10.0) / 10.0, math.exp(-slot_s / sojourn_s), slot_s, node, weight)

    @property
    def noise(self) -> float:
        """Standard deviation of the noise of the autoregression."""
        return math.sqrt((1.0 - self.correlation) * (1.0 + self.correlation))

    def means(self, x: Floats) -> Floats:
        """Weights (P, Z) of the nodes in the mean, given x (P,), of a function of the next state.

        The function is linear between nodes, and constant outside.

        Parameters
        ----------
        x : ndarray (P,)
            Present states.
        """
        return _hats(_ramp(self.node, self.correlation * x, self.noise), self.node)

    def bends(self, x: Floats, kinks: Floats) -> Floats:
        """Largest second derivative of that mean on the cells between the x, by changes of slope >= 0.

        Parameters
        ----------
        x : ndarray (P,)
            Present states, rising.
        kinks : ndarray (..., Z)
            Changes of slope at the nodes.

        Returns
        -------
        ndarray (..., P - 1)
            The changes of slope times the density at the nearest end of the cell.
        """
        a, noise = self.correlation, self.noise
        middle, half = 0.5 * (x[:-1] + x[1:]), 0.5 * np.diff(x)
        near = np.maximum(np.abs(self.node - a * middle[:, None]) - a * half[:, None], 0.0) / noise
        density = a**2 * np.exp(-0.5 * near**2) / (noise * math.sqrt(2.0 * math.pi))
        return np.asarray(kinks @ density.T)


def _ramp(node: Floats, mean: Floats, std: float) -> Floats:
    """E (X - node)^+ of normal X (P, Z)."""
    z = (mean[:, None] - node) / std
    return np.asarray(std * (z * scipy_special().ndtr(z) + np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)))


def _hats(ramps: Floats, node: Floats) -> Floats:
    """Weights (P, Z) of the nodes in the mean of a function that is linear between them, constant outside."""
    step = node[1] - node[0]
    share = (ramps[:, :-1] - ramps[:, 1:]) / step  # E of the part of a cell that lies below X
    weight = np.zeros_like(ramps)
    weight[:, 0] = 1.0 - share[:, 0]
    weight[:, 1:-1] = share[:, :-1] - share[:, 1:]
    weight[:, -1] = share[:, -1]
    return weight


@dataclass(frozen=True)
class BitPrices:
    """A of R kinds of tasks, and what it costs them that the channel gets better while they are on the CPU.

    Attributes
    ----------
    price : ndarray (R, Z)
        A on the nodes, in J per bit; it falls with x.
    drift_w : ndarray (R,)
        m, in W.
    excess : ndarray (R,)
        Relative excess by which A was divided.
    """

    price: Floats
    drift_w: Floats
    excess: Floats


def bit_prices(
    radio: Radio, shadowing: Shadowing, theta: Floats, bits: Floats, most: Floats, kappa: Floats
) -> BitPrices:
    """Make and prove prices.

    Parameters
    ----------
    radio : Radio
        Of R kinds of tasks, without shadowing.
    shadowing : Shadowing
        The process.
    theta : ndarray (R,)
        theta > 0, in J/s.
    bits : ndarray (R,)
        D > 0.
    most : ndarray (R,)
        Cost of D bits above which other cuts are cheaper, in J: A is at most this over D.
    kappa : ndarray (R,)
        Largest share of theta that goes into waiting for a better channel.

    Returns
    -------
    BitPrices
    """
    # Smoothed a little: kinks cost most of the proof's margin.
    node = shadowing.node
    price = _guess(radio, shadowing, theta, bits, most, kappa) @ _hats(_ramp(node, node, _SMOOTH), node).T
    price = np.minimum.accumulate(np.maximum(price, 0.0), axis=1)
    price[:, -1] = 0.0
    held, drift = _largest_use(radio, shadowing, price, bits)
    excess = np.maximum(held / theta - 1.0, 0.0)
    return BitPrices(price / (1.0 + excess)[:, None], drift / (1.0 + excess), excess)


def _levels(radio: Radio, factor: Floats, power: Floats) -> Radio:
    """Radios (R Z,) with the noise times `factor` (Z,) and the largest power times `power` (Z,)."""
    width = np.repeat(radio.bandwidth_hz, factor.size)
    noise = (radio.noise_w * factor).reshape(-1, 1)
    return Radio(width, (radio.max_power_w[:, None] * power).ravel(), noise, np.ones(1), radio.rayleigh)


def _guess(
    radio: Radio, shadowing: Shadowing, theta: Floats, bits: Floats, most: Floats, kappa: Floats
) -> Floats:
    """Policy iteration from few nodes to all, as what binds moves by a few nodes in a round."""
    before = shadowing.node[:: _EVERY[0]]
    levels = _levels(radio, np.exp(-shadowing.std * before), np.ones_like(before))
    guess = radio_price(levels, np.repeat(theta, before.size)).reshape(len(theta), -1)
    guess = np.minimum(guess, (most / bits)[:, None])
    for every in _EVERY:
        x = shadowing.node[::every]
        levels = _levels(radio, np.exp(-shadowing.std * x), np.ones_like(x))
        guess = np.stack([np.interp(x, before, row) for row in guess])
        guess = _Diffusion(shadowing, x).solve(levels, guess, theta[:, None], bits[:, None], most, kappa)
        before = x
    return guess


class _Diffusion:
    """Finite differences of L f = (f'' - x f') / sojourn, reflected at the ends."""

    def __init__(self, shadowing: Shadowing, x: Floats) -> None:
        rate, step = -math.log(max(shadowing.correlation, 1e-12)) / shadowing.slot_s, x[1] - x[0]
        self._up = np.maximum(rate * (1.0 / step**2 - 0.5 * x / step), 0.0)
        self._down = np.maximum(rate * (1.0 / step**2 + 0.5 * x / step), 0.0)
        self._up[-1] = self._down[0] = 0.0

    def solve(
        self, levels: Radio, price: Floats, theta: Floats, bits: Floats, most: Floats, kappa: Floats
    ) -> Floats:
        """Each state takes what makes its price least: (R), the largest drift, or the largest price."""
        shape, still = price.shape, self._up + self._down
        cap, drift = most[:, None] / bits, kappa[:, None] * theta / bits
        for _ in range(_ROUNDS):
            rate, power = (part.reshape(shape) for part in levels.carried(price.ravel()))
            flow = np.zeros(shape)
            flow[:, :-1] += self._up[:-1] * price[:, 1:]
            flow[:, 1:] += self._down[1:] * price[:, :-1]
            pull = np.where(flow < still * price, bits, 0.0)
            weight = rate + pull * still + 1e-300
            best = np.argmin(
                [(theta + power + pull * flow) / weight, (drift + flow) / still, cap + 0.0 * flow], axis=0
            )
            diagonal = np.choose(best, [weight, still + 0.0 * flow, 1.0])
            pull = np.choose(best, [pull, 1.0, 0.0])
            right = np.choose(best, [theta + power, drift + 0.0 * flow, cap + 0.0 * flow])
            diagonal[:, -1], pull[:, -1], right[:, -1] = 1.0, 0.0, 0.0
            before, price = price, _tridiagonal(-pull * self._down, diagonal, -pull * self._up, right)
            if (np.abs(price - before) <= 1e-6 * price).all():
                break
        return price


def _tridiagonal(lower: Floats, diagonal: Floats, upper: Floats, right: Floats) -> Floats:
    """Solve R tridiagonal systems (R, Z) by elimination."""
    count = diagonal.shape[1]
    factor, value = np.empty_like(right), np.empty_like(right)
    factor[:, 0], value[:, 0] = upper[:, 0] / diagonal[:, 0], right[:, 0] / diagonal[:, 0]
    for i in range(1, count):
        pivot = diagonal[:, i] - lower[:, i] * factor[:, i - 1]
        factor[:, i] = upper[:, i] / pivot
        value[:, i] = (right[:, i] - lower[:, i] * value[:, i - 1]) / pivot
    for i in range(count - 2, -1, -1):
        value[:, i] -= factor[:, i] * value[:, i + 1]
    return value


def _largest_use(radio: Radio, shadowing: Shadowing, price: Floats, bits: Floats) -> tuple[Floats, Floats]:
    """Upper bounds over all x of the left side of (R), and of D (A - A')^+ / tau (R,)."""
    node, noise = shadowing.node, shadowing.noise
    step = node[1] - node[0]
    # Farther out A' is constant, or so small that no gain makes up for it.
    extra = np.arange(1, math.ceil((1.0 + 9.0 * noise) / step) + 1) * step
    x = np.concatenate([node[0] - extra[::-1], node, node[-1] + extra])
    mean = price @ shadowing.means(x).T
    here = np.stack([np.interp(x, node, row) for row in price])
    kinks = np.diff(np.diff(price, axis=1) / step, axis=1, prepend=0.0, append=0.0)
    sag, bulge = (shadowing.bends(x, np.maximum(sign * kinks, 0.0)) * step**2 / 8.0 for sign in (1.0, -1.0))
    lost = here - mean
    drift = np.maximum(np.maximum(lost[:, :-1], lost[:, 1:]) + sag, 0.0) * (bits / shadowing.slot_s)[:, None]
    gain = _largest_gain(radio, shadowing, x, mean, bulge)
    return np.asarray((drift + gain).max(axis=1)), np.asarray(drift.max(axis=1))


def _largest_gain(radio: Radio, shadowing: Shadowing, x: Floats, mean: Floats, bend: Floats) -> Floats:
    """Upper bound of g_x(A') on each cell (R, cells)."""
    grows = shadowing.std * (x[1] - x[0])
    noise = np.exp(-shadowing.std * x)
    # The noise lies below its chord, by at most this share of its larger end.
    sag = noise[:-1] * grows**2 / 8.0
    ends = []
    for end, power in ((slice(None, -1), math.exp(grows)), (slice(1, None), 1.0)):
        factor = np.where(sag < 0.5 * noise[1:], noise[end] - sag, 0.5 * noise[1:])
        levels = _levels(radio, factor, np.full_like(factor, power))
        ends.append(radio_gain(levels, (mean[:, end] + bend).ravel()).reshape(bend.shape))
    return np.maximum(*ends)
