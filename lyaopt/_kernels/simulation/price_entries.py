"""What the C library calls for prices: pointers in, a status out, nothing allocated.

All numbers of a table of prices are doubles, whole ones too. capi/table.c has checked them and points at
each part, in the order below; simulation/price_table.py writes them. Whole numbers of the state are int64
behind the same type of pointer.
"""

import numpy as np
from numba import carray

from lyaopt._kernels.simulation.price_function import (
    PricedCuts,
    PricedQueues,
    cuts_by_prices,
    weights_by_prices,
)
from lyaopt._kernels.simulation.priced_cuts import Cuts
from lyaopt._kernels.simulation.prices import Prices
from lyaopt._kernels.simulation.slow_channels import SlowChannels, channel_states, update_levels
from lyaopt._kernels.slot.problems import SCALARS
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import C_ENTRIES, inline

# Parts of a table
TABLE = 14
(
    _SIZES,
    _SCALARS,
    _HOLDING,
    _SCALE,
    _ROW,
    _SLOPE,
    _PRICE,
    _INTEGRAL,
    _MEAN_LOG,
    _AMOUNTS,
    _ALONE,
    _TRIED,
    _EDGE_SHARE,
    _DELAY_COST,
) = range(TABLE)

# Numbers of the first part: what marks the format, length of the whole, devices, services of each, tables,
# nodes of each, states of a channel, points of a task, points to try, two flags of `Prices`, three numbers of
# `SlowChannels`, and the period of `Cuts`
(
    _MAGIC,
    _FORMAT,
    _LENGTH,
    _DEVICES,
    _SERVICES,
    _TABLES,
    _NODES,
    _STATES,
    _POINTS,
    _CHOICES,
    _BY_WORK,
    _JOINT,
    _SHARE,
    _CORRELATION,
    _PER_NAT,
    _PERIOD,
) = range(16)
SIZES = 16


@inline
def _sizes(pointers):
    return carray(pointers[_SIZES], (SIZES,))


@inline
def _prices(pointers):
    sizes = _sizes(pointers)
    devices, services = int(sizes[_DEVICES]), int(sizes[_SERVICES])
    tables, nodes = int(sizes[_TABLES]), int(sizes[_NODES])
    return Prices(
        int(sizes[_BY_WORK]),
        int(sizes[_JOINT]),
        carray(pointers[_HOLDING], (3, services, devices)),
        carray(pointers[_SCALE], (2, devices)),
        carray(pointers[_ROW], (2, services, devices)),
        carray(pointers[_PRICE], (tables, nodes)),
        carray(pointers[_INTEGRAL], (tables, nodes)),
        carray(pointers[_SLOPE], (tables,)),
        int(sizes[_STATES]),
    )


@inline
def _integers(pointer, count):
    return carray(pointer, (count,)).view(np.int64)


@inline
def _queues(pointers, services, devices):
    """Pointers behind those of the table: backlog, what is left of heads, waiting tasks."""
    shape = (3, services, devices)
    return PricedQueues(
        carray(pointers[TABLE], shape),
        carray(pointers[TABLE + 1], shape),
        view_as(_integers(pointers[TABLE + 2], 3 * services * devices), shape),
    )


def _weights(services, devices, pointers):
    """Pointers: the table's, those of queues, states of channels, weights."""
    channels = _integers(pointers[TABLE + 3], devices)
    weights = carray(pointers[TABLE + 4], (3, services, devices))
    weights_by_prices(_queues(pointers, services, devices), channels, _prices(pointers), weights)
    return 0


def _cuts(services, devices, pointers):
    """Pointers: the table's, those of queues, states of channels, points, room of 3 N M."""
    sizes, items = _sizes(pointers), services * devices
    points, shape = int(sizes[_POINTS]), (services, devices)
    cuts = Cuts(
        int(sizes[_PERIOD]),
        carray(pointers[_ALONE], (int(sizes[_STATES]), services, devices)),
        carray(pointers[_TRIED], (services, devices, int(sizes[_CHOICES]))),
        carray(pointers[_EDGE_SHARE], shape),
        carray(pointers[_DELAY_COST], shape),
    )
    amounts = carray(pointers[_AMOUNTS], (3, services, devices, points))
    model = PricedCuts(amounts, carray(pointers[_SCALARS], (SCALARS,)), _prices(pointers), cuts)
    cuts_by_prices(
        _queues(pointers, services, devices),
        _integers(pointers[TABLE + 3], devices),
        model,
        carray(pointers[TABLE + 5], (3, items)),
        view_as(_integers(pointers[TABLE + 4], items), shape),
    )
    return 0


def _track(_, devices, pointers):
    """Pointers: the table's, gains, levels, states of channels."""
    sizes = _sizes(pointers)
    slow = SlowChannels(
        carray(pointers[_MEAN_LOG], (devices,)),
        sizes[_SHARE],
        sizes[_CORRELATION],
        sizes[_PER_NAT],
        int(sizes[_STATES]),
    )
    levels, states = carray(pointers[TABLE + 1], (devices,)), _integers(pointers[TABLE + 2], devices)
    update_levels(carray(pointers[TABLE], (devices,)), slow, levels)
    channel_states(levels, slow, states)
    return 0


_ENTRY = "int64(int64, int64, CPointer(CPointer(float64)))"
C_ENTRIES |= {
    "lyaopt_kernel_price_weights": (_ENTRY, _weights),
    "lyaopt_kernel_price_cuts": (_ENTRY, _cuts),
    "lyaopt_kernel_track_channels": (_ENTRY, _track),
}
