"""Everything about a block of few lanes in rows of LANES numbers, one after the other in memory.

Loops over rows have a constant length, and all rows one address: nothing is looked up. Places without a lane
are devices that can do nothing, with empty queues.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.simulation.exact_allocation import BANDWIDTH, CPU_CAPACITY, MAX_POWER
from lyaopt._kernels.simulation.serve_queues import SlotNotes, count_queued
from lyaopt._kernels.simulation.state_types import (
    BACKLOG,
    BEHIND,
    EFFORTS,
    HEAD,
    LOST,
    POWER,
    QUEUE_AMOUNTS,
    SPEED,
    Queues,
    queues_of,
)
from lyaopt._kernels.simulation.sums import DEVICE_SUMS, GAIN, PRESENT, SERVICE_SUMS, flat
from lyaopt._kernels.simulation.task_queues import STAGES
from lyaopt._kernels.slot.few_devices import FEW_SERVICES
from lyaopt._kernels.toolchain.contiguous_views import borrowed_as
from lyaopt._kernels.toolchain.jit import helper, inline
from lyaopt._kernels.toolchain.masked_rows import LANES, load_row, store_row

# Rows of `devices`: the first two are the limits of SlotNotes
CAPACITY_ROW, MAX_POWER_ROW, GAIN_ROW, BANDWIDTH_ROW = range(4)
_DEVICE_ROWS = 4

# Where each table of rows begins
_AMOUNTS = 0
_RATES = _AMOUNTS + QUEUE_AMOUNTS * STAGES * FEW_SERVICES
_SERVICE_SUMS = _RATES + STAGES * FEW_SERVICES
_DEVICE_SUMS = _SERVICE_SUMS + SERVICE_SUMS * FEW_SERVICES
_EFFORTS = _DEVICE_SUMS + DEVICE_SUMS
_DEVICES = _EFFORTS + EFFORTS
_BEFORE = _DEVICES + _DEVICE_ROWS
_AFTER = _BEFORE + STAGES
_DUE = _AFTER + STAGES
_EDGE_ITEMS = _DUE + 1
_ROWS = _EDGE_ITEMS + 1
ROWS_SIZE = (_ROWS + 1) * LANES  # with which the rows begin where a line of the cache does


class FewLanes(NamedTuple):
    """Rows of LANES numbers, of up to S = FEW_SERVICES services.

    - `amounts` (4, 3, S, LANES), `rates` (3, S, LANES), `efforts` (4, LANES): as in a state, but without
      measured radios.
    - `service_sums` (6, S, LANES), `device_sums` (8, LANES): sums of the period, without gains.
    - `devices` (4, LANES): F^l, pmax, h and b_w.
    - `notes`: SlotNotes.
    - `edge_items` (LANES,): backlogs at the edge, one after the other.
    """

    amounts: Any
    rates: Any
    service_sums: Any
    device_sums: Any
    efforts: Any
    devices: Any
    notes: Any
    edge_items: Any


@inline
def few_lanes_of(room):
    """Return the rows of the block in a `Room` of slot_loop.py, at the end of its workspace."""
    end = room.workspace[room.workspace.size - ROWS_SIZE :]
    offset = (-(end.ctypes.data // 8)) % LANES
    rows = borrowed_as(end[offset : offset + _ROWS * LANES], (_ROWS, LANES))
    devices = rows[_DEVICES:_BEFORE]
    notes = SlotNotes(
        rows[_DUE], rows[_BEFORE:_AFTER], rows[_AFTER:_DUE], devices, room.notes.queued, room.notes.idle
    )
    return FewLanes(
        borrowed_as(rows[_AMOUNTS:_RATES], (QUEUE_AMOUNTS, STAGES, FEW_SERVICES, LANES)),
        borrowed_as(rows[_RATES:_SERVICE_SUMS], (STAGES, FEW_SERVICES, LANES)),
        borrowed_as(rows[_SERVICE_SUMS:_DEVICE_SUMS], (SERVICE_SUMS, FEW_SERVICES, LANES)),
        borrowed_as(rows[_DEVICE_SUMS:_EFFORTS], (DEVICE_SUMS, LANES)),
        borrowed_as(rows[_EFFORTS:_DEVICES], (EFFORTS, LANES)),
        borrowed_as(devices, (_DEVICE_ROWS, LANES)),
        notes,
        rows[_EDGE_ITEMS],
    )


@inline
def load_tables(values, services, lanes, tables):
    """Copy numbers of services (k, N, L), in a row, into tables (k, S, LANES)."""
    for i in range(tables.shape[0]):
        for n in range(services):
            load_row(values, (i * services + n) * lanes, lanes, 0.0, tables[i, n])


@inline
def store_tables(tables, services, lanes, values):
    """Copy tables (k, S, LANES) to numbers of services (k, N, L), in a row."""
    for i in range(tables.shape[0]):
        for n in range(services):
            store_row(tables[i, n], (i * services + n) * lanes, lanes, values)


@inline
def amount_tables(few):
    """Return the amounts as tables (12, S, LANES)."""
    return borrowed_as(few.amounts, (QUEUE_AMOUNTS * STAGES, FEW_SERVICES, LANES))


@helper
def load_state(b, model, state, few):
    """Copy what the lanes of a block are and what waits in them into the rows."""
    _, services, lanes = state.points.shape
    devices, width = model.devices, lanes // model.devices.shape[1]
    few.devices[:] = 0.0
    few.devices[BANDWIDTH_ROW, :] = 1.0
    for t in range(lanes):
        few.devices[CAPACITY_ROW, t] = devices[CPU_CAPACITY, t // width]
        few.devices[MAX_POWER_ROW, t] = devices[MAX_POWER, t // width]
        few.devices[BANDWIDTH_ROW, t] = devices[BANDWIDTH, t // width]
    few.notes.due[:] = 0.0
    few.notes.idle[:] = 0
    load_tables(flat(state.queue_amounts[b]), services, lanes, amount_tables(few))
    count_queued(queues_of(state, b), few.notes)


@helper
def store_state(b, state, few):
    """Copy what waits, and what was allocated in the last slot, back into the state."""
    _, services, lanes = state.points.shape
    store_tables(amount_tables(few), services, lanes, flat(state.queue_amounts[b]))
    store_tables(few.rates, services, lanes, flat(state.rates[b]))
    store_row(few.efforts[SPEED], 0, lanes, state.efforts[b, SPEED])
    store_row(few.efforts[POWER], 0, lanes, state.efforts[b, POWER])


@helper
def load_sums(b, state, few):
    """Copy the sums of the present period into the rows."""
    _, services, lanes = state.points.shape
    load_tables(flat(state.sums.services[b, PRESENT]), services, lanes, few.service_sums)
    for i in range(DEVICE_SUMS):
        load_row(state.sums.devices[b, PRESENT, i], 0, lanes, 0.0, few.device_sums[i])


@helper
def store_sums(b, state, few):
    """Copy the sums of the present period back into the state, except those of gains."""
    _, services, lanes = state.points.shape
    store_tables(few.service_sums, services, lanes, flat(state.sums.services[b, PRESENT]))
    for i in range(DEVICE_SUMS):
        if i != GAIN:
            store_row(few.device_sums[i], 0, lanes, state.sums.devices[b, PRESENT, i])


@inline
def few_queues(b, state, few):
    """Return the queues of a block, with their amounts in the rows."""
    kept, amounts = queues_of(state, b), few.amounts
    return Queues(
        amounts[BACKLOG],
        amounts[HEAD],
        amounts[BEHIND],
        amounts[LOST],
        kept.first,
        kept.last,
        kept.waiting,
        kept.born,
        kept.completed,
        kept.points,
    )
