"""Workspace of shared spectrum: a block of slots at a time, so that it stays in the cache.

A column t is one slot, and a block has as many columns as slots. Every quantity has an array of its own,
since loops over slots vectorise only where the compiler knows that what is read and what is written lie
apart.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import inline

_ITEM_ROWS, _DEVICE_ROWS, _POOL_ROWS = 7, 14, 17
_BLOCK_DOUBLES = 6144


class ItemRows(NamedTuple):
    """What is known of every item, (M, N, W) arrays; spectrum_items.py finds it.

    Attributes
    ----------
    above, through : array
        A and C: rates of all items of larger weight, and of those of equal weight with them, in bit/s.
    reach : array
        y at which the full power carries C; 0 where no band is wide enough.
    begin, whole : array
        Prices below which the item is served at all, and up to which it is served whole.
    kink : array
        Price from which on C takes the full power.
    jump : array
        Band that the item takes at once at `begin`, in Hz; items of equal weight share theirs.
    """

    above: Any
    through: Any
    reach: Any
    begin: Any
    whole: Any
    kink: Any
    jump: Any


class DeviceRows(NamedTuple):
    """What is known of every device, (M, W) arrays.

    Attributes
    ----------
    most, full : array
        pmax in W, and pmax h / N_0, the signal at full power, in Hz.
    value : array
        h / (U N_0), in Hz a unit of the objective: infinite where energy is free, 0 without a channel.
    through, reach, kink : array
        C, y and kink of the items served whole at the present price.
    part : array
        Weight of the items served in part, 0 if there are none.
    jump : array
        Band that items take at once at the present price, in Hz.
    efficiency, band, slope : array
        y, b in Hz and -db / d ln mu at the present price.
    scratch, width, total : array
        For what passes from one loop to the next; in the end the band in Hz and the total rate in bit/s.
    """

    most: Any
    full: Any
    value: Any
    through: Any
    reach: Any
    kink: Any
    part: Any
    jump: Any
    efficiency: Any
    band: Any
    slope: Any
    scratch: Any
    width: Any
    total: Any


class PoolRows(NamedTuple):
    """The search for the price of every slot, (W,) arrays.

    Attributes
    ----------
    tau, pool : array
        Slot length in s, and B_w in Hz.
    price, low, high : array
        mu, and the interval that holds the answer.
    demand, rigid, slope, slope_below, jump : array
        Sums of the bands at mu, of those that do not depend on it, of -db / d ln mu above and below mu, and
        of the jumps.
    event : array
        Largest price below mu at which a band begins to depend on it.
    target, nearest, distance : array
        The price that the slope points to, the breakpoint within the interval that is nearest to it, and how
        far it is.
    done : array
        1.0 where the price is found.
    share, shift : array
        Part of the jumps that fills the pool, and the correction of ln mu that does.
    """

    tau: Any
    pool: Any
    price: Any
    low: Any
    high: Any
    demand: Any
    rigid: Any
    slope: Any
    slope_below: Any
    jump: Any
    event: Any
    target: Any
    nearest: Any
    distance: Any
    done: Any
    share: Any
    shift: Any


class Rows(NamedTuple):
    """All rows of a block.

    Attributes
    ----------
    items : ItemRows
    devices : DeviceRows
    pool : PoolRows
    order : (2, N) array
        For sorting the items of one device.
    """

    items: Any
    devices: Any
    pool: Any
    order: Any


@inline
def spectrum_block_width(items, devices, slots):
    """Return how many slots a block holds."""
    rows = (_ITEM_ROWS * items + _DEVICE_ROWS) * devices + _POOL_ROWS
    width = _BLOCK_DOUBLES // rows
    return min(slots, max(8, width - width % 8))


@inline
def spectrum_workspace_size(items, devices, slots):
    """Return how many doubles of workspace `spectrum_lanes` takes for M devices of N items in B slots."""
    rows = (_ITEM_ROWS * items + _DEVICE_ROWS) * devices + _POOL_ROWS
    return rows * spectrum_block_width(items, devices, slots) + 2 * items


@inline
def split_spectrum_workspace(workspace, items, devices, width):
    """Return the `Rows` of a block within the workspace."""
    size = items * devices * width
    a = view_as(workspace[: _ITEM_ROWS * size], (_ITEM_ROWS, devices, items, width))
    start = _ITEM_ROWS * size
    size = devices * width
    d = view_as(workspace[start : start + _DEVICE_ROWS * size], (_DEVICE_ROWS, devices, width))
    start += _DEVICE_ROWS * size
    p = view_as(workspace[start : start + _POOL_ROWS * width], (_POOL_ROWS, width))
    start += _POOL_ROWS * width
    return Rows(
        ItemRows(a[0], a[1], a[2], a[3], a[4], a[5], a[6]),
        DeviceRows(d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12], d[13]),
        PoolRows(
            p[0],
            p[1],
            p[2],
            p[3],
            p[4],
            p[5],
            p[6],
            p[7],
            p[8],
            p[9],
            p[10],
            p[11],
            p[12],
            p[13],
            p[14],
            p[15],
            p[16],
        ),
        view_as(workspace[start : start + 2 * items], (2, items)),
    )
