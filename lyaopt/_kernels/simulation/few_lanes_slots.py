"""The slots of a block of few lanes and few services: the lanes are those of one vector.

The loops of slot_loop.py over four lanes would run number by number. Here what a slot reads and writes is in
the rows of lane_rows.py. Tasks move in the arrays of the state, as elsewhere. Results are those of
slot_loop.py bit for bit.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.exact_allocation import (
    SORT,
    Allocation,
    allocate_edge,
    allocation_workspace_size,
)
from lyaopt._kernels.simulation.lane_rows import (
    BANDWIDTH_ROW,
    CAPACITY_ROW,
    GAIN_ROW,
    MAX_POWER_ROW,
    ROWS_SIZE,
    amount_tables,
    few_lanes_of,
    few_queues,
    load_state,
    load_sums,
    store_state,
    store_sums,
    store_tables,
)
from lyaopt._kernels.simulation.periods import close_period, end_of_period, open_period
from lyaopt._kernels.simulation.serve_queues import (
    Queue,
    add_devices,
    count_queued,
    mark_arrivals,
    rest_stages,
    serve_lane,
    serve_lanes,
)
from lyaopt._kernels.simulation.state_types import BACKLOG, BEHIND, HEAD, LOST, POWER, SPEED
from lyaopt._kernels.simulation.sums import BACKLOGS, RATES, flat
from lyaopt._kernels.simulation.task_moves import move_tasks
from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.slot.few_devices import FEW_SERVICES
from lyaopt._kernels.slot.few_lanes import (
    Common,
    few_edge_level,
    solve_local_lane,
    solve_transmit_lane,
)
from lyaopt._kernels.slot.few_rows import SlotArrays
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
from lyaopt._kernels.toolchain.contiguous_views import borrowed
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop
from lyaopt._kernels.toolchain.masked_rows import LANES, load_row, store_row


@helper
def few_workspace(model, services, devices, width):
    """Return the workspace of `allocate_exactly` and of `run_few`."""
    return np.zeros(allocation_workspace_size(model, services, devices, width) + ROWS_SIZE)


@inline
def is_few(model, state, record):
    """Return whether `run_few` simulates the slots of such a block."""
    _, services, lanes = state.points.shape
    few = (services <= FEW_SERVICES) & (lanes <= LANES)
    return few & (model.method == SORT) & (record.services.shape[1] == 0)


@inline
def _common(scalars):
    scale = local_scale(scalars[TAU], scalars[WEIGHT_LOCAL], scalars[DELTA])
    paid = weighted_noise(scalars[WEIGHT_TRANSMIT], scalars[NOISE])
    return Common(scalars[TAU], scalars[NOISE], paid, scale, 1.0 / scale, (0.0, 0.0))


class _Stage(NamedTuple):
    """Rows of a stage: those of services (S, LANES), then notes and effort (LANES,)."""

    backlog: Any
    head: Any
    behind: Any
    lost: Any
    rates: Any
    backlog_sums: Any
    rate_sums: Any
    due: Any
    before: Any
    after: Any
    effort: Any


@inline
def _stage_of(stage, effort, few):
    amounts, notes = few.amounts, few.notes
    return _Stage(
        amounts[BACKLOG, stage],
        amounts[HEAD, stage],
        amounts[BEHIND, stage],
        amounts[LOST, stage],
        few.rates[stage],
        few.service_sums[BACKLOGS + stage],
        few.service_sums[RATES + stage],
        notes.due,
        notes.before[stage],
        notes.after[stage],
        effort,
    )


@inline
def _serve_at(t, n, rows, tau):
    """Serve a queue of a lane at its rate."""
    queue = Queue(rows.backlog[n], rows.head[n], rows.behind[n], rows.lost[n])
    notes, sums = (rows.due, rows.before, rows.after), (rows.backlog_sums[n], rows.rate_sums[n])
    return serve_lane(t, queue, rows.rates[n], tau, n == 0, notes, sums)


@lane_loop
def _run_devices(solve, network, common, devices, rows):
    """Solve Problem 3 or 4 and serve its queues; return how many of them have tasks that are done."""
    moving = 0
    queues, rates = (rows.backlog, rows.backlog), (rows.rates, rows.rates)
    arrays = SlotArrays(queues, devices, rates, ())
    for t in range(LANES):
        rows.effort[t] = solve(network, arrays, common, t)[0]
        for n in range(network.size):
            moving += 1 if _serve_at(t, n, rows, common.tau) else 0
    return moving


@inline
def _run_stage(stage, solve, services, common, few):
    rows = _stage_of(stage, few.efforts[SPEED if stage == LOCAL else POWER], few)
    numbers = few.devices
    devices = numbers[CAPACITY_ROW], numbers[MAX_POWER_ROW], numbers[GAIN_ROW], numbers[BANDWIDTH_ROW]
    if services <= TWO.size:
        return _run_devices(solve, TWO, common, devices, rows)
    return _run_devices(solve, FOUR, common, devices, rows)


@lane_loop
def _set_rates(backlog, level, tau, rates):
    for t in range(LANES):
        rates[t] = work_served(backlog[t], level[0], level[1]) / tau


@inline
def _share_edge(b, model, state, few, workspace):
    """Write the rates at the edge: of one slot of up to eight items here, else by the solver of batches."""
    _, services, lanes = state.points.shape
    backlog, tau = few.amounts[BACKLOG, EDGE], model.scalars[TAU]
    if services * lanes <= EIGHT.size and lanes == model.devices.shape[1]:
        for n in range(services):
            store_row(backlog[n], n * lanes, lanes, few.edge_items)
        level = few_edge_level(few.edge_items[: services * lanes], model.scalars[EDGE_CAPACITY], tau)
        for n in range(services):
            _set_rates(backlog[n], level, tau, few.rates[EDGE, n])
        return
    store_tables(amount_tables(few), services, lanes, flat(state.queue_amounts[b]))
    found = Allocation(state.rates[b], state.efforts[b, SPEED], state.efforts[b, POWER], few.edge_items)
    allocate_edge(state.queue_amounts[b, BACKLOG], model, found, workspace)
    for n in range(services):
        load_row(flat(state.rates[b, EDGE]), n * lanes, lanes, 0.0, few.rates[EDGE, n])


@inline
def _run_edge(b, model, state, queues, few, workspace):
    _share_edge(b, model, state, few, workspace)
    moving = 0
    for n in range(state.points.shape[1]):
        backlog, head, behind, lost, _, _, _, _, _, _ = queues
        queue = Queue(backlog[EDGE, n], head[EDGE, n], behind[EDGE, n], lost[EDGE, n])
        notes = few.notes.due, few.notes.before[EDGE], few.notes.after[EDGE]
        summed = few.service_sums[BACKLOGS + EDGE, n], few.service_sums[RATES + EDGE, n]
        moving += serve_lanes(queue, few.rates[EDGE, n], model.scalars[TAU], n == 0, notes, summed)
    return moving


@inline
def _run_slot(b, gain, common, model, state, queues, few, workspace):
    """Solve the problems of a slot and serve its queues; return how many of them have tasks that are done."""
    services, queued, moving = state.points.shape[1], few.notes.queued, 0
    cpu, power, notes = few.efforts[SPEED], few.efforts[POWER], few.notes
    rest_stages(Allocation(few.rates, cpu, power, few.edge_items), notes)
    if queued[LOCAL] > 0:
        moving += _run_stage(LOCAL, solve_local_lane, services, common, few)
    if queued[TRANSMIT] > 0:
        load_row(gain, 0, gain.size, 1.0, few.devices[GAIN_ROW])
        moving += _run_stage(TRANSMIT, solve_transmit_lane, services, common, few)
    if queued[EDGE] > 0:
        moving += _run_edge(b, model, state, queues, few, workspace)
    if queued[LOCAL] + queued[TRANSMIT] > 0:
        scales, h = (common.tau, model.scalars[DELTA]), few.devices[GAIN_ROW]
        # LANES, but the compiler does not know: a short loop of known length is taken apart into numbers
        whole = gain.size + (-gain.size) % LANES
        add_devices(cpu[:whole], power, h, scales, notes.before, notes.after, notes.limits, few.device_sums)
    return moving


@helper
def run_few(at, span, model, plan, state, tasks, room):
    """Simulate the slots of `at` (block, first, stop) of a block for which `is_few` holds."""
    model, plan, state, tasks, room = borrowed((model, plan, state, tasks, room))
    (b, begin, end), inputs, few = at, room.inputs, few_lanes_of(room)
    common, queues = _common(model.scalars), few_queues(b, state, few)
    load_state(b, model, state, few)
    first = begin
    while first < end:
        last = end_of_period(first, end, span)
        open_period(b, first, span, plan, state)
        load_sums(b, state, few)
        for slot in range(first, last):
            new = inputs.arrivals[slot - begin]
            moving = _run_slot(
                b, inputs.gain[slot - begin], common, model, state, queues, few, room.workspace
            )
            if inputs.coming[slot - begin] > 0:
                mark_arrivals(new, few.notes.due)
                moving += 1
            if moving > 0:
                move_tasks(b, slot, new, few.rates, few.notes.due, model, queues, tasks)
                count_queued(queues, few.notes)
        store_sums(b, state, few)
        close_period(b, last, span, inputs.gain[first - begin : last - begin], state)
        first = last
    store_state(b, state, few)
