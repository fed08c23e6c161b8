"""A lower bound on the cost of sending b bits over a fading radio, in whole slots, by dynamic programming.

The least expected cost J(b) of b bits, energy and theta tau in each slot until they are sent, satisfies::

    J(b) = theta tau + E_h min_{0 <= y <= min(b, R(pmax; h) tau)} [tau p(y; h) + J(b - y)],    J(0) = 0,

with tau p(y; h) = tau nb (2^(y / (b_w tau)) - 1) / x, x = h / hbar ~ Exp(1). Any bounded U with U(0) = 0 and
<= in place of = is below J. Here U(b) = s b + v(b), b > 0, with s a little below the price nu(theta). Then::

    v(b) <= theta tau + E_h min_y [q(y; h) + v(b - y)],    q(y; h) = tau p(y; h) - s y,    v(0) = 0.

**Few bits, b < c**: v is constant on n cells of D = c / n bits. To get from cell i to cell j takes from
(i - j - 1) D to (i - j + 1) D bits, of which those count that make q least; to finish, from i D to (i + 1) D.
This errs downwards, and little, as q is flat where it is least. The mean over x errs downwards too: on a bin
of x, with the largest power of the better end, the minimum is concave in 1/x, so that the chord with the mean
of 1/x lies below; the first bin counts as its better end, and beyond the last one sending is free.

**Many bits, b >= c = 2 Y**: v = A, its least value on the cells of [Y, c). Where fewer than Y bits are left,
more than Y were sent in one slot, and v may be below A, by E at most. Such a slot is so rare or so dear that
it gains at most theta - g(s) over A, which is checked::

    tau g(s) + E_h [E + min_y q(y; h) - min_{y >= Y} q(y; h)]^+ <= theta tau .
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.bounds.ergodic_rate import Radio, scipy_special
from lyaopt.bounds.holding_price import radio_price

_CELLS = 384
_BINS = 40
_FADES = (0.01, 30.0)
_SLACK = 1e-4
"""Share of theta by which g(s) is below it."""
_TOGETHER = 16
"""Radios whose programs run together: more would need much memory."""
_EXCESS = 1.5
"""Largest E, in theta tau."""


@dataclass(frozen=True)
class Bins:
    """Points at which the minimum over y is evaluated, and how they make the mean over x.

    Attributes
    ----------
    inverse, best : ndarray (H,)
        1/x of the costs, and the x that limits the bits.
    weight : ndarray (H,)
        Their weights, which are >= 0.
    share, end : ndarray (B,)
        Probability and better end of the bins, without the last, unbounded one.
    beyond : float
        Probability of that one.
    """

    inverse: Floats
    best: Floats
    weight: Floats
    share: Floats
    end: Floats
    beyond: float


@cache
def fading_bins() -> Bins:
    """Bins of Exp(1)."""
    edges = np.geomspace(*_FADES, _BINS)
    low, high = edges[:-1], edges[1:]
    share = np.exp(-low) * -np.expm1(low - high)
    mean = -np.diff(scipy_special().exp1(edges)) / share
    worse = share * np.clip((mean - 1.0 / high) / (1.0 / low - 1.0 / high), 0.0, 1.0)
    first = -math.expm1(-edges[0])
    return Bins(
        np.concatenate([1.0 / edges[:1], 1.0 / low, 1.0 / high]),
        np.concatenate([edges[:1], high, high]),
        np.concatenate([[first], worse, share - worse]),
        np.append(first, share),
        edges,
        math.exp(-edges[-1]),
    )


@dataclass(frozen=True)
class BitCosts:
    """U, for J radios.

    Attributes
    ----------
    cell_bits : ndarray (J,)
        D.
    cells : ndarray (J, n)
        v on the cells; on the first one above 0 bits.
    slope, offset : ndarray (J,)
        s and A.
    """

    cell_bits: Floats
    cells: Floats
    slope: Floats
    offset: Floats

    def at(self, bits: Floats) -> Floats:
        """U of bits (J, ...), in J; 0 where there are none."""
        rows = (slice(None), *(None,) * (bits.ndim - 1))
        cell = np.floor(bits / self.cell_bits[rows] * (1.0 - 1e-12)).astype(np.int64)
        count = self.cells.shape[1]
        index = np.clip(cell, 0, count - 1).reshape(len(bits), -1)
        few = np.take_along_axis(self.cells, index, axis=1).reshape(bits.shape)
        start = np.where(cell < count, few, self.offset[rows])
        return np.where(bits > 0.0, start + self.slope[rows] * bits, 0.0)

    def of_rows(self, rows: Integers) -> BitCosts:
        """U of some radios, in their order."""
        return BitCosts(self.cell_bits[rows], self.cells[rows], self.slope[rows], self.offset[rows])


def bit_costs(radio: Radio, theta: Floats, slot_s: float, most_bits: Floats) -> BitCosts:
    """Make U of J radios under Rayleigh fading that is drawn anew in each slot.

    Parameters
    ----------
    radio : Radio
        Of J radios, without shadowing.
    theta : ndarray (J,)
        theta > 0, in J/s.
    slot_s : float
        tau.
    most_bits : ndarray (J,)
        Largest b of interest, > 0.

    Returns
    -------
    BitCosts
    """
    parts = []
    for first in range(0, len(theta), _TOGETHER):
        rows = slice(first, first + _TOGETHER)
        parts.append(_few_radios(radio.of_rows(rows), theta[rows], slot_s, most_bits[rows]))
    names = ("cell_bits", "cells", "slope", "offset")
    return BitCosts(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _few_radios(radio: Radio, theta: Floats, slot_s: float, most_bits: Floats) -> BitCosts:
    rows = _Rows(radio, theta, slot_s)
    slope = radio_price(radio, theta * (1.0 - _SLACK)) * (1.0 - 1e-12)
    end = np.minimum(2.0 * rows.far_bits(slope), most_bits * (1.0 + 1e-9))
    cell = end / _CELLS
    cells = rows.march(slope, cell)
    return BitCosts(cell, cells, slope, rows.offset(cells))


class _Rows:
    """J radios; bits and joules are over their axis 0, bins of fading over axis 1."""

    def __init__(self, radio: Radio, theta: Floats, slot_s: float) -> None:
        self._wait = theta * slot_s
        self._unit = (radio.bandwidth_hz * slot_s / math.log(2.0))[:, None]  # bits per nat
        self._joules = slot_s * radio.noise_w  # tau nb
        self._most = radio.max_power_w[:, None] / radio.noise_w  # pmax / nb

    def _largest(self, x: Floats) -> Floats:
        return self._unit * np.log1p(self._most * x)

    def _least(self, slope: Floats, inverse: Floats, best: Floats, low: Floats, high: Floats) -> Floats:
        """Least q for low <= y <= high (J, 1 or H, ...) at 1/x and the x that limits the bits (H,)."""
        tail = (slice(None), slice(None), *(None,) * (low.ndim - 2))
        largest = self._largest(best)[tail]
        unit, joules = self._unit[tail], (self._joules * inverse)[tail]
        price = slope[:, None][tail]
        sent = unit * np.log(np.maximum(price * unit / joules, 1.0))  # the best number of bits
        sent = np.minimum(np.clip(sent, low, high), largest)
        return np.where(low <= largest, joules * np.expm1(sent / unit) - price * sent, math.inf)

    def excess(self, slope: Floats, bits: Floats) -> Floats:
        """E_h [E + ...]^+ of the largest E, in J, with at least `bits` sent (J,)."""
        bins, many = fading_bins(), bits[:, None]
        most, none = _EXCESS * self._wait, np.zeros_like(many)
        inverse = 1.0 / bins.end
        with np.errstate(invalid="ignore"):
            best = self._least(slope, inverse, bins.end, none, none + math.inf)
            over = most[:, None] + best - self._least(slope, inverse, bins.end, many, none + math.inf)
        return np.asarray(np.maximum(over, 0.0) @ bins.share + most * bins.beyond)

    def far_bits(self, slope: Floats) -> Floats:
        """Y (J,): the least for which the excess is within the slack."""
        low, high = np.zeros_like(slope), self._largest(fading_bins().end[-1:])[:, 0] * (1.0 + 1e-9)
        for _ in range(30):
            middle = 0.5 * (low + high)
            rare = self.excess(slope, middle) <= _SLACK * self._wait
            low, high = np.where(rare, low, middle), np.where(rare, middle, high)
        return high

    def march(self, slope: Floats, cell: Floats) -> Floats:
        """Return v on the cells (J, n), from few bits to many."""
        bins = fading_bins()
        ends = np.arange(_CELLS + 1) * cell[:, None, None]
        low, high = ends[..., :-1], ends[..., 1:]
        finish = self._least(slope, bins.inverse, bins.best, low, high)
        before = np.concatenate([low[..., :1], low[..., :-1]], axis=2)
        move = self._least(slope, bins.inverse, bins.best, before, high)
        values = np.empty((len(cell), _CELLS))
        for i in range(_CELLS):
            # To cell j = 0 ... i - 1 by i - j cells of bits; to the end; or no further than this cell.
            leave = finish[:, :, i]
            if i:
                leave = np.minimum(leave, (move[:, :, i:0:-1] + values[:, None, :i]).min(axis=2))
            free = bins.beyond * slope * ends[:, 0, i + 1]
            values[:, i] = _stay_or_leave(self._wait - free, leave, move[:, :, 0], bins.weight)
        return values

    def offset(self, cells: Floats) -> Floats:
        """A (J,), with E = max(A, A - v) within its limit."""
        far = cells[:, (_CELLS + 1) // 2 :].min(axis=1)
        return np.minimum(far, _EXCESS * self._wait + np.minimum(cells.min(axis=1), 0.0))


def _stay_or_leave(wait: Floats, leave: Floats, stay: Floats, weight: Floats) -> Floats:
    """Largest v (J,) with v <= wait + E min(leave, stay + v), by policy iteration from above."""
    value = np.full_like(wait, math.inf)
    for _ in range(100):
        stays = stay + value[:, None] < leave
        paid = wait + np.where(stays, stay, leave) @ weight
        lower = paid / (1.0 - stays @ weight)
        if not (lower < value).any():
            break
        value = np.minimum(value, lower)
    return value
