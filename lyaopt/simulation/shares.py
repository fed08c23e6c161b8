"""Shares of the resources, by which a policy allocates them itself."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lyaopt._kernels.simulation import share_allocation as kernel
from lyaopt._kernels.simulation.task_queues import STAGES
from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.simulation.layout import Layout

_OF_DEVICES = ("cpu_level", "power_level")
_OF_SERVICES = ("local", "rate", "edge")


@dataclass(frozen=True, eq=False)
class Shares:
    """What of the capacities is used, and who gets it, in place of the exact allocation.

    All are numbers from 0 to 1, the same in all B replications or in each of them. Shares of one device, or
    of the edge, that sum to more than one are scaled to one. In every slot each service gets its share or
    what its backlog can use, whichever is less, and only what is used costs energy.

    Attributes
    ----------
    cpu_level : array_like (M,) or (M, B)
        Of F^l, the speed that is divided among a device's services.
    power_level : array_like (M,) or (M, B)
        Of p^max, the power whose rate R(p) in the slot is divided among them.
    local, rate : array_like (S,) or (S, B)
        Each service's share of its device's speed, and of its rate.
    edge : array_like (S,) or (S, B)
        Each service's share of F^e, among those of all devices.
    """

    cpu_level: ArrayLike
    power_level: ArrayLike
    local: ArrayLike
    rate: ArrayLike
    edge: ArrayLike

    def spread(self, layout: Layout) -> tuple[Floats, Floats]:
        """Levels (B, 2, M) and shares (B, 3, S).

        Raises
        ------
        ProblemError
            If an array has the wrong shape, or holds what is not from 0 to 1; names it.
        """
        found = {}
        for field in fields(self):
            count = layout.devices if field.name in _OF_DEVICES else layout.services
            found[field.name] = _table(getattr(self, field.name), field.name, count, layout.replications)
        levels, shares = ([found[name].T for name in names] for names in (_OF_DEVICES, _OF_SERVICES))
        return np.stack(levels, axis=1), np.stack(shares, axis=1)


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
    """Shares as the kernels take them; without any, all of everything in equal shares.

    Attributes
    ----------
    lane_levels : ndarray (blocks, 2, L)
    lane_shares : ndarray (blocks, 3, N, L)
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.lane_levels: Floats = np.zeros((layout.blocks, kernel.LEVELS, layout.lanes))
        self.lane_shares: Floats = np.zeros((layout.blocks, STAGES, layout.rows, layout.lanes))
        everything = (kernel.LEVELS, layout.devices), (STAGES, layout.services)
        self.adopt(*(np.ones((layout.replications, *shape)) for shape in everything))

    def adopt(self, levels: Floats, shares: Floats) -> None:
        """Put levels (B, 2, M) and shares (B, 3, S) in force.

        Raises
        ------
        ProblemError
            If one has another shape or type, or holds what is not from 0 to 1.
        """
        layout = self._layout
        _check("levels", levels, (layout.replications, kernel.LEVELS, layout.devices))
        _check("shares", shares, (layout.replications, STAGES, layout.services))
        wrong = kernel.adopt_shares(
            *(array if array.flags.carray else array.copy() for array in (levels, shares)),
            layout.width,
            layout.row_of_service,
            layout.device_of_service,
            self.lane_levels,
            self.lane_shares,
        )
        if wrong >= 0:
            name, array = ("levels", levels) if wrong < levels.size else ("shares", shares)
            first = 0 if array is levels else levels.size
            place = np.unravel_index(wrong - first, array.shape)
            path = f"$.{name}" + "".join(f"[{i}]" for i in place)
            raise ProblemError(path, f"expected a number from 0 to 1, got {array[place]}")


def _check(name: str, array: Any, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.float64:
        reason = f"expected float64 of shape {shape}, got {array.dtype} of {array.shape}"
        raise ProblemError(f"$.{name}", reason)
