"""A price of bits for any stationary channel, whatever its correlation: below those of channels drawn anew.

While a device has something to send, waiting costs at least theta, the least of its services. So in every
slot, at any price nu of a bit::

    theta tau [something waits] + tau p - nu r tau  >=  -tau (max_p (nu R(p; h) - p) - theta)^+ .

In the mean over slots, sum lambda d_k bits a second are sent, and h has its stationary law: the radio of a
device costs at least nu a bit, less the mean of the right side. The law is cut into cells of fading and of
shadowing, each of which counts as its better end.
"""

from __future__ import annotations

import math

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds.edge_dual import EdgeDual, best_edge_price
from lyaopt.bounds.ergodic_rate import Radio, scipy_special
from lyaopt.bounds.holding_price import radio_price
from lyaopt.model.system import System

_PRICES = np.geomspace(1e-6, 10.0, 120)
"""Prices tried, over nu(theta) of gains that are drawn anew."""
_FADES = np.append(np.geomspace(1e-3, 40.0, 60), math.inf)
_SHADOWS = np.linspace(-6.0, 8.0, 113)


def stationary_bound(system: System, theta: Floats, held: Floats) -> EdgeDual:
    """Bound of a system whose fading is correlated.

    Parameters
    ----------
    system : System
        The system.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    held : ndarray (S, K + 1)
        Least costs of a task on the CPU, at the edge and by a measured radio, in J.

    Returns
    -------
    EdgeDual
    """
    return _best(system, theta, held)[0]


def stationary_prices(system: System, theta: Floats, held: Floats) -> tuple[Floats, Floats]:
    """Prices of a bit (M,), in J, of that bound, and what they cost each device (M,), in W.

    Parameters
    ----------
    system, theta, held
        As of `stationary_bound`.
    """
    return _best(system, theta, held)[1]


def _best(system: System, theta: Floats, held: Floats) -> tuple[EdgeDual, tuple[Floats, Floats]]:
    prices, penalty = _prices(system, theta)
    rows = np.arange(len(system.devices))
    best_prices = prices[rows, 0], penalty[rows, 0]
    device, rates = system.device_of_service, system.arrival_rate_per_s
    best, psi = EdgeDual(-math.inf, 0.0, np.zeros(len(rates), np.int64)), 0.0
    for _ in range(3):  # prices for no price of the edge, then for the one that they lead to
        costs = held[..., None] + psi * system.edge_cycles[..., None]
        costs = costs + system.transmit_bits[..., None] * prices[device][:, None]
        tasks = np.where(rates > 0.0, rates, 0.0)[:, None] * costs.min(axis=1)
        value = -penalty
        np.add.at(value, device, np.where(rates[:, None] > 0.0, tasks, 0.0))
        chosen = np.argmax(value, axis=1)
        found = best_edge_price(
            held + prices[rows, chosen][device, None] * system.transmit_bits,
            system.edge_cycles,
            rates,
            system.edge_capacity_hz,
        )
        total = found.value_w - float(penalty[rows, chosen].sum())
        if total > best.value_w:
            best = EdgeDual(total, found.price, found.cuts)
            best_prices = prices[rows, chosen], penalty[rows, chosen]
        psi = found.price if math.isfinite(found.price) else 0.0
    return best, best_prices


def _prices(system: System, theta: Floats) -> tuple[Floats, Floats]:
    """Prices (M, G), in J per bit, and what they cost (M, G), in W."""
    least = np.full(len(system.devices), math.inf)
    np.minimum.at(least, system.device_of_service, theta)
    least = np.where(np.isfinite(least), least, 0.0)
    radio = Radio.of(system)
    center = radio_price(radio, np.maximum(least, 1e-12))
    prices = np.where(np.isfinite(center), center, 0.0)[:, None] * _PRICES
    gain, weight = _cells(system)
    mean = system.mean_channel_gain() / (radio.bandwidth_hz * system.noise_w_per_hz)
    penalty = np.empty_like(prices)
    for m, level in enumerate(prices * radio.bandwidth_hz[:, None] / math.log(2.0)):
        noise = 1.0 / (mean[m] * gain)
        power = np.clip(level[:, None] - noise, 0.0, radio.max_power_w[m])
        over = level[:, None] * np.log1p(power / noise) - power - least[m]
        penalty[m] = np.maximum(over, 0.0) @ weight
    prices[radio.is_measured] = penalty[radio.is_measured] = 0.0  # they do not fade
    return prices, penalty


def _cells(system: System) -> tuple[Floats, Floats]:
    """Better ends of the cells of the gain over its mean, and their probabilities."""
    if system.channel.fading == "none":
        end, share = np.ones(1), np.ones(1)
    else:
        end, share = _fades()
    std = system.channel.shadowing_std_db
    if std == 0.0:
        return end, share
    below = scipy_special().ndtr(_SHADOWS)
    below[-1] = 1.0
    shadow = 10.0 ** (std * _SHADOWS / 10.0)
    return np.outer(shadow, end).ravel(), np.outer(np.diff(below, prepend=0.0), share).ravel()


def _fades() -> tuple[Floats, Floats]:
    """Better ends of the cells of Rayleigh fading, and their probabilities."""
    end = _FADES.copy()
    end[-1] = 2.0 * end[-2]  # what is beyond it, e^-80, is far below rounding
    return end, -np.diff(np.exp(-_FADES), prepend=1.0)
