"""Partition points of least cost: what a task would add, by prices, to what waits now.

On a CPU or radio, with its queues in the order of prices.py, a task of service n adds its own work at the
price of what comes after it, and raises the price of all work ahead of it by its own holding cost. At the
edge it waits for what is ahead, keeps waiting what is behind, and delays tasks to come. See
docs/explanation/prices.md.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.simulation.prices import (
    cost_behind,
    curve_of,
    holding_cost,
    integral_at,
    price_at,
    urgency,
)
from lyaopt._kernels.simulation.state_types import FIELD_TYPES
from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, TRANSMIT
from lyaopt._kernels.slot.problems import EDGE_CAPACITY, TAU
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop


class Cuts(NamedTuple):
    """How partition points are chosen.

    - `period`: slots between two choices; 0 where the policy chooses.
    - `alone` (X, N, M): the best point of a task alone, in each state of its channel.
    - `tried` (N, M, J): points to choose from, then -1.
    - `edge_share` (N, M): of the capacity of the edge, what more urgent tasks to come leave.
    - `delay_cost` (N, M): of later tasks, for a task and work W at the edge: J per cycle^2.
    """

    period: Any
    alone: Any
    tried: Any
    edge_share: Any
    delay_cost: Any


FIELD_TYPES[Cuts] = ("i8", "i8[:,:,::1]", "i8[:,:,::1]", "f8[:,::1]", "f8[:,::1]")

# Rows of the queues at the edge in order: least urgent first, with sums over a queue and those before it
URGENCY, WORK, COST = range(3)


@helper
def _sort_by_urgency(order):
    """Put columns in order, the least urgent first: Shell's sort, as few queues are of work."""
    count, gap = order.shape[1], 1
    while 3 * gap + 1 < count:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, count):
            own, work, cost = order[URGENCY, i], order[WORK, i], order[COST, i]
            place = i
            while place >= gap and order[URGENCY, place - gap] > own:
                for row in range(3):
                    order[row, place] = order[row, place - gap]
                place -= gap
            order[URGENCY, place], order[WORK, place], order[COST, place] = own, work, cost
        gap //= 3


@helper
def order_of(lanes, width, queues, prices, room):
    """Return the queues at the edge that are not empty in some lanes, in order (3, count).

    They are written into `room` (3, N times the lanes), so that nothing is allocated.
    """
    count = 0
    for lane in lanes:
        for n in range(queues.head.shape[1]):
            if queues.waiting[EDGE, n, lane] > 0:
                m = lane // width
                room[URGENCY, count] = urgency(EDGE, n, lane, m, queues, prices)
                room[WORK, count] = queues.backlog[EDGE, n, lane]
                room[COST, count] = holding_cost(EDGE, n, lane, m, queues, prices)
                count += 1
    order = room[:, :count]
    _sort_by_urgency(order)
    for row in (WORK, COST):
        for i in range(1, count):
            order[row, i] += order[row, i - 1]
    return order


@inline
def edge_order(r, width, queues, prices, room):
    """Return the queues at the edge that are not empty in replication `r` of a block (3, count), in order."""
    return order_of(range(r, queues.head.shape[2], width), width, queues, prices, room)


@inline
def _place_of(own, order):
    """Return how many queues are less urgent than `own`."""
    low, high = 0, order.shape[1]
    while low < high:
        middle = (low + high) // 2
        if order[URGENCY, middle] < own:
            low = middle + 1
        else:
            high = middle
    return low


@inline
def added_at_edge(work, n, device, scalars, order, prices, cuts):
    """Return what a task of service `n` with `work` cycles at the edge adds there, in joules."""
    if work == 0.0:
        return 0.0
    rate, count = prices.holding[EDGE, n, device], order.shape[1]
    by_work = prices.by_work != 0
    behind = _place_of(rate if by_work else rate / work, order)
    cost_behind = order[COST, behind - 1] if behind > 0 else 0.0
    work_behind = order[WORK, behind - 1] if behind > 0 else 0.0
    present = order[WORK, count - 1] if count > 0 else 0.0
    ahead = present - work_behind
    capacity, slot = scalars[EDGE_CAPACITY], scalars[TAU]
    step = rate * work if by_work else rate
    left = capacity * cuts.edge_share[n, device]
    time = (ahead + (0.5 * work if by_work else work)) / left + 0.5 * slot
    own = step * max(time, slot)
    later = cuts.delay_cost[n, device] * work * (present + 0.5 * work)
    return own + cost_behind * work / capacity + later


@inline
def _raised(low, high, step, half, curve):
    """Return by how much the integral of the price from `low` to `high` grows if both grow by `step`."""
    after = integral_at(high + half + step, curve) - integral_at(low + half + step, curve)
    return after - (integral_at(high + half, curve) - integral_at(low + half, curve))


@helper
def added_at_device(work, n, stage, lane, channel, slot, queues, prices):
    """Return what a task of service `n` with so much work adds on a CPU or radio, in joules.

    It is served in whole slots of `slot` seconds: on average half of one is waited in vain.
    """
    if work == 0.0:
        return 0.0
    device = lane // (queues.head.shape[2] // prices.scale.shape[1])
    curve, by_work = curve_of(stage, n, device, channel, prices), prices.by_work != 0
    rate = prices.holding[stage, n, device]
    step = rate * work if by_work else rate
    own = urgency(stage, n, lane, device, queues, prices)
    if own == 0.0:
        own = rate if by_work else rate / work
    behind = cost_behind(own, n, stage, lane, device, queues, prices)
    if by_work:
        total = (integral_at(behind + step, curve) - integral_at(behind, curve)) / rate
    else:
        total = work * price_at(behind + step, curve)
    total += 0.5 * slot * step
    for i in range(queues.head.shape[1]):
        if queues.waiting[stage, i, lane] == 0:
            continue
        other = urgency(stage, i, lane, device, queues, prices)
        if i != n and (prices.joint == 0 or other < own or (other == own and i > n)):
            continue
        low = behind if i == n else cost_behind(other, i, stage, lane, device, queues, prices)
        cost = holding_cost(stage, i, lane, device, queues, prices)
        half = 0.0 if by_work else 0.5 * prices.holding[stage, i, device]
        theirs = curve_of(stage, i, device, channel, prices)
        total += _raised(low, low + cost, step, half, theirs) * queues.backlog[stage, i, lane] / cost
    return total


@inline
def added_cost(k, n, lane, device, channel, order, queues, model):
    """Return what a task of service `n` adds at a point, in joules."""
    amounts, scalars, prices = model.amounts, model.scalars, model.prices
    cycles, bits, slot = amounts[LOCAL, n, device, k], amounts[TRANSMIT, n, device, k], scalars[TAU]
    cost = added_at_device(cycles, n, LOCAL, lane, channel, slot, queues, prices)
    cost += added_at_device(bits, n, TRANSMIT, lane, channel, slot, queues, prices)
    return cost + added_at_edge(amounts[EDGE, n, device, k], n, device, scalars, order, prices, model.cuts)


@helper
def best_cut(n, lane, device, channel, order, queues, model):
    """Return the point at which a task of service `n` adds least."""
    cuts = model.cuts
    best, least = int(cuts.alone[channel, n, device]), np.inf
    for j in range(cuts.tried.shape[2]):
        k = int(cuts.tried[n, device, j])
        if k < 0:
            break
        cost = added_cost(k, n, lane, device, channel, order, queues, model)
        if cost < least:
            best, least = k, cost
    return best


@inline
def is_idle(lane, queues):
    """Return whether nothing waits on a device."""
    waiting = 0
    for n in range(queues.head.shape[1]):
        waiting += queues.waiting[LOCAL, n, lane] + queues.waiting[TRANSMIT, n, lane]
    return waiting == 0


@helper
def cut_of(n, lane, device, channel, order, queues, model):
    """Return the best point of a task of service `n`: that of a task alone where nothing waits."""
    cuts = model.cuts
    if cuts.tried[n, device, 0] < 0 or (order.shape[1] == 0 and is_idle(lane, queues)):
        return int(cuts.alone[channel, n, device])
    return best_cut(n, lane, device, channel, order, queues, model)


@lane_loop
def _add(counts, totals):
    """Add counts, and return their sum."""
    total = 0
    for t in range(counts.size):
        totals[t] += counts[t]
        total += counts[t]
    return total


@helper
def choose_cuts(queues, channels, arrivals, everywhere, model):
    """Put the best points in force in a block, given the state of each channel (L,).

    Where no task comes in the `arrivals` (slots, N, L) of the period, points do not matter: they stay, unless
    the points are asked for `everywhere`.
    """
    services, lanes = queues.points.shape
    width = lanes // model.devices.shape[1]
    coming = np.zeros((services, lanes), np.int64)
    total = 0
    for t in range(arrivals.shape[0]):
        for n in range(services):
            total += _add(arrivals[t, n], coming[n])
    if total == 0 and not everywhere:
        return
    room = np.empty((3, services * model.devices.shape[1]))
    for r in range(width):
        known, order = False, room[:, :0]
        for lane in range(r, lanes, width):
            m, channel = lane // width, channels[lane]
            for n in range(services):
                if coming[n, lane] == 0 and not everywhere:
                    continue
                if not known:
                    known, order = True, edge_order(r, width, queues, model.prices, room)
                queues.points[n, lane] = cut_of(n, lane, m, channel, order, queues, model)
