"""Allocation by shares of the capacities, in place of the three problems of a slot.

Fractions and shares hold until others are set. In each slot they are reduced to what can be used, so that
C.4 to C.10 hold:

    f^l_n = min(share_n u^l F^l, Q^l_n / tau),  r_n = min(share_n R(u^t p^max), Q^t_n / tau),
    f^e_n = min(share_n F^e, Q^e_n / tau),

where u^l and u^t are the fractions in use of the CPU and of the power. Only what is used costs energy: the
speed is the sum of f^l, the power the least that carries all r.

Arrays are those of state_types.py. Python has `fractions` (B, 2, M), of the CPU and of the power, and
`shares` (B, 3, S), of the stages, both from 0 to 1.
"""

import math

import numpy as np

from lyaopt._kernels.numerics.elementary import expm1
from lyaopt._kernels.simulation.exact_allocation import BANDWIDTH, CPU_CAPACITY, MAX_POWER
from lyaopt._kernels.simulation.state_types import Placement, compiled_signature
from lyaopt._kernels.simulation.task_queues import EDGE, LOCAL, STAGES, TRANSMIT
from lyaopt._kernels.slot.marginal_costs import transmit_served
from lyaopt._kernels.slot.problems import EDGE_CAPACITY, NOISE, TAU
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import Kernel, helper, lane_loop

# Rows of `fractions`
CPU_FRACTION, POWER_FRACTION = range(2)
FRACTIONS = 2

_LN2 = math.log(2.0)


@lane_loop
def _scale(fraction, most, whole):
    for t in range(whole.size):
        whole[t] = fraction[t] * most


@lane_loop
def _rate_of(fraction, gain, most, noise_power, scale, whole):
    """Write R(p), the rate at a fraction of the power: (3)."""
    for t in range(whole.size):
        whole[t] = transmit_served(fraction[t] * most * gain[t] / noise_power, scale)


@lane_loop
def _power_of(rate, fraction, gain, most, noise_power, scale, power):
    """Write the least power that carries `rate`, which is at most the rate at the fraction."""
    for t in range(power.size):
        signal = expm1(rate[t] / scale)
        watts = signal * noise_power / gain[t]
        limit = fraction[t] * most
        watts = watts if watts < limit else limit
        power[t] = watts if signal > 0.0 else 0.0


@lane_loop
def _divide(backlog, share, whole, tau, rate, total):
    """Give each lane's service its share of `whole`, or what its backlog can use, and add to the total."""
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
def allocate_by_shares(b, backlog, gain, model, allocation):
    """Write what block `b` gets in a slot, given backlogs (3, N, L) and gains (L,)."""
    rates, scalars = allocation.rates, model.scalars
    tau, noise = scalars[TAU], scalars[NOISE]
    fractions, shares = model.fractions[b], model.shares[b]
    width = gain.size // model.devices.shape[1]
    for m in range(model.devices.shape[1]):
        start, stop = m * width, m * width + width
        whole, speed = allocation.multiplier[start:stop], allocation.cpu[start:stop]
        watts, channel = allocation.power[start:stop], gain[start:stop]
        _fill(scalars[EDGE_CAPACITY], whole)
        # What all get of the edge together is not used: the speed takes its place at once.
        _divide_all(backlog[EDGE], shares[EDGE], start, whole, tau, rates[EDGE], speed)
        _scale(fractions[CPU_FRACTION][start:stop], model.devices[CPU_CAPACITY, m], whole)
        _divide_all(backlog[LOCAL], shares[LOCAL], start, whole, tau, rates[LOCAL], speed)
        fraction, most = fractions[POWER_FRACTION][start:stop], model.devices[MAX_POWER, m]
        noise_power, scale = model.devices[BANDWIDTH, m] * noise, model.devices[BANDWIDTH, m] / _LN2
        _rate_of(fraction, channel, most, noise_power, scale, whole)
        _divide_all(backlog[TRANSMIT], shares[TRANSMIT], start, whole, tau, rates[TRANSMIT], watts)
        whole[:] = watts
        _power_of(whole, fraction, channel, most, noise_power, scale, watts)


@helper
def _first_wrong(values):
    """Return the place of the first value that is not from 0 to 1, or -1."""
    for i in range(values.size):
        if not (values[i] >= 0.0 and values[i] <= 1.0):
            return i
    return -1


@helper
def _add_up_shares(shares, placement, total):
    """Write the sums of one replication's shares (3, S) into `total` (3, M), of the edge into [EDGE, 0]."""
    device = placement.device
    total[:] = 0.0
    for s in range(shares.shape[1]):
        m = device[s]
        total[LOCAL, m] += shares[LOCAL, s]
        total[TRANSMIT, m] += shares[TRANSMIT, s]
        total[EDGE, 0] += shares[EDGE, s]


def _spread_shares(fractions, shares, placement, lane_fractions, lane_shares):
    """Spread fractions and shares over lanes, `lane_fractions` (b, 2, L) and `lane_shares` (b, 3, N, L).

    Shares that sum to more than one are scaled to one. Return -1; or, with nothing written, the place of the
    first fraction that is not from 0 to 1, or that of the first such share, counted on behind the fractions.
    """
    wrong = _first_wrong(view_as(fractions, (fractions.size,)))
    if wrong >= 0:
        return wrong
    wrong = _first_wrong(view_as(shares, (shares.size,)))
    if wrong >= 0:
        return fractions.size + wrong
    row, device, width = placement
    devices = fractions.shape[2]
    total = np.empty((STAGES, devices))
    for i in range(shares.shape[0]):
        b, w = i // width, i % width
        for m in range(devices):
            for kind in range(FRACTIONS):
                lane_fractions[b, kind, m * width + w] = fractions[i, kind, m]
        _add_up_shares(shares[i], placement, total)
        for s in range(row.size):
            m = device[s]
            for stage in range(STAGES):
                together = total[stage, 0 if stage == EDGE else m]
                share = shares[i, stage, s] / max(together, 1.0)
                lane_shares[b, stage, row[s], m * width + w] = share
    return -1


def _signature():
    rows, lanes = "f8[:,:,::1]", "f8[:,:,:,::1]"
    return compiled_signature("i8", rows, rows, Placement, rows, lanes)


spread_shares = Kernel("spread_shares", _signature, _spread_shares)
