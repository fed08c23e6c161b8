"""What a task of each service takes in each stage, by cut: MACs times rho, or cycles as measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lyaopt.arrays import Floats, read_only

if TYPE_CHECKING:
    from lyaopt.model.system import Service


class TaskTables(NamedTuple):
    """Tables (S, largest K + 1); DNNs with fewer cuts than others repeat their last one.

    Attributes
    ----------
    local_cycles, transmit_bits, edge_cycles : ndarray (S, largest K + 1)
        Of a task that is cut at k.
    """

    local_cycles: Floats
    transmit_bits: Floats
    edge_cycles: Floats


def task_tables(services: Sequence[Service], cycles_per_mac: float) -> TaskTables:
    """Make the tables of all services.

    Parameters
    ----------
    services : sequence of Service
        S of them.
    cycles_per_mac : float
        rho, of services whose work is that of their MACs.
    """
    cuts = max(len(service.profile.cuts) for service in services)
    macs = np.array([_filled([cut.macs for cut in each.profile.cuts], cuts) for each in services], np.float64)
    bits = np.array([_filled([cut.bits for cut in each.profile.cuts], cuts) for each in services], np.float64)
    local = cycles_per_mac * macs
    # The counts are exact integers; a difference of products would leave rounding errors at k = K.
    edge = cycles_per_mac * (macs[:, -1:] - macs)
    for s, service in enumerate(services):
        measured = service.profile.measured
        if service.work == "measured" and measured is not None:
            local[s] = _filled(measured.head_cycles, cuts)
            edge[s] = _filled(measured.tail_cycles, cuts)
    return TaskTables(*(read_only(table) for table in (local, bits, edge)))


def _filled(values: Sequence[float], count: int) -> list[float]:
    return [*values, *[values[-1]] * (count - len(values))]
