"""Bands, powers and rates at the price of spectrum, so that every constraint holds.

Where the demand jumps at the price, every device on the jump takes the same part of its jump: the set of
minimisers is convex. Elsewhere a correction of ln mu, far below the search's accuracy, makes the bands sum to
the pool.
"""

from lyaopt._kernels.numerics.elementary import expm1, log1p
from lyaopt._kernels.slot.blocks import lane_at
from lyaopt._kernels.slot.spectral_efficiency import HUGE, LARGEST, LN2, largest, smallest, surplus
from lyaopt._kernels.toolchain.jit import helper, lane_loop


@lane_loop
def _set_bands(m, devices, pool, total):
    for t in range(total.size):
        jump = pool.share[t] * devices.jump[m, t]
        band = devices.band[m, t] + jump - pool.shift[t] * devices.slope[m, t]
        band = largest(band, 0.0)
        devices.width[m, t] = band
        total[t] += band


@lane_loop
def _fit_bands(m, devices, pool, total, bandwidth):
    """Scale the bands down where rounding takes them beyond the pool, and up where there is some to spare.

    What is to spare has no price: it goes to the devices in proportion, and saves power.
    """
    for t in range(bandwidth.size):
        scaled = (total[t] > pool.pool[t]) | ((pool.price[t] == 0.0) & (total[t] > 0.0))
        band = devices.width[m, t]
        band = band * (pool.pool[t] / total[t]) if scaled else band
        devices.width[m, t] = band
        bandwidth[t] = band


@lane_loop
def _set_power(m, devices, pool, power):
    """Set the total rate of device m, and the least power that carries it."""
    for t in range(power.size):
        band, full, most = devices.width[m, t], devices.full[m, t], devices.most[m, t]
        used = band > 0.0
        within = band if used else 1.0
        capacity = within / LN2 * log1p(smallest(full / within, HUGE))
        jumping = pool.share[t] * devices.jump[m, t]
        rate = devices.through[m, t] + jumping * devices.efficiency[m, t] / LN2
        in_part = devices.part[m, t] > 0.0
        y = smallest(rate * LN2 / within, LARGEST)
        watts = most * (expm1(y) * (within / full))
        at_full = in_part | (watts >= most)
        rate = smallest(rate, capacity)
        rate = capacity if in_part else rate
        watts = most if at_full else watts
        devices.total[m, t] = rate if used else 0.0
        power[t] = watts if used else 0.0


@lane_loop
def _set_jumping_weight(weights, place, items, pool, weight):
    """Raise `weight` to that of item k of device m where it jumps; `place` is (m, k, first lane)."""
    m, k, start = place
    for t in range(pool.done.size):
        before = weight[m, t]
        jumps = (items.begin[m, k, t] == pool.price[t]) & (items.jump[m, k, t] > 0.0) & (pool.share[t] > 0.0)
        own = weights[k, lane_at(start, t)]
        weight[m, t] = own if jumps & (own > before) else before


@lane_loop
def _set_largest(weights, limits, place, largest_weight):
    """Raise to the weight of item k where there is work; `place` is (m, k, first lane)."""
    m, k, start = place
    for t in range(largest_weight.shape[1]):
        before = largest_weight[m, t]
        own = weights[k, lane_at(start, t)] if limits[k, lane_at(start, t)] > 0.0 else 0.0
        largest_weight[m, t] = own if own > before else before


@lane_loop
def _set_multiplier(m, devices, pool, jumping, multiplier):
    """Set nu of device m; `scratch` holds the largest weight."""
    for t in range(multiplier.size):
        mu = pool.price[t]
        part, on_jump, rate, band = (
            devices.part[m, t],
            jumping[m, t],
            devices.total[m, t],
            devices.width[m, t],
        )
        y = devices.through[m, t] * LN2 / (band if band > 0.0 else 1.0)
        flexible = LN2 / devices.value[m, t] * (1.0 + expm1(smallest(y, LARGEST)))
        gain, _ = surplus(devices.reach[m, t])
        rigid = mu * LN2 / gain
        nu = rigid if mu >= devices.kink[m, t] else flexible
        nu = part if part > 0.0 else nu
        nu = on_jump if on_jump > 0.0 else nu
        multiplier[t] = nu if rate > 0.0 else devices.scratch[m, t]


@lane_loop
def _serve(limits, place, tau, items, total, rate):
    """Serve item k of device m; `place` is (m, k, first lane)."""
    m, k, start = place
    for t in range(tau.size):
        most = limits[k, lane_at(start, t)] / tau[t]
        above, through, served = items.above[m, k, t], items.through[m, k, t], total[m, t]
        share = (served - above) / (through - above)
        share = share if share < 1.0 else 1.0
        f = most if served >= through else share * most
        rate[k, lane_at(start, t)] = f if served > above else 0.0


@helper
def recover(problem, allocation, lanes, rows):
    """Write the allocation of a block of slots."""
    devices, count = problem.measured.size, problem.weights.shape[0]
    per_device = problem.gain.size // devices
    pool, parts = rows.pool, rows.devices
    total = pool.distance
    total[:] = 0.0
    for m in range(devices):
        if not problem.measured[m]:
            _set_bands(m, parts, pool, total)
    for m in range(devices):
        start = m * per_device + lanes.start
        stop = start + lanes.count
        if problem.measured[m]:
            allocation.bandwidth[start:stop] = 0.0
            continue
        _fit_bands(m, parts, pool, total, allocation.bandwidth[start:stop])
        _set_power(m, parts, pool, allocation.power[start:stop])
        parts.scratch[m, :] = 0.0
        parts.slope[m, :] = 0.0
        for k in range(count):
            place = m, k, start
            _set_largest(problem.weights, problem.limits, place, parts.scratch)
            _set_jumping_weight(problem.weights, place, rows.items, pool, parts.slope)
            _serve(problem.limits, place, pool.tau, rows.items, parts.total, allocation.rate)
        _set_multiplier(m, parts, pool, parts.slope, allocation.multiplier[start:stop])
    allocation.price[lanes.start : lanes.start + lanes.count] = pool.price
