"""Shares of the resources, for policies that allocate them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lyaopt._kernels.simulation import share_allocation as kernel
from lyaopt._kernels.simulation.task_queues import STAGES
from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.system import System
from lyaopt.simulation.layout import Layout

_OF_DEVICES = ("cpu_fraction", "power_fraction")
_OF_SERVICES = ("local", "rate", "edge")


@dataclass(frozen=True, eq=False)
class Shares:
    """How much of the capacities is in use, and how it is divided, in place of the exact allocation.

    All are numbers from 0 to 1, common to all B replications or one for each. Shares of one device, or
    of the edge, that sum to more than one are scaled to one. In every slot each service gets its share or
    what its backlog can use, whichever is less, and only what is used costs energy.

    Attributes
    ----------
    cpu_fraction : array_like (M,) or (M, B)
        Fraction of F^l in use: the speed that is divided among a device's services.
    power_fraction : array_like (M,) or (M, B)
        Fraction of p^max in use: the power whose rate R(p) in the slot is divided among them.
    local, rate : array_like (S,) or (S, B)
        Each service's share of its device's speed, and of its rate.
    edge : array_like (S,) or (S, B)
        Each service's share of F^e, among those of all devices.
    """

    cpu_fraction: ArrayLike
    power_fraction: ArrayLike
    local: ArrayLike
    rate: ArrayLike
    edge: ArrayLike

    def spread(self, layout: Layout) -> tuple[Floats, Floats]:
        """Fractions and shares as arrays.

        Parameters
        ----------
        layout : Layout
            Gives the numbers of devices, services and replications.

        Returns
        -------
        fractions : ndarray (B, 2, M)
            In use of the CPU and of the power.
        shares : ndarray (B, 3, S)
            Of each stage.

        Raises
        ------
        ProblemError
            If an array has the wrong shape or a value outside [0, 1]; the path names it.
        """
        tables = {}
        for field in fields(self):
            count = layout.devices if field.name in _OF_DEVICES else layout.services
            tables[field.name] = _table(getattr(self, field.name), field.name, count, layout.replications)
        fractions, shares = ([tables[name].T for name in names] for names in (_OF_DEVICES, _OF_SERVICES))
        return np.stack(fractions, axis=1), np.stack(shares, axis=1)


def _table(values: ArrayLike, name: str, count: int, replications: int) -> Floats:
    """Values (count, B), checked."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise ProblemError(f"$.shares.{name}", f"expected numbers, got {array.dtype}")
    if array.shape not in ((count,), (count, 1), (count, replications)):
        reason = f"expected shape {(count,)} or {(count, replications)}, got {array.shape}"
        raise ProblemError(f"$.shares.{name}", reason)
    wrong = np.argwhere(~((array >= 0.0) & (array <= 1.0)))
    if wrong.size:
        place = tuple(wrong[0])
        path = f"$.shares.{name}" + "".join(f"[{i}]" for i in place)
        raise ProblemError(path, f"expected a number from 0 to 1, got {array[place]}")
    table = array[:, None] if array.ndim == 1 else array
    return np.broadcast_to(table.astype(np.float64), (count, replications))


class SharesInForce:
    """Shares as the kernels take them; at first all capacities are in use, in equal shares.

    Parameters
    ----------
    layout : Layout

    Attributes
    ----------
    lane_fractions : ndarray (blocks, 2, L)
    lane_shares : ndarray (blocks, 3, N, L)
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.lane_fractions: Floats = np.zeros((layout.blocks, kernel.FRACTIONS, layout.lanes))
        self.lane_shares: Floats = np.zeros((layout.blocks, STAGES, layout.rows, layout.lanes))
        everything = (kernel.FRACTIONS, layout.devices), (STAGES, layout.services)
        self.set(*(np.ones((layout.replications, *shape)) for shape in everything))

    @classmethod
    def of(cls, system: System, layout: Layout) -> SharesInForce:
        """Make the shares of a system.

        Parameters
        ----------
        system : System
            With cubic CPUs and Shannon's radios.
        layout : Layout
            Of the same system.

        Raises
        ------
        ProblemError
            If a device has operating points or a measured radio.
        """
        if system.is_measured:
            reason = "expected cubic CPUs and Shannon's rates where a policy allocates by shares"
            raise ProblemError("$.devices", reason)
        return cls(layout)

    def set(self, fractions: Floats, shares: Floats) -> None:
        """Put fractions and shares in force.

        Parameters
        ----------
        fractions : ndarray (B, 2, M)
            Fractions in use of CPU speed and power, from 0 to 1.
        shares : ndarray (B, 3, S)
            Shares of the services in CPU, rate and edge, from 0 to 1.

        Raises
        ------
        ProblemError
            If an array has the wrong shape or type, or a value outside [0, 1].
        """
        layout = self._layout
        _check("fractions", fractions, (layout.replications, kernel.FRACTIONS, layout.devices))
        _check("shares", shares, (layout.replications, STAGES, layout.services))
        wrong = kernel.spread_shares(
            *(array if array.flags.carray else array.copy() for array in (fractions, shares)),
            layout.placement,
            self.lane_fractions,
            self.lane_shares,
        )
        if wrong >= 0:
            name, array = ("fractions", fractions) if wrong < fractions.size else ("shares", shares)
            first = 0 if array is fractions else fractions.size
            place = np.unravel_index(wrong - first, array.shape)
            path = f"$.{name}" + "".join(f"[{i}]" for i in place)
            raise ProblemError(path, f"expected a number from 0 to 1, got {array[place]}")


def _check(name: str, array: Any, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.float64:
        reason = f"expected float64 of shape {shape}, got {array.dtype} of {array.shape}"
        raise ProblemError(f"$.{name}", reason)
