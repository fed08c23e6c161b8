"""The demand for spectrum of all devices at a price: sum b_m(mu), which falls in mu.

A device serves some items whole, C in all, and at most those of one weight in part. With C alone it sends at
y = min(y_0, y_C), where e^y_0 g(y_0) = mu h / (U N_0), on b = C ln 2 / y. With a part of weight w it sends
at full power, and at g(y) = mu ln 2 / w on b = pmax h / (N_0 (e^y - 1)). At the price at which an item
begins to be served the demand may jump: what is found here is its lower end, and the size of the jump.
"""

import math

from lyaopt._kernels.numerics.elementary import expm1
from lyaopt._kernels.slot.blocks import lane_at
from lyaopt._kernels.slot.spectral_efficiency import (
    HUGE,
    LARGEST,
    LEAST,
    LN2,
    largest,
    price_start,
    price_step,
    smallest,
)
from lyaopt._kernels.toolchain.jit import helper, lane_loop


@lane_loop
def _start(m, price, devices):
    for t in range(price.size):
        devices.through[m, t] = 0.0
        devices.reach[m, t] = LARGEST
        devices.kink[m, t] = math.inf
        devices.part[m, t] = 0.0
        devices.jump[m, t] = 0.0
        devices.scratch[m, t] = 0.0


@lane_loop
def _add_item(weights, place, price, items, devices):
    """Take item k into the state of device m; `place` is (m, k, first lane)."""
    m, k, start = place
    for t in range(price.size):
        mu = price[t]
        begin = items.begin[m, k, t]
        whole = items.whole[m, k, t] > mu
        rate, reach, kink = items.through[m, k, t], items.reach[m, k, t], items.kink[m, k, t]
        rate_before = devices.through[m, t]
        reach_before = devices.reach[m, t]
        kink_before = devices.kink[m, t]
        part_before = devices.part[m, t]
        weight = weights[k, lane_at(start, t)]
        devices.through[m, t] = rate if whole & (rate > rate_before) else rate_before
        devices.reach[m, t] = reach if whole & (reach < reach_before) else reach_before
        devices.kink[m, t] = kink if whole & (kink < kink_before) else kink_before
        part = (begin > mu) & (not whole) & (weight > part_before)
        devices.part[m, t] = weight if part else part_before
        jump = items.jump[m, k, t] if begin == mu else 0.0
        devices.jump[m, t] += jump
        devices.scratch[m, t] += jump if begin > items.whole[m, k, t] else 0.0


@lane_loop
def _start_efficiency(m, price, devices):
    """Begin to solve for y; `total` tells whether it is y_0 (1.0) or that of a part, `width` is 1 / x."""
    for t in range(price.size):
        part = devices.part[m, t]
        flexible = 0.0 if part > 0.0 else 1.0
        x = price[t] * (LN2 / part if part > 0.0 else devices.value[m, t])
        x = smallest(largest(x, LEAST), HUGE)
        devices.total[m, t] = flexible
        devices.width[m, t] = 1.0 / x
        devices.efficiency[m, t] = price_start(flexible, x)


@lane_loop
def _refine_efficiency(count, m, devices):
    """Take a step in y; `band` and `slope` receive g and its slope before it."""
    for t in range(count):
        y, gain, rise = price_step(devices.total[m, t], devices.width[m, t], devices.efficiency[m, t])
        devices.efficiency[m, t] = y
        devices.band[m, t] = gain
        devices.slope[m, t] = rise


@lane_loop
def _add_device(m, price, devices, pool):
    for t in range(price.size):
        reach, kink = devices.reach[m, t], devices.kink[m, t]
        in_part = devices.part[m, t] > 0.0
        # at the kink it is the slope below that leads on
        rigid = (price[t] > kink) & (not in_part)
        gain, rise = devices.band[m, t], devices.slope[m, t]
        y = smallest(devices.efficiency[m, t], reach)
        y = reach if rigid else y
        band = devices.full[m, t] / expm1(y) if in_part else devices.through[m, t] * LN2 / y
        width = rise if in_part else y
        slope = 0.0 if rigid else band * gain / (width * width)
        devices.efficiency[m, t] = y
        devices.band[m, t] = band
        devices.slope[m, t] = slope
        # next to the jump, below the price: all of it at y, at full power if it ends in part
        jump = devices.jump[m, t]
        width = rise if devices.scratch[m, t] > 0.0 else y
        below = (band + jump) * gain / (width * width) if jump > 0.0 else slope
        pool.demand[t] += band
        pool.slope[t] += slope
        pool.slope_below[t] += below
        pool.rigid[t] += band if rigid else 0.0
        pool.jump[t] += jump
        event = pool.event[t]
        pool.event[t] = kink if rigid & (kink > event) else event


@lane_loop
def _reset(price, pool):
    for t in range(price.size):
        pool.demand[t] = 0.0
        pool.slope[t] = 0.0
        pool.slope_below[t] = 0.0
        pool.rigid[t] = 0.0
        pool.jump[t] = 0.0
        pool.event[t] = 0.0


@helper
def find_demand(problem, lanes, rows):
    """Set the bands of all devices and their sums at the prices of a block of slots."""
    devices, count = problem.measured.size, problem.weights.shape[0]
    per_device = problem.gain.size // devices
    price = rows.pool.price
    _reset(price, rows.pool)
    for m in range(devices):
        if problem.measured[m]:
            continue
        _start(m, price, rows.devices)
        for k in range(count):
            place = m, k, m * per_device + lanes.start
            _add_item(problem.weights, place, price, rows.items, rows.devices)
        _start_efficiency(m, price, rows.devices)
        _refine_efficiency(lanes.count, m, rows.devices)
        _refine_efficiency(lanes.count, m, rows.devices)
        _add_device(m, price, rows.devices, rows.pool)


@lane_loop
def _add_spare(m, pool, items, devices, spare):
    """Add the least band that serves all of device m, or infinity where more of it always helps."""
    for t in range(spare.size):
        rate, reach, begins = 0.0, LARGEST, 0.0
        for k in range(items.begin.shape[1]):
            served = items.begin[m, k, t] > 0.0
            begins = 1.0 if served else begins
            rate = largest(rate, items.through[m, k, t]) if served else rate
            reach = smallest(reach, items.reach[m, k, t]) if served else reach
        band = rate * LN2 / reach if devices.value[m, t] == math.inf else math.inf
        spare[t] += band if begins > 0.0 else 0.0


@helper
def find_spare(problem, lanes, rows):
    """Set the bands at which a price of 0 is right: `demand` receives the least band that serves all."""
    demand = rows.pool.demand
    demand[:] = 0.0
    for m in range(problem.measured.size):
        if not problem.measured[m]:
            _add_spare(m, rows.pool, rows.items, rows.devices, demand)
