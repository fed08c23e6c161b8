r"""Greedy drift-plus-penalty: each service's cut is the one whose tasks cost least by a model.

Weigh the queues of the three stages by kappa_l, kappa_t, kappa_e > 0 and take the Lyapunov function
L = sum over stages of kappa Q^2 / 2. With y = f tau served and A joining in a slot, Q+ = Q - y + A, and as in
docs/explanation/model.md, but without bounding the squares,

    L+ - L + kappa_l U^l E^l + kappa_t U^t E^t
        = kappa_l [-Q^l y^l + U^l E^l] + kappa_t [-Q^t y^t + U^t E^t] - kappa_e Q^e y^e
          + sum kappa [Q A + A^2 / 2] + sum kappa [y^2 / 2 - y A].

The first line is what the slot problems minimise, each for itself and so whatever the weights kappa. The
points decide the rest: a task cut at k brings A = c, d and e to the three stages, at once or later. In the
second line y A pairs what joins with what is served beside it, and is left out. What joins must also be
served, by slot problems yet to come, which spends energy. So a service takes the k with the least

    J(k) = kappa_l [Q^l c + c^2 / 2 + U^l E^l(c)] + kappa_t [Q^t d + d^2 / 2 + U^t E^t(d)]
           + kappa_e [Q^e e + e^2 / 2]

where E^l(c), E^t(d) are the energies of c cycles and d bits at the pace that the slot problems choose at the
backlog x in which this work waits on average: x = Q^l + c / 2 and x = Q^t + d / 2.

- CPU: f = min(F, sqrt(x / (3 U delta))), energy of a cycle delta f^2, so U E(c) = c min(U delta F^2, x / 3).
  Where several services wait the pace is that of the largest backlog, which is served down to the next one:
  at every level the pace is that of the level, so that the services' energies add up.
- Radio: r = b log1p((x - q0) / q0), q0 = U / (b eta), at most at full power; U p = b (x - q0). With
  z = log(x / q0) clipped to [0, log1p(pmax eta)] that is U E(d) = d q0 expm1(z) / z.

The channel is taken at the likely gain, `likely_gain`: fading is new in every slot, so that the geometric
mean stands for it (at high signal the mean rate is the rate at that gain); shadowing and moving devices are
seen through the fading of the last slot.

Weights. The slot problems with U^l and U^t are those of one Lyapunov function whose energies count alike, in
joules, with kappa_l = 1 / U^l and kappa_t = 1 / U^t; these are the defaults, and J is in joules. The edge
spends no energy of devices, so that nothing fixes its weight: kappa_e = kappa_l F^l / F^e with the mean F^l,
as a queue is as long as its pool takes to serve it. With kappa = (1, 1, 1) a bit weighs as much as a cycle,
though a task has a hundred times as many cycles: sending is then taken to be next to free. These weights are
used where U^l or U^t is 0.

Ignored: the cap f <= Q / tau in a backlog's last slot; tasks that arrive together; that work for the second
and third stages comes later, to backlogs that are not those of now; that energy spent now saves backlog for
the tasks behind; peaks of the fading that cheap bits could wait for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut
from lyaopt.simulation import Decision, Observation

_LOG_EXPONENTIAL = (-0.5772156649015329, math.pi**2 / 6.0)
"""Mean and variance of log beta, beta ~ Exp(1)."""


@dataclass(frozen=True)
class Greedy:
    """The cut of least J(k), for each service at the start of each period.

    Attributes
    ----------
    weights : tuple of three floats, optional
        kappa_l, kappa_t, kappa_e; those of `queue_weights` if left out.
    """

    weights: tuple[float, float, float] | None = None
    name: str = "greedy"

    def decide(self, observation: Observation) -> Decision:
        """Points of one period (S, B)."""
        system = observation.system
        gain = likely_gain(system, observation.channel_gain)
        costs = drift_plus_penalty(system, observation.backlog, gain, self.weights)
        least = least_cut(system)
        return Decision(least + costs[least:].argmin(axis=0))


def queue_weights(system: System) -> tuple[float, float, float]:
    """The weights kappa_l, kappa_t, kappa_e that count energy in joules; ones if an energy weighs nothing."""
    local, transmit = system.energy_weight_local, system.energy_weight_transmit
    if local == 0.0 or transmit == 0.0:
        return 1.0, 1.0, 1.0
    own, edge = float(system.cpu_capacity_hz.mean()), system.edge_capacity_hz
    return 1.0 / local, 1.0 / transmit, (own / edge if own > 0.0 and edge > 0.0 else 1.0) / local


def likely_gain(system: System, last: Floats) -> Floats:
    """Best guess of the geometric mean gain of the slots to come, from the gains of the last slot (M, B).

    log h is the sum of a part that stays, of variance v, and fading that does not, of variance w: the best
    linear guess of the former moves from its mean by v / (v + w) of what was seen.
    """
    channel = system.channel
    mean, fleeting = _LOG_EXPONENTIAL if channel.fading == "rayleigh" else (0.0, 0.0)
    staying = (channel.shadowing_std_db * math.log(10.0) / 10.0) ** 2
    home = system.mean_channel_gain()
    if channel.walk_m_per_sqrt_s > 0.0:
        band = math.log(channel.walk_farthest_m / channel.walk_nearest_m)
        staying += (channel.path_loss_exponent * band) ** 2 / 12.0
        middle = math.sqrt(channel.walk_nearest_m * channel.walk_farthest_m)
        home = np.full_like(home, channel.mean_gain(middle))
    trust = staying / (staying + fleeting) if staying > 0.0 else 0.0
    usual = np.broadcast_to(np.log(home)[:, None] + mean, last.shape)
    with np.errstate(divide="ignore"):
        seen = np.log(last) if trust > 0.0 else usual
    return np.asarray(np.exp((1.0 - trust) * usual + trust * seen))


def drift_plus_penalty(
    system: System, backlog: Floats, gain: Floats, weights: tuple[float, float, float] | None = None
) -> Floats:
    """J(k) of the module's docstring.

    Parameters
    ----------
    backlog : ndarray (3, S, B)
        Q^l in cycles, Q^t in bits, Q^e in cycles.
    gain : ndarray (M, B)
        Channel gain at which bits are sent.
    weights : tuple of three floats, optional
        kappa_l, kappa_t, kappa_e; those of `queue_weights` if left out.

    Returns
    -------
    ndarray (K + 1, S, B)
        Where a DNN has fewer cuts than others its last cost is repeated. Infinite where a cut brings work to
        a stage that can never do it.
    """
    tables = (system.local_cycles, system.transmit_bits, system.edge_cycles)
    work = [table.T[:, :, None] for table in tables]
    energies = (
        _local_energy(system, backlog[0], work[0]),
        _transmit_energy(system, backlog[1], work[1], gain),
        np.where((work[2] > 0.0) & (system.edge_capacity_hz == 0.0), np.inf, 0.0),
    )
    total = np.zeros((work[0].shape[0], *backlog.shape[1:]))
    for weight, queue, amount, energy in zip(
        weights or queue_weights(system), backlog, work, energies, strict=True
    ):
        total += weight * (amount * (queue + 0.5 * amount) + energy)
    return total


def _local_energy(system: System, queue: Floats, cycles: Floats) -> Floats:
    """U^l E^l(c)."""
    capacity = system.cpu_capacity_hz[system.device_of_service][:, None]
    dearest = system.energy_weight_local * system.energy_coefficient * capacity**2
    energy = cycles * np.minimum(dearest, (queue + 0.5 * cycles) / 3.0)
    return np.asarray(np.where((cycles > 0.0) & (capacity == 0.0), np.inf, energy))


def _transmit_energy(system: System, queue: Floats, bits: Floats, gain: Floats) -> Floats:
    """U^t E^t(d)."""
    device = system.device_of_service
    noise = system.noise_w_per_hz
    with np.errstate(divide="ignore", invalid="ignore"):
        least = (system.energy_weight_transmit * math.log(2.0) * noise / gain)[device]
        signal = (system.max_power_w / (system.device_bandwidth_hz * noise))[:, None] * gain
        fullest = np.log1p(signal)[device]
        level = np.clip(np.log((queue + 0.5 * bits) / least), 0.0, fullest)
        energy = bits * least * np.where(level > 0.0, np.expm1(level) / level, 1.0)
    return np.where(bits > 0.0, np.where(fullest > 0.0, energy, np.inf), 0.0)
