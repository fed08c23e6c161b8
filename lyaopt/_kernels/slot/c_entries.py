"""What the C library calls: sizes and pointers in, a status out, nothing allocated.

capi/lyaopt.c checks its arguments and lays them out as one_slot.py describes. Each entry takes the numbers of
services N a device, of devices M and, for batches, of slots B, and an array of pointers in the order named
here; lyaopt.c keeps the same order. The weighted entries take the weights of the services first, then what
the plain ones take. Lanes of any number of items are sorted: selection, which is faster beyond some hundreds
of items, allocates memory.
"""

from numba import carray

from lyaopt._kernels.slot.blocks import workspace_size
from lyaopt._kernels.slot.edge import edge_lanes
from lyaopt._kernels.slot.few_devices import (
    FewSlot,
    certify_few,
    few_workspace_size,
    is_usual,
    solve_few,
)
from lyaopt._kernels.slot.few_rows import SlotArrays
from lyaopt._kernels.slot.general_edge import general_edge_lanes
from lyaopt._kernels.slot.general_local import general_local_lanes
from lyaopt._kernels.slot.general_transmit import general_transmit_lanes
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
from lyaopt._kernels.slot.system_problems import edge_problem_of
from lyaopt._kernels.slot.transmit import transmit_lanes
from lyaopt._kernels.slot.weighted_slot import (
    cubic_problem,
    shannon_problem,
    solve_weighted_within,
    weighted_workspace_size,
)
from lyaopt._kernels.toolchain.jit import C_ENTRIES, inline


def _workspace(services, devices, slots):
    plain = slots_workspace_size(services, devices, slots)
    return max(plain, weighted_workspace_size(services, devices, slots))


@inline
def _workspace_of(pointer, services, devices, slots):
    return carray(pointer, (slots_workspace_size(services, devices, slots),))


@inline
def _weighted_workspace_of(pointer, services, devices, slots):
    return carray(pointer, (weighted_workspace_size(services, devices, slots),))


@inline
def _slot_of(services, devices, pointers, first):
    """Return the `Slot` whose six pointers start at `first`."""
    return Slot(
        carray(pointers[first], (3, services, devices)),
        carray(pointers[first + 1], (4, devices)),
        carray(pointers[first + 2], (SCALARS,)),
        carray(pointers[first + 3], (3, services, devices)),
        carray(pointers[first + 4], (RESULT_ROWS, devices)),
        carray(pointers[first + 5], (SUMMARY_PLACES,)),
    )


def _slot(services, devices, pointers):
    """Pointers: queues, devices, scalars, rates, results, summary, workspace."""
    slot = _slot_of(services, devices, pointers, 0)
    solve_within(slot, _workspace_of(pointers[6], services, devices, 1))
    return 0


@inline
def _few_slot(services, devices, pointers):
    """Return the `FewSlot` of pointers in the order of `_few`; what C is not told goes into the workspace."""
    shape, rows = (services, devices), (devices,)
    first, end = 6 * devices, 6 * devices + few_workspace_size(services)
    workspace = carray(pointers[13], (end + workspace_size(services * devices, 1, False) + 1,))
    other = carray(pointers[13], (6, devices))
    arrays = SlotArrays(
        (carray(pointers[0], shape), carray(pointers[1], shape), carray(pointers[2], shape)),
        (
            carray(pointers[3], rows),
            carray(pointers[4], rows),
            carray(pointers[5], rows),
            carray(pointers[6], rows),
        ),
        (carray(pointers[7], shape), carray(pointers[8], shape), carray(pointers[9], shape)),
        (carray(pointers[10], rows), carray(pointers[11], rows), other[0], other[1]),
    )
    reported = other[2], other[3], other[4], other[5]
    scalars, summary = carray(pointers[12], (SCALARS,)), carray(pointers[14], (SUMMARY_PLACES,))
    return FewSlot(arrays, reported, scalars, summary, workspace[first:end], workspace[end:])


def _few(services, devices, pointers):
    """Pointers: three queues, F^l, pmax, h, b_w, three rates, speeds, powers, scalars, workspace, summary.

    Returns 1, and writes nothing, if a number is not usual (few_devices.py).
    """
    slot = _few_slot(services, devices, pointers)
    if not is_usual(services, slot):
        return 1
    solve_few(services, slot)
    return 0


def _certified_few(services, devices, pointers):
    """As `_few`; the summary is written."""
    slot = _few_slot(services, devices, pointers)
    if not is_usual(services, slot):
        return 1
    certify_few(services, slot)
    return 0


def _weighted_slot(services, devices, pointers):
    """Pointers: weights, queues, devices, scalars, rates, results, summary, workspace."""
    weights = carray(pointers[0], (3, services, devices))
    slot = _slot_of(services, devices, pointers, 1)
    solve_weighted_within(weights, slot, _weighted_workspace_of(pointers[7], services, devices, 1))
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


def _weighted_local(services, devices, slots, pointers):
    """Pointers: weights, scalars, queue, capacity, cpu, total, multiplier, workspace."""
    lane_count = devices * slots
    workspace = _weighted_workspace_of(pointers[7], services, devices, slots)
    shape = (services, lane_count)
    items = carray(pointers[0], shape), carray(pointers[2], shape)
    scalars = carray(pointers[1], (SCALARS,))
    allocation = LocalAllocation(
        carray(pointers[4], shape), carray(pointers[5], (lane_count,)), carray(pointers[6], (lane_count,))
    )
    problem = cubic_problem(items, carray(pointers[3], (devices,)), scalars, workspace)
    general_local_lanes(problem, allocation, workspace)
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


def _weighted_transmit(services, devices, slots, pointers):
    """Pointers: weights, scalars, queue, gain, bandwidth, max_power, rate, power, multiplier, workspace."""
    lane_count = devices * slots
    workspace = _weighted_workspace_of(pointers[9], services, devices, slots)
    shape = (services, lane_count)
    items = carray(pointers[0], shape), carray(pointers[2], shape)
    radio = (
        carray(pointers[3], (lane_count,)),
        carray(pointers[4], (devices,)),
        carray(pointers[5], (devices,)),
    )
    allocation = TransmitAllocation(
        carray(pointers[6], shape), carray(pointers[7], (lane_count,)), carray(pointers[8], (lane_count,))
    )
    problem = shannon_problem(items, radio, carray(pointers[1], (SCALARS,)), workspace)
    general_transmit_lanes(problem, allocation, workspace)
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


def _weighted_edge(services, devices, slots, pointers):
    """Pointers: weights, scalars, queue, cpu, multiplier, workspace."""
    shape = (services * devices, slots)
    items = carray(pointers[0], shape), carray(pointers[2], shape)
    allocation = EdgeAllocation(carray(pointers[3], shape), carray(pointers[4], (slots,)))
    workspace = _weighted_workspace_of(pointers[5], services, devices, slots)
    problem = edge_problem_of(items, carray(pointers[1], (SCALARS,)))
    general_edge_lanes(problem, allocation, workspace)
    return 0


_SIZES = {2: "int64, int64", 3: "int64, int64, int64"}
_POINTERS = "CPointer(CPointer(float64))"
C_ENTRIES |= {
    "lyaopt_kernel_workspace": (f"int64({_SIZES[3]})", _workspace),
    "lyaopt_kernel_slot": (f"int64({_SIZES[2]}, {_POINTERS})", _slot),
    "lyaopt_kernel_few": (f"int64({_SIZES[2]}, {_POINTERS})", _few),
    "lyaopt_kernel_certified_few": (f"int64({_SIZES[2]}, {_POINTERS})", _certified_few),
    "lyaopt_kernel_local": (f"int64({_SIZES[3]}, {_POINTERS})", _local),
    "lyaopt_kernel_transmit": (f"int64({_SIZES[3]}, {_POINTERS})", _transmit),
    "lyaopt_kernel_edge": (f"int64({_SIZES[3]}, {_POINTERS})", _edge),
    "lyaopt_kernel_weighted_slot": (f"int64({_SIZES[2]}, {_POINTERS})", _weighted_slot),
    "lyaopt_kernel_weighted_local": (f"int64({_SIZES[3]}, {_POINTERS})", _weighted_local),
    "lyaopt_kernel_weighted_transmit": (f"int64({_SIZES[3]}, {_POINTERS})", _weighted_transmit),
    "lyaopt_kernel_weighted_edge": (f"int64({_SIZES[3]}, {_POINTERS})", _weighted_edge),
}
