"""Breakpoints of the demand for spectrum: prices at which items begin to be served, and are served whole.

With the items of a device by falling weight, C the rate of an item and of all before it, A the rate of those
before it, Y = ln(w h / (U N_0 ln 2)) and y_S the efficiency at which the full power carries a total S,

    whole = (w / ln 2) g(min(Y, y_C)),  begin = (w / ln 2) g(min(Y, y_A)).
"""

import math

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.numerics.elementary import log
from lyaopt._kernels.slot.blocks import lane_at
from lyaopt._kernels.slot.general_blocks import spread_lanes
from lyaopt._kernels.slot.item_order import sort_items
from lyaopt._kernels.slot.spectral_efficiency import (
    HUGE,
    LARGEST,
    LN2,
    growth,
    largest,
    ratio_start,
    ratio_step,
    smallest,
)
from lyaopt._kernels.toolchain.jit import helper, lane_loop

_PAIRS_UP_TO = 8  # items that are compared in pairs, slots side by side; more are sorted slot by slot
_FIRST = LARGEST - 1.0  # g(y_A) of the first item: that of the largest y
_ALWAYS = -1.0  # below any price: where energy is free, whole items take the full power


@lane_loop
def _set_devices(place, gain, weight, devices):
    m, noise = place
    for t in range(gain.size):
        per_hz = gain[t] / noise
        full = per_hz * devices.most[m, t]
        devices.full[m, t] = full
        value = per_hz / weight[t]
        devices.value[m, t] = value if full > 0.0 else 0.0


@helper
def set_devices(problem, m, lanes, rows):
    """Set the full power of one device, its signal, and the value of energy; `lanes` are its own."""
    lane_count, weight = problem.gain.size, rows.pool.share
    spread_lanes(problem.max_power, lane_count, lanes, rows.devices.most[m])
    spread_lanes(problem.energy_weight, lane_count, lanes, weight)
    gain = problem.gain[lanes.start : lanes.start + lanes.count]
    _set_devices((m, problem.noise), gain, weight, rows.devices)


@lane_loop
def _compare(weights, limits, start, pair, sums):
    """Add item j to the sums of item i where its weight is larger, or equal; `pair` is (m, i, j)."""
    m, i, j = pair
    above, through = sums
    for t in range(above.shape[2]):
        own = weights[i, lane_at(start, t)]
        other = weights[j, lane_at(start, t)]
        work = limits[j, lane_at(start, t)]
        above[m, i, t] += work if other > own else 0.0
        through[m, i, t] += work if other >= own else 0.0


@helper
def _sum_in_pairs(problem, m, lanes, items):
    count = problem.weights.shape[0]
    for i in range(count):
        items.above[m, i, :] = 0.0
        items.through[m, i, :] = 0.0
        for j in range(count):
            sums = items.above, items.through
            _compare(problem.weights, problem.limits, lanes.start, (m, i, j), sums)


@helper
def _sum_sorted(problem, m, lanes, rows):
    """Set A and C of all items, slot by slot, with compensated sums."""
    count, order, items = problem.weights.shape[0], rows.order, rows.items
    for t in range(lanes.count):
        lane = lanes.start + t
        sort_items(problem.weights, lane, order)
        total, lost, first = 0.0, 0.0, 0
        for k in range(count):
            total, error = two_sum(total, problem.limits[int(order[1, k]), lane])
            lost += error
            if k + 1 == count or order[0, k + 1] < order[0, k]:
                before = 0.0 if first == 0 else items.through[m, int(order[1, first - 1]), t]
                for i in range(first, k + 1):
                    items.above[m, int(order[1, i]), t] = before
                    items.through[m, int(order[1, i]), t] = total + lost
                first = k + 1


@lane_loop
def _start_reach(tau, m, k, items, full):
    """Turn work into rates, and begin to solve for y_C; for the moment `kink` is (e^y_C - 1) / y_C."""
    for t in range(tau.size):
        items.above[m, k, t] /= tau[t]
        rate = items.through[m, k, t] / tau[t]
        items.through[m, k, t] = rate
        ratio = smallest(full[m, t] / (LN2 * rate), HUGE)
        ratio = ratio if ratio > 1.0 else 0.0
        items.kink[m, k, t] = ratio
        items.reach[m, k, t] = ratio_start(ratio if ratio > 0.0 else 2.0)


@lane_loop
def _refine_reach(count, m, k, items):
    for t in range(count):
        ratio = items.kink[m, k, t]
        items.reach[m, k, t] = ratio_step(ratio if ratio > 0.0 else 2.0, items.reach[m, k, t])


@lane_loop
def _end_reach(count, m, k, items):
    """Set y_C; for the moment `whole` is g(y_C), and `kink` is e^y_C g(y_C)."""
    for t in range(count):
        reach = smallest(items.reach[m, k, t], LARGEST)
        reach = reach if items.kink[m, k, t] > 0.0 else 0.0
        reach = reach if items.through[m, k, t] > 0.0 else LARGEST
        grown, gain = growth(reach)
        items.reach[m, k, t] = reach
        items.whole[m, k, t] = gain
        items.kink[m, k, t] = (1.0 + grown) * gain


@lane_loop
def _set_breakpoints(weights, limits, place, tau, items, devices):
    """Set the prices of item k of device m from g(y_C) and g(y_A); `place` is (m, k, first lane)."""
    m, k, start = place
    for t in range(tau.size):
        w = weights[k, lane_at(start, t)]
        value = devices.value[m, t]
        energy = log(smallest(largest(w * (value / LN2), 1.0), HUGE))
        energy = LARGEST if value > HUGE else smallest(energy, LARGEST)
        grown, gain = growth(energy)
        at_reach, before = items.whole[m, k, t], items.begin[m, k, t]
        items.whole[m, k, t] = w / LN2 * smallest(gain, at_reach)
        items.begin[m, k, t] = w / LN2 * smallest(gain, before)
        items.kink[m, k, t] = items.kink[m, k, t] / value if value < math.inf else _ALWAYS
        # the jump: from A on, as much as the full power carries at efficiency Y
        above, through = items.above[m, k, t], items.through[m, k, t]
        carried = devices.full[m, t] / LN2 * (energy / grown)
        stop = through if gain <= at_reach else smallest(largest(carried, above), through)
        part = limits[k, lane_at(start, t)] / tau[t] / (through - above)
        jumps = (gain < before) & (energy > 0.0) & (through > above)
        items.jump[m, k, t] = LN2 * (stop - above) / energy * part if jumps else 0.0


@lane_loop
def _set_before(weights, start, pair, gain, before):
    """Lower g(y_A) of item i to g(y_C) of item j where j comes before i; `pair` is (m, i, j)."""
    m, i, j = pair
    for t in range(before.shape[2]):
        other = gain[m, j, t]
        present = before[m, i, t]
        counts = (weights[j, lane_at(start, t)] > weights[i, lane_at(start, t)]) & (other < present)
        before[m, i, t] = other if counts else present


@helper
def _set_before_sorted(problem, m, lanes, rows):
    count, order, items = problem.weights.shape[0], rows.order, rows.items
    for t in range(lanes.count):
        sort_items(problem.weights, lanes.start + t, order)
        before = _FIRST
        for k in range(count):
            item = int(order[1, k])
            if k > 0 and order[0, k] < order[0, k - 1]:
                before = items.whole[m, int(order[1, k - 1]), t]
            items.begin[m, item, t] = before


@helper
def set_items(problem, m, lanes, rows, tau):
    """Find the breakpoints of all items of a device; `lanes` are its own, tau (count,) the slot lengths."""
    count, items = problem.weights.shape[0], rows.items
    in_pairs = count <= _PAIRS_UP_TO
    if in_pairs:
        _sum_in_pairs(problem, m, lanes, items)
    else:
        _sum_sorted(problem, m, lanes, rows)
    for k in range(count):
        _start_reach(tau, m, k, items, rows.devices.full)
        _refine_reach(lanes.count, m, k, items)
        _refine_reach(lanes.count, m, k, items)
        _end_reach(lanes.count, m, k, items)
    if in_pairs:
        for i in range(count):
            items.begin[m, i, :] = _FIRST
            for j in range(count):
                _set_before(problem.weights, lanes.start, (m, i, j), items.whole, items.begin)
    else:
        _set_before_sorted(problem, m, lanes, rows)
    for k in range(count):
        place = m, k, lanes.start
        _set_breakpoints(problem.weights, problem.limits, place, tau, items, rows.devices)
