"""Conversion between the arrays of the API and those of the kernels.

Kernels work on blocks of replications: arrays (blocks, ..., N, L) with L = M width lanes, where lane l of
block b is device l // width of replication b width + l % width. The API has services device by device:
(..., S, B).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lyaopt._kernels.simulation.state_types import Placement
from lyaopt.arrays import Integers
from lyaopt.model.system import System

BLOCK_ITEMS = 512
"""Services in a block: its arrays stay in the cache from slot to slot."""
_LEAST_WIDTH = 8
"""Replications that a thread gets at least: it takes fewer of them no less time."""


@dataclass(frozen=True)
class Layout:
    """Memory layout of M devices with up to N services each (S in all) in B replications.

    Attributes
    ----------
    devices, rows, services, replications : int
        M, N, S and B.
    width, blocks : int
        Replications in a block, and number of blocks; the last one may be padded with replications
        that are simulated but not returned.
    device_of_service, row_of_service : ndarray (S,)
        m and n of each service.
    """

    devices: int
    rows: int
    services: int
    replications: int
    width: int
    blocks: int
    device_of_service: Integers
    row_of_service: Integers

    @classmethod
    def of(cls, system: System, replications: int, workers: int = 1) -> Layout:
        """The layout of B replications of a system.

        Parameters
        ----------
        system : System
            M devices with S services in all.
        replications : int
            B.
        workers : int
            Threads between which the blocks are divided, where there are enough replications.
        """
        device = np.array(system.device_of_service)  # kernels are compiled for arrays that may be written
        row = np.arange(device.size) - np.searchsorted(device, device)
        devices, rows = len(system.devices), int(row.max()) + 1
        widest = max(1, min(replications, BLOCK_ITEMS // (rows * devices)))
        blocks = -(-replications // widest)
        parts = max(1, min(workers, replications // _LEAST_WIDTH))
        blocks = -(-blocks // parts) * parts
        return cls(devices, rows, device.size, replications, -(-replications // blocks), blocks, device, row)

    @property
    def lanes(self) -> int:
        """L, lanes of a block."""
        return self.devices * self.width

    @cached_property
    def placement(self) -> Placement:
        """Place of each service, for the kernels."""
        return Placement(self.row_of_service, self.device_of_service, self.width)

    @cached_property
    def service_at(self) -> Integers:
        """Index of the service in each place (N, M); -1 where a device has fewer than N."""
        table = np.full((self.rows, self.devices), -1)
        table[self.row_of_service, self.device_of_service] = np.arange(self.services)
        return table

    def spread(self, values: Any, dtype: Any = np.float64) -> Any:
        """From (..., S), the same in all replications, to (..., N, M).

        Parameters
        ----------
        values : array_like (..., S)
            One value for each service.
        dtype : dtype
            Of the result.

        Returns
        -------
        ndarray (..., N, M)
            Zero where there is no service.
        """
        array = np.asarray(values)
        table = np.zeros((*array.shape[:-1], self.rows, self.devices), dtype)
        table[..., self.row_of_service, self.device_of_service] = array
        return table

    def to_lanes(self, values: Any, dtype: Any = np.float64) -> Any:
        """From (..., S, B) to (..., blocks, N, L).

        Parameters
        ----------
        values : array_like (..., S, B)
            One value for each service of each replication.
        dtype : dtype
            Of the result.

        Returns
        -------
        ndarray (..., blocks, N, L)
            Zero where there is no service or no replication.
        """
        array = np.asarray(values)
        lead = array.shape[:-2]
        padded = np.zeros((*lead, self.services, self.blocks * self.width), dtype)
        padded[..., : self.replications] = array
        apart = np.moveaxis(padded.reshape(*lead, self.services, self.blocks, self.width), -2, -3)
        table = np.zeros((*lead, self.blocks, self.rows, self.devices, self.width), dtype)
        table[..., self.row_of_service, self.device_of_service, :] = apart
        return table.reshape(*lead, self.blocks, self.rows, self.devices * self.width)

    def in_blocks(self, values: Any, dtype: Any) -> Any:
        """From (B,) to (blocks, width).

        Parameters
        ----------
        values : array_like (B,)
            One value for each replication.
        dtype : dtype
            Of the result.

        Returns
        -------
        ndarray (blocks, width)
            Zero where there is no replication.
        """
        filled = np.zeros(self.blocks * self.width, dtype)
        filled[: self.replications] = values
        return filled.reshape(self.blocks, self.width)

    def by_service(self, array: Any) -> Any:
        """From (blocks, ..., N, L) to (..., S, B), a copy.

        Parameters
        ----------
        array : ndarray (blocks, ..., N, L)
            Values of services, as kernels keep them.
        """
        lead = array.shape[1:-2]
        table = array.reshape(self.blocks, *lead, self.rows, self.devices, self.width)
        return self._by_replication(table[..., self.row_of_service, self.device_of_service, :])

    def by_device(self, array: Any) -> Any:
        """From (blocks, ..., L) to (..., M, B), a copy.

        Parameters
        ----------
        array : ndarray (blocks, ..., L)
            Values of devices, as kernels keep them.
        """
        return self._by_replication(array.reshape(*array.shape[:-1], self.devices, self.width)).copy()

    def _by_replication(self, array: Any) -> Any:
        joined = np.moveaxis(array, 0, -2)
        return joined.reshape(*joined.shape[:-2], self.blocks * self.width)[..., : self.replications]
