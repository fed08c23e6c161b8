"""CPU and radio of a device in the units of the bound: slots, and the waiting cost of a task in a slot.

Speeds are such that the power is scale s^3, or scale (e^s - 1); see `lyaopt._kernels.bounds.step_costs`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.bounds.step_costs import Machine, Tolls
from lyaopt.arrays import Floats
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.queueing.fading_nodes import FadingNodes, rayleigh, steady
from lyaopt.model.system import System

_BISECTIONS = 100
_NEWTON_STEPS = 40
_LEAST_TOLL = 1e-9
"""Smaller ones count as none: their knees would be lost in rounding."""
_FASTEST = 40.0
"""Speed, in nats a slot, that stands for no limit where the reference system's speed is found."""


@dataclass(frozen=True)
class Resource:
    """One CPU or radio.

    Attributes
    ----------
    unit : float
        Cycles or bits that are one unit of work.
    machine : Machine
        Its power.
    """

    unit: float
    machine: Machine

    @property
    def works(self) -> bool:
        """Whether it can do anything."""
        return bool(self.machine.most.max() > 0.0)

    def tolls(self, wanted: Floats) -> Tolls:
        """Tolls near those wanted, each exactly the one at which work is cheapest at its knee.

        The knee is found first, to rounding, and the toll follows from it, so that the cost of a step is no
        approximation.

        Parameters
        ----------
        wanted : ndarray (X, J)
            Not negative.
        """
        scale, most = self.machine.scale, self.machine.most
        wanted = np.where(wanted >= _LEAST_TOLL, wanted, 0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = np.where(wanted > 0.0, wanted / scale, 0.0)
            knee = np.cbrt(0.5 * ratio) if self.machine.cubic else _radio_knee(ratio)
            free = scale == 0.0
            knee = np.where(free, most, np.minimum(knee, most))
            power = np.where(free, 0.0, self._power(knee))
            fitting = scale * (2.0 * knee**3 if self.machine.cubic else knee * np.exp(knee) - np.expm1(knee))
            toll = np.where(free & np.isfinite(most) | (knee == most) & ~free, wanted, fitting)
            toll = np.where(free & np.isinf(most), 0.0, toll)
            slope = (power + toll) / knee
        start = 0.0 if self.machine.cubic else scale
        slope = np.where(np.isinf(knee), 0.0, np.where(knee > 0.0, slope, start))
        return Tolls(*map(np.ascontiguousarray, (toll, knee, slope)))

    def gains(self, price: Floats) -> Floats:
        """max_s (price s - P(s)) in each state of the machine.

        Parameters
        ----------
        price : ndarray (X,)
            Per unit of work.

        Returns
        -------
        ndarray (X, J)
            0 in states in which work needs no energy.
        """
        speed = self.speeds(price)
        with np.errstate(over="ignore", invalid="ignore"):
            gain = price[:, None] * speed - self._power(speed)
        return np.where(self.machine.scale > 0.0, gain, 0.0)

    def speeds(self, price: Floats) -> Floats:
        """Best speed at a price in each state, (X, J)."""
        with np.errstate(divide="ignore"):
            ratio = price[:, None] / self.machine.scale
            speed = np.sqrt(ratio / 3.0) if self.machine.cubic else np.log(np.maximum(ratio, 1.0))
        return np.minimum(speed, np.where(np.isinf(self.machine.most), _FASTEST, self.machine.most))

    def price(self, holding: Floats) -> Floats:
        """Price of a unit of work at holding costs (X,), each in waiting costs of a task."""
        low, high = np.full(holding.shape, 1e-12), np.full(holding.shape, 1e12)
        for _ in range(_BISECTIONS):
            middle = np.sqrt(low * high)
            short = self.gains(middle) @ self.machine.share < holding
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return high

    def _power(self, speed: Floats) -> Floats:
        scale = self.machine.scale
        return np.asarray(scale * (speed**3 if self.machine.cubic else np.expm1(speed)))


def local_resource(system: System, device: int, theta: float) -> Resource:
    """CPU of a device; a unit is what a slot does at the speed at which a task alone is cheapest.

    Parameters
    ----------
    system : System
        The system.
    device : int
        Its position.
    theta : float
        Waiting cost of a task, in J/s.
    """
    delta, capacity = system.energy_coefficient, float(system.cpu_capacity_hz[device])
    best = np.cbrt(theta / (2.0 * delta)) if delta > 0.0 else math.inf
    speed = min(capacity, float(best))
    if speed == 0.0:
        return Resource(1.0, Machine(True, np.ones(1), np.ones(1), np.zeros(1)))
    scale, most = delta * speed**3 / theta, capacity / speed
    machine = Machine(True, np.array([scale]), np.ones(1), np.array([most]))
    return Resource(speed * system.slot_duration_s, machine)


def transmit_resource(system: System, device: int, theta: float, nodes: int) -> Resource:
    """Radio of a device; a unit of work is b_w tau / ln 2 bits.

    Parameters
    ----------
    system : System
        Its channels must be drawn anew in each slot, or be steady.
    device : int
        Its position.
    theta : float
        Waiting cost of a task, in J/s.
    nodes : int
        Nodes of the fading.
    """
    radio = Radio.of(system)
    states: FadingNodes = rayleigh(nodes) if radio.rayleigh else steady()
    noise, most_power = float(radio.noise_w[device, 0]), float(radio.max_power_w[device])
    most = np.log1p(most_power * states.best_gain / noise) if most_power > 0.0 else 0.0 * states.share
    machine = Machine(False, noise * states.inverse_gain / theta, states.share, np.ascontiguousarray(most))
    return Resource(float(radio.bandwidth_hz[device]) * system.slot_duration_s / math.log(2.0), machine)


def _radio_knee(ratio: Floats) -> Floats:
    """Solve (s - 1) e^s + 1 = ratio by Newton's method from above."""
    speed = np.where(ratio < 1.0, np.sqrt(2.0 * ratio), 1.0 + np.log1p(ratio))
    speed = np.minimum(speed, 600.0)
    for _ in range(_NEWTON_STEPS):
        power = np.exp(speed)
        error = speed * power - np.expm1(speed) - ratio
        step = np.where(speed > 0.0, error / (speed * power), 0.0)
        speed = np.maximum(speed - step, 0.0)
    return np.asarray(speed)
