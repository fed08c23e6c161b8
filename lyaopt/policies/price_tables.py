r"""Tables of prices: what a unit of work costs on a CPU or radio while work of holding cost H waits there.

The plain price is nu(H) = g^-1(H) of `lyaopt.bounds.holding_price`: the gradient of the least cost of what is
there if nothing else came. The anticipative price knows what comes. A resource with n tasks waiting at theta
each, arrivals at a rate lambda and exponential work of mean c has the equation of average cost

    g(v_n) = theta n + lambda c v_{n+1} - z,        z = lambda c v_1,

where v_n is the price of work while n tasks wait and z the least mean cost. Where a unit of work costs h,

    g(v(b)) = h b + lambda int_b^{b+c} v - z,       z = lambda int_0^c v.

Both are one equation in H. A task of service n adds Delta_n to it, theta_n or h_n c_n, and

    g(v(H)) = H + sum_n lambda_n c_n v_n(H) - z,

with v_n(H) = v(H + Delta_n), or the mean of v from H to H + Delta_n. It is solved by damped iteration from
the plain price, over all nodes at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lyaopt._kernels.simulation.price_function import read_curve
from lyaopt._kernels.simulation.prices import PriceCurve
from lyaopt.arrays import Floats
from lyaopt.bounds.ergodic_rate import Radio
from lyaopt.bounds.holding_price import local_price, radio_price
from lyaopt.model.system import System
from lyaopt.policies.holding_costs import HoldingCosts

CELLS, TASKS = 1024, 256
"""Cells of a table, and waiting tasks at its last node; beyond it prices grow as at full capacity."""
_MOST_STEPS, _CLOSE = 5000, 1e-9
_MOST_LOAD = 0.95
"""Of the capacity: beyond it no mean cost is finite, and prices are those at this load."""


@dataclass(frozen=True, eq=False)
class PriceTable:
    """Prices of the CPUs or radios of M devices.

    Attributes
    ----------
    most_w : ndarray (M,)
        H of the last node; the roots of the nodes are evenly spaced.
    price : ndarray (M, C + 1)
        J per unit of work; linear between the roots of the nodes.
    slope : ndarray (M,)
        Of the price beyond the last node, by H.
    """

    most_w: Floats
    price: Floats
    slope: Floats

    @cached_property
    def nodes(self) -> Floats:
        """H of the nodes (M, C + 1)."""
        return np.asarray(self.most_w[:, None] * np.linspace(0.0, 1.0, self.price.shape[1]) ** 2)

    @cached_property
    def integrals(self) -> Floats:
        """Integrals of the price from 0 to the nodes (M, C + 1), by trapezia."""
        areas = 0.5 * (self.price[:, 1:] + self.price[:, :-1]) * np.diff(self.nodes, axis=1)
        return np.concatenate([np.zeros((len(areas), 1)), np.cumsum(areas, axis=1)], axis=1)

    @property
    def scale(self) -> Floats:
        """Cells of the table for a holding cost of 1 W (M,)."""
        return np.asarray((self.price.shape[1] - 1) / np.sqrt(self.most_w))

    def at(self, device: int, holding_w: Floats | float) -> Floats:
        """Compute prices of one device.

        Parameters
        ----------
        device : int
            m.
        holding_w : ndarray
            H >= 0, in W, of any shape.

        Returns
        -------
        ndarray
            Of the same shape.
        """
        return self._read(device, holding_w)[0]

    def integral(self, device: int, holding_w: Floats | float) -> Floats:
        """Compute integrals of the price of one device from 0.

        Parameters
        ----------
        device : int
            m.
        holding_w : ndarray
            H >= 0, in W, of any shape.

        Returns
        -------
        ndarray
            Of the same shape.
        """
        return self._read(device, holding_w)[1]

    def _read(self, device: int, holding_w: Floats | float) -> Floats:
        """Prices and their integrals (2, ...), as the kernels read them in each slot."""
        costs = np.ascontiguousarray(holding_w, np.float64)
        found = np.empty((2, costs.size))
        table = (self.price[device].copy(), self.integrals[device].copy())
        curve = PriceCurve(float(self.scale[device]), *table, float(self.slope[device]))
        read_curve(costs.reshape(-1), curve, found)
        return found.reshape(2, *np.shape(holding_w))


@dataclass(frozen=True, eq=False)
class Loads:
    """Work that arrives at the CPUs and radios.

    Attributes
    ----------
    work_rate : ndarray (2, S)
        lambda c: cycles and bits a second of each service.
    step_w : ndarray (2, S)
        What one of its tasks adds to the holding cost.
    """

    work_rate: Floats
    step_w: Floats


def plain_tables(
    system: System,
    costs: HoldingCosts,
    cells: int = CELLS,
    tasks: int = TASKS,
    radio: Radio | None = None,
) -> tuple[PriceTable, PriceTable]:
    """Tabulate nu(H) of CPUs and radios.

    Parameters
    ----------
    system : System
        Gives capacities.
    costs : HoldingCosts
        Their largest tasks set the range of the tables.
    cells, tasks : int
        Cells of a table, and waiting tasks at its last node.
    radio : Radio, optional
        Of the devices; by default that of the system, whose slow channels count by their stationary
        distribution.

    Returns
    -------
    local, transmit : PriceTable

    Raises
    ------
    ProblemError
        If devices move.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    radio = Radio.of(system) if radio is None else radio
    local = _plain(
        lambda cost: local_price(system, cost),
        tasks * _largest(system, costs, 0, system.local_cycles),
        system.cpu_capacity_hz,
        cells,
    )
    transmit = _plain(
        lambda cost: radio_price(radio, cost),
        tasks * _largest(system, costs, 1, system.transmit_bits),
        radio.largest_rate(),
        cells,
    )
    return local, transmit


def _largest(system: System, costs: HoldingCosts, stage: int, work: Floats) -> Floats:
    """What the largest task of each device adds to the holding cost (M,)."""
    most = np.zeros(len(system.devices))
    np.maximum.at(most, system.device_of_service, costs.step(stage, work).max(axis=1))
    return np.where(most > 0.0, most, 1.0)


def _plain(prices: Callable[[Floats], Floats], most_w: Floats, capacity: Floats, cells: int) -> PriceTable:
    """Prices of resources; 0 where one can do nothing, and nothing is gained by serving it."""
    live = capacity > 0.0
    with np.errstate(divide="ignore"):
        empty = PriceTable(most_w, np.zeros((most_w.size, cells + 1)), np.where(live, 1.0 / capacity, 0.0))
    return replace(empty, price=np.where(live[:, None], prices(empty.nodes.T).T, 0.0))


def anticipative_tables(
    system: System,
    plain: tuple[PriceTable, PriceTable],
    loads: Loads,
    by_work: bool,
    radio: Radio | None = None,
) -> tuple[PriceTable, PriceTable]:
    """Tabulate the prices of CPUs and radios that know what comes.

    Parameters
    ----------
    system : System
        Gives capacities.
    plain : tuple of PriceTable
        As of `plain_tables`.
    loads : Loads
        What comes.
    by_work : bool
        As of `HoldingCosts`.
    radio : Radio, optional
        As of `plain_tables`.

    Returns
    -------
    local, transmit : PriceTable
    """
    radio = Radio.of(system) if radio is None else radio
    capacities = (system.cpu_capacity_hz, radio.largest_rate())
    found = []
    for stage, (table, capacity) in enumerate(zip(plain, capacities, strict=True)):
        price, slope = table.price.copy(), table.slope.copy()
        for m in range(len(price)):
            mine = (system.device_of_service == m) & (loads.work_rate[stage] > 0.0)
            if mine.any() and capacity[m] > 0.0:
                rates, steps = loads.work_rate[stage, mine], loads.step_w[stage, mine]
                price[m], slope[m] = _anticipate(table, m, rates, steps, float(capacity[m]), by_work)
        found.append(PriceTable(table.most_w, price, slope))
    return found[0], found[1]


def _anticipate(
    plain: PriceTable, m: int, rates: Floats, steps: Floats, capacity: float, by_work: bool
) -> tuple[Floats, float]:
    """Solve for the price (C + 1,) of one resource, and its slope beyond the table."""
    rates = rates * min(1.0, _MOST_LOAD * capacity / rates.sum())
    slope = 1.0 / (capacity - rates.sum())
    table = PriceTable(plain.most_w[m : m + 1], plain.price[m : m + 1], np.array([slope]))
    nodes = table.nodes[0]
    for _ in range(_MOST_STEPS):
        come, before = np.zeros_like(nodes), table.integral(0, nodes) if by_work else nodes
        for rate, step in zip(rates, steps, strict=True):
            if by_work:
                come += rate * (table.integral(0, nodes + step) - before) / step
            else:
                come += rate * table.at(0, nodes + step)
        price = plain.at(m, np.maximum(nodes + come - come[0], 0.0))
        change = np.abs(price - table.price[0]).max() / price[-1]
        table = replace(table, price=0.5 * (price + table.price[0])[None])
        if change < _CLOSE:
            break
    return table.price[0], slope
