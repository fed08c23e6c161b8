"""Rows of eight devices: how a slot is cut into them, and whether its numbers are usual."""

from typing import Any, NamedTuple

from lyaopt._kernels.slot.problems import NOISE, SCALARS, TAU
from lyaopt._kernels.toolchain.contiguous_views import borrowed_as
from lyaopt._kernels.toolchain.jit import inline
from lyaopt._kernels.toolchain.masked_rows import (
    LANES,
    load_row,
    outside,
    outside_or_not_zero,
    store_row,
)

ROWS_OF_DEVICES = 8  # of `SlotArrays`: what is known and what is found of devices
LEAST_USUAL, MOST_USUAL = 1e-60, 1e60


class SlotArrays(NamedTuple):
    """What a slot of N services on each of M devices is read from and written into.

    - `queues`: backlogs of Problems 3, 4 and 5, (N, M) each, in cycles, bits, cycles.
    - `devices`: F^l, pmax, h and b_w, (M,) each.
    - `rates`, written: f^l, r and f^e, (N, M) each.
    - `found`, written: total speeds, powers, and nu of Problems 3 and 4, (M,) each.
    """

    queues: Any
    devices: Any
    rates: Any
    found: Any


@inline
def flat(array):
    """Return a view in one dimension of an array that the caller keeps alive."""
    return borrowed_as(array, (array.size,))


@inline
def borrowed(arrays):
    """Return the `SlotArrays` in one dimension each; the caller keeps them alive."""
    (q0, q1, q2), (d0, d1, d2, d3) = arrays.queues, arrays.devices
    (f0, f1, f2), (e0, e1, e2, e3) = arrays.rates, arrays.found
    return SlotArrays(
        (flat(q0), flat(q1), flat(q2)),
        (flat(d0), flat(d1), flat(d2), flat(d3)),
        (flat(f0), flat(f1), flat(f2)),
        (flat(e0), flat(e1), flat(e2), flat(e3)),
    )


@inline
def rows_size(services, size):
    """Return how many doubles `few_rows` takes, for a network of that size."""
    return (3 * (services + size) + ROWS_OF_DEVICES + 1) * LANES


@inline
def lines_of(workspace, count):
    """Return (count, LANES) within a workspace, in whole lines of the cache; one more would have room."""
    offset = (-(workspace.ctypes.data // 8)) % LANES
    return borrowed_as(workspace[offset : offset + count * LANES], (count, LANES))


@inline
def few_rows(size, services, workspace):
    """Return `SlotArrays` of LANES devices within a workspace; the rates have `size` rows each."""
    rows = lines_of(workspace, 3 * (services + size) + ROWS_OF_DEVICES)
    q1, q2, d = services, 2 * services, 3 * services
    f0 = d + ROWS_OF_DEVICES
    f1, f2 = f0 + size, f0 + 2 * size
    return SlotArrays(
        (rows[:q1], rows[q1:q2], rows[q2:d]),
        (rows[d], rows[d + 1], rows[d + 2], rows[d + 3]),
        (rows[f0:f1], rows[f1:f2], rows[f2:]),
        (rows[d + 4], rows[d + 5], rows[d + 6], rows[d + 7]),
    )


@inline
def load_rows_of(services, arrays, first, count, rows):
    """Copy `count` devices from the first on into rows; the others have nothing to serve."""
    devices = arrays.devices[0].size
    for k in range(services):
        start = k * devices + first
        load_row(arrays.queues[0], start, count, 0.0, rows.queues[0][k])
        load_row(arrays.queues[1], start, count, 0.0, rows.queues[1][k])
        load_row(arrays.queues[2], start, count, 0.0, rows.queues[2][k])
    load_row(arrays.devices[0], first, count, 0.0, rows.devices[0])
    load_row(arrays.devices[1], first, count, 0.0, rows.devices[1])
    load_row(arrays.devices[2], first, count, 1.0, rows.devices[2])
    load_row(arrays.devices[3], first, count, 1.0, rows.devices[3])


@inline
def store_rows_of(services, rows, first, count, arrays):
    """Copy what was written of `count` devices, from the first on, out of their rows."""
    devices = arrays.devices[0].size
    for k in range(services):
        start = k * devices + first
        store_row(rows.rates[0][k], start, count, arrays.rates[0])
        store_row(rows.rates[1][k], start, count, arrays.rates[1])
        store_row(rows.rates[2][k], start, count, arrays.rates[2])
    store_row(rows.found[0], first, count, arrays.found[0])
    store_row(rows.found[1], first, count, arrays.found[1])
    store_row(rows.found[2], first, count, arrays.found[2])
    store_row(rows.found[3], first, count, arrays.found[3])


@inline
def _unusual(values, first, count):
    return outside_or_not_zero(values, first, count, LEAST_USUAL, MOST_USUAL)


@inline
def unusual_devices(services, arrays, first, count):
    """Return a number that is 0 if all numbers of `count` devices, from the first on, are usual."""
    (q0, q1, q2), (capacity, power, gain, bandwidth) = arrays.queues, arrays.devices
    unusual = _unusual(capacity, first, count) | _unusual(power, first, count) | _unusual(gain, first, count)
    unusual |= outside(bandwidth, first, count, LEAST_USUAL, MOST_USUAL)
    for k in range(services):
        start = k * capacity.size + first
        unusual |= _unusual(q0, start, count) | _unusual(q1, start, count) | _unusual(q2, start, count)
    return unusual


@inline
def unusual_scalars(scalars):
    """Return a number that is 0 if the scalars of problems.py are usual."""
    none_is_zero = (scalars[TAU] > 0.0) & (scalars[NOISE] > 0.0)
    return _unusual(scalars, 0, SCALARS) if none_is_zero else 1
