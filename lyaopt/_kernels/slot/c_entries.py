"""What the library for C calls: sizes and pointers in, a status out, and nothing is allocated.

capi/lyaopt.c checks what it is given and lays it out as one_slot.py has it. Lanes of any length go through
sorting networks: selection, which is faster beyond some hundreds of items, takes memory as it goes.
"""

from numba import carray

from lyaopt._kernels.slot.edge import edge_lanes
from lyaopt._kernels.slot.local import local_lanes
from lyaopt._kernels.slot.one_slot import (
    DELTA,
    EDGE_CAPACITY,
    LANE_ROWS,
    NOISE,
    SUMMARY_PLACES,
    TAU,
    WEIGHT_LOCAL,
    WEIGHT_TRANSMIT,
    slots_workspace,
    solve_within,
)
from lyaopt._kernels.slot.transmit import transmit_lanes
from lyaopt._kernels.toolchain.jit import C_ENTRIES


def _workspace(items, count, slots):
    return slots_workspace(items, count, slots)


def _slot(items, count, queues, devices, scalars, rates, lanes, summary, work):
    solve_within(
        carray(queues, (3, items, count)),
        carray(devices, (4, count)),
        carray(scalars, (6,)),
        carray(rates, (3, items, count)),
        carray(lanes, (LANE_ROWS, count)),
        carray(summary, (SUMMARY_PLACES,)),
        carray(work, (slots_workspace(items, count, 1),)),
    )
    return 0


def _local(items, count, slots, scalars, queue, capacity, cpu, total, multiplier, work):
    lanes = count * slots
    given = carray(scalars, (6,))
    local_lanes(
        carray(queue, (items, lanes)),
        carray(capacity, (count,)),
        given[TAU],
        given[WEIGHT_LOCAL],
        given[DELTA],
        carray(cpu, (items, lanes)),
        carray(total, (lanes,)),
        carray(multiplier, (lanes,)),
        carray(work, (slots_workspace(items, count, slots),)),
    )
    return 0


def _transmit(items, count, slots, scalars, queue, gain, bandwidth, max_power, rate, power, multiplier, work):
    lanes = count * slots
    given = carray(scalars, (6,))
    transmit_lanes(
        carray(queue, (items, lanes)),
        carray(gain, (lanes,)),
        carray(bandwidth, (count,)),
        carray(max_power, (count,)),
        given[TAU],
        given[WEIGHT_TRANSMIT],
        given[NOISE],
        carray(rate, (items, lanes)),
        carray(power, (lanes,)),
        carray(multiplier, (lanes,)),
        carray(work, (slots_workspace(items, count, slots),)),
    )
    return 0


def _edge(items, count, slots, scalars, queue, cpu, multiplier, work):
    given = carray(scalars, (6,))
    edge_lanes(
        carray(queue, (items * count, slots)),
        given[EDGE_CAPACITY],
        given[TAU],
        carray(cpu, (items * count, slots)),
        carray(multiplier, (slots,)),
        carray(work, (slots_workspace(items, count, slots),)),
    )
    return 0


def _signature(sizes, pointers):
    return f"int64({', '.join(['int64'] * sizes + ['CPointer(float64)'] * pointers)})"


C_ENTRIES |= {
    "lyaopt_kernel_workspace": (_signature(3, 0), _workspace),
    "lyaopt_kernel_slot": (_signature(2, 7), _slot),
    "lyaopt_kernel_local": (_signature(3, 7), _local),
    "lyaopt_kernel_transmit": (_signature(3, 9), _transmit),
    "lyaopt_kernel_edge": (_signature(3, 5), _edge),
}
