"""One slot in one call: the three problems and their certificates.

Everything about the slot lies in six arrays, the last three of which receive the solution; in the block that
`slot_exact` takes they follow one another:

- `queues` (3, N, M): backlogs of the local, transmission and edge problems, in cycles, bits, cycles.
- `devices` (4, M) and `scalars` (6,): numbers of the devices, named below, and of the system,
  named in problems.py.
- `rates` (3, N, M): f^l in Hz, r in bit/s, f^e in Hz.
- `results` (8, M) and `summary` (6,): what else is known of the devices and of the slot, named below.

`slot_exact` also takes N, M, and whether the numbers are to be checked. It returns 0; 1, and writes nothing,
if they are to be checked and one is not usual, see few_devices.py, or N is above four: the caller must check
them; and -1 for a block of another size.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.slot.blocks import workspace_size
from lyaopt._kernels.slot.certificate import edge_gap, local_gap, transmit_gap, worse
from lyaopt._kernels.slot.edge import edge_lanes
from lyaopt._kernels.slot.energies import local_energy, local_price, objective, price, transmit_energy
from lyaopt._kernels.slot.few_devices import (
    FEW_SERVICES,
    FewSlot,
    certify_few,
    edge_room,
    few_workspace_size,
    is_usual,
)
from lyaopt._kernels.slot.few_rows import SlotArrays
from lyaopt._kernels.slot.local import local_lanes
from lyaopt._kernels.slot.problems import (
    DELTA,
    EDGE_CAPACITY,
    NOISE,
    SCALARS,
    TAU,
    WEIGHT_LOCAL,
    WEIGHT_TRANSMIT,
    EdgeAllocation,
    EdgeProblem,
    LocalAllocation,
    LocalProblem,
    TransmitAllocation,
    TransmitProblem,
)
from lyaopt._kernels.slot.transmit import transmit_lanes, transmit_workspace_size
from lyaopt._kernels.toolchain.contiguous_views import borrowed_as, view_as
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline

# Rows of `devices`
CPU_CAPACITY, MAX_POWER, GAIN, BANDWIDTH = range(4)
# Rows of `results`
CPU, POWER, LOCAL_NU, TRANSMIT_NU, LOCAL_ENERGY, TRANSMIT_ENERGY, LOCAL_PRICE, RATE_PRICE = range(8)
RESULT_ROWS = 8
# Places of `summary`
EDGE_NU, LOCAL_OBJECTIVE, TRANSMIT_OBJECTIVE, EDGE_OBJECTIVE, RELATIVE_GAP, VIOLATION = range(6)
SUMMARY_PLACES = 6


class Slot(NamedTuple):
    """The six arrays of a slot."""

    queues: Any
    devices: Any
    scalars: Any
    rates: Any
    results: Any
    summary: Any


@inline
def slots_workspace_size(items, devices, slots):
    """Return how many doubles the solvers take for slots of `items` services on each of `devices`."""
    edge = workspace_size(items * devices, slots, False)
    transmit = transmit_workspace_size(items, devices * slots, devices, False)
    return transmit if transmit > edge else edge


@inline
def _local_problem(slot):
    scalars = slot.scalars
    capacity = slot.devices[CPU_CAPACITY]
    return LocalProblem(slot.queues[0], capacity, scalars[TAU], scalars[WEIGHT_LOCAL], scalars[DELTA])


@inline
def _transmit_problem(slot):
    devices, scalars = slot.devices, slot.scalars
    return TransmitProblem(
        slot.queues[1],
        devices[GAIN],
        devices[BANDWIDTH],
        devices[MAX_POWER],
        scalars[TAU],
        scalars[WEIGHT_TRANSMIT],
        scalars[NOISE],
    )


@inline
def _edge_problem(slot):
    services = slot.queues.shape[1] * slot.queues.shape[2]
    queue = view_as(slot.queues[2], (services, 1))
    return EdgeProblem(queue, slot.scalars[EDGE_CAPACITY], slot.scalars[TAU])


@inline
def _fill_energies_and_prices(devices, scalars, results):
    """Fill the other rows of `results` for all devices."""
    tau, delta = scalars[TAU], scalars[DELTA]
    for m in range(devices.shape[1]):
        speed, capacity, nu = results[CPU, m], devices[CPU_CAPACITY, m], results[LOCAL_NU, m]
        results[LOCAL_ENERGY, m] = local_energy(tau, delta, speed)
        results[TRANSMIT_ENERGY, m] = transmit_energy(tau, results[POWER, m])
        results[LOCAL_PRICE, m] = local_price(tau, scalars[WEIGHT_LOCAL] * delta, capacity, speed, nu)
        results[RATE_PRICE, m] = price(tau, results[TRANSMIT_NU, m])


@inline
def certify_slot(slot, problems, allocations, gap_of_local, gap_of_transmit, gap_of_edge):
    """Fill energies, prices and the summary of a slot from what the solvers wrote.

    `problems` and `allocations` are those of Problems 3, 4 and 5, as are the three functions, which are of
    certificate.py or of general_certificate.py.
    """
    results, summary, scalars = slot.results, slot.summary, slot.scalars
    local, transmit, edge = problems
    local_allocation, transmit_allocation, edge_allocation = allocations
    _fill_energies_and_prices(slot.devices, scalars, results)
    gap, edge_gain, violation = gap_of_edge(edge, edge_allocation, 0)
    local_objective = transmit_objective = 0.0
    for m in range(slot.devices.shape[1]):
        local_gap_m, local_gain, local_violation = gap_of_local(local, local_allocation, m, m)
        transmit_gap_m, transmit_gain, transmit_violation = gap_of_transmit(
            transmit, transmit_allocation, m, m
        )
        local_objective += objective(scalars[WEIGHT_LOCAL], results[LOCAL_ENERGY, m], local_gain)
        transmit_objective += objective(scalars[WEIGHT_TRANSMIT], results[TRANSMIT_ENERGY, m], transmit_gain)
        gap = worse(worse(gap, local_gap_m), transmit_gap_m)
        violation = worse(worse(violation, local_violation), transmit_violation)
    summary[LOCAL_OBJECTIVE] = local_objective
    summary[TRANSMIT_OBJECTIVE] = transmit_objective
    summary[EDGE_OBJECTIVE] = -edge_gain
    summary[RELATIVE_GAP] = gap
    summary[VIOLATION] = violation


@inline
def allocations_of(slot):
    """Return the allocations of the three problems, views of the slot's arrays."""
    services = slot.rates.shape[1] * slot.rates.shape[2]
    results = slot.results
    return (
        LocalAllocation(slot.rates[0], results[CPU], results[LOCAL_NU]),
        TransmitAllocation(slot.rates[1], results[POWER], results[TRANSMIT_NU]),
        EdgeAllocation(view_as(slot.rates[2], (services, 1)), slot.summary[EDGE_NU : EDGE_NU + 1]),
    )


@helper
def solve_within(slot, workspace):
    """Solve and certify a `Slot`, in a workspace of `slots_workspace_size` doubles."""
    problems = _local_problem(slot), _transmit_problem(slot), _edge_problem(slot)
    allocations = allocations_of(slot)
    local_lanes(problems[0], allocations[0], workspace)
    transmit_lanes(problems[1], allocations[1], workspace)
    edge_lanes(problems[2], allocations[2], workspace)
    certify_slot(slot, problems, allocations, local_gap, transmit_gap, edge_gap)


@inline
def block_size(services, devices):
    """Return how many doubles a block takes."""
    return services * devices * 6 + (4 + RESULT_ROWS) * devices + SCALARS + SUMMARY_PLACES


@inline
def slot_in(block, services, devices):
    """Return the `Slot` whose arrays follow one another in a block."""
    items = 3 * services * devices
    scalars = items + 4 * devices
    rates = scalars + SCALARS
    results = rates + items
    summary = results + RESULT_ROWS * devices
    return Slot(
        borrowed_as(block[:items], (3, services, devices)),
        borrowed_as(block[items:scalars], (4, devices)),
        borrowed_as(block[scalars:rates], (SCALARS,)),
        borrowed_as(block[rates:results], (3, services, devices)),
        borrowed_as(block[results:summary], (RESULT_ROWS, devices)),
        borrowed_as(block[summary:], (SUMMARY_PLACES,)),
    )


@inline
def _few_slot(slot, workspace, services):
    """Return the `FewSlot` of a `Slot`."""
    queues, devices, rates, results = slot.queues, slot.devices, slot.rates, slot.results
    arrays = SlotArrays(
        (queues[0], queues[1], queues[2]),
        (devices[CPU_CAPACITY], devices[MAX_POWER], devices[GAIN], devices[BANDWIDTH]),
        (rates[0], rates[1], rates[2]),
        (results[CPU], results[POWER], results[LOCAL_NU], results[TRANSMIT_NU]),
    )
    reported = results[LOCAL_ENERGY], results[TRANSMIT_ENERGY], results[LOCAL_PRICE], results[RATE_PRICE]
    end = few_workspace_size(services)
    return FewSlot(arrays, reported, slot.scalars, slot.summary, workspace[:end], workspace[end:])


@helper
def solve_few_within(slot, services, checked):
    """Solve and certify a `Slot` of few services; return 1 if it is checked, and a number is not usual."""
    edge = edge_room(services * slot.devices.shape[1])
    workspace = np.empty(few_workspace_size(services) + edge)
    few = _few_slot(slot, borrowed_as(workspace, (workspace.size,)), services)
    if checked and not is_usual(services, few):
        return 1
    certify_few(services, few)
    return 0


def _slot_exact(block, services, devices, checked):
    if services < 1 or devices < 1 or block.size != block_size(services, devices):
        return -1
    slot = slot_in(block, services, devices)
    if services <= FEW_SERVICES:
        return solve_few_within(slot, services, checked != 0)
    if checked != 0:
        return 1
    solve_within(slot, np.empty(slots_workspace_size(services, devices, 1)))
    return 0


_SIGNATURE = "i8(f8[::1], i8, i8, i8)"
slot_exact = Kernel("slot_exact", _SIGNATURE, _slot_exact)
