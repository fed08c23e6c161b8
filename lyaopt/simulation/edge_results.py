"""What each of several edge servers did in a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.arrays import Floats, Integers


@dataclass(frozen=True, eq=False)
class EdgeResults:
    """Means per slot of E edge servers in B replications.

    Attributes
    ----------
    ids : tuple of str
        Names of the servers.
    capacity_hz : ndarray (E,)
        F^e of each.
    queue_cycles : ndarray (E, B)
        Mean backlog.
    cpu_hz : ndarray (E, B)
        Mean rate of service.
    attached : ndarray (M, B) of int
        The server that each device is attached to at the end.
    """

    ids: tuple[str, ...]
    capacity_hz: Floats
    queue_cycles: Floats
    cpu_hz: Floats
    attached: Integers

    @property
    def load(self) -> Floats:
        """Share of its capacity that each server uses (E, B); 0 without capacity."""
        capacity = np.broadcast_to(self.capacity_hz[:, None], self.cpu_hz.shape)
        return np.divide(self.cpu_hz, capacity, out=np.zeros(self.cpu_hz.shape), where=capacity > 0.0)

    def to_dict(self) -> list[dict[str, Any]]:
        """The part of a result's document: an object for each server."""
        return [
            {
                "id": name,
                "capacity_hz": float(self.capacity_hz[e]),
                "mean_cpu_hz": float(self.cpu_hz[e].mean()),
                "load": float(self.load[e].mean()),
                "mean_queue_cycles": float(self.queue_cycles[e].mean()),
                "attached_devices": float((self.attached == e).sum(axis=0).mean()),
            }
            for e, name in enumerate(self.ids)
        ]
