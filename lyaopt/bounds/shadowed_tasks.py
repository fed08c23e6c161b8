"""The least that a task costs alone under slow shadowing, by the state of the channel.

In state x a task cut at k costs at least V^l(c_k) at theta - m, plus A(x) d_k, plus V^e(e_k), with A and m
of `lyaopt.bounds.shadowing`. Every share kappa gives such a bound, and the largest counts: one with little
drift for tasks that work on their CPU first, one with much for those that only send. Prices are made for a
few numbers of bits, and serve all cuts with fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.shadowing import BitPrices, Shadowing, bit_prices
from lyaopt.bounds.task_costs import edge_costs, local_costs, measured_costs
from lyaopt.model.system import System

_SHARES = (0.03, 0.15, 0.4, 1.0)
_SIZES = 16
_DEARER = 4.0
"""How much dearer than a task alone one without sending may be where machine time has a price."""
_LONGEST = 30.0
"""Sojourns of waiting beyond which a task that cannot but send is not followed."""


def shadowed_costs(system: System, theta: Floats, whole_slots: bool) -> tuple[Floats, Floats]:
    """Lower bounds on the costs of tasks alone.

    Parameters
    ----------
    system : System
        With shadowing.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    whole_slots : bool
        As of `lyaopt.bounds.waiting_bound`, of CPUs and edge.

    Returns
    -------
    costs : ndarray (S, 2 (Z - 1), K + 1)
        In J, by state of the channel and cut: at the lower ends of all cells, then at the upper ends.
    weight : ndarray (2 (Z - 1),)
        Of these states in the mean over the stationary law. On a cell the least of linear costs is concave,
        so that its mean is at least this one.
    """
    channel, bits = system.channel, system.transmit_bits
    shadowing = Shadowing.of(channel.shadowing_std_db, channel.shadowing_sojourn_s, system.slot_duration_s)
    edge = edge_costs(system, theta, whole_slots)
    measured = measured_costs(system, theta)
    steady = (bits == 0.0) | (measured > 0.0)  # what costs the same in all states
    silent = np.where(steady, local_costs(system, theta, whole_slots) + edge + measured, 0.0)
    ends = np.broadcast_to(silent[:, None, None], (len(bits), 2, shadowing.node.size - 1, bits.shape[1]))
    kinds = _kinds(system, theta, np.where(steady, silent, np.inf).min(axis=1))
    for share in _SHARES if kinds.device.size else ():
        prices = kinds.prices(system, shadowing, share)
        for j in range(_SIZES):
            price, drift = prices.price[j::_SIZES][kinds.of], prices.drift_w[j::_SIZES][kinds.of]
            held = edge + local_costs(system, np.maximum(theta - drift, 0.0), whole_slots)
            cells = np.stack([price[:, :-1], price[:, 1:]], axis=1)
            total = held[:, None, None] + cells[..., None] * bits[:, None, None]
            # One share for a whole cell, which keeps costs linear there.
            better = total.sum(axis=1, keepdims=True) > ends.sum(axis=1, keepdims=True)
            ends = np.where(better & (kinds.size == j)[:, None, None], total, ends)
    return ends.reshape(len(bits), -1, bits.shape[1]), shadowing.weight.ravel()


@dataclass(frozen=True)
class RadioOption:
    """Costs of sending that hold together: with more drift, more for waiting at the radio.

    Attributes
    ----------
    price : ndarray (S, K + 1, Z)
        A by cut on the nodes of the shadowing, in J per bit.
    drift_w : ndarray (S, K + 1)
        m: while a task is on its CPU, a second of it counts as theta - m; 0 where nothing is sent.
    """

    price: Floats
    drift_w: Floats


def radio_options(system: System, theta: Floats, shadowing: Shadowing) -> list[RadioOption]:
    """Prices of bits by cut, for each share of theta that may go into waiting for a better channel.

    Parameters
    ----------
    system : System
        With shadowing.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    shadowing : Shadowing
        The process.
    """
    silent = np.where(system.transmit_bits > 0.0, np.inf, local_costs(system, theta, True))
    without = _DEARER * (silent + edge_costs(system, theta, True)).min(axis=1)
    kinds = _kinds(system, theta, without)
    row, sends = kinds.of[:, None] * _SIZES + np.maximum(kinds.size, 0), kinds.size >= 0
    if not kinds.device.size:
        return [RadioOption(np.zeros((*sends.shape, len(shadowing.node))), np.zeros(sends.shape))]
    found = []
    for share in _SHARES:
        prices = kinds.prices(system, shadowing, share)
        price = np.where(sends[..., None], prices.price[row], 0.0)
        found.append(RadioOption(price, np.where(sends, prices.drift_w[row], 0.0)))
    return found


@dataclass(frozen=True)
class _Kinds:
    """G kinds of tasks that send: devices and waiting costs that occur together.

    Attributes
    ----------
    device, theta, most : ndarray (G,)
        Device, waiting cost, and cost of the dearest service without sending.
    least : ndarray (G,)
        Fewest bits that are sent.
    bits : ndarray (G, sizes)
        Numbers of bits, growing.
    of : ndarray (S,) of int
        Kind of each service.
    size : ndarray (S, K + 1) of int
        Least of its kind's numbers that is not below the bits of a cut; -1 where it sends nothing.
    """

    device: Integers
    theta: Floats
    most: Floats
    least: Floats
    bits: Floats
    of: Integers
    size: Integers

    def prices(self, system: System, shadowing: Shadowing, share: float) -> BitPrices:
        """Prices of all kinds and sizes, size by size within a kind."""
        # The dearest cut of a size has its fewest bits.
        fewest = np.concatenate([self.least[:, None], self.bits[:, :-1]], axis=1)
        most = self.most[:, None] * self.bits / fewest
        clear = replace(system, channel=replace(system.channel, shadowing_std_db=0.0))
        rows = np.repeat(np.arange(self.device.size), _SIZES)
        radio = Radio.of(clear).of_rows(self.device[rows])
        return bit_prices(
            radio, shadowing, self.theta[rows], self.bits.ravel(), most.ravel(), np.full(rows.size, share)
        )


def _kinds(system: System, theta: Floats, alone: Floats) -> _Kinds:
    bits, device = system.transmit_bits, system.device_of_service
    sends = (bits > 0.0).any(axis=1) & (theta > 0.0) & np.isnan(system.radio_rate_bps[device])
    pairs, of = np.unique(np.stack([device, theta])[:, sends], axis=1, return_inverse=True)
    kind = np.zeros(len(theta), np.int64)
    kind[sends] = of
    count = pairs.shape[1]
    most, fewest, sizes = np.empty(count), np.empty(count), np.empty((count, _SIZES))
    longest = _LONGEST * system.channel.shadowing_sojourn_s
    size = np.full(bits.shape, -1)
    for g in range(count):
        of_kind = np.flatnonzero(sends & (kind == g))
        amounts = bits[of_kind][bits[of_kind] > 0.0]
        fewest[g] = amounts.min()
        sizes[g] = np.geomspace(fewest[g], amounts.max(), _SIZES + 1)[1:]
        sizes[g, -1] = amounts.max()
        least = np.searchsorted(sizes[g], bits[of_kind])
        size[of_kind] = np.where(bits[of_kind] > 0.0, np.minimum(least, _SIZES - 1), -1)
        most[g] = min(alone[of_kind].max(), longest * pairs[1, g])
    return _Kinds(pairs[0].astype(np.int64), pairs[1], most, fewest, sizes, kind, size)
