"""Lower bounds on the energy of every policy that keeps the queues stable.

LB1, the bound of a system, from the rates of its arrivals. In the long run a stable policy does the work that
arrives, so its mean energy is at least the optimum of::

    minimise    sum_m delta W_m^3 + P_m(r_m)                                                            (a)
    subject to  W_m >= sum_n lambda_n sum_k x_nk c_k C rho,   0 <= W_m <= F_m                           (b)
                r_m >= sum_n lambda_n sum_k x_nk d_k D,       r_m <= E R(p^max)                         (c)
                F^e >= sum_n lambda_n sum_k x_nk (1 - c_k) C rho                                        (d)
                sum_k x_nk = 1,  x >= 0,

with x_nk the share of tasks cut at k and P_m(r) the least mean power that carries r bits per second over the
fading (convex, as delta W^3 is by Jensen's inequality). For devices with operating points, and for measured
radios, their powers take the place of delta W^3 and P_m. Power that devices always draw is added; what radios
draw while they stay awake after sending is at least 0. Its Lagrange dual, with multipliers alpha, nu and
theta of (b), (c) and (d), is LB1, and every value of the dual is a bound::

    g = sum_m min_{0<=W<=F} (delta W^3 - alpha_m W) + sum_m E_h min_{0<=p<=pmax} (p - nu_m R(p))
        + sum_n lambda_n min_k [alpha c_k C rho + nu d_k D + theta (1 - c_k) C rho] - theta F^e.

With several edge servers a task may be finished at any that its device reaches: x has a column for each cut
and server, (d) a row for each server, and theta is the least one of a service. Bits go over the best link of
their device: a device may send to one server now and to another one later, and a task is where its last bit
is sent, so that nothing ties bits to a server. That needs gains which are drawn anew in each slot.

The optimum is found by cutting planes: each linear program replaces the convex functions by tangents, and
g at its multipliers is a bound, however inaccurate the program.

LB2, the bound of a finite sample path, from the work done in it: see `realised_bound`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lyaopt.arrays import Floats, as_floats, as_scalar, check_array, check_type
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import local_gain
from lyaopt.bounds.load_lp import LoadProgram, Point
from lyaopt.bounds.task_costs import refuse_channels
from lyaopt.model.edges import at_links
from lyaopt.model.system import System

_MOST_ROUNDS = 60
_FIRST_LOADS = (1e-3, 1e-2, 3e-2, 0.1, 0.3, 0.9)


@dataclass(frozen=True)
class Bound:
    """LB1: a lower bound on the long-run mean power of all stable policies.

    Attributes
    ----------
    power_w : float
        LB1 with the idle power of all devices, in watts; infinite where no policy is stable. Tails of radios
        count as nothing.
    energy_j : float
        The same in joules per slot.
    relative_gap : float
        Distance of LB1 to the power of the best mixture, relative to the latter; LB1 cannot grow by more.
    local_power_w, transmit_power_w : ndarray (M,)
        Mean powers of the best mixture. LB1 bounds only their sum.
    local_cpu_hz, rate_bps : ndarray (M,)
        W and r of the best mixture.
    edge_cpu_hz : float
        Edge work of the best mixture, of all servers.
    cut_share : ndarray (S, largest K + 1)
        x, share of tasks that the best mixture cuts at each k.
    local_multiplier, transmit_multiplier : ndarray (M,)
        alpha in J per cycle and nu in J per bit.
    edge_multiplier : float
        theta, in J per cycle; of several servers the largest.
    edges_cpu_hz, edge_multipliers : ndarray (E,)
        Work and theta of each edge server.
    idle_power_w : float
        What all devices always draw: this part of `power_w` is no matter of policies.
    """

    power_w: float
    energy_j: float
    relative_gap: float
    local_power_w: Floats
    transmit_power_w: Floats
    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: float
    cut_share: Floats
    local_multiplier: Floats
    transmit_multiplier: Floats
    edge_multiplier: float
    edges_cpu_hz: Floats
    edge_multipliers: Floats
    idle_power_w: float = 0.0


def dual_value(system: System, alpha: ArrayLike, nu: ArrayLike, theta: ArrayLike) -> float:
    """g(alpha, nu, theta), in watts: a lower bound for any multipliers >= 0 (weak duality).

    Parameters
    ----------
    system : System
        The system.
    alpha, nu : array_like (M,)
        Multipliers of (b) in J per cycle and of (c) in J per bit.
    theta : array_like () or (E,)
        Multiplier of (d) of each edge server, in J per cycle.
    """
    count, links = len(system.devices), system.links
    a, n = as_floats(alpha, "alpha", (count,)), as_floats(nu, "nu", (count,))
    a = check_array(a, lambda index: f"$.alpha[{index[0]}]")
    n = check_array(n, lambda index: f"$.nu[{index[0]}]")
    if np.ndim(theta) == 0:
        t = np.full(links.capacity_hz.shape, as_scalar(theta, "theta"))
    else:
        t = as_floats(theta, "theta", links.capacity_hz.shape)
        t = check_array(t, lambda index: f"$.theta[{index[0]}]")
    local = -local_gain(system, a)
    rate, power = _radio(system).carried(n)
    m = system.device_of_service
    least = np.where(links.reached, t[:, None], np.inf).min(axis=0)
    price = a[m, None] * system.local_cycles + n[m, None] * system.transmit_bits
    price += least[m, None] * system.edge_cycles
    tasks = system.arrival_rate_per_s * price.min(axis=1)
    return float(local.sum() + (power - n * rate).sum() + tasks.sum() - (t * links.capacity_hz).sum())


def _radio(system: System) -> Radio:
    """The radios, of several links the best ones; those of slow channels have none."""
    if system.edges is None:
        return Radio.of(system)
    refuse_channels(system, "shadowing_std_db", "fading_correlation")
    return Radio.of(at_links(system, system.links.nearest))


def energy_bound(system: System, tolerance: float = 1e-9) -> Bound:
    """LB1 of a system, maximised over its multipliers.

    Parameters
    ----------
    system : System
        Its shadowing enters by its stationary distribution, bursts by their mean rate; the correlation
        of fading does not matter. Moving devices are refused.
    tolerance : float
        Relative gap at which to stop.

    Returns
    -------
    Bound
        With infinite `power_w` if the load exceeds the capacities at any cuts.

    Raises
    ------
    ProblemError
        If devices move; or with several edge servers, if gains depend on those of the slot before.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    check_type(system, System, "system", "as load_scenario returns")
    radio = _radio(system)
    program = _first_program(system, radio)
    search = _Search()
    for _ in range(_MOST_ROUNDS):
        point = program.solve()
        if point is None:
            return _unstable(system)
        local, slope = cpu_power(system, point.local_cpu_hz)
        price, power = radio.price_of(point.rate_bps)
        search.add_mixture(point, local, power)
        # Multipliers of the program are rounded; slopes are not multipliers where a capacity binds.
        for alpha, nu in ((point.alpha, point.nu), (slope, price)):
            search.add_multipliers(dual_value(system, alpha, nu, point.theta), (alpha, nu, point.theta))
        if search.gap <= tolerance:
            break
        program.add_tangents((point.local_cpu_hz, local, slope), (point.rate_bps, power, price))
    return search.bound(system)


def cpu_power(system: System, cpu_hz: Floats) -> tuple[Floats, Floats]:
    """Power and its slope at mean speeds of the CPUs: of delta W^3, or of the hull of operating points.

    Parameters
    ----------
    system : System
        The system.
    cpu_hz : ndarray (M,)
        W, at most F^l.

    Returns
    -------
    power, slope : ndarray (M,)
        In W and J per cycle.
    """
    delta = system.energy_coefficient
    power, slope = delta * cpu_hz**3, 3.0 * delta * cpu_hz**2
    for m, hull in enumerate(system.cpu_hulls):
        if hull:  # not empty
            hz, watts = np.array([(0.0, 0.0), *hull]).T
            segment = min(max(int(np.searchsorted(hz, cpu_hz[m])), 1), len(hull))
            power[m] = np.interp(cpu_hz[m], hz, watts)
            slope[m] = (watts[segment] - watts[segment - 1]) / (hz[segment] - hz[segment - 1])
    return power, slope


class _Search:
    """The best mixture and the best multipliers so far."""

    def __init__(self) -> None:
        self._upper, self._lower = math.inf, -math.inf
        self._mixture: tuple[Point, Floats, Floats]
        self._multipliers: tuple[Floats, Floats, Floats]

    @property
    def gap(self) -> float:
        """Relative distance of their values."""
        return max(self._upper - self._lower, 0.0) / self._upper if self._upper > 0.0 else 0.0

    def add_mixture(self, point: Point, local: Floats, power: Floats) -> None:
        total = float(local.sum() + power.sum())
        if total < self._upper:
            self._upper, self._mixture = total, (point, local, power)

    def add_multipliers(self, value: float, multipliers: tuple[Floats, Floats, Floats]) -> None:
        if value > self._lower:
            self._lower, self._multipliers = value, multipliers

    def bound(self, system: System) -> Bound:
        point, local, power = self._mixture
        idle = float(system.idle_power_w.sum())
        value = max(self._lower, 0.0) + idle
        edge = float(point.edge_cpu_hz.sum())
        loads = (local, power, point.local_cpu_hz, point.rate_bps, edge, point.cut_share)
        alpha, nu, theta = self._multipliers
        prices = alpha, nu, float(theta.max())
        energy = system.slot_duration_s * value
        return Bound(value, energy, self.gap, *loads, *prices, point.edge_cpu_hz, theta, idle)


def _first_program(system: System, radio: Radio) -> LoadProgram:
    """The first program: tangents at a few loads over three orders of magnitude."""
    capacity, most = system.cpu_capacity_hz, radio.largest_rate()
    tangents = []
    for share in _FIRST_LOADS:
        work, rate = share * capacity, share * most
        price, power = radio.price_of(rate)
        tangents.append(((work, *cpu_power(system, work)), (rate, power, price)))
    typical = max(float(tangents[0][0][1].sum() + tangents[0][1][1].sum()), 1e-300)
    program = LoadProgram(system, most, typical)
    for local, transmit in tangents:
        program.add_tangents(local, transmit)
    return program


def _unstable(system: System) -> Bound:
    nothing = np.full(len(system.devices), math.nan)
    share = np.full(system.local_cycles.shape, math.nan)
    loads = (nothing, nothing, nothing, nothing, math.nan, share, nothing, nothing, math.nan)
    at_edges = np.full(len(system.links.edge_ids), math.nan)
    idle = float(system.idle_power_w.sum())
    return Bound(math.inf, math.inf, 0.0, *loads, at_edges, at_edges, idle)
