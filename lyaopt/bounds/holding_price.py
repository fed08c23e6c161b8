"""Prices of work: the least that a unit of work costs while its waiting costs H joules a second.

A resource with the power function P(s) at speed s has the conjugate::

    g(nu) = max_s (nu s - P(s)),        s within capacity,

its gain at a price of nu joules per unit of work. Where holding costs H, a unit of work costs at least::

    nu(H) = g^-1(H) = min_s (P(s) + H) / s .

CPU, P(s) = delta s^3: s = min(F, (H / (2 delta))^(1/3)), nu = delta s^2 + H / s. CPU with operating points
(f_j, P_j): min_j (P_j + H) / f_j, as a ratio of linear functions is least at an end of a segment. Radio, with
a gain h drawn anew in each slot: g(nu) = E_h max_p (nu R(p; h) - p) = nu E R - E p at the water level of nu
(`lyaopt.bounds.ergodic_rate`), inverted by Newton's method. A step from nu is (E p + H) / E R, the cost of a
unit where the radio fills to the level of nu: no step is below nu(H), and steps from above only fall. A
measured radio is a CPU of one point, its largest rate.

Prices are infinite where a resource can do no work at all. At H = 0 they are the least energy of a unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lyaopt.arrays import Floats, Integers
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.model.system import System
from lyaopt.slot.tables import Point

_MOST_STEPS = 1000
_ROUNDING = 4.0 * float(np.finfo(np.float64).eps)


def local_price(system: System, holding_w: Floats) -> Floats:
    """nu(H) of the devices' CPUs, in J per cycle.

    Parameters
    ----------
    system : System
        Gives delta or the operating points, and F^l.
    holding_w : ndarray (..., M)
        H >= 0, in W.

    Returns
    -------
    ndarray (..., M)
        Infinite where F^l = 0.
    """
    return cpu_price(system, np.arange(len(system.devices)), holding_w)


def cpu_price(system: System, device: Integers, holding_w: Floats) -> Floats:
    """nu(H) of the CPUs of some devices, in J per cycle.

    Parameters
    ----------
    system : System
        Gives delta or the operating points, and F^l.
    device : ndarray (R,) of int
        Numbers of the devices, any number of times.
    holding_w : ndarray (..., R)
        H >= 0, in W.

    Returns
    -------
    ndarray (..., R)
        Infinite where F^l = 0.
    """
    price = cubic_price(system.energy_coefficient, system.cpu_capacity_hz[device], holding_w)
    for row, m in enumerate(device.tolist()):
        hull = system.cpu_hulls[m]
        if hull is not None:
            price[..., row] = table_price(hull, np.broadcast_to(holding_w, price.shape)[..., row])
    return price


def local_gain(system: System, nu: Floats) -> Floats:
    """g(nu) of the devices' CPUs, in W.

    Parameters
    ----------
    system : System
        Gives delta or the operating points, and F^l.
    nu : ndarray (..., M)
        Prices >= 0, in J per cycle.

    Returns
    -------
    ndarray (..., M)
    """
    gain = cubic_gain(system.energy_coefficient, system.cpu_capacity_hz, nu)
    for m, hull in enumerate(system.cpu_hulls):
        if hull is not None:
            gain[..., m] = table_gain(hull, np.broadcast_to(nu, gain.shape)[..., m])
    return gain


def transmit_price(system: System, holding_w: Floats) -> Floats:
    """nu(H) of the devices' radios, in J per bit; of shadowing, over its stationary distribution.

    Parameters
    ----------
    system : System
        Gives the channels, bandwidths and largest powers.
    holding_w : ndarray (..., M)
        H >= 0, in W.

    Returns
    -------
    ndarray (..., M)
        Infinite where p^max = 0.

    Raises
    ------
    ProblemError
        If devices move.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    return radio_price(Radio.of(system), holding_w)


def transmit_gain(system: System, nu: Floats) -> Floats:
    """g(nu) of the devices' radios, in W; of shadowing, over its stationary distribution.

    Parameters
    ----------
    system : System
        Gives the channels, bandwidths and largest powers.
    nu : ndarray (..., M)
        Prices >= 0, in J per bit.

    Returns
    -------
    ndarray (..., M)

    Raises
    ------
    ProblemError
        If devices move.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    return radio_gain(Radio.of(system), nu)


def cubic_price(delta: float, capacity_hz: Floats, holding_w: Floats) -> Floats:
    """nu(H) of CPUs with the power delta s^3, 0 <= s <= F, in J per cycle.

    Parameters
    ----------
    delta : float
        In W s^3.
    capacity_hz : ndarray (M,)
        F, in cycles per second.
    holding_w : ndarray (..., M)
        H >= 0, in W.

    Returns
    -------
    ndarray (..., M)
        Infinite where F = 0.
    """
    holding = np.asarray(holding_w, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.cbrt(holding / (2.0 * delta)) if delta > 0.0 else np.full_like(holding, math.inf)
        speed = np.minimum(best, capacity_hz)
        price = delta * speed**2 + np.where(speed > 0.0, holding / speed, 0.0)
    return np.where(capacity_hz > 0.0, price, math.inf)


def cubic_gain(delta: float, capacity_hz: Floats, nu: Floats) -> Floats:
    """g(nu) of CPUs with the power delta s^3, 0 <= s <= F, in W.

    Parameters
    ----------
    delta : float
        In W s^3.
    capacity_hz : ndarray (M,)
        F, in cycles per second.
    nu : ndarray (..., M)
        Prices >= 0, in J per cycle.

    Returns
    -------
    ndarray (..., M)
    """
    price = np.asarray(nu, np.float64)
    with np.errstate(divide="ignore"):
        best = np.sqrt(price / (3.0 * delta)) if delta > 0.0 else np.full_like(price, math.inf)
    speed = np.minimum(best, capacity_hz)
    return np.where(speed > 0.0, speed * (np.where(speed > 0.0, price, 0.0) - delta * speed**2), 0.0)


def table_price(points: Sequence[Point], holding_w: Floats) -> Floats:
    """nu(H) of a CPU with operating points, in J per cycle.

    Parameters
    ----------
    points : sequence of (hz, power_w)
        Idle costs nothing, and a slot may be shared between points.
    holding_w : ndarray
        H >= 0, in W, of any shape.

    Returns
    -------
    ndarray
        Of the same shape; infinite where there are no points.
    """
    holding = np.asarray(holding_w, np.float64)
    least = [np.full_like(holding, math.inf)]
    return np.asarray(np.min(least + [(power + holding) / hz for hz, power in points], axis=0))


def table_gain(points: Sequence[Point], nu: Floats) -> Floats:
    """g(nu) of a CPU with operating points, in W.

    Parameters
    ----------
    points : sequence of (hz, power_w)
        Idle costs nothing, and a slot may be shared between points.
    nu : ndarray
        Prices >= 0, in J per cycle, of any shape.

    Returns
    -------
    ndarray
        Of the same shape.
    """
    price = np.asarray(nu, np.float64)
    return np.asarray(np.max([price * hz - power for hz, power in ((0.0, 0.0), *points)], axis=0))


def radio_price(radio: Radio, holding_w: Floats) -> Floats:
    """nu(H) of radios, in J per bit.

    Parameters
    ----------
    radio : Radio
        The radios.
    holding_w : ndarray (..., M)
        H >= 0, in W.

    Returns
    -------
    ndarray (..., M)
        Infinite where nothing can be sent.
    """
    holding = np.asarray(holding_w, np.float64)
    most = radio.largest_rate()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        price = np.where(most > 0.0, (radio.max_power_w + holding) / most, 0.0)
        for _ in range(_MOST_STEPS):
            rate, power = radio.carried(price)
            step = np.where(rate > 0.0, (power + holding) / rate, price)
            falls = (step < price * (1.0 - _ROUNDING)) & (holding > 0.0)
            if not falls.any():
                break
            price = np.where(falls, step, price)
    price = np.where(holding > 0.0, price, _cheapest_bit(radio))
    return np.where(most > 0.0, price, math.inf)


def radio_gain(radio: Radio, nu: Floats) -> Floats:
    """g(nu) of radios, in W.

    Parameters
    ----------
    radio : Radio
        The radios.
    nu : ndarray (..., M)
        Prices >= 0, in J per bit.

    Returns
    -------
    ndarray (..., M)
    """
    price = np.asarray(nu, np.float64)
    rate, power = radio.carried(np.where(np.isfinite(price), price, 0.0))
    # Rounding leaves a difference below 0 where next to nothing is worth sending.
    gain = np.where(rate > 0.0, np.maximum(np.where(rate > 0.0, price, 0.0) * rate - power, 0.0), 0.0)
    return np.where(np.isinf(price) & (radio.largest_rate() > 0.0), math.inf, gain)


def _cheapest_bit(radio: Radio) -> Floats:
    """inf P / R: 0 under Rayleigh fading, for a bit on a rare peak; nb ln 2 / b of a steady gain."""
    steady = math.log(2.0) * radio.noise_w.min(axis=1) / radio.bandwidth_hz
    shannon = np.zeros_like(steady) if radio.rayleigh else steady
    return np.where(radio.is_measured, radio.max_power_w / radio.measured_bps, shannon)
