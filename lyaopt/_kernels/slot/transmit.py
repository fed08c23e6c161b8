"""Problem 4, transmission: minimise -tau sum r_n Q_n + U tau p.

Subject to 0 <= p <= pmax, sum r <= R(p) = b_w log2(1 + p h / (b_w N_0)) and 0 <= r <= Q / tau.
Shapes: `queue` and `rate` are (N, L), one lane a device in a slot; `bandwidth` and `max_power` are
(M,), and lane l belongs to device l // (L // M); `gain` is (L,). Units: bits, bit/s, Hz, W, W/Hz, s.
"""

import math

import numpy as np

from lyaopt._kernels.slot.block_rows import (
    EFFORT,
    FLOOR,
    INVERSE,
    LEVEL,
    LIMIT,
    SCALE,
)
from lyaopt._kernels.slot.dispatch import (
    SOLVER_ROWS,
    block_arrays,
    block_width,
    exact_solver,
    many_solver,
    multiplier_solver,
    only_device,
    spread,
    workspace,
)
from lyaopt._kernels.slot.marginal_costs import TRANSMIT, transmit_price
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline, lane_loop

_LN2 = math.log(2.0)


_DEVICE_ROWS = 4


@inline
def transmit_workspace(items, lanes, devices, one_by_one):
    """Return how many doubles the solvers below take."""
    return workspace(items, lanes, one_by_one) + _DEVICE_ROWS * devices


@helper
def _devices(bandwidth, max_power, tau, noise, work):
    """Return what is the same in every slot of a device: b tau, its inverse, b_w N_0, pmax / (b_w N_0)."""
    table = work[work.size - _DEVICE_ROWS * bandwidth.size :].reshape(_DEVICE_ROWS, bandwidth.size)
    for m in range(bandwidth.size):
        scale = bandwidth[m] / _LN2 * tau
        noise_power = bandwidth[m] * noise
        table[0, m] = scale
        table[1, m] = 1.0 / scale
        table[2, m] = noise_power
        table[3, m] = max_power[m] / noise_power
    return table


@lane_loop
def _channel(gain, start, count, full_power, threshold, given):
    """Set the signal-to-noise limit pmax eta, and q0 = U / (b eta) = U N_0 ln 2 / h."""
    for t in range(count):
        given[LIMIT, t] = full_power[t] * gain[start + t]
        given[FLOOR, t] = threshold / gain[start + t]


@lane_loop
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


def _solver(solve, one_by_one):
    @helper
    def within(queue, gain, bandwidth, max_power, tau, weight, noise, rate, power, multiplier, work):
        """Write `rate` (N, L) in bit/s, `power` (L,) in W, and `multiplier` (L,) nu in bits.

        `work` are at least as many doubles as `transmit_workspace` says.
        """
        items, lanes = queue.shape
        width = block_width(items, lanes, one_by_one)
        given, found, scratch, rows = block_arrays(work, items, width, one_by_one)
        devices = _devices(bandwidth, max_power, tau, noise, work)
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

    return within


def _allocating(within, one_by_one):
    def batch(queue, gain, bandwidth, max_power, tau, weight, noise, rate, power, multiplier):
        work = np.empty(transmit_workspace(queue.shape[0], queue.shape[1], bandwidth.size, one_by_one))
        within(queue, gain, bandwidth, max_power, tau, weight, noise, rate, power, multiplier, work)

    return batch


_SIGNATURE = "void(f8[:,::1], f8[::1], f8[::1], f8[::1], f8, f8, f8, f8[:,::1], f8[::1], f8[::1])"
# for kernels that solve several problems, and have a workspace
transmit_lanes = _solver(exact_solver(TRANSMIT, (2, 4), at_once=False), False)
transmit_lanes_many = _solver(many_solver(TRANSMIT), True)
_bisection = _solver(multiplier_solver(TRANSMIT), False)
transmit_exact = Kernel("transmit_exact", _SIGNATURE, _allocating(transmit_lanes, False))
transmit_bisection = Kernel("transmit_bisection", _SIGNATURE, _allocating(_bisection, False))
transmit_many = Kernel("transmit_many", _SIGNATURE, _allocating(transmit_lanes_many, True))
