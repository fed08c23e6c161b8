"""The layout of devices with links to several edge servers.

Kernels keep lanes in 1 + E groups, of the devices and of their links to each server, see
`lyaopt._kernels.simulation.edge_links`. In each group but the first only the queues at the edge are used, in
the first one all others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from lyaopt.arrays import Integers
from lyaopt.model.system import System
from lyaopt.simulation.layout import BLOCK_ITEMS, Layout


@dataclass(frozen=True)
class LinkedLayout(Layout):
    """Layout of M devices, each with a lane, and a lane for its link to each of E edge servers.

    What the API has of services or devices, as `Layout` says, is that of all servers together.

    Attributes
    ----------
    devices, rows, services, replications, width, blocks, device_of_service, row_of_service
        As of `Layout`.
    edges : int
        E.
    """

    edges: int = 1

    @classmethod
    def of(cls, system: System, replications: int, workers: int = 1) -> LinkedLayout:
        """The layout of B replications of a system.

        Parameters
        ----------
        system : System
            M devices with S services in all, and E edge servers.
        replications : int
            B.
        workers : int
            Not used: one thread simulates.
        """
        own, edges = Layout.of(system, replications), len(system.links.edge_ids)
        width = max(1, min(replications, BLOCK_ITEMS // (own.rows * own.devices * (1 + edges))))
        blocks = -(-replications // width)
        own = replace(own, width=-(-replications // blocks), blocks=blocks)
        return cls(**vars(own), edges=edges)

    @property
    def groups(self) -> int:
        """1 + E."""
        return 1 + self.edges

    @property
    def lanes(self) -> int:
        """L, lanes of a block, those of links included."""
        return self.groups * self.devices * self.width

    @cached_property
    def service_at(self) -> Integers:
        """Index of the service in each place (N, (1 + E) M); -1 where there is none."""
        return np.tile(super().service_at, self.groups)

    def to_lanes(self, values: Any, dtype: Any = np.float64) -> Any:
        """From (..., S, B) to (..., blocks, N, L); 0 for all links.

        Parameters
        ----------
        values : array_like (..., S, B)
            One value for each service of each replication.
        dtype : dtype
            Of the result.
        """
        own = super().to_lanes(values, dtype)
        return np.concatenate([own, np.zeros((*own.shape[:-1], self.edges * own.shape[-1]), dtype)], axis=-1)

    def by_service(self, array: Any) -> Any:
        """From (blocks, ..., N, L) to (..., S, B): the sum over all groups.

        Parameters
        ----------
        array : ndarray (blocks, ..., N, L)
            Values of services, as kernels keep them.
        """
        return super().by_service(self._grouped(array).sum(axis=-2, dtype=array.dtype))

    def by_device(self, array: Any) -> Any:
        """From (blocks, ..., L) to (..., M, B): of the devices themselves.

        Parameters
        ----------
        array : ndarray (blocks, ..., L)
            Values of devices, as kernels keep them.
        """
        return super().by_device(np.ascontiguousarray(self._grouped(array)[..., 0, :]))

    def by_link(self, array: Any) -> Any:
        """From (blocks, ..., N, L) to (E, ..., S, B): of the queues at each server.

        Parameters
        ----------
        array : ndarray (blocks, ..., N, L)
            Values of services, as kernels keep them.
        """
        links = np.moveaxis(self._grouped(array)[..., 1:, :], -2, 0)
        return np.stack([super(LinkedLayout, self).by_service(np.ascontiguousarray(each)) for each in links])

    def by_device_link(self, array: Any) -> Any:
        """From (blocks, ..., L) to (E, ..., M, B): of the links of devices.

        Parameters
        ----------
        array : ndarray (blocks, ..., L)
            Values of links, as kernels keep them.
        """
        links = np.moveaxis(self._grouped(array)[..., 1:, :], -2, 0)
        return np.stack([super(LinkedLayout, self).by_device(np.ascontiguousarray(each)) for each in links])

    def device_lanes(self, values: Any) -> Any:
        """From (..., M, B) to (..., blocks, H), the lanes of the devices alone.

        Parameters
        ----------
        values : array_like (..., M, B)
            One integer for each device of each replication.
        """
        array = np.asarray(values)
        lead = array.shape[:-2]
        padded = np.zeros((*lead, self.devices, self.blocks * self.width), np.int64)
        padded[..., : self.replications] = array
        apart = np.moveaxis(padded.reshape(*lead, self.devices, self.blocks, self.width), -2, -3)
        return np.ascontiguousarray(apart).reshape(*lead, self.blocks, self.devices * self.width)

    def _grouped(self, array: Any) -> Any:
        return array.reshape(*array.shape[:-1], self.groups, self.devices * self.width)


def layout_of(system: System, replications: int, workers: int = 1) -> Layout:
    """The layout of B replications of a system, with links where it has several edge servers.

    Parameters
    ----------
    system, replications, workers
        As of `Layout.of`.
    """
    kind = Layout if system.edges is None else LinkedLayout
    return kind.of(system, replications, workers)
