"""Problem 4, transmission: minimise -tau sum r_n Q_n + U tau p.

Subject to 0 <= p <= pmax, sum r <= R(p) = b_w log2(1 + p h / (b_w N_0)) and 0 <= r <= Q / tau.
Shapes: `queue` and `rate` are (N, L), one lane a device in a slot; `bandwidth` and `max_power` are
(M,), and lane l belongs to device l // (L // M); `gain` is (L,). Units: bits, bit/s, Hz, W, W/Hz, s.
"""

import math

import numpy as np

from lyaopt._kernels._jit import Kernel, helper, lanes
from lyaopt._kernels.costs import TRANSMIT, transmit_price
from lyaopt._kernels.levels import (
    SCRATCH_ROWS,
    SOLVER_ROWS,
    block_rows,
    block_width,
    exact_solver,
    many_solver,
    multiplier_solver,
    only_device,
    spread,
)
from lyaopt._kernels.rows import (
    EFFORT,
    FLOOR,
    FOUND_ROWS,
    GIVEN_ROWS,
    INVERSE,
    LEVEL,
    LIMIT,
    SCALE,
)

_LN2 = math.log(2.0)


@helper
def _devices(bandwidth, max_power, tau, noise):
    """Return what is the same in every slot of a device: b tau, its inverse, b_w N_0, pmax / (b_w N_0)."""
    table = np.empty((4, bandwidth.size))
    for m in range(bandwidth.size):
        scale = bandwidth[m] / _LN2 * tau
        noise_power = bandwidth[m] * noise
        table[0, m] = scale
        table[1, m] = 1.0 / scale
        table[2, m] = noise_power
        table[3, m] = max_power[m] / noise_power
    return table


@lanes
def _channel(gain, start, count, full_power, threshold, given):
    """Set the signal-to-noise limit pmax eta, and q0 = U / (b eta) = U N_0 ln 2 / h."""
    for t in range(count):
        given[LIMIT, t] = full_power[t] * gain[start + t]
        given[FLOOR, t] = threshold / gain[start + t]


@lanes
def _report(given, found, noise_power, max_power, gain, start, count, power, multiplier):
    for t in range(count):
        snr = found[EFFORT, t]
        most = max_power[t]
        watts = snr * noise_power[t] / gain[start + t]
        watts = watts if watts < most else most
        watts = most if snr >= given[LIMIT, t] else watts
        power[start + t] = watts if snr > 0.0 else 0.0
        level = found[LEVEL, t]
        marginal = transmit_price(snr, given[INVERSE, t], given[FLOOR, t])
        # where nothing is sent there is no power to save: one more bit/s is worth the largest backlog
        multiplier[start + t] = marginal if (marginal > level) & (snr > 0.0) else level


def _batch(solve, one_by_one):
    def batch(queue, gain, bandwidth, max_power, tau, weight, noise, rate, power, multiplier):
        """Write `rate` (N, L) in bit/s, `power` (L,) in W, and `multiplier` (L,) nu in bits."""
        items, lanes = queue.shape
        width = block_width(items, lanes, one_by_one)
        given = np.empty((GIVEN_ROWS, width))
        found = np.empty((FOUND_ROWS, width))
        scratch = np.empty((SCRATCH_ROWS, width))
        rows = block_rows(items, width, one_by_one)
        devices = _devices(bandwidth, max_power, tau, noise)
        noise_power, full_power, most = (
            scratch[SOLVER_ROWS],
            scratch[SOLVER_ROWS + 1],
            scratch[SOLVER_ROWS + 2],
        )
        spread_for = -1
        for start in range(0, lanes, width):
            count = min(width, lanes - start)
            device = only_device(lanes, bandwidth.size, start, count)
            if device == -1 or device != spread_for:
                spread(devices[0], lanes, start, count, given[SCALE])
                spread(devices[1], lanes, start, count, given[INVERSE])
                spread(devices[2], lanes, start, count, noise_power)
                spread(devices[3], lanes, start, count, full_power)
                spread(max_power, lanes, start, count, most)
            spread_for = device
            _channel(gain, start, count, full_power, weight * noise * _LN2, given)
            solve(queue, start, count, given, found, scratch, rows, tau, rate)
            _report(given, found, noise_power, most, gain, start, count, power, multiplier)

    return batch


_SIGNATURE = "void(f8[:,::1], f8[::1], f8[::1], f8[::1], f8, f8, f8, f8[:,::1], f8[::1], f8[::1])"
_exact = _batch(exact_solver(TRANSMIT, (2, 4), at_once=False), False)
transmit_lanes = helper(_exact)  # for kernels that solve several problems
transmit_exact = Kernel("transmit_exact", _SIGNATURE, _exact)
transmit_bisection = Kernel("transmit_bisection", _SIGNATURE, _batch(multiplier_solver(TRANSMIT), False))
_many = _batch(many_solver(TRANSMIT), True)
transmit_lanes_many = helper(_many)
transmit_many = Kernel("transmit_many", _SIGNATURE, _many)
