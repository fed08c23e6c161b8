"""Allocation rules: functions that weigh the services of a block of lanes in each slot.

The slot problems are then solved exactly for these weights, see weighted_allocation.py. A rule reads a
`SlotView` and writes all weights (3, N, L).
"""

import functools
import math
from typing import Any, NamedTuple

from lyaopt._kernels.simulation.exact_allocation import BANDWIDTH, CPU_CAPACITY, MAX_POWER
from lyaopt._kernels.simulation.state_types import FIELD_TYPES, POWER, SPEED, compiled_type, queues_of
from lyaopt._kernels.simulation.task_queues import BIRTH, CUT, size_of
from lyaopt._kernels.slot.problems import (
    DELTA,
    EDGE_CAPACITY,
    NOISE,
    TAU,
    WEIGHT_LOCAL,
    WEIGHT_TRANSMIT,
)
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.function_pointers import Callback, call_by_address
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

# Entries of `failed` of a model
FAILED_SLOT, RAISED = range(2)
FAILED = 2


class SlotView(NamedTuple):
    """A slot of a block of lanes as a compiled rule sees it, before anything is served.

    Lane l is device l // width of one of `width` replications. The axis of length 3 is the stage: local,
    transmit, edge. Where a device has fewer than N services the queues of the others are empty.

    Attributes
    ----------
    slot : int
        Its number, from 0.
    tau : float
        Slot length, in s.
    width : int
        Lanes of one device.
    backlog : (3, N, L) array
        Q^l in cycles, Q^t in bits, Q^e in cycles.
    head_left : (3, N, L) array
        What is left of the first task, in the same units; infinite in an empty queue.
    waiting : (3, N, L) array of int
        Tasks in the queue.
    channel_gain : (L,) array
        h in this slot.
    last_rates : (3, N, L) array
        f^l in Hz, r in bit/s and f^e in Hz of the slot before; 0 in slot 0.
    last_cpu_hz, last_power_w : (L,) array
        Speed and transmit power of the device in the slot before.
    memory : (K, 3, N, L) array
        The rule's own: it keeps what the rule writes, and is 0 in slot 0.
    cpu_capacity_hz, max_power_w, bandwidth_hz : (M,) array
        F^l, p^max and b_w.
    energy_weight_local, energy_weight_transmit : float
        U^l and U^t.
    energy_coefficient : float
        delta, in W s^3.
    edge_capacity_hz : float
        F^e.
    noise_w_per_hz : float
        N_0.
    first : (3, N, L) array of int
        For `head_age_slots` and `head_work`: number of the first task, -1 in an empty queue.
    table : (capacity, 4) array of int
        Likewise: what is known of each task.
    amounts : (3, N, M, K + 1) array
        Likewise: cycles, bits, cycles of a task of size 1, by partition point.
    """

    slot: Any
    tau: Any
    width: Any
    backlog: Any
    head_left: Any
    waiting: Any
    channel_gain: Any
    last_rates: Any
    last_cpu_hz: Any
    last_power_w: Any
    memory: Any
    cpu_capacity_hz: Any
    max_power_w: Any
    bandwidth_hz: Any
    energy_weight_local: Any
    energy_weight_transmit: Any
    energy_coefficient: Any
    edge_capacity_hz: Any
    noise_w_per_hz: Any
    first: Any
    table: Any
    amounts: Any


@inline
def head_age_slots(view, stage, row, lane):
    """Return the slots since the birth of the first task of a queue; 0 if the queue is empty.

    Parameters
    ----------
    view : SlotView
        Holds the queues.
    stage, row, lane : int
        The queue.
    """
    task = view.first[stage, row, lane]
    return view.slot - view.table[task, BIRTH] if task >= 0 else 0


@inline
def head_work(view, stage, row, lane):
    """Return the work of the first task of a queue in this stage, done or not; 0 if the queue is empty.

    Parameters
    ----------
    view : SlotView
        Holds the queues.
    stage, row, lane : int
        The queue.
    """
    task = view.first[stage, row, lane]
    if task < 0:
        return 0.0
    usual = view.amounts[stage, row, lane // view.width, view.table[task, CUT]]
    return usual * size_of(task, view.table)


@inline
def view_of(b, slot, gain, model, state, tasks):
    """Return what a rule sees of block `b` in a slot, before anything is allocated."""
    queues, efforts, scalars, devices = queues_of(state, b), state.efforts[b], model.scalars, model.devices
    return SlotView(
        slot,
        scalars[TAU],
        gain.size // devices.shape[1],
        queues.backlog,
        queues.head,
        queues.waiting,
        gain,
        state.rates[b],
        efforts[SPEED],
        efforts[POWER],
        state.memory[b],
        devices[CPU_CAPACITY],
        devices[MAX_POWER],
        devices[BANDWIDTH],
        scalars[WEIGHT_LOCAL],
        scalars[WEIGHT_TRANSMIT],
        scalars[DELTA],
        scalars[EDGE_CAPACITY],
        scalars[NOISE],
        queues.first,
        tasks.table,
        model.amounts,
    )


_F1, _F2, _F3, _F4 = (f"f8[{':,' * n}::1]" for n in range(4))
_I2, _I3 = "i8[:,::1]", "i8[:,:,::1]"
FIELD_TYPES[SlotView] = (
    *("i8", "f8", "i8", _F3, _F3, _I3, _F1, _F3, _F1, _F1, _F4, _F1, _F1, _F1),
    *("f8", "f8", "f8", "f8", "f8", _I3, _I2, _F4),
)


@lane_loop
def count_wrong(weights):
    """Return how many weights are not finite numbers >= 0."""
    count = 0
    for i in range(weights.size):
        good = (weights[i] >= 0.0) & (weights[i] < math.inf)
        count += 0 if good else 1
    return count


@helper
def weigh(b, slot, gain, model, state, tasks):
    """Let the rule of the model write the weights of block `b`; one that fails is not called again."""
    weights, failed = model.weights[b], model.failed
    if failed[FAILED_SLOT] < 0:
        told = call_by_address(model.rule, view_of(b, slot, gain, model, state, tasks), weights)
        if told == 0 or count_wrong(view_as(weights, (weights.size,))) > 0:
            failed[FAILED_SLOT], failed[RAISED] = slot, 1 - told
    if failed[FAILED_SLOT] >= 0:
        weights[:] = 0.0


class RuleEntry(Callback):
    """A rule as the kernels call it.

    Parameters
    ----------
    rule : function
        ``rule(view, weights)`` reads a `SlotView` and writes weights (3, N, L), as jitted functions call it.
    name : str
        For errors.
    """

    def __init__(self, rule: Any, name: str) -> None:
        self.name = name

        def entry(view, weights):
            rule(view, weights)
            return 1

        super().__init__(
            entry, functools.partial(compiled_type, SlotView), functools.partial(compiled_type, _F3)
        )
