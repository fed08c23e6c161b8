"""The slot that follows another one of the same system, in one call: one_slot.py with new backlogs and gains.

`slot_next` takes the block of the slot before, which one_slot.py describes, and the block that it fills; the
backlogs of the local, transmission and edge problems, (M, N) each in any memory order, and the gains (M,);
then N and M. What else the slot before was given holds for this one too. It returns

- 0 if the slot is solved, with a certificate that holds;
- 1, with nothing of use in the block, if a number is not usual, see few_devices.py, if N is above four, or if
  an array is not aligned: the caller must then check the numbers and call `slot_exact`;
- 2 if the slot is solved, but its gap or violation is above `LARGEST_GAP`, or its objective not finite;
- -1, with nothing written, for blocks or arrays of another size.
"""

import numpy as np

from lyaopt._kernels.slot.few_devices import FEW_SERVICES
from lyaopt._kernels.slot.one_slot import (
    EDGE_OBJECTIVE,
    GAIN,
    LOCAL_OBJECTIVE,
    RELATIVE_GAP,
    TRANSMIT_OBJECTIVE,
    VIOLATION,
    block_size,
    slot_in,
    solve_few_within,
)
from lyaopt._kernels.toolchain.jit import Kernel, inline

LARGEST_GAP = 1e-9  # as of lyaopt.slot.solve
_BYTES = 8


@inline
def _is_of(array, devices, services):
    return array.shape[0] == devices and array.shape[1] == services


@inline
def _misplaced(array):
    """Return a number that is 0 if all numbers of the array lie at multiples of their size."""
    return (array.ctypes.data | array.strides[0]) % _BYTES


@inline
def _put(values, rows):
    """Copy backlogs (M, N) into rows (N, M)."""
    if values.strides[0] == _BYTES:  # the same loop, in vectors
        for k in range(rows.shape[0]):
            for m in range(rows.shape[1]):
                rows[k, m] = values[m, k]
    else:
        for k in range(rows.shape[0]):
            for m in range(rows.shape[1]):
                rows[k, m] = values[m, k]


@inline
def _is_certified(summary):
    objective = summary[LOCAL_OBJECTIVE] + summary[TRANSMIT_OBJECTIVE] + summary[EDGE_OBJECTIVE]
    proved = (summary[RELATIVE_GAP] <= LARGEST_GAP) & (summary[VIOLATION] <= LARGEST_GAP)
    return proved & np.isfinite(objective)


def _slot_next(before, block, local, transmit, edge, gain, services, devices):
    size = block_size(services, devices)
    if services < 1 or devices < 1 or block.size != size or before.size != size:
        return -1
    fit = _is_of(local, devices, services) and _is_of(transmit, devices, services)
    if not (fit and _is_of(edge, devices, services) and gain.size == devices):
        return -1
    misplaced = _misplaced(local) | _misplaced(transmit) | _misplaced(edge) | _misplaced(gain)
    misplaced |= (local.strides[1] | transmit.strides[1] | edge.strides[1]) % _BYTES
    if services > FEW_SERVICES or misplaced:
        return 1
    slot, given = slot_in(block, services, devices), slot_in(before, services, devices)
    slot.devices[:] = given.devices
    slot.devices[GAIN] = gain
    slot.scalars[:] = given.scalars
    _put(local, slot.queues[0])
    _put(transmit, slot.queues[1])
    _put(edge, slot.queues[2])
    if solve_few_within(slot, services, True):
        return 1
    return 0 if _is_certified(slot.summary) else 2


_SIGNATURE = "i8(f8[::1], f8[::1], f8[:, :], f8[:, :], f8[:, :], f8[:], i8, i8)"
slot_next = Kernel("slot_next", _SIGNATURE, _slot_next)
