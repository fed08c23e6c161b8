"""Problem 4, transmission: minimise -tau sum r_n Q_n + U tau p.

Subject to 0 <= p <= pmax, sum r <= R(p) = b_w log2(1 + p h / (b_w N_0)) and 0 <= r <= Q / tau.
Shapes: `queue` and `rate` are (N, L), one lane a device in a slot; `bandwidth` and `max_power` are
(M,), and lane l belongs to device l // (L // M); `gain` is (L,). Units: bits, bit/s, Hz, W, W/Hz, s.
"""

import math

import numpy as np

from lyaopt._kernels._jit import Kernel, helper, inline, lanes
from lyaopt._kernels.costs import TRANSMIT, transmit_price
from lyaopt._kernels.levels import (
    SCRATCH_ROWS,
    SOLVER_ROWS,
    block_rows,
    block_width,
    exact_solver,
    many_solver,
    multiplier_solver,
    serve,
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
    SHARE,
)

_LN2 = math.log(2.0)


@inline
def worthless_backlog(weight, noise, gain):
    """Return q0 = U / (b eta) = U N_0 ln 2 / h: below it no bit is worth its energy."""
    return weight * noise * _LN2 / gain


@inline
def snr_per_watt(gain, bandwidth, noise):
    """Return eta = h / (b_w N_0)."""
    return gain / (bandwidth * noise)


@lanes
def _channel(gain, start, count, bandwidth, max_power, tau, weight, noise, given):
    for t in range(count):
        given[LIMIT, t] = max_power[t] * snr_per_watt(gain[start + t], bandwidth[t], noise)
        given[SCALE, t] = bandwidth[t] / _LN2 * tau
        given[INVERSE, t] = 1.0 / (bandwidth[t] / _LN2 * tau)
        given[FLOOR, t] = worthless_backlog(weight, noise, gain[start + t])


@lanes
def _report(given, found, bandwidth, max_power, noise, gain, start, count, power, multiplier):
    for t in range(count):
        snr = found[EFFORT, t]
        most = max_power[t]
        watts = snr / snr_per_watt(gain[start + t], bandwidth[t], noise)
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
        device_bandwidth, device_power = scratch[SOLVER_ROWS], scratch[SOLVER_ROWS + 1]
        for start in range(0, lanes, width):
            count = min(width, lanes - start)
            spread(bandwidth, lanes, start, count, device_bandwidth)
            spread(max_power, lanes, start, count, device_power)
            _channel(gain, start, count, device_bandwidth, device_power, tau, weight, noise, given)
            solve(queue, start, count, given, found, scratch, rows)
            serve(queue, start, count, found[LEVEL], found[SHARE], tau, rate)
            _report(
                given, found, device_bandwidth, device_power, noise, gain, start, count, power, multiplier
            )

    return batch


_SIGNATURE = "void(f8[:,::1], f8[::1], f8[::1], f8[::1], f8, f8, f8, f8[:,::1], f8[::1], f8[::1])"
_exact = _batch(exact_solver(TRANSMIT, (2, 4)), False)
transmit_lanes = helper(_exact)  # for kernels that solve several problems
transmit_exact = Kernel("transmit_exact", _SIGNATURE, _exact)
transmit_bisection = Kernel("transmit_bisection", _SIGNATURE, _batch(multiplier_solver(TRANSMIT), False))
transmit_many = Kernel("transmit_many", _SIGNATURE, _batch(many_solver(TRANSMIT), True))
