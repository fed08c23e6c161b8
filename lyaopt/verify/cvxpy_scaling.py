"""The slot problems in units in which generic solvers succeed, and their solutions in SI units.

Rates are relative to the largest total that capacity, limits and energy could allow, power relative to the
power of that total, objectives relative to the largest weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.slot.inputs import SlotInputs
from lyaopt.slot.limits import noise_w_per_hz
from lyaopt.verify.cvxpy_programs import rate_program
from lyaopt.verify.single_slots import of_device, radio_of, table_of, weights_of

# Below this signal-to-noise ratio the exponential cone loses the digits of log1p (it holds 1 + x to about
# 1e-9); a Pade approximant with a relative error of x^3 / 36 replaces it.
WEAK_SIGNAL = 3e-3
# Bounds are reduced to this multiple of what can be optimal: they are never active, and scaling stays good.
SLACK = 2.0


@dataclass(frozen=True)
class Found:
    """Solution of one problem in SI units.

    Attributes
    ----------
    value : float
        Of the objective.
    rates : (N,) array
        f of every item, in cycles/s or bit/s.
    power : float
        Transmit power in W; 0 in Problems 3 and 5.
    status : str
        Of the solver.
    """

    value: float
    rates: Floats
    power: float
    status: str


@dataclass(frozen=True)
class _Items:
    """Weights, and limits as rates, of the items that share a resource."""

    weights: Floats
    caps: Floats
    tau: float

    @property
    def heaviest(self) -> float:
        return float(self.weights.max(initial=0.0))

    @property
    def load(self) -> float:
        """Total rate of all items of any weight."""
        return float(self.caps[self.weights > 0].sum())

    def scaled(self, scale: float) -> dict[str, Floats]:
        """Parameters of the items in units of the heaviest weight and a rate."""
        return {"worth": self.weights / self.heaviest, "caps": np.minimum(self.caps / scale, SLACK)}

    def nothing(self) -> Found:
        return Found(0.0, np.zeros_like(self.caps), 0.0, "optimal")


def solve_local(slot: SlotInputs, device: int, solver: str) -> Found:
    """Solve Problem 3 of a device.

    Parameters
    ----------
    slot : SlotInputs
        The slot.
    device : int
        Index of the device.
    solver : str
        As `check_solver` returns.
    """
    tau = slot.slot_duration_s
    items = _Items(weights_of(slot, "local")[device], slot.local_queue_cycles[device] / tau, tau)
    capacity, label = float(slot.cpu_capacity_hz[device]), f"local problem of device {device}"
    energy_weight, table = of_device(slot.energy_weight_local, device), table_of(slot, device)
    if table is not None:
        return _by_table(items, capacity, energy_weight, np.array(table), (label, solver))
    k = energy_weight * of_device(slot.energy_coefficient, device)
    # Above S = sqrt(w / 3 k) another cycle costs more energy than serving the heaviest item gains.
    worthwhile = math.sqrt(items.heaviest / (3 * k)) if k else math.inf
    scale = min(capacity, items.load, worthwhile)
    if scale <= 0:
        return items.nothing()
    solved = rate_program("cubic", len(items.caps), solver).solve(
        label,
        **items.scaled(scale),
        capacity=min(capacity / scale, SLACK),
        energy=k * scale**2 / items.heaviest,
    )
    return Found(solved.value * tau * items.heaviest * scale, solved.shares * scale, 0.0, solved.status)


def _by_table(
    items: _Items, capacity: float, energy_weight: float, table: Floats, names: tuple[str, str]
) -> Found:
    """Problem 3 with operating points (K, 2); `names` are label and solver."""
    label, solver = names
    hz, power = table.T
    # The point that a unit of work of the heaviest item would choose: no faster one is worth its energy.
    profit = items.heaviest * hz - energy_weight * power
    reach = hz[profit >= profit.max()][-1] if profit.max() > 0 else hz[-1]
    scale = min(capacity, items.load, float(reach))
    if scale <= 0:
        return items.nothing()
    # Work at a point that costs more than the heaviest weight is never worth it, however much it costs.
    price = np.minimum(energy_weight * (power / hz) / items.heaviest, SLACK)
    solved = rate_program("table", len(items.caps), solver, len(hz)).solve(
        label, **items.scaled(scale), capacity=min(capacity / scale, SLACK), energy=price, times=scale / hz
    )
    return Found(solved.value * items.tau * items.heaviest * scale, solved.shares * scale, 0.0, solved.status)


def solve_transmit(slot: SlotInputs, device: int, solver: str) -> Found:
    """Solve Problem 4 of a device.

    Parameters
    ----------
    slot : SlotInputs
        The slot.
    device : int
        Index of the device.
    solver : str
        As `check_solver` returns.
    """
    tau, radio = slot.slot_duration_s, radio_of(slot, device)
    items = _Items(weights_of(slot, "transmit")[device], slot.transmit_queue_bits[device] / tau, tau)
    label, energy_weight = (
        f"transmit problem of device {device}",
        of_device(slot.energy_weight_transmit, device),
    )
    if radio is not None:
        rate, power = map(float, radio)
        per_bit = power / rate if rate > 0 else 0.0
        found = _linear(items, rate, energy_weight * per_bit, (label, solver))
        return Found(found.value, found.rates, per_bit * float(found.rates.sum()), found.status)
    return _by_shannon(items, slot, device, energy_weight, (label, solver))


def _by_shannon(items: _Items, slot: SlotInputs, device: int, weight: float, names: tuple[str, str]) -> Found:
    label, solver = names
    most, bandwidth = float(slot.max_power_w[device]), float(slot.bandwidth_hz[device])
    noise = bandwidth * noise_w_per_hz(slot.noise_psd_dbm_per_hz)
    b, eta = bandwidth / math.log(2), float(slot.channel_gain[device]) / noise
    load, heaviest = min(math.log1p(most * eta), items.load / b), items.heaviest
    if load <= 0:
        return items.nothing()
    floor = weight / (b * eta)
    if 0 < floor < heaviest:
        load = min(load, math.log1p((heaviest - floor) / floor))
    elif floor:
        # The optimum is zero: the smaller the unit, the smaller the solver's error in energy.
        load *= heaviest / floor
    # In units of the largest load that can be optimal, and of the power that it needs.
    signal = math.expm1(load)
    price = weight * signal / (eta * heaviest * b * load)
    scaled = items.scaled(b * load)
    solved = rate_program("weak" if signal < WEAK_SIGNAL else "transmit", len(items.caps), solver).solve(
        label,
        worth=scaled["worth"] / max(price, 1.0),
        caps=scaled["caps"],
        energy=min(price, 1.0),
        most_power=min(most * eta / signal, SLACK),
        **_signal_parameters(signal, load),
    )
    value = solved.value * max(price, 1.0) * items.tau * heaviest * b * load
    return Found(value, solved.shares * b * load, solved.power * signal / eta, solved.status)


def _signal_parameters(signal: float, load: float) -> dict[str, float]:
    if signal < WEAK_SIGNAL:
        return {"ratio": load / signal, "root": math.sqrt(signal / 2), "slope": 2 * signal / 3}
    # log(1 + x P) = log x + log(1/x + P): the form whose terms are at most of order one.
    unit = max(signal, 1.0)
    return {"ratio": load, "offset": math.log(unit), "one": 1 / unit, "slope": signal / unit}


def solve_edge(slot: SlotInputs, solver: str) -> Found:
    """Solve Problem 5.

    Parameters
    ----------
    slot : SlotInputs
        The slot.
    solver : str
        As `check_solver` returns.
    """
    tau = slot.slot_duration_s
    items = _Items(weights_of(slot, "edge").ravel(), slot.edge_queue_cycles.ravel() / tau, tau)
    return _linear(items, float(slot.edge_capacity_hz), 0.0, ("edge problem", solver))


def _linear(items: _Items, capacity: float, price: float, names: tuple[str, str]) -> Found:
    """A resource of a constant price in J a unit of work, U counted in."""
    label, solver = names
    scale = min(capacity, items.load)
    if scale <= 0:
        return items.nothing()
    unit = max(items.heaviest, price)
    scaled = items.scaled(scale)
    solved = rate_program("linear", len(items.caps), solver).solve(
        label,
        worth=scaled["worth"] * (items.heaviest / unit),
        caps=scaled["caps"],
        capacity=min(capacity / scale, SLACK),
        energy=price / unit,
    )
    return Found(solved.value * items.tau * unit * scale, solved.shares * scale, 0.0, solved.status)
