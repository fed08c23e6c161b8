"""What the C library calls: sizes and pointers in, a status out, nothing allocated.

capi/lyaopt.c checks its arguments and lays them out as one_slot.py describes. Each entry takes the numbers of
services N a device, of devices M and, for batches, of slots B, and an array of pointers in the order named
here; lyaopt.c keeps the same order. Lanes of any number of items are sorted: selection, which is faster
beyond some hundreds of items, allocates memory.
"""

from numba import carray

from lyaopt._kernels.slot.edge import edge_lanes
from lyaopt._kernels.slot.local import local_lanes
from lyaopt._kernels.slot.one_slot import (
    RESULT_ROWS,
    SUMMARY_PLACES,
    Slot,
    slots_workspace_size,
    solve_within,
)
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
from lyaopt._kernels.slot.transmit import transmit_lanes
from lyaopt._kernels.toolchain.jit import C_ENTRIES, inline


def _workspace(services, devices, slots):
    return slots_workspace_size(services, devices, slots)


@inline
def _workspace_of(pointer, services, devices, slots):
    return carray(pointer, (slots_workspace_size(services, devices, slots),))


def _slot(services, devices, pointers):
    """Pointers: queues, devices, scalars, rates, results, summary, workspace."""
    slot = Slot(
        carray(pointers[0], (3, services, devices)),
        carray(pointers[1], (4, devices)),
        carray(pointers[2], (SCALARS,)),
        carray(pointers[3], (3, services, devices)),
        carray(pointers[4], (RESULT_ROWS, devices)),
        carray(pointers[5], (SUMMARY_PLACES,)),
    )
    solve_within(slot, _workspace_of(pointers[6], services, devices, 1))
    return 0


def _local(services, devices, slots, pointers):
    """Pointers: scalars, queue, capacity, cpu, total, multiplier, workspace."""
    lane_count = devices * slots
    scalars = carray(pointers[0], (SCALARS,))
    local_lanes(
        LocalProblem(
            carray(pointers[1], (services, lane_count)),
            carray(pointers[2], (devices,)),
            scalars[TAU],
            scalars[WEIGHT_LOCAL],
            scalars[DELTA],
        ),
        LocalAllocation(
            carray(pointers[3], (services, lane_count)),
            carray(pointers[4], (lane_count,)),
            carray(pointers[5], (lane_count,)),
        ),
        _workspace_of(pointers[6], services, devices, slots),
    )
    return 0


def _transmit(services, devices, slots, pointers):
    """Pointers: scalars, queue, gain, bandwidth, max_power, rate, power, multiplier, workspace."""
    lane_count = devices * slots
    scalars = carray(pointers[0], (SCALARS,))
    transmit_lanes(
        TransmitProblem(
            carray(pointers[1], (services, lane_count)),
            carray(pointers[2], (lane_count,)),
            carray(pointers[3], (devices,)),
            carray(pointers[4], (devices,)),
            scalars[TAU],
            scalars[WEIGHT_TRANSMIT],
            scalars[NOISE],
        ),
        TransmitAllocation(
            carray(pointers[5], (services, lane_count)),
            carray(pointers[6], (lane_count,)),
            carray(pointers[7], (lane_count,)),
        ),
        _workspace_of(pointers[8], services, devices, slots),
    )
    return 0


def _edge(services, devices, slots, pointers):
    """Pointers: scalars, queue, cpu, multiplier, workspace."""
    items = services * devices
    scalars = carray(pointers[0], (SCALARS,))
    edge_lanes(
        EdgeProblem(carray(pointers[1], (items, slots)), scalars[EDGE_CAPACITY], scalars[TAU]),
        EdgeAllocation(carray(pointers[2], (items, slots)), carray(pointers[3], (slots,))),
        _workspace_of(pointers[4], services, devices, slots),
    )
    return 0


_SIZES = {2: "int64, int64", 3: "int64, int64, int64"}
_POINTERS = "CPointer(CPointer(float64))"
C_ENTRIES |= {
    "lyaopt_kernel_workspace": (f"int64({_SIZES[3]})", _workspace),
    "lyaopt_kernel_slot": (f"int64({_SIZES[2]}, {_POINTERS})", _slot),
    "lyaopt_kernel_local": (f"int64({_SIZES[3]}, {_POINTERS})", _local),
    "lyaopt_kernel_transmit": (f"int64({_SIZES[3]}, {_POINTERS})", _transmit),
    "lyaopt_kernel_edge": (f"int64({_SIZES[3]}, {_POINTERS})", _edge),
}
