"""One slot of up to four services a device, at the speed of a vector: see few_lanes.py.

Any number of devices is solved, eight at a time. Numbers of services are constants of the compiled code.

Numbers are usual if they are 0 or from 1e-60 to 1e60, and bandwidths, slot length and noise are not 0: no
product of the solvers is then beyond double precision, so that a slot needs no other check. Other slots may
be as valid, and are checked one number after the other by those who know their names.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.slot.blocks import PART, split_workspace, workspace_size
from lyaopt._kernels.slot.certificate_sums import BY_FOUR, BY_TWO
from lyaopt._kernels.slot.edge import edge_items_room, edge_lanes
from lyaopt._kernels.slot.few_certificate import (
    NOTHING,
    REPORT_ROWS,
    REPORTED_ROW,
    Prices,
    certify_few_lanes,
    summary_of,
    worst_with,
)
from lyaopt._kernels.slot.few_lanes import Common, few_edge_level, solve_few_lanes
from lyaopt._kernels.slot.few_rows import (
    borrowed,
    few_rows,
    flat,
    lines_of,
    load_rows_of,
    rows_size,
    store_rows_of,
    unusual_devices,
    unusual_scalars,
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
from lyaopt._kernels.slot.sorting_networks import EIGHT, FOUR
from lyaopt._kernels.slot.transmit import weighted_noise
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import helper, inline
from lyaopt._kernels.toolchain.masked_rows import LANES, store_row

FEW_SERVICES = 4  # the most that are solved here


class FewSlot(NamedTuple):
    """A slot: `SlotArrays`, what is reported of its devices, the scalars of problems.py, and a workspace.

    - `reported`, written: four arrays (M,), local and transmit energy, local price, price of the rate.
    - `summary`, written: (6,), named in one_slot.py.
    - `workspace`: `few_workspace_size` doubles.
    - `edge_workspace`: `edge_room` doubles; nothing for up to eight edge queues.
    """

    arrays: Any
    reported: Any
    scalars: Any
    summary: Any
    workspace: Any
    edge_workspace: Any


@inline
def few_workspace_size(services):
    """Return how many doubles slots of up to `FEW_SERVICES` services take, beside those of the edge."""
    return rows_size(services, FOUR.size) + (REPORT_ROWS + 1) * LANES


@inline
def edge_room(items):
    """Return how many doubles `edge_workspace` takes."""
    return workspace_size(items, 1, False) + 1


@helper
def _many_edge_level(queue, edge_cpu, capacity, tau, workspace):
    """Return (threshold, part) of Problem 5 with more than eight items, from the solver of batches."""
    items = queue.size
    nu = workspace[:1]
    lane = EdgeAllocation(view_as(edge_cpu, (items, 1)), nu)
    edge_lanes(EdgeProblem(view_as(queue, (items, 1)), capacity, tau), lane, workspace[1:])
    block, _ = split_workspace(workspace[1:], edge_items_room(items), 1, False)
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
def _prices(scalars, edge):
    tau, delta, noise = scalars[TAU], scalars[DELTA], scalars[NOISE]
    return Prices(tau, scalars[WEIGHT_LOCAL], scalars[WEIGHT_TRANSMIT], delta, noise, edge[0])


@inline
def _rows_of(adding, services, slot):
    return few_rows(adding.network.size, services, slot.workspace)


@inline
def _find_unusual(adding, services, slot):
    """Return a number that is 0 if all numbers are usual."""
    devices = slot.arrays.devices[0].size
    unusual = unusual_scalars(slot.scalars)
    for first in range(0, devices, LANES):
        unusual |= unusual_devices(services, slot.arrays, first, min(LANES, devices - first))
    return unusual


@inline
def _solve(adding, services, slot):
    arrays, rows = slot.arrays, _rows_of(adding, services, slot)
    common = _common(slot.scalars, _edge_level(arrays, slot.scalars, slot.edge_workspace))
    devices = arrays.devices[0].size
    for first in range(0, devices, LANES):
        count = min(LANES, devices - first)
        load_rows_of(services, arrays, first, count, rows)
        solve_few_lanes(adding.network, rows, common)
        store_rows_of(services, rows, first, count, arrays)
    return 0


@inline
def _store_report(report, first, count, reported):
    energies, sent, prices, rate_prices = reported
    store_row(report[REPORTED_ROW], first, count, energies)
    store_row(report[REPORTED_ROW + 1], first, count, sent)
    store_row(report[REPORTED_ROW + 2], first, count, prices)
    store_row(report[REPORTED_ROW + 3], first, count, rate_prices)


@inline
def _certify(adding, services, slot):
    arrays, scalars, rows = slot.arrays, slot.scalars, _rows_of(adding, services, slot)
    edge = _edge_level(arrays, scalars, slot.edge_workspace)
    common, prices = _common(scalars, edge), _prices(scalars, edge)
    devices = arrays.devices[0].size
    report = lines_of(slot.workspace[rows_size(services, adding.network.size) :], REPORT_ROWS)
    worst = NOTHING
    for first in range(0, devices, LANES):
        count = min(LANES, devices - first)
        load_rows_of(services, arrays, first, count, rows)
        solve_few_lanes(adding.network, rows, common)
        certify_few_lanes(adding, rows, prices, count, report)
        worst = worst_with(worst, rows, report, count, prices.tau)
        store_rows_of(services, rows, first, count, arrays)
        _store_report(report, first, count, slot.reported)
    slot.summary[0] = edge[0]
    slot.summary[1:6] = summary_of(worst, prices, scalars[EDGE_CAPACITY])
    return 0


@inline
def _for_services(act, services, slot):
    """Return what ``act(adding, services, slot)`` returns, compiled for each number of services."""
    own, edge = flat(slot.workspace), flat(slot.edge_workspace)
    known = FewSlot(borrowed(slot.arrays), slot.reported, slot.scalars, slot.summary, own, edge)
    if services == 1:
        return act(BY_TWO, 1, known)
    if services == 2:
        return act(BY_TWO, 2, known)
    if services == 3:
        return act(BY_FOUR, 3, known)
    return act(BY_FOUR, 4, known)


@inline
def solve_few(services, slot):
    """Solve a `FewSlot` of 1 to `FEW_SERVICES` services a device, without a report or summary."""
    _for_services(_solve, services, slot)


@inline
def certify_few(services, slot):
    """Solve and certify a `FewSlot` of 1 to `FEW_SERVICES` services a device."""
    _for_services(_certify, services, slot)


@inline
def is_usual(services, slot):
    """Return whether all numbers of a `FewSlot` are usual."""
    return _for_services(_find_unusual, services, slot) == 0
