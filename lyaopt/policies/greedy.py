r"""Greedy drift-plus-penalty: each service takes the cut whose tasks cost least by a model.

Weigh the queues of the three stages by kappa_l, kappa_t, kappa_e > 0 and take the Lyapunov function
L = sum over stages of kappa Q^2 / 2. With y = f tau served and A arriving in a slot, Q+ = Q - y + A. As in
docs/explanation/model.md, but without bounding the squares,

    L+ - L + kappa_l U^l E^l + kappa_t U^t E^t
        = kappa_l [-Q^l y^l + U^l E^l] + kappa_t [-Q^t y^t + U^t E^t] - kappa_e Q^e y^e
          + sum kappa [Q A + A^2 / 2] + sum kappa [y^2 / 2 - y A].

The slot problems minimise the first line, each problem separately and therefore for any weights kappa. The
points decide the rest: a task cut at k adds A = c, d and e to the three stages, now or later. The products
y A of the second line are neglected. Future slot problems must also serve the added work, which costs energy.
A service therefore takes the k that minimises

    J(k) = kappa_l [Q^l c + c^2 / 2 + U^l E^l(c)] + kappa_t [Q^t d + d^2 / 2 + U^t E^t(d)]
           + kappa_e [Q^e e + e^2 / 2]

where E^l(c), E^t(d) are the energies of c cycles and d bits at the speed that the slot problems choose at
the mean backlog x of this work: x = Q^l + c / 2 and x = Q^t + d / 2.

- CPU: f = min(F, sqrt(x / (3 U delta))), energy of a cycle delta f^2, so U E(c) = c min(U delta F^2, x / 3).
  If several services wait, the speed is that of the largest backlog, which is served down to the next one:
  at every backlog the speed is the one for that backlog, so that the energies of the services add up.
  With operating points the speed is the end of the last segment of the hull whose slope s_k is worth it,
  U s_k <= x, or that of the first one.
- Transmission: r = b log1p((x - q0) / q0), q0 = U / (b eta), at most at full power; U p = b (x - q0). With
  z = log(x / q0) clipped to [0, log1p(pmax eta)] that is U E(d) = d q0 expm1(z) / z. A measured radio takes
  U E(d) = U d P / R.

The channel gain is `likely_gain`. Fading is independent from slot to slot and represented by its geometric
mean (at a high signal-to-noise ratio the mean rate is the rate at that gain); shadowing and positions are
estimated from the last slot, which includes its fading.

Weights. The slot problems with U^l and U^t belong to one Lyapunov function in which energies count equally,
in joules, if kappa_l = 1 / U^l and kappa_t = 1 / U^t; these are the defaults, and J is in joules. The edge
spends no energy of devices, so that its weight is free: kappa_e = kappa_l F^l / F^e with the mean F^l
measures a queue by its service time. With kappa = (1, 1, 1) a bit weighs as much as a cycle although a task
has a hundred times as many cycles, which makes sending look nearly free. These weights are used if U^l or
U^t is 0.

Neglected: the cap f <= Q / tau in the last slot of a backlog; simultaneous arrivals; the delay until work
reaches the second and third stages, whose backlogs have changed by then; the saving of backlog for later
tasks by energy spent now; fading peaks that cheap bits could wait for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.edges import with_one_edge
from lyaopt.model.system import System
from lyaopt.policies.fixed import least_cut
from lyaopt.policies.gain_guess import GainGuess, guess_of_law
from lyaopt.simulation import Decision, Observation
from lyaopt.slot.tables import Point


@dataclass(frozen=True)
class Greedy:
    """Chooses the cut of least J(k) for each service at the start of each period.

    Attributes
    ----------
    weights : tuple of three floats, optional
        kappa_l, kappa_t, kappa_e; by default those of `queue_weights`.
    name : str
    guess : GainGuess, optional
        Of the gains to come; by default that of the scenario's law.
    """

    weights: tuple[float, float, float] | None = None
    name: str = "greedy"
    guess: GainGuess | None = field(default=None, repr=False, compare=False)

    def decide(self, observation: Observation) -> Decision:
        """Return the points (S, B) of the next period.

        Parameters
        ----------
        observation : Observation
            Its backlogs and last channel gains are used.

        Returns
        -------
        Decision
        """
        system = observation.system
        if system.edges is not None:
            return self._over_links(observation)
        guess = guess_of_law(system) if self.guess is None else self.guess
        gain = guess.gain(observation.channel_gain)
        costs = drift_plus_penalty(system, observation.backlog, gain, self.weights)
        least = least_cut(system)
        return Decision(least + costs[least:].argmin(axis=0))

    def _over_links(self, observation: Observation) -> Decision:
        """Each device takes the server where the tasks of a second cost least, each service its cut there."""
        links, system = observation.links, observation.system
        assert links is not None
        if self.guess is not None:
            raise ProblemError("$.traces", "expected none: a guess fitted to traces is of one edge server")
        least, found = least_cut(system), []
        for e in range(len(links.backlog)):
            alone = with_one_edge(system, e)
            gain = guess_of_law(alone).gain(links.channel_gain[e])
            backlog = np.stack([*observation.backlog[:2], links.backlog[e]])
            costs = drift_plus_penalty(alone, backlog, gain, self.weights)
            found.append(np.where(system.links.reached[e, system.device_of_service][:, None], costs, np.inf))
        each = np.array(found)[:, least:]  # (E, K + 1, S, B)
        rate = system.arrival_rate_per_s[:, None]
        weighed = np.where(rate > 0.0, rate * each.min(axis=1), 0.0)
        of_device = np.equal.outer(np.arange(len(system.devices)), system.device_of_service)
        total = np.array([[row[mine].sum(axis=0) for mine in of_device] for row in weighed])
        total = np.where(system.links.reached[:, :, None], total, np.inf)
        edges = total.argmin(axis=0)
        at = np.take_along_axis(each.argmin(axis=1), edges[system.device_of_service][None], axis=0)[0]
        return Decision(least + at, edges=edges)


def queue_weights(system: System) -> tuple[float, float, float]:
    """Compute the weights kappa_l, kappa_t, kappa_e that measure J in joules.

    Parameters
    ----------
    system : System
        Gives the energy weights U^l and U^t.

    Returns
    -------
    tuple of three floats
        (1, 1, 1) if U^l or U^t is 0.
    """
    local, transmit = system.energy_weight_local, system.energy_weight_transmit
    if local == 0.0 or transmit == 0.0:
        return 1.0, 1.0, 1.0
    own, edge = float(system.cpu_capacity_hz.mean()), system.edge_capacity_hz
    return 1.0 / local, 1.0 / transmit, (own / edge if own > 0.0 and edge > 0.0 else 1.0) / local


def likely_gain(system: System, last: Floats) -> Floats:
    """Estimate the geometric mean gain of the coming slots from the gains of the last slot.

    By the law of the scenario, see `lyaopt.policies.gain_guess`.

    Parameters
    ----------
    system : System
        Its channel model gives v and w.
    last : ndarray (M, B)
        Gains of the last slot.

    Returns
    -------
    ndarray (M, B)
    """
    return guess_of_law(system).gain(last)


def drift_plus_penalty(
    system: System, backlog: Floats, gain: Floats, weights: tuple[float, float, float] | None = None
) -> Floats:
    """Compute J(k) of the module's docstring.

    Parameters
    ----------
    system : System
        Gives profiles, capacities and energy weights.
    backlog : ndarray (3, S, B)
        Q^l in cycles, Q^t in bits, Q^e in cycles.
    gain : ndarray (M, B)
        Channel gain at which bits are sent.
    weights : tuple of three floats, optional
        kappa_l, kappa_t, kappa_e; by default those of `queue_weights`.

    Returns
    -------
    ndarray (K + 1, S, B)
        A DNN with fewer cuts than others repeats its last cost. Infinite if a cut adds work to a stage
        without capacity.
    """
    tables = (system.local_cycles, system.transmit_bits, system.edge_cycles)
    amounts = [table.T[:, :, None] for table in tables]
    energies = (
        _local_energy(system, backlog[0], amounts[0]),
        _transmit_energy(system, backlog[1], amounts[1], gain),
        np.where((amounts[2] > 0.0) & (system.edge_capacity_hz == 0.0), np.inf, 0.0),
    )
    total = np.zeros((amounts[0].shape[0], *backlog.shape[1:]))
    for weight, queue, amount, energy in zip(
        weights or queue_weights(system), backlog, amounts, energies, strict=True
    ):
        total += weight * (amount * (queue + 0.5 * amount) + energy)
    return total


def _local_energy(system: System, queue: Floats, cycles: Floats) -> Floats:
    """U^l E^l(c)."""
    capacity = system.cpu_capacity_hz[system.device_of_service][:, None]
    at_full_speed = system.energy_weight_local * system.energy_coefficient * capacity**2
    backlog = queue + 0.5 * cycles
    energy = cycles * np.minimum(at_full_speed, backlog / 3.0)
    for s, m in enumerate(system.device_of_service.tolist()):
        hull = system.cpu_hulls[m]
        if hull:  # not empty
            energy[:, s] = cycles[:, s] * _hull_price(hull, system.energy_weight_local, backlog[:, s])
    return np.asarray(np.where((cycles > 0.0) & (capacity == 0.0), np.inf, energy))


def _hull_price(hull: Sequence[Point], weight: float, backlog: Floats) -> Floats:
    """U times the energy of a cycle at a mean backlog, of a CPU with operating points."""
    hz, power = np.array([(0.0, 0.0), *hull]).T
    worth = np.searchsorted(weight * np.diff(power) / np.diff(hz), backlog, side="right")
    return np.asarray((weight * power[1:] / hz[1:])[np.maximum(worth, 1) - 1])


def _transmit_energy(system: System, queue: Floats, bits: Floats, gain: Floats) -> Floats:
    """U^t E^t(d)."""
    device = system.device_of_service
    noise = system.noise_w_per_hz
    with np.errstate(divide="ignore", invalid="ignore"):
        q0 = (system.energy_weight_transmit * math.log(2.0) * noise / gain)[device]
        signal = (system.max_power_w / (system.device_bandwidth_hz * noise))[:, None] * gain
        z_max = np.log1p(signal)[device]
        z = np.clip(np.log((queue + 0.5 * bits) / q0), 0.0, z_max)
        energy = bits * q0 * np.where(z > 0.0, np.expm1(z) / z, 1.0)
        per_bit = (system.energy_weight_transmit * system.max_power_w / system.radio_rate_bps)[device, None]
        energy = np.where(np.isnan(per_bit), energy, bits * per_bit)
    return np.where(bits > 0.0, np.where(z_max > 0.0, energy, np.inf), 0.0)
