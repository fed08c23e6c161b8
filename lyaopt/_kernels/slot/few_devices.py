"""One slot of up to four services a device, at the speed of a vector: see few_lanes.py.

Any number of devices is solved, eight at a time. Numbers of services are constants of the compiled code.
"""

from lyaopt._kernels.slot.blocks import PART, split_workspace
from lyaopt._kernels.slot.edge import edge_lanes
from lyaopt._kernels.slot.few_lanes import (
    Common,
    SlotArrays,
    few_edge_level,
    solve_few_lanes,
)
from lyaopt._kernels.slot.local import local_scale
from lyaopt._kernels.slot.problems import (
    DELTA,
    EDGE_CAPACITY,
    NOISE,
    TAU,
    WEIGHT_LOCAL,
    WEIGHT_TRANSMIT,
    EdgeAllocation,
    EdgeProblem,
)
from lyaopt._kernels.slot.sorting_networks import EIGHT, FOUR, TWO
from lyaopt._kernels.slot.transmit import weighted_noise
from lyaopt._kernels.toolchain.contiguous_views import borrowed_as, view_as
from lyaopt._kernels.toolchain.jit import helper, inline
from lyaopt._kernels.toolchain.masked_rows import LANES, load_row, store_row

FEW_SERVICES = 4  # the most that are solved here
ROWS_OF_DEVICES = 8  # of `SlotArrays`: what is known and what is found of devices


@helper
def _many_edge_level(queue, edge_cpu, capacity, tau, workspace):
    """Return (threshold, part) of Problem 5 with more than eight items, from the solver of batches."""
    items = queue.size
    nu = workspace[:1]
    lane = EdgeAllocation(view_as(edge_cpu, (items, 1)), nu)
    edge_lanes(EdgeProblem(view_as(queue, (items, 1)), capacity, tau), lane, workspace[1:])
    block, _ = split_workspace(workspace[1:], items, 1, False)
    return nu[0], block.served[PART, 0]


@inline
def _edge_level(arrays, scalars, workspace):
    queue, capacity, tau = arrays.queues[2], scalars[EDGE_CAPACITY], scalars[TAU]
    if queue.size <= EIGHT.size:
        return few_edge_level(queue, capacity, tau)
    return _many_edge_level(queue, arrays.rates[2], capacity, tau, workspace)


@inline
def _common(scalars, edge):
    scale = local_scale(scalars[TAU], scalars[WEIGHT_LOCAL], scalars[DELTA])
    paid = weighted_noise(scalars[WEIGHT_TRANSMIT], scalars[NOISE])
    return Common(scalars[TAU], scalars[NOISE], paid, scale, 1.0 / scale, edge)


@inline
def few_workspace_size(services):
    """Return how many doubles `solve_few` takes beside those of the edge."""
    return (6 * max(services, FOUR.size) + ROWS_OF_DEVICES + 1) * LANES


@inline
def few_rows(network, services, workspace):
    """Return `SlotArrays` of LANES devices within a workspace, in whole lines of the cache."""
    offset = (-(workspace.ctypes.data // 8)) % LANES
    count = 3 * (services + network.size) + ROWS_OF_DEVICES
    rows = borrowed_as(workspace[offset : offset + count * LANES], (count, LANES))
    q1, q2, d = services, 2 * services, 3 * services
    f0 = d + ROWS_OF_DEVICES
    f1, f2 = f0 + network.size, f0 + 2 * network.size
    return SlotArrays(
        (rows[:q1], rows[q1:q2], rows[q2:d]),
        (rows[d], rows[d + 1], rows[d + 2], rows[d + 3]),
        (rows[f0:f1], rows[f1:f2], rows[f2:]),
        (rows[d + 4], rows[d + 5], rows[d + 6], rows[d + 7]),
    )


@inline
def _load(services, arrays, first, count, rows):
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
def _store(services, rows, first, count, arrays):
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
def _solve(network, services, arrays, scalars, workspace):
    """Solve for a number of services that the compiler knows."""
    common = _common(scalars, _edge_level(arrays, scalars, workspace))
    devices = arrays.devices[0].size
    rows = few_rows(network, services, workspace)
    for first in range(0, devices, LANES):
        count = min(LANES, devices - first)
        _load(services, arrays, first, count, rows)
        solve_few_lanes(network, rows, common)
        _store(services, rows, first, count, arrays)


@inline
def _flat(array):
    return borrowed_as(array, (array.size,))


@inline
def _borrowed(arrays):
    (q0, q1, q2), (d0, d1, d2, d3) = arrays.queues, arrays.devices
    (f0, f1, f2), (e0, e1, e2, e3) = arrays.rates, arrays.found
    return SlotArrays(
        (_flat(q0), _flat(q1), _flat(q2)),
        (_flat(d0), _flat(d1), _flat(d2), _flat(d3)),
        (_flat(f0), _flat(f1), _flat(f2)),
        (_flat(e0), _flat(e1), _flat(e2), _flat(e3)),
    )


@inline
def solve_few(services, arrays, scalars, workspace):
    """Solve a slot of 1 to `FEW_SERVICES` services a device.

    `arrays` are `SlotArrays`, which the caller keeps alive, and `scalars` are those of problems.py. The
    workspace is of `few_workspace_size` doubles, and with more than eight edge queues of
    `slots_workspace_size` and one if that is more.
    """
    flat, own = _borrowed(arrays), _flat(workspace)
    if services == 1:
        _solve(TWO, 1, flat, scalars, own)
    elif services == 2:
        _solve(TWO, 2, flat, scalars, own)
    elif services == 3:
        _solve(FOUR, 3, flat, scalars, own)
    else:
        _solve(FOUR, 4, flat, scalars, own)
