"""The least that a task costs alone: energy and theta joules a second, stage by stage.

Closed forms: nu_CPU(theta) c, nu_radio(theta) d and theta e / F^e. In whole slots, which are more::

    V^l(c) = min_n  delta c^3 / (n tau)^2 + theta n tau,      n >= 1 whole, n >= c / (F tau)
    V^t(d) = min_n  tau n p(d / n) + theta n tau              for a steady gain; else `bit_program`
    V^t(d) = P d / R + theta tau ceil(d / (R tau))            for a measured radio
    V^e(e) = theta tau ceil(e / (F^e tau))

as work is best shared evenly among n slots. With operating points the power is that of their hull, and n is
best at one of its corners. V of no work is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.bounds.bit_program import bit_costs
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import cpu_price, radio_price
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.slot.tables import Point, hull_power

_ROUNDING = 1e-12


def refuse_channels(system: System, *names: str) -> None:
    """Refuse channels whose gain depends on that of the slot before.

    Parameters
    ----------
    system : System
        The system.
    *names : str
        Settings of the channel, all in `names`, that must be 0.

    Raises
    ------
    ProblemError
        If one is not.
    """
    for name in names:
        if getattr(system.channel, name) > 0.0:
            raise ProblemError(
                f"$.channel.{name}", "expected 0: this bound needs gains drawn anew in each slot"
            )


def refuse_tables(system: System, bound: str) -> None:
    """Refuse operating points and measured radios.

    Parameters
    ----------
    system : System
        The system.
    bound : str
        Name of the bound that does not know them.

    Raises
    ------
    ProblemError
        If there is one; the path names it.
    """
    for m, device in enumerate(system.devices):
        for name in ("cpu_points", "radio"):
            if getattr(device, name) is not None:
                reason = f"{bound} knows cubic CPUs and Shannon's radios only"
                raise ProblemError(f"$.devices[{m}].{name}", reason)


def local_costs(system: System, theta: Floats, whole_slots: bool) -> Floats:
    """Least cost of the local work of a task, in J.

    Parameters
    ----------
    system : System
        The system.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    whole_slots : bool
        V^l in place of the closed form.

    Returns
    -------
    ndarray (S, K + 1)
        By cut; infinite where there is work and no CPU.
    """
    capacity, cycles = system.cpu_capacity_hz[system.device_of_service], system.local_cycles
    delta, tau = system.energy_coefficient, system.slot_duration_s
    price = cpu_price(system, system.device_of_service, theta)[:, None]
    cost = np.where(cycles > 0.0, cycles, 0.0) * np.where(cycles > 0.0, price, 0.0)
    if not whole_slots:
        return cost
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = np.cbrt(theta / (2.0 * delta)) if delta > 0.0 else np.full_like(theta, math.inf)
        fewest = cycles / (capacity[:, None] * tau)
        best = cycles / (np.minimum(speed, capacity)[:, None] * tau)
        exact = _best_slots(
            lambda n: delta * cycles**3 / (n * tau) ** 2 + theta[:, None] * n * tau, fewest, best
        )
        exact = np.where(np.isfinite(best) & (cycles > 0.0), np.maximum(exact, cost), cost)
        for s, m in enumerate(system.device_of_service.tolist()):
            hull = system.cpu_hulls[m]
            if hull:  # not empty
                exact[s] = np.maximum(_hull_costs(hull, float(theta[s]), tau, cycles[s]), cost[s])
    return exact


def _hull_costs(hull: Sequence[Point], theta: float, slot_s: float, cycles: Floats) -> Floats:
    """V^l of `cycles` (K,) on a CPU with operating points."""
    speed = min(hull, key=lambda corner: (corner[1] + theta) / corner[0])[0]
    fewest, best = cycles / (hull[-1][0] * slot_s), cycles / (speed * slot_s)

    def cost(slots: Floats) -> Floats:
        return np.asarray(slots * slot_s * (hull_power(hull, cycles / (slots * slot_s)) + theta))

    return np.where(cycles > 0.0, _best_slots(cost, fewest, best), 0.0)


def _best_slots(cost: Callable[[Floats], Floats], fewest: Floats, best: Floats) -> Floats:
    """Least cost over whole numbers of slots, from 1 and `fewest` on; it is convex, and least at `best`."""
    first = np.maximum(np.ceil(fewest * (1.0 - _ROUNDING)), 1.0)
    below = np.maximum(np.floor(best), first)
    return np.minimum(cost(below), cost(below + 1.0))


def transmit_costs(system: System, theta: Floats, whole_slots: bool) -> Floats:
    """Least cost of the transmission of a task, in J; channels must be drawn anew in each slot, or be steady.

    Parameters
    ----------
    system : System
        The system.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    whole_slots : bool
        V^t in place of the closed form.

    Returns
    -------
    ndarray (S, K + 1)
        By cut; infinite where there are bits and no power.
    """
    device, bits = system.device_of_service, system.transmit_bits
    radio = Radio.of(system).of_rows(device)
    price = radio_price(radio, theta)
    cost = bits * np.where(bits > 0.0, price[:, None], 0.0)
    if not whole_slots:
        return cost
    able = np.flatnonzero(np.isfinite(price) & (theta > 0.0) & (bits > 0.0).any(axis=1) & ~radio.is_measured)
    exact, slot_s = np.maximum(cost, measured_costs(system, theta)), system.slot_duration_s
    if not able.size:
        return exact
    if radio.rayleigh:
        alike = np.stack([device, theta])[:, able]
        first, row = np.unique(alike, axis=1, return_index=True, return_inverse=True)[1:]
        most = np.zeros(len(first))
        np.maximum.at(most, row, bits[able].max(axis=1))
        program = bit_costs(radio.of_rows(able[first]), theta[able[first]], slot_s, most)
        exact[able] = program.of_rows(row).at(bits[able])
    else:
        exact[able] = _steady_costs(radio.of_rows(able), theta[able], price[able], slot_s, bits[able])
    return np.maximum(exact, cost)


def measured_costs(system: System, theta: Floats, whole_slots: bool = True) -> Floats:
    """Least cost of the transmission of a task by a measured radio, in J.

    Parameters
    ----------
    system : System
        The system; a trace may lower the rates in some slots, which makes nothing cheaper.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    whole_slots : bool
        False counts the time that sending takes, which is linear in the bits.

    Returns
    -------
    ndarray (S, K + 1)
        By cut; 0 where the radio is not measured.
    """
    device, bits, tau = system.device_of_service, system.transmit_bits, system.slot_duration_s
    rate, power = system.radio_rate_bps[device][:, None], system.max_power_w[device][:, None]
    slots = bits / (rate * tau)
    if whole_slots:
        slots = np.maximum(np.ceil(slots * (1.0 - _ROUNDING)), bits > 0.0)
    return np.where(np.isnan(rate), 0.0, bits * power / rate + theta[:, None] * tau * slots)


def _steady_costs(radio: Radio, theta: Floats, price: Floats, slot_s: float, bits: Floats) -> Floats:
    unit = (radio.bandwidth_hz * slot_s / math.log(2.0))[:, None]
    noise, wait = radio.noise_w, (theta * slot_s)[:, None]

    def cost(slots: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.asarray(slots * (slot_s * noise * np.expm1(bits / (slots * unit)) + wait))

    fewest = bits / (unit * np.log1p(radio.max_power_w[:, None] / noise))
    best = bits / (radio.carried(price)[0] * slot_s)[:, None]
    return np.where(bits > 0.0, _best_slots(cost, fewest, best), 0.0)


def edge_costs(system: System, theta: Floats, whole_slots: bool) -> Floats:
    """Least cost of the edge work of a task, in J.

    Parameters
    ----------
    system : System
        The system.
    theta : ndarray (S,)
        Waiting costs, in J/s.
    whole_slots : bool
        V^e in place of the closed form.

    Returns
    -------
    ndarray (S, K + 1)
        By cut; infinite where there is work and no edge.
    """
    work = system.edge_cycles
    with np.errstate(divide="ignore", invalid="ignore"):
        seconds = np.where(work > 0.0, work / system.edge_capacity_hz, 0.0)
        if whole_slots:
            tau = system.slot_duration_s
            seconds = tau * np.maximum(np.ceil(seconds / tau * (1.0 - _ROUNDING)), work > 0.0)
    return np.where(np.isinf(seconds), math.inf, theta[:, None] * np.where(np.isinf(seconds), 0.0, seconds))
