"""The linear programs of LB1: shares of cuts and loads, with tangents in place of the convex powers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.io.extras import needs_extra
from lyaopt.model.system import System

Tangents = tuple[Floats, Floats, Floats]
"""Points of contact of tangents, their values there, and their slopes; (M,) each."""

_OPTIONS = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True)
class Point:
    """Optimum of one program.

    Attributes
    ----------
    local_cpu_hz, rate_bps : ndarray (M,)
        Loads W in cycles/s and r in bit/s.
    edge_cpu_hz : ndarray (E,)
        Load of each edge server, in cycles/s.
    cut_share : ndarray (S, K + 1)
        x, share of tasks cut at each k.
    alpha, nu : ndarray (M,)
        Multipliers of (b) in J per cycle and of (c) in J per bit.
    theta : ndarray (E,)
        Multipliers of (d) in J per cycle.
    """

    local_cpu_hz: Floats
    rate_bps: Floats
    edge_cpu_hz: Floats
    cut_share: Floats
    alpha: Floats
    nu: Floats
    theta: Floats


class LoadProgram:
    """Minimise the tangents' envelope over loads W, r and shares x, in units in which all are of order one.

    Parameters
    ----------
    system : System
    largest_rate : ndarray (M,)
        Upper bounds of r.
    watts : float
        A power of the order of the optimum.
    """

    def __init__(self, system: System, largest_rate: Floats, watts: float) -> None:
        self._system, self._watts = system, watts
        m, count = system.device_of_service, len(system.devices)
        rate = system.arrival_rate_per_s[:, None]
        used = np.arange(system.local_cycles.shape[1]) < system.cut_counts[:, None]
        # A column is a service, a cut and, where there are several, an edge server for the rest.
        self._edge, self._rows, self._cuts = np.nonzero(system.links.reached[:, m, None] & used)
        self._work = [
            (rate * table)[self._rows, self._cuts]
            for table in (system.local_cycles, system.transmit_bits, system.edge_cycles)
        ]
        most = _unit(np.bincount(m, (rate * system.local_cycles).max(axis=1), count))
        bits = _unit(np.bincount(m, (rate * system.transmit_bits).max(axis=1), count))
        self._units = (most, bits, float(_unit(self._work[2].sum())))
        shares = self._rows.size
        caps = np.r_[np.ones(shares), system.cpu_capacity_hz / most, largest_rate / bits]
        self._bounds = np.c_[np.zeros(shares + 4 * count), np.r_[caps, np.full(2 * count, np.inf)]]
        self._cost = np.r_[np.zeros(shares + 2 * count), np.ones(2 * count)]
        self._limit = np.r_[np.zeros(2 * count), system.links.capacity_hz / self._units[2]]
        self._load, self._simplex = self._constraints()
        self._tangents: list[Any] = []
        self._heights: list[Floats] = []

    def _constraints(self) -> tuple[Any, Any]:
        """Matrices of (b), (c), (d) and of the sums of shares; columns are x, W, r and both powers."""
        with needs_extra("bound"):
            from scipy import sparse

        m, count = self._system.device_of_service, len(self._system.devices)
        most, bits, edge = self._units
        shares, owner, edges = self._rows.size, m[self._rows], len(self._limit) - 2 * count

        def sums(weights: Floats, groups: Any, size: int) -> Any:
            return sparse.csr_matrix((weights, (groups, np.arange(shares))), (size, shares))

        zero, one = sparse.csr_matrix((count, count)), sparse.identity(count)
        load = [
            [sums(self._work[0] / most[owner], owner, count), -one, zero, zero, zero],
            [sums(self._work[1] / bits[owner], owner, count), zero, -one, zero, zero],
            [sums(self._work[2] / edge, self._edge, edges), *[sparse.csr_matrix((edges, count))] * 4],
        ]
        rest = sparse.csr_matrix((len(m), 4 * count))
        return sparse.bmat(load), sparse.hstack([sums(np.ones(shares), self._rows, len(m)), rest])

    def add_tangents(self, local: Tangents, transmit: Tangents) -> None:
        """Add one tangent for each device to its local power and one to its transmit power.

        Parameters
        ----------
        local, transmit : Tangents
            Tangents of the two powers.
        """
        from scipy import sparse

        shares, count = self._rows.size, len(self._system.devices)
        at = np.array([part[0] for part in (local, transmit)]).ravel()
        height = np.array([part[1] for part in (local, transmit)]).ravel()
        slope = np.array([part[2] for part in (local, transmit)]).ravel()
        units = np.concatenate(self._units[:2])
        plane = [
            sparse.csr_matrix((2 * count, shares)),
            sparse.diags(slope * units / self._watts),
            -sparse.identity(2 * count),
        ]
        self._tangents.append(sparse.hstack(plane))
        self._heights.append((slope * at - height) / self._watts)

    def solve(self) -> Point | None:
        """Return the optimum, or None if the loads exceed the capacities."""
        from scipy import sparse
        from scipy.optimize import linprog

        result = linprog(
            self._cost,
            A_ub=sparse.vstack([self._load, *self._tangents]).tocsr(),
            b_ub=np.concatenate([self._limit, *self._heights]),
            A_eq=self._simplex.tocsr(),
            b_eq=np.ones(self._simplex.shape[0]),
            bounds=self._bounds,
            method="highs",
            options=_OPTIONS,
        )
        if result.status == 2:
            return None
        if result.status != 0:
            raise ArithmeticError(f"the linear program of the bound failed: {result.message}")
        return self._point(result.x, np.maximum(-result.ineqlin.marginals, 0.0))

    def _point(self, x: Floats, multipliers: Floats) -> Point:
        shares, count = self._rows.size, len(self._system.devices)
        most, bits, edge = self._units
        cut_share = np.zeros(self._system.local_cycles.shape)
        np.add.at(cut_share, (self._rows, self._cuts), x[:shares])
        mine = self._edge == np.arange(len(self._limit) - 2 * count)[:, None]
        at_edges = np.array([self._work[2][row] @ x[:shares][row] for row in mine])
        return Point(
            local_cpu_hz=x[shares : shares + count] * most,
            rate_bps=x[shares + count : shares + 2 * count] * bits,
            edge_cpu_hz=at_edges,
            cut_share=cut_share,
            alpha=multipliers[:count] * self._watts / most,
            nu=multipliers[count : 2 * count] * self._watts / bits,
            theta=multipliers[2 * count : len(self._limit)] * self._watts / edge,
        )


def _unit(most: Any) -> Floats:
    """Unit of a load with this maximum; 1 if the load is always zero."""
    return np.where(most > 0.0, most, 1.0)
