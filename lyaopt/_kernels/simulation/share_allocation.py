"""Allocation by shares of what there is, in place of the three problems of a slot.

Shares hold until others are told. In each slot they are cut to what can be used, so that C.4 to C.10 hold:

    f^l_n = min(share_n level^l F^l, Q^l_n / tau),  r_n = min(share_n R(level^t p^max), Q^t_n / tau),
    f^e_n = min(share_n F^e, Q^e_n / tau),

and only what is used costs energy: the speed is the sum of f^l, the power the least that carries all r.
Arrays are those of state_types.py. The learner has `levels` (B, 2, M), of the CPU and of the power, and
`shares` (B, 3, S), of the stages; `row` and `device` (S,) say where each service is kept.
"""

import functools
import math

import numpy as np

from lyaopt._kernels.numerics.elementary import expm1, log1p
from lyaopt._kernels.simulation.exact_allocation import (
    BANDWIDTH,
    CPU_CAPACITY,
    EDGE_CAPACITY,
    MAX_POWER,
    NOISE,
    TAU,
)
from lyaopt._kernels.simulation.slot_loop import BACKLOGS, PRESENT, advancer, signature
from lyaopt._kernels.simulation.state_types import SharedModel, Systems, compiled_type
from lyaopt._kernels.simulation.task_queues import BACKLOG, EDGE, LOCAL, STAGES, TRANSMIT
from lyaopt._kernels.toolchain.jit import Kernel, helper, lane_loop

# Rows of `levels`
CPU_LEVEL, POWER_LEVEL = range(2)
LEVELS = 2

_LN2 = math.log(2.0)


@lane_loop
def _scale(level, most, whole):
    for t in range(whole.size):
        whole[t] = level[t] * most


@lane_loop
def _rate_of(level, gain, most, noise_power, scale, whole):
    for t in range(whole.size):
        whole[t] = scale * log1p(level[t] * most * gain[t] / noise_power)


@lane_loop
def _power_of(rate, level, gain, most, noise_power, scale, power):
    """Write the least power that carries `rate`, which is one that the level can carry."""
    for t in range(power.size):
        signal = expm1(rate[t] / scale)
        watts = signal * noise_power / gain[t]
        limit = level[t] * most
        watts = watts if watts < limit else limit
        power[t] = watts if signal > 0.0 else 0.0


@lane_loop
def _divide(backlog, share, whole, tau, rate, total):
    for t in range(rate.size):
        wanted = share[t] * whole[t]
        most = backlog[t] / tau
        given = wanted if wanted < most else most
        rate[t] = given
        total[t] += given


@lane_loop
def _fill(value, target):
    for t in range(target.size):
        target[t] = value


@helper
def _divide_all(backlog, share, start, whole, tau, rate, total):
    """Divide `whole` (w,) among services, lanes of (N, L) from `start` on; write what they use of it."""
    stop = start + whole.size
    _fill(0.0, total)
    for n in range(rate.shape[0]):
        _divide(backlog[n][start:stop], share[n][start:stop], whole, tau, rate[n][start:stop], total)


@helper
def _no_buffer(services, devices, width):
    return 0


@helper
def _allocate(b, work, gain, model, rates, cpu, power, scratch, _):
    """Write what the services of block `b` get in a slot, `rates` (3, N, L), `cpu` and `power` (L,)."""
    tau, backlog = model.scalars[TAU], work[BACKLOG]
    edge, noise = model.scalars[EDGE_CAPACITY], model.scalars[NOISE]
    levels, shares = model.levels[b], model.shares[b]
    width = cpu.size // model.devices.shape[1]
    for m in range(model.devices.shape[1]):
        start, stop = m * width, m * width + width
        whole, speed, watts, channel = (
            scratch[start:stop],
            cpu[start:stop],
            power[start:stop],
            gain[start:stop],
        )
        _fill(edge, whole)
        # Nobody asks what all get of the edge together: the speed takes its place at once.
        _divide_all(backlog[EDGE], shares[EDGE], start, whole, tau, rates[EDGE], speed)
        _scale(levels[CPU_LEVEL][start:stop], model.devices[CPU_CAPACITY, m], whole)
        _divide_all(backlog[LOCAL], shares[LOCAL], start, whole, tau, rates[LOCAL], speed)
        level, most = levels[POWER_LEVEL][start:stop], model.devices[MAX_POWER, m]
        noise_power, scale = model.devices[BANDWIDTH, m] * noise, model.devices[BANDWIDTH, m] / _LN2
        _rate_of(level, channel, most, noise_power, scale, whole)
        _divide_all(backlog[TRANSMIT], shares[TRANSMIT], start, whole, tau, rates[TRANSMIT], watts)
        whole[:] = watts
        _power_of(whole, level, channel, most, noise_power, scale, watts)


@helper
def _wrong(values):
    """Return the place of the first value that is not from 0 to 1, or -1."""
    for i in range(values.size):
        if not (values[i] >= 0.0 and values[i] <= 1.0):
            return i
    return -1


def _adopt_shares(levels, shares, width, row, device, lane_levels, lane_shares):
    """Spread levels and shares over lanes, `lane_levels` (b, 2, L) and `lane_shares` (b, 3, N, L).

    Shares that sum to more than one are scaled to one. Return -1; or the place of the first level that is not
    from 0 to 1, or that of the first such share, counted on behind the levels.
    """
    place = _wrong(levels.reshape(levels.size))
    if place >= 0:
        return place
    place = _wrong(shares.reshape(shares.size))
    if place >= 0:
        return levels.size + place
    devices = levels.shape[2]
    total = np.empty((STAGES, devices))
    for i in range(shares.shape[0]):
        b, w = i // width, i % width
        for m in range(devices):
            for kind in range(LEVELS):
                lane_levels[b, kind, m * width + w] = levels[i, kind, m]
        total[:] = 0.0
        for s in range(row.size):
            total[LOCAL, device[s]] += shares[i, LOCAL, s]
            total[TRANSMIT, device[s]] += shares[i, TRANSMIT, s]
            total[EDGE, 0] += shares[i, EDGE, s]
        for s in range(row.size):
            t = device[s] * width + w
            for stage in range(STAGES):
                together = total[stage, 0 if stage == EDGE else device[s]]
                lane_shares[b, stage, row[s], t] = shares[i, stage, s] / max(together, 1.0)
    return -1


def _occupied(width, systems, occupied):
    """Write whether a device's services had any backlog in the last period, `occupied` (B, M)."""
    for i in range(occupied.shape[0]):
        sums = systems.service_sums[i // width, PRESENT]
        for m in range(occupied.shape[1]):
            waiting = 0.0
            for stage in range(STAGES):
                for n in range(sums.shape[1]):
                    waiting += sums[BACKLOGS + stage, n, m * width + i % width]
            occupied[i, m] = waiting > 0.0


def _occupied_signature():
    from numba.core import types

    return types.void(types.int64, compiled_type(Systems), types.boolean[:, ::1])


advance_shares = Kernel(
    "advance_shares", functools.partial(signature, SharedModel), advancer(_allocate, _no_buffer)
)
adopt_shares = Kernel(
    "adopt_shares",
    "i8(f8[:,:,::1], f8[:,:,::1], i8, i8[::1], i8[::1], f8[:,:,::1], f8[:,:,:,::1])",
    _adopt_shares,
)
occupied = Kernel("occupied", _occupied_signature, _occupied)
