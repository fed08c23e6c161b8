"""Closed forms of the mean rate and mean power of water-filling over a fading channel.

At a price of nu joules per bit, the minimum of E[p - nu R(p)], R(p) = b log2(1 + p h / (b N_0)), is reached
by water-filling to the level w = nu b / ln 2: p = clip(w - 1/eta, 0, pmax), 1/eta = b N_0 / h. With
h = beta hbar, beta ~ Exp(1), nb = b N_0 / hbar, x0 = nb / w, x1 = nb / (w - pmax) (infinite if w <= pmax) and
a = nb / pmax:

    E R = b / ln 2 [E1(x0) - E1(x1) + e^a E1(x1 + a)],
    E p = w (e^-x0 - e^-x1) - nb (E1(x0) - E1(x1)) + pmax e^-x1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from lyaopt.arrays import Floats, Integers
from lyaopt.errors import ProblemError
from lyaopt.io.extras import needs_extra
from lyaopt.model.edges import check_one_edge
from lyaopt.model.system import System

_SHADOWING_NODES = 64
_BISECTIONS = 80


def scipy_special() -> ModuleType:
    """Import `scipy.special`, which only bounds need."""
    with needs_extra("bound"):
        from scipy import special
    module: ModuleType = special
    return module


@dataclass(frozen=True)
class Radio:
    """The radios of M devices, over J equally fading levels of shadowing.

    Attributes
    ----------
    bandwidth_hz, max_power_w : ndarray (M,)
        b and pmax.
    noise_w : ndarray (M, J)
        nb, noise power over the mean gain at each level.
    weight : ndarray (J,)
        Probability of each level.
    rayleigh : bool
        Whether the gain fades, or is its mean.
    measured_bps : ndarray (M,)
        Rate of radios that were measured, which send at pmax or not at all; NaN of others, by default of all.
    """

    bandwidth_hz: Floats
    max_power_w: Floats
    noise_w: Floats
    weight: Floats
    rayleigh: bool
    measured_bps: Floats = field(default_factory=lambda: np.array(math.nan))

    @classmethod
    def of(cls, system: System) -> Radio:
        """Radios of a system, its shadowing by Gauss-Hermite quadrature.

        Parameters
        ----------
        system : System
            The system.

        Raises
        ------
        ProblemError
            If devices move, or there are several edge servers.
        """
        check_one_edge(system, "this bound, or price, knows one edge server")
        channel = system.channel
        if channel.walk_m_per_sqrt_s > 0.0:
            raise ProblemError("$.channel.walk_m_per_sqrt_s", "expected 0, bounds need stationary devices")
        level, weight = np.zeros(1), np.ones(1)
        if channel.shadowing_std_db > 0.0:
            level, weight = np.polynomial.hermite_e.hermegauss(_SHADOWING_NODES)
            weight = weight / weight.sum()
        gain = system.mean_channel_gain()[:, None] * 10.0 ** (channel.shadowing_std_db * level / 10.0)
        width = system.most_bandwidth_hz
        noise = (width * system.noise_w_per_hz)[:, None] / gain
        rayleigh = channel.fading == "rayleigh"
        return cls(width, system.max_power_w, noise, weight, rayleigh, system.radio_rate_bps)

    @property
    def is_measured(self) -> NDArray[np.bool_]:
        """Which radios were measured (M,), or one answer for all."""
        return np.asarray(~np.isnan(self.measured_bps))

    def of_rows(self, rows: Integers | slice) -> Radio:
        """Radios of some devices: `rows` (R,), in their order."""
        parts = self.bandwidth_hz[rows], self.max_power_w[rows], self.noise_w[rows]
        measured = self.measured_bps[rows] if self.measured_bps.ndim else self.measured_bps
        return Radio(*parts, self.weight, self.rayleigh, measured)

    def carried(self, price: Floats) -> tuple[Floats, Floats]:
        """Mean rate, bit/s, and mean power, W, of each device at a `price` nu >= 0 in J per bit, (..., M)."""
        level = (price * self.bandwidth_hz / math.log(2.0))[..., None]
        nats, power = (self._faded if self.rayleigh else self._steady)(level)
        rate, mean_power = self.bandwidth_hz / math.log(2.0) * (nats @ self.weight), power @ self.weight
        if not self.is_measured.any():
            return rate, mean_power
        sends = price * self.measured_bps >= self.max_power_w  # False of others
        rate = np.where(self.is_measured, np.where(sends, self.measured_bps, 0.0), rate)
        return rate, np.where(self.is_measured, np.where(sends, self.max_power_w, 0.0), mean_power)

    def largest_rate(self) -> Floats:
        """Mean rate at full power, E R(pmax), of each device (M,)."""
        most = self.max_power_w[:, None]
        with np.errstate(divide="ignore"):
            nats = _scaled_e1(self.noise_w / most) if self.rayleigh else np.log1p(most / self.noise_w)
        shannon = self.bandwidth_hz / math.log(2.0) * (nats @ self.weight)
        return np.where(self.is_measured, self.measured_bps, shannon)

    def price_of(self, rate_bps: Floats) -> tuple[Floats, Floats]:
        """The price nu at which the rates are carried, and P(r), the least mean power for them.

        Parameters
        ----------
        rate_bps : (M,) array
            Mean rate of each device, in bit/s.

        Returns
        -------
        price, power : (M,) arrays
            In J per bit and W.
        """
        # From a level at which only rare peaks are worth sending to one at which all but the deepest fades
        # are at full power. Above it the rate hardly grows, and the price would magnify its rounding.
        live = np.where(np.isfinite(self.noise_w), self.noise_w, 0.0).max(axis=1)
        low = np.log(np.where(live > 0.0, self.noise_w.min(axis=1), 1.0) * 1e-3)
        high = np.log((self.max_power_w + live) * (1e6 if self.rayleigh else 1.0) + 1e-300)
        scale = math.log(2.0) / self.bandwidth_hz
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            enough = self.carried(np.exp(middle) * scale)[0] >= rate_bps
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        price = np.where(rate_bps > 0.0, np.exp(high) * scale, 0.0)
        rate, power = self.carried(price)
        power = power + price * (rate_bps - rate)
        bit = np.where(self.is_measured, self.max_power_w / self.measured_bps, price)
        return bit, np.where(self.is_measured, bit * rate_bps, power)

    def _faded(self, level: Floats) -> tuple[Floats, Floats]:
        e1 = scipy_special().exp1
        noise, most = self.noise_w, self.max_power_w[:, None]
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            start = noise / level
            full = np.where(level > most, noise / (level - most), math.inf)
            between = e1(start) - e1(full)
            tail = np.where(np.isfinite(full), np.exp(-full) * _scaled_e1(full + noise / most), 0.0)
            # full - start, without cancellation where both are close.
            width = np.where(level > most, noise * most / (level * (level - most)), math.inf)
            share = np.exp(-start) * -np.expm1(-width)
            power = level * share - noise * between + most * np.exp(-full)
        # Without power or gain nothing is sent; there the closed forms multiply 0 by infinity.
        dead = (most == 0.0) | np.isinf(noise)
        return np.where(dead, 0.0, between + tail), np.where(dead, 0.0, power)

    def _steady(self, level: Floats) -> tuple[Floats, Floats]:
        power = np.clip(level - self.noise_w, 0.0, self.max_power_w[:, None])
        return np.log1p(power / self.noise_w), power


def _scaled_e1(z: Floats) -> Floats:
    """e^z E1(z), which is Tricomi's U(1, 1, z); 0 at infinity."""
    special = scipy_special()
    near = np.minimum(z, 50.0)
    far = np.clip(z, 50.0, 1e300)
    beyond = np.where(np.isfinite(z), special.hyperu(1.0, 1.0, far), 0.0)
    return np.where(z < 50.0, np.exp(near) * special.exp1(near), beyond)
