"""The exact allocation of a slot by weights, of those lanes only in which something waits.

It is that of weighted_allocation.py. Where most queues are empty, the problems of the other lanes are copied
side by side and solved; devices that share their spectrum are solved together.
"""

import numpy as np

from lyaopt._kernels.simulation.exact_allocation import (
    BANDWIDTH,
    CPU_CAPACITY,
    MAX_POWER,
    SELECT,
    SORT,
)
from lyaopt._kernels.simulation.measured_energies import has_measured, has_slopes, has_tables
from lyaopt._kernels.simulation.shared_transmission import transmit_on_shared_spectrum
from lyaopt._kernels.simulation.sums import zero
from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.simulation.weighted_allocation import weighted_workspace_size
from lyaopt._kernels.slot.general_edge import general_edge_lanes, general_edge_lanes_many
from lyaopt._kernels.slot.general_local import general_local_lanes, general_local_lanes_many
from lyaopt._kernels.slot.general_transmit import general_transmit_lanes, general_transmit_lanes_many
from lyaopt._kernels.slot.problems import EdgeAllocation, LocalAllocation, TransmitAllocation
from lyaopt._kernels.slot.system_problems import edge_problem_of, local_problem_of, transmit_problem_of
from lyaopt._kernels.toolchain.aligned_room import aligned_room
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper, inline

# Rows of L doubles for copies: lanes, what devices differ in, totals and multipliers
_LANES, _FIRST, _SECOND, _GAIN, _TOTAL, _MULTIPLIER, _RATE, _WATTS, _KIND = range(9)
_ROWS = 9
_TABLES = 3  # of N L: weights, limits and rates
_VECTOR = 8  # lanes that are solved side by side


@helper
def busy_workspace_size(model, services, devices, width):
    """Return how many doubles of workspace `allocate_busy_lanes` takes."""
    solvers = weighted_workspace_size(model, services, devices, width)
    return solvers + (_TABLES * services + _ROWS) * devices * width


@helper
def busy_workspace(model, services, devices, width):
    """Return the workspace of `allocate_busy_lanes`."""
    return aligned_room(busy_workspace_size(model, services, devices, width))


@helper
def _list_busy(limits, lanes):
    """Write the lanes of `limits` (N, L) that hold work; return how many they are."""
    count = 0
    for lane in range(limits.shape[1]):
        busy = False
        for n in range(limits.shape[0]):
            busy |= limits[n, lane] > 0.0
        lanes[count] = lane
        count += 1 if busy else 0
    return count


@inline
def _padded(count, most, vector, lanes):
    """Return how many of at most `most` problems to solve, whole vectors of them; the first one fills up."""
    padded = min(most, -(-count // vector) * vector)
    for i in range(count, padded):
        lanes[i] = lanes[0]
    return padded


@helper
def _take(values, lanes, count, copy):
    """Copy the columns of some lanes (N, L) side by side (N, count)."""
    for n in range(values.shape[0]):
        for i in range(count):
            copy[n, i] = values[n, int(lanes[i])]


@helper
def _put(copy, lanes, count, values):
    """Write columns back; the others are 0."""
    for n in range(values.shape[0]):
        zero(values[n])
        for i in range(count):
            values[n, int(lanes[i])] = copy[n, i]


@helper
def _put_row(copy, lanes, count, values):
    zero(values)
    for i in range(count):
        values[int(lanes[i])] = copy[i]


@helper
def _by_device(values, lanes, count, width, copy):
    """Copy what some lanes have of their devices (M,)."""
    for i in range(count):
        copy[i] = values[int(lanes[i]) // width]


@inline
def _table(number, items, count, room):
    """Return one of the tables of copies."""
    size = room.size // _TABLES
    return view_as(room[number * size : number * size + items * count], (items, count))


@helper
def _allocate_cpus(backlog, weights, model, allocation, rows, room, workspace):
    scalars, devices, laws = model.scalars, model.devices, model.laws
    services, lanes = backlog.shape
    listed = rows[_LANES]
    count = _list_busy(backlog, listed)
    solved = _padded(count, lanes, 1 if model.method == SELECT else _VECTOR, listed)
    copies = _table(0, services, solved, room), _table(1, services, solved, room)
    rate = _table(2, services, solved, room)
    _take(weights, listed, solved, copies[0])
    _take(backlog, listed, solved, copies[1])
    _by_device(devices[CPU_CAPACITY], listed, solved, lanes // devices.shape[1], rows[_FIRST])
    curve = laws.curve[:1]
    if has_tables(laws):
        curve = rows[_KIND].view(np.int64)[:solved]
        _by_device(laws.curve, listed, solved, lanes // devices.shape[1], curve)
    curves = curve, laws.curve_hz, laws.curve_slope
    problem = local_problem_of(copies, rows[_FIRST, :solved], scalars, curves)
    found = LocalAllocation(rate, rows[_TOTAL, :solved], rows[_MULTIPLIER, :solved])
    if count > 0 and model.method == SELECT:
        general_local_lanes_many(problem, found, workspace)
    elif count > 0:
        general_local_lanes(problem, found, workspace)
    _put(rate, listed, count, allocation.rates[LOCAL])
    _put_row(found.total, listed, count, allocation.cpu)


@helper
def _allocate_radios(backlog, weights, gain, model, allocation, rows, room, workspace):
    scalars, devices, laws = model.scalars, model.devices, model.laws
    services, lanes = backlog.shape
    listed = rows[_LANES]
    count = _list_busy(backlog, listed)
    solved = _padded(count, lanes, 1 if model.method == SELECT else _VECTOR, listed)
    copies = _table(0, services, solved, room), _table(1, services, solved, room)
    rate, width = _table(2, services, solved, room), lanes // devices.shape[1]
    _take(weights, listed, solved, copies[0])
    _take(backlog, listed, solved, copies[1])
    _by_device(devices[BANDWIDTH], listed, solved, width, rows[_FIRST])
    _by_device(devices[MAX_POWER], listed, solved, width, rows[_SECOND])
    for i in range(solved):
        rows[_GAIN, i] = gain[int(listed[i])]
    radio = rows[_GAIN, :solved], rows[_FIRST, :solved], rows[_SECOND, :solved]
    measured = laws.measured[:1], gain[:0], gain[:0]
    if has_measured(laws):
        measured = rows[_KIND].view(np.int64)[:solved], rows[_RATE, :solved], rows[_WATTS, :solved]
        _by_device(laws.measured, listed, solved, width, measured[0])
        _by_device(laws.rate, listed, solved, width, measured[1])
        _by_device(laws.watts, listed, solved, width, measured[2])
        for i in range(solved):
            measured[1][i] *= rows[_GAIN, i]
        if has_slopes(laws):
            for i in range(solved):
                measured[2][i] += laws.slope[int(listed[i]) // width] * measured[1][i]
    problem = transmit_problem_of(copies, radio, scalars, measured)
    found = TransmitAllocation(rate, rows[_TOTAL, :solved], rows[_MULTIPLIER, :solved])
    if count > 0 and model.method == SELECT:
        general_transmit_lanes_many(problem, found, workspace)
    elif count > 0:
        general_transmit_lanes(problem, found, workspace)
    _put(rate, listed, count, allocation.rates[TRANSMIT])
    _put_row(found.power, listed, count, allocation.power)


@helper
def _allocate_edge(backlog, weights, model, allocation, rows, room, workspace):
    """Of whole replications: `backlog` and `weights` are (N M, width)."""
    listed, items = rows[_LANES], backlog.shape[0]
    rates = view_as(allocation.rates[EDGE], backlog.shape)
    count = _list_busy(backlog, listed)
    solved = _padded(count, backlog.shape[1], _VECTOR if model.method == SORT else 1, listed)
    copies = _table(0, items, solved, room), _table(1, items, solved, room)
    rate = _table(2, items, solved, room)
    _take(weights, listed, solved, copies[0])
    _take(backlog, listed, solved, copies[1])
    problem = edge_problem_of(copies, model.scalars)
    found = EdgeAllocation(rate, rows[_MULTIPLIER, :solved])
    if count > 0 and model.method == SORT:
        general_edge_lanes(problem, found, workspace)
    elif count > 0:
        general_edge_lanes_many(problem, found, workspace)
    _put(rate, listed, count, rates)


@helper
def _share_spectrum(backlog, weights, gain, model, allocation, workspace):
    """Solve the radios of all lanes, whose devices share their bandwidths."""
    radio = gain, model.devices[BANDWIDTH], model.devices[MAX_POWER]
    measured = model.laws.measured, gain[:0], gain[:0]
    problem = transmit_problem_of((weights, backlog), radio, model.scalars, measured)
    found = TransmitAllocation(allocation.rates[TRANSMIT], allocation.power, allocation.multiplier)
    transmit_on_shared_spectrum(problem, found, workspace)


@helper
def _serve_radios(backlog, weights, gain, model, allocation, rows, room, workspace):
    """Solve Problem 4 of radios by themselves, of radios that share their spectrum, or of both."""
    if model.laws.shared == 0 or has_measured(model.laws):
        _allocate_radios(backlog, weights, gain, model, allocation, rows, room, workspace)
    if model.laws.shared != 0:  # measured radios take no part
        _share_spectrum(backlog, weights, gain, model, allocation, workspace)


@helper
def allocate_busy_lanes(backlog, weights, gain, model, queued, allocation, workspace):
    """Solve the problems of a slot for backlogs and weights (3, N, L) and gains (L,) of a block.

    Stages in which no queue is `queued` (3,) are left out.
    """
    _, services, lanes = backlog.shape
    start = workspace.size - (_TABLES * services + _ROWS) * lanes
    rows = view_as(workspace[start : start + _ROWS * lanes], (_ROWS, lanes))
    room = workspace[start + _ROWS * lanes :]
    solvers = workspace[:start]
    if queued[LOCAL] > 0:
        _allocate_cpus(backlog[LOCAL], weights[LOCAL], model, allocation, rows, room, solvers)
    if queued[TRANSMIT] > 0:
        bits, prices = backlog[TRANSMIT], weights[TRANSMIT]
        _serve_radios(bits, prices, gain, model, allocation, rows, room, solvers)
    if queued[EDGE] > 0:
        shape = services * model.devices.shape[1], lanes // model.devices.shape[1]
        edge, weight = view_as(backlog[EDGE], shape), view_as(weights[EDGE], shape)
        _allocate_edge(edge, weight, model, allocation, rows, room, solvers)
