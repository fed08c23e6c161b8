"""The price of spectrum: the mu at which the demand of all devices is the pool.

The demand falls from infinity to 0. Between its breakpoints it is smooth, and nearly a power of mu: Newton's
steps on ln sum b over ln mu converge fast. At a breakpoint it may jump over the pool. The
search keeps an interval that holds the answer. A step that leaves it goes to the breakpoint within it that is
nearest to where the step pointed or, where there is none, halves the bit patterns.
"""

import math

from lyaopt._kernels.numerics.elementary import expm1, halfway, log, log1p
from lyaopt._kernels.slot.blocks import lane_at
from lyaopt._kernels.slot.spectral_efficiency import HUGE, LARGEST, LN2, largest, smallest, surplus
from lyaopt._kernels.slot.spectrum_demand import find_demand, find_spare
from lyaopt._kernels.toolchain.jit import helper, lane_loop

_MOST_STEPS = 400  # never seen: it ends at neighbouring floats long before
_PLAIN_STEPS = 11  # before every third one halves
_CLOSE = 1e-14  # of the pool
_FEW_ULPS = 1e-15  # of the price
_GIVEN_UP = -1.0  # no float lies within the interval
_LONGEST_STEP = 690.0  # in ln mu


@lane_loop
def _guess_gain(m, devices, pool):
    """Write into `nearest` what device m gains on an even share of the pool, over nu / ln 2."""
    for t in range(pool.done.size):
        full = devices.full[m, t] / pool.target[t]
        gain, _ = surplus(smallest(log1p(smallest(full, HUGE)), LARGEST))
        pool.nearest[t] = gain


@lane_loop
def _guess_item(weights, place, items, pool):
    """Raise the first trial to what item k of device m pays there; `place` is (m, k, first lane)."""
    m, k, start = place
    for t in range(pool.done.size):
        begin = items.begin[m, k, t]
        price = smallest(begin, weights[k, lane_at(start, t)] / LN2 * pool.nearest[t])
        pool.high[t] = largest(begin, pool.high[t])
        pool.price[t] = largest(price, pool.price[t])


@lane_loop
def _judge(pool):
    """Narrow the intervals, and set the targets of the next steps."""
    for t in range(pool.done.size):
        mu, size, demand = pool.price[t], pool.pool[t], pool.demand[t]
        jump, slope, rigid = pool.jump[t], pool.slope[t], pool.rigid[t]
        close = _CLOSE * size + _FEW_ULPS * slope
        over = demand > size + close
        under = demand + jump < size - close
        found = (not over) & (not under)
        low = mu if over else pool.low[t]
        high = mu if under else pool.high[t]
        pool.low[t] = low
        pool.high[t] = high
        free = demand - rigid + (0.0 if over else jump)
        slope = slope if over else pool.slope_below[t]
        room = size - rigid
        steps = (free > 0.0) & (room > 0.0) & (slope > 0.0)
        ratio = smallest(largest(free / room, 1e-300), 1e300)
        step = log(ratio if steps else 1.0) * (free / (slope if slope > 0.0 else 1.0))
        step = smallest(largest(step, -_LONGEST_STEP), _LONGEST_STEP)
        target = mu + mu * expm1(step)
        target = target if steps else (low if over else pool.event[t])
        inside = (target > low) & (target < high)
        pool.target[t] = target
        pool.nearest[t] = target if inside else -1.0
        pool.distance[t] = -1.0 if inside else math.inf
        pool.done[t] = 1.0 if found else pool.done[t]


@lane_loop
def _find_nearest(place, items, pool):
    """Move to the breakpoints of item k of device m where they are nearer to the target."""
    m, k = place
    for t in range(pool.done.size):
        target, low, high = pool.target[t], pool.low[t], pool.high[t]
        best, distance = pool.nearest[t], pool.distance[t]
        begin, whole = items.begin[m, k, t], items.whole[m, k, t]
        away = abs(begin - target)
        closer = (begin > low) & (begin < high) & (away < distance)
        best = begin if closer else best
        distance = away if closer else distance
        away = abs(whole - target)
        closer = (whole > low) & (whole < high) & (away < distance)
        pool.nearest[t] = whole if closer else best
        pool.distance[t] = away if closer else distance


@lane_loop
def _step(halve, pool):
    """Set the next trials of slots that are not done; every now and then halve the interval."""
    for t in range(pool.done.size):
        low, high = pool.low[t], pool.high[t]
        nearest = pool.nearest[t]
        trial = halfway(low, high) if halve | (nearest < 0.0) else nearest
        done = pool.done[t]
        pool.price[t] = trial if done == 0.0 else pool.price[t]
        pool.done[t] = _GIVEN_UP if (done == 0.0) & (trial == low) else done


@helper
def _start(problem, lanes, rows):
    """Set the intervals and the first trials; a price of 0 is found at once."""
    pool, devices = rows.pool, problem.measured.size
    per_device = problem.gain.size // devices
    find_spare(problem, lanes, rows)
    taking = 0
    for m in range(devices):
        taking += 0 if problem.measured[m] else 1
    for t in range(lanes.count):
        pool.target[t] = pool.pool[t] / taking
        pool.low[t], pool.high[t], pool.price[t] = 0.0, 0.0, 0.0
        pool.done[t] = 1.0 if pool.demand[t] <= pool.pool[t] else 0.0
    for m in range(devices):
        if not problem.measured[m]:
            _guess_gain(m, rows.devices, pool)
            for k in range(problem.weights.shape[0]):
                place = m, k, m * per_device + lanes.start
                _guess_item(problem.weights, place, rows.items, pool)
    for t in range(lanes.count):
        pool.price[t] = pool.price[t] if pool.done[t] == 0.0 else 0.0
        pool.high[t] *= 1.0 + 4e-16  # beyond the jump at the last breakpoint


@lane_loop
def _close(pool):
    """Set what is left to do at the price: a part of the jumps, or a correction of ln mu."""
    for t in range(pool.done.size):
        found = pool.done[t] == 1.0
        price = pool.price[t] if found else pool.high[t]
        pool.price[t] = price
        left, jump, slope = pool.pool[t] - pool.demand[t], pool.jump[t], pool.slope[t]
        jumps = (jump > 0.0) & (left > 0.0)
        pool.share[t] = smallest(left / jump, 1.0) if jumps else 0.0
        shift = -left / slope
        shift = shift if (slope > 0.0) & (not jumps) & found & (price > 0.0) else 0.0
        pool.shift[t] = shift


@helper
def find_price(problem, lanes, rows):
    """Find the prices of a block of slots, and leave the demand at them in the rows."""
    _start(problem, lanes, rows)
    pool = rows.pool
    devices, count = problem.measured.size, problem.weights.shape[0]
    for step in range(_MOST_STEPS):
        find_demand(problem, lanes, rows)
        _judge(pool)
        left = 0
        for t in range(lanes.count):
            left += 1 if pool.done[t] == 0.0 else 0
        if left == 0:
            break
        for m in range(devices):
            if not problem.measured[m]:
                for k in range(count):
                    _find_nearest((m, k), rows.items, pool)
        _step((step > _PLAIN_STEPS) & (step % 3 == 0), pool)
    _close(pool)
