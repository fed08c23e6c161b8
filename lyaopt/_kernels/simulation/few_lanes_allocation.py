"""The exact allocation of a slot where a block has few lanes and few services: the lanes are one vector.

Rows of LANES numbers are kept from slot to slot: what is the same in all slots, and what the lanes of a slot
are copied into. Places without a lane are devices that can do nothing. Answers are those of the solvers of
batches bit for bit, see few_lanes.py.
"""

from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.slot.few_devices import FEW_SERVICES
from lyaopt._kernels.slot.few_lanes import (
    Common,
    SlotArrays,
    few_edge_level,
    solve_local_lane,
    solve_transmit_lane,
)
from lyaopt._kernels.slot.local import local_scale
from lyaopt._kernels.slot.primal_recovery import work_served
from lyaopt._kernels.slot.problems import (
    DELTA,
    EDGE_CAPACITY,
    NOISE,
    TAU,
    WEIGHT_LOCAL,
    WEIGHT_TRANSMIT,
)
from lyaopt._kernels.slot.sorting_networks import EIGHT, FOUR, TWO
from lyaopt._kernels.slot.transmit import weighted_noise
from lyaopt._kernels.toolchain.contiguous_views import borrowed_as
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop
from lyaopt._kernels.toolchain.masked_rows import LANES, load_row, store_row

# Rows: four numbers of devices, what a problem takes, numbers that all share, backlogs, rates
_CAPACITY, _MAX_POWER, _GAIN, _BANDWIDTH, _EFFORT, _SHARED, _BACKLOGS = range(7)
_RATES = _BACKLOGS + FEW_SERVICES
_ROWS = _RATES + FEW_SERVICES
FEW_SIZE = (_ROWS + 1) * LANES
"""Doubles of workspace, with which the rows begin where a line of the cache does."""

# Entries of the row of numbers that all share
_TAU, _NOISE, _WEIGHTED_NOISE, _LOCAL_SCALE, _LOCAL_INVERSE, _EDGE_CAPACITY = range(6)


@inline
def has_few(services, lanes):
    """Return whether blocks of so many services and lanes are allocated here."""
    return (services <= FEW_SERVICES) & (lanes <= LANES)


@inline
def _rows_of(workspace):
    """Return the rows in the last `FEW_SIZE` doubles of the workspace."""
    room = workspace[workspace.size - FEW_SIZE :]
    offset = (-(room.ctypes.data // 8)) % LANES
    return borrowed_as(room[offset : offset + _ROWS * LANES], (_ROWS, LANES))


@helper
def prepare_few(scalars, devices, width, workspace):
    """Write what is the same in all slots, given `scalars` (6,) and `devices` (3, M) of a model."""
    rows = _rows_of(workspace)
    rows[:] = 0.0
    rows[_BANDWIDTH, :] = 1.0
    for m in range(devices.shape[1]):
        for t in range(m * width, m * width + width):
            rows[_CAPACITY, t], rows[_MAX_POWER, t], rows[_BANDWIDTH, t] = devices[0, m], devices[1, m], devices[2, m]
    scale = local_scale(scalars[TAU], scalars[WEIGHT_LOCAL], scalars[DELTA])
    shared = rows[_SHARED]
    shared[_TAU], shared[_NOISE] = scalars[TAU], scalars[NOISE]
    shared[_WEIGHTED_NOISE] = weighted_noise(scalars[WEIGHT_TRANSMIT], scalars[NOISE])
    shared[_LOCAL_SCALE], shared[_LOCAL_INVERSE] = scale, 1.0 / scale
    shared[_EDGE_CAPACITY] = scalars[EDGE_CAPACITY]


@inline
def _common(rows):
    shared = rows[_SHARED]
    scales = shared[_LOCAL_SCALE], shared[_LOCAL_INVERSE]
    return Common(shared[_TAU], shared[_NOISE], shared[_WEIGHTED_NOISE], *scales, (0.0, 0.0))


@inline
def _arrays(network, rows):
    """Return the rows as `SlotArrays`, all problems in the same ones."""
    shape = network.size, LANES
    backlogs = borrowed_as(rows[_BACKLOGS : _BACKLOGS + network.size], shape)
    rates = borrowed_as(rows[_RATES : _RATES + network.size], shape)
    devices = rows[_CAPACITY], rows[_MAX_POWER], rows[_GAIN], rows[_BANDWIDTH]
    effort = rows[_EFFORT]
    return SlotArrays((backlogs, backlogs), devices, (rates, rates), (effort, effort))


@lane_loop
def _solve_cpus(network, arrays, common, speeds):
    for t in range(LANES):
        speeds[t] = solve_local_lane(network, arrays, common, t)[0]


@lane_loop
def _solve_radios(network, arrays, common, powers):
    for t in range(LANES):
        powers[t] = solve_transmit_lane(network, arrays, common, t)[0]


@inline
def _solve(stage, network, rows):
    arrays = _arrays(network, rows)
    if stage == LOCAL:
        _solve_cpus(network, arrays, _common(rows), rows[_EFFORT])
    else:
        _solve_radios(network, arrays, _common(rows), rows[_EFFORT])


@inline
def _allocate_stage(stage, backlog, rates, efforts, rows):
    """Solve a problem of devices, for backlogs (N L) in a row."""
    lanes = efforts.size
    services = backlog.size // lanes
    for n in range(services):
        load_row(backlog, n * lanes, lanes, 0.0, rows[_BACKLOGS + n])
    if services <= TWO.size:
        _solve(stage, TWO, rows)
    else:
        _solve(stage, FOUR, rows)
    for n in range(services):
        store_row(rows[_RATES + n], n * lanes, lanes, rates)
    store_row(rows[_EFFORT], 0, lanes, efforts)


@lane_loop
def _serve_edge(backlog, level, tau, rates):
    for i in range(backlog.size):
        rates[i] = work_served(backlog[i], level[0], level[1]) / tau


@inline
def few_at_edge(services, lanes, devices):
    """Return whether the edge of a block is allocated here too: one slot of up to eight items."""
    return (lanes == devices) & (services * lanes <= EIGHT.size)


@inline
def allocate_few_cpus(backlog, allocation, workspace):
    """Solve Problem 3 of the lanes of a block, for backlogs (3, N, L)."""
    shape = (backlog.shape[1] * backlog.shape[2],)
    rates = borrowed_as(allocation.rates[LOCAL], shape)
    _allocate_stage(LOCAL, borrowed_as(backlog[LOCAL], shape), rates, allocation.cpu, _rows_of(workspace))


@inline
def allocate_few_radios(backlog, gain, allocation, workspace):
    """Solve Problem 4 of the lanes of a block, for backlogs (3, N, L) and gains (L,)."""
    rows, shape = _rows_of(workspace), (backlog.shape[1] * backlog.shape[2],)
    rates = borrowed_as(allocation.rates[TRANSMIT], shape)
    load_row(gain, 0, gain.size, 1.0, rows[_GAIN])
    _allocate_stage(TRANSMIT, borrowed_as(backlog[TRANSMIT], shape), rates, allocation.power, rows)


@inline
def allocate_few_at_edge(backlog, allocation, workspace):
    """Solve Problem 5 of a slot, for backlogs (3, N, M)."""
    shared, shape = _rows_of(workspace)[_SHARED], (backlog.shape[1] * backlog.shape[2],)
    items = borrowed_as(backlog[EDGE], shape)
    level = few_edge_level(items, shared[_EDGE_CAPACITY], shared[_TAU])
    _serve_edge(items, level, shared[_TAU], borrowed_as(allocation.rates[EDGE], shape))
