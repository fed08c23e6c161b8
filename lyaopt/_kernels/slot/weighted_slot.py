"""One slot with weights apart from limits, in one call: see one_slot.py and general_problems.py.

`weights` (3, N, M) are those of the local, transmission and edge problems; the queues are the limits.
Energies are cubic and rates are Shannon's: slots with tables are solved as batches of one.
"""

import numpy as np

from lyaopt._kernels.slot.general_blocks import general_workspace_size
from lyaopt._kernels.slot.general_certificate import general_edge_gap, general_local_gap, general_transmit_gap
from lyaopt._kernels.slot.general_edge import general_edge_lanes
from lyaopt._kernels.slot.general_local import general_local_lanes
from lyaopt._kernels.slot.general_transmit import general_transmit_lanes
from lyaopt._kernels.slot.one_slot import (
    BANDWIDTH,
    CPU_CAPACITY,
    GAIN,
    MAX_POWER,
    Slot,
    allocations_of,
    certify_slot,
)
from lyaopt._kernels.slot.system_problems import edge_problem_of, local_problem_of, transmit_problem_of
from lyaopt._kernels.toolchain.aligned_room import aligned_room
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline


@inline
def weighted_workspace_size(items, devices, slots):
    """Return how many doubles the general solvers take for slots of `items` services on each of `devices`."""
    edge = general_workspace_size(items * devices, slots, False)
    other = general_workspace_size(items, devices * slots, False)
    return max(edge, other) + 2 * devices  # kinds of CPUs and radios


@inline
def cubic_problem(items, capacity, scalars, workspace):
    """Return Problem 3 of devices without tables; `items` are (weights, limits), `capacity` is (M,)."""
    kinds = workspace[workspace.size - capacity.size :].view(np.int64)
    kinds[:] = -1
    no_table = view_as(workspace[:0], (0, 1))
    return local_problem_of(items, capacity, scalars, (kinds, no_table, no_table))


@inline
def shannon_problem(items, radio, scalars, workspace):
    """Return Problem 4 of devices without measured radios; `radio` is (gain, bandwidth, largest power)."""
    devices = radio[1].size
    end = workspace.size - devices
    kinds = workspace[end - devices : end].view(np.int64)
    kinds[:] = 0
    return transmit_problem_of(items, radio, scalars, (kinds, workspace[:0], workspace[:0]))


@helper
def solve_weighted_within(weights, slot, workspace):
    """Solve and certify a `Slot` with weights, in a workspace of `weighted_workspace_size` doubles."""
    queues, devices, scalars = slot.queues, slot.devices, slot.scalars
    services = queues.shape[1] * queues.shape[2]
    radio = devices[GAIN], devices[BANDWIDTH], devices[MAX_POWER]
    at_edge = view_as(weights[2], (services, 1)), view_as(queues[2], (services, 1))
    problems = (
        cubic_problem((weights[0], queues[0]), devices[CPU_CAPACITY], scalars, workspace),
        shannon_problem((weights[1], queues[1]), radio, scalars, workspace),
        edge_problem_of(at_edge, scalars),
    )
    allocations = allocations_of(slot)
    general_local_lanes(problems[0], allocations[0], workspace)
    general_transmit_lanes(problems[1], allocations[1], workspace)
    general_edge_lanes(problems[2], allocations[2], workspace)
    certify_slot(slot, problems, allocations, general_local_gap, general_transmit_gap, general_edge_gap)


def _slot_weighted(weights, queues, devices, scalars, rates, results, summary):
    workspace = aligned_room(weighted_workspace_size(queues.shape[1], queues.shape[2], 1))
    slot = Slot(queues, devices, scalars, rates, results, summary)
    solve_weighted_within(weights, slot, workspace)


_SIGNATURE = "void(f8[:,:,::1], f8[:,:,::1], f8[:,::1], f8[::1], f8[:,:,::1], f8[:,::1], f8[::1])"
slot_weighted = Kernel("slot_weighted", _SIGNATURE, _slot_weighted)
