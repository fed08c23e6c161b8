r"""Prices of radios whose shadowing lasts: what a bit costs depends on the state of the channel.

x is the shadowing, standard normal, an Ornstein-Uhlenbeck process of correlation time T; sigma x its natural
logarithm. A radio with b bits left, whose waiting costs H(b) watts, spends at least J(b, x) in energy and
waiting,

    g_x(dJ/db) = H(b) + (L J)(b, x),     J(0, x) = 0,     L = (d^2/dx^2 - x d/dx) / T,

with the conjugate g_x of its power in this state: in a good channel it hurries, and in a bad one it waits for
a better one. J is marched in b by implicit Euler steps on a grid in x, each solved by Newton's method. The
price g_x^{-1}(H + L J) is tabulated by holding cost: b = H / h where a unit of work costs h; where a task
costs theta, b = (H / theta - 1/2) d with d the mean bits of a task, as in the middle of the first task.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import radio_price
from lyaopt.model.system import System
from lyaopt.policies.holding_costs import HoldingCosts
from lyaopt.policies.price_tables import PriceTable
from lyaopt.simulation.price_rule import ChannelFilter

STATES = 65
_WIDEST = 3.2
"""Of x, in standard deviations."""
_LOG_EXPONENTIAL = (-0.5772156649015329, math.pi**2 / 6.0)
"""Mean and variance of log beta, beta ~ Exp(1)."""
_KNOTS, _DECADES = 257, (-13.0, 3.0)
_NEWTON_STEPS, _CLOSE = 60, 1e-10


def has_shadowing(system: System) -> bool:
    """Tell whether channels have states that last.

    Parameters
    ----------
    system : System
        Its shadowing decides.
    """
    return system.channel.shadowing_std_db > 0.0


def shadowing_filter(system: System) -> ChannelFilter:
    """Make the Kalman filter of the shadowing from the logarithms of gains.

    Parameters
    ----------
    system : System
        Gives mean gains, fading and shadowing.

    Returns
    -------
    ChannelFilter
    """
    channel = system.channel
    mean, noise = _LOG_EXPONENTIAL if channel.fading == "rayleigh" else (0.0, 0.0)
    sigma = _sigma(system)
    correlation = math.exp(-system.slot_duration_s / channel.shadowing_sojourn_s)
    drift = sigma**2 * (1.0 - correlation**2)
    # The variance before a slot's gain is seen, P = correlation^2 P noise / (P + noise) + drift.
    half = 0.5 * (drift - noise * (1.0 - correlation**2))
    before = half + math.sqrt(half * half + drift * noise)
    per_nat = (STATES // 2) / (_WIDEST * sigma)
    mean_log = np.log(system.mean_channel_gain()) + mean
    return ChannelFilter(mean_log, before / (before + noise), correlation, per_nat, STATES)


def _sigma(system: System) -> float:
    return system.channel.shadowing_std_db * math.log(10.0) / 10.0


def _generator(sojourn_s: float) -> Floats:
    """L on the grid of x: rates of a chain that steps to a neighbour, reflected at the ends."""
    x = np.linspace(-_WIDEST, _WIDEST, STATES)
    step = x[1] - x[0]
    up = (1.0 / step**2 - 0.5 * x / step) / sojourn_s
    down = (1.0 / step**2 + 0.5 * x / step) / sojourn_s
    up[-1] = down[0] = 0.0
    return np.asarray(np.diag(-up - down) + np.diag(up[:-1], 1) + np.diag(down[1:], -1))


@dataclass(frozen=True, eq=False)
class RadioStates:
    """Prices of the radio of one device in each state, on a logarithmic grid of holding costs.

    Attributes
    ----------
    log_cost : ndarray (K,)
        ln H.
    log_price : ndarray (X, K)
        ln nu_x(H).
    """

    log_cost: Floats
    log_price: Floats

    @classmethod
    def of(cls, system: System, device: int, most_w: float) -> RadioStates:
        """Tabulate the radio of a device.

        Parameters
        ----------
        system : System
            Gives the radio.
        device : int
            m.
        most_w : float
            Largest H of the tables to be made.
        """
        x = np.linspace(-_WIDEST, _WIDEST, STATES)
        gain = system.mean_channel_gain()[device] * np.exp(_sigma(system) * x)
        width = np.full(STATES, system.most_bandwidth_hz[device])
        power = np.full(STATES, system.max_power_w[device])
        noise = (width * system.noise_w_per_hz / gain)[:, None]
        measured = np.full(STATES, system.radio_rate_bps[device])  # the same in all states
        radio = Radio(width, power, noise, np.ones(1), system.channel.fading == "rayleigh", measured)
        log_cost = math.log(most_w) + math.log(10.0) * np.linspace(*_DECADES, _KNOTS)
        price = radio_price(radio, np.repeat(np.exp(log_cost)[:, None], STATES, axis=1))
        return cls(log_cost, np.log(np.maximum(price, np.finfo(np.float64).tiny)).T)

    def price(self, cost: Floats) -> tuple[Floats, Floats]:
        """Compute nu_x, and its derivative by H.

        Parameters
        ----------
        cost : ndarray (X,)
            H > 0 in each state, in W.

        Returns
        -------
        price, slope : ndarray (X,)
            In J per bit, and J per bit and W.
        """
        low, step = self.log_cost[0], self.log_cost[1] - self.log_cost[0]
        place = (np.log(cost) - low) / step
        cell = np.clip(place.astype(np.int64), 0, self.log_cost.size - 2)
        rows = np.arange(STATES)
        left, right = self.log_price[rows, cell], self.log_price[rows, cell + 1]
        value = np.exp(left + (place - cell) * (right - left))
        return value, value * (right - left) / (step * cost)


def march(radio: RadioStates, generator: Floats, costs: Floats, steps: Floats, start: Floats) -> Floats:
    """March J over work: the prices dJ/db after each step.

    Parameters
    ----------
    radio : RadioStates
        Conjugate of the power in each state.
    generator : ndarray (X, X)
        L.
    costs, steps : ndarray (n,)
        H at the end of each step, in W, and its work.
    start : ndarray (X,)
        J where no work is left.

    Returns
    -------
    ndarray (n, X)
        J per unit of work.
    """
    value, prices = start.copy(), np.empty((len(costs), start.size))
    for i, (cost, step) in enumerate(zip(costs, steps, strict=True)):
        value, prices[i] = _step(radio, generator, cost, step, value)
    return prices


def _step(
    radio: RadioStates, generator: Floats, cost: float, step: float, before: Floats
) -> tuple[Floats, Floats]:
    """Solve J - step nu(H + L J) = J before.

    nu is concave, a least of lines, and goes on as a line below `least`. Newton's method is then policy
    iteration: from any start it converges, and from the second step on it only falls.
    """
    least = 1e-9 * cost
    value, identity = before, np.eye(before.size)
    for _ in range(_NEWTON_STEPS):
        power = cost + generator @ value
        price, slope = radio.price(np.maximum(power, least))
        slope = np.where(power > least, slope, price / least)
        price = np.where(power > least, price, slope * power)
        change = np.linalg.solve(identity - step * slope[:, None] * generator, value - before - step * price)
        value = value - change
        if np.abs(change).max() <= _CLOSE * np.abs(value).max():
            break
    return value, (value - before) / step


def shadowed_table(system: System, costs: HoldingCosts, plain: PriceTable, bits: Floats) -> PriceTable:
    """Tabulate the prices of the radios in each state of their channels.

    Parameters
    ----------
    system : System
        Gives radios and shadowing.
    costs : HoldingCosts
        Of waiting.
    plain : PriceTable
        Of the radios, which gives the nodes and the slope beyond them.
    bits : ndarray (S,)
        Mean bits of a task of each service, > 0.

    Returns
    -------
    PriceTable
        Of S X rows: those of the X states of the first service, worst first, then the next one's.
    """
    device = np.repeat(system.device_of_service, STATES)
    prices = [
        shadowed_prices(system, costs, s, plain.nodes[m], float(bits[s]))
        for s, m in enumerate(system.device_of_service.tolist())
    ]
    return PriceTable(plain.most_w[device], np.concatenate(prices), plain.slope[device])


def shadowed_prices(
    system: System, costs: HoldingCosts, service: int, holding_w: Floats, bits: float
) -> Floats:
    """Tabulate the price of a service's bits by holding cost, in each state of its channel.

    Parameters
    ----------
    system : System
        Gives radio and shadowing.
    costs : HoldingCosts
        Of waiting.
    service : int
        Index among the S services.
    holding_w : ndarray (C + 1,)
        H of the nodes, from 0.
    bits : float
        Mean bits of a task.

    Returns
    -------
    ndarray (X, C + 1)
    """
    rate = float(costs.rates[1, service])
    per_bit, waits = (rate, 0.0) if costs.by_work else (rate / bits, 0.5 * rate)
    radio = RadioStates.of(system, int(system.device_of_service[service]), holding_w[-1])
    work = np.maximum(holding_w - waits, 0.0) / per_bit
    steps = np.diff(work)
    moving = steps > 0.0
    generator = _generator(system.channel.shadowing_sojourn_s)
    prices = march(radio, generator, holding_w[1:][moving], steps[moving], np.zeros(STATES))
    table = np.zeros((holding_w.size, STATES))
    table[1:][moving] = prices
    # Below half a task nothing is left to wait for: the price there is that of the channel as it is.
    for i in np.flatnonzero(~moving) + 1:
        table[i] = radio.price(np.full(STATES, holding_w[i]))[0]
    return np.ascontiguousarray(table.T)
