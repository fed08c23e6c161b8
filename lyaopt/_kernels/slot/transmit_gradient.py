"""Derivatives through Problem 4, transmission: a loss of the allocation and of the optimal value.

With eta = h / (b_w N_0), b = b_w / ln 2, x = p eta and y = ln(1 + x), so that S = b y: in the terms of
active_set.py the supply is S = b ln(1 + pmax eta) where full power binds, and else
S = b ln(v h / (U N_0 ln 2)). Below full power p follows from S. With e = max(nu - U (1 + x) / (b eta), 0),
what nu exceeds the marginal energy by, and R = y - 1 + e^-y, the envelope theorem gives

    dV/dpmax = -tau e b eta / (1 + x) if p = pmax, else 0    dV/dU = tau p
    dV/dh = -tau nu b x / ((1 + x) h)                        dV/dN_0 = tau nu b x / ((1 + x) N_0)
    dV/db_w = -tau nu R / ln 2                               dV/dtau = U p - nu S = -(U / eta) (1 + x) R - e S

of which the last form has no cancellation. Without a channel no power is bought, and where it is free all of
it would be at the first one: dV/dh = -tau nu pmax / (N_0 ln 2) if U = 0, else 0. A measured radio has S = R_m
where its rate binds, p = P S / R_m.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.numerics.elementary import log1p
from lyaopt._kernels.slot.active_set import (
    BLOCK_WIDTH,
    block_range,
    find_active_set,
    new_rows,
    through_value,
    write_items,
)
from lyaopt._kernels.slot.general_blocks import spread_lanes
from lyaopt._kernels.slot.general_problems import GeneralTransmitProblem, of_lane
from lyaopt._kernels.slot.gradient_types import (
    TransmitGradient,
    gradient_signature,
    write_parameter,
)
from lyaopt._kernels.slot.problems import TransmitAllocation
from lyaopt._kernels.toolchain.jit import Kernel, fused, helper, inline, lane_loop

_LN2 = math.log(2.0)
_PER_LN2 = 1.0 / _LN2
_ROUNDING = 1e-12  # of the sum of the rates of a lane


class _Lane(NamedTuple):
    """Parameters of the lanes of a block; (W,) each."""

    gain: Any
    bandwidth: Any
    max_power: Any
    energy_weight: Any
    power: Any


class _By(NamedTuple):
    """Derivatives by the parameters of the lanes of a block; (W,) each."""

    gain: Any
    bandwidth: Any
    max_power: Any
    energy_weight: Any
    noise: Any
    radio_rate: Any
    radio_power: Any


class _Signal(NamedTuple):
    """What the formulas of one lane share.

    - `noise_power`, `eta`: b_w N_0 / h, and its inverse.
    - `nats`: b.
    - `snr`, `exponent`, `remainder`, `filled`: x, y, R and 1 / (1 + x).
    - `inverse_gain`: 1 / h; 0 where there is no channel.
    """

    noise_power: Any
    eta: Any
    nats: Any
    snr: Any
    exponent: Any
    remainder: Any
    filled: Any
    inverse_gain: Any


@inline
def _new_lane(width):
    rows = np.empty((5, width))
    return _Lane(rows[0], rows[1], rows[2], rows[3], rows[4])


@inline
def _new_by(width):
    rows = np.zeros((7, width))
    return _By(rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6])


@fused
def _remainder(exponent, snr, filled):
    """Return y - 1 + e^-y for snr = e^y - 1; below y = 0.1 by a series, without cancellation."""
    y = exponent
    tail = 1 / 120 - y * (1 / 720 - y * (1 / 5040 - y * (1 / 40320 - y * (1 / 362880))))
    series = y * y * (1 / 2 - y * (1 / 6 - y * (1 / 24 - y * tail)))
    return series if y < 0.1 else y - snr * filled


@inline
def _signal(lane, t, noise):
    bandwidth, power, gain = lane.bandwidth[t], lane.power[t], lane.gain[t]
    alive = gain > 0.0
    inverse_gain = (1.0 if alive else 0.0) / (gain if alive else 1.0)
    noise_power = bandwidth * noise * inverse_gain
    # a shared spectrum may leave a device nothing
    eta = gain / (bandwidth * noise) if bandwidth > 0.0 else 0.0
    snr = power * eta
    exponent, filled = log1p(snr), 1.0 / (1.0 + snr)
    rest = _remainder(exponent, snr, filled)
    return _Signal(noise_power, eta, bandwidth * _PER_LN2, snr, exponent, rest, filled, inverse_gain)


@lane_loop
def _supply(rows, lane, by, noise, count):
    """Set the derivatives of the loss by what it takes of the allocation, and complete the active set."""
    per_noise = 1.0 / noise
    for t in range(count):
        signal = _signal(lane, t, noise)
        power, snr, nats, filled = lane.power[t], signal.snr, signal.nats, signal.filled
        threshold, group, by_power = rows.threshold[t], rows.group[t], rows.lane[t]
        partly, sends = threshold >= 0.0, power > 0.0
        bound = partly & (power >= lane.max_power[t])
        energy = partly & (not bound) & (threshold > 0.0)
        per_nat = (1.0 + snr) * signal.noise_power  # dp/dy; without a channel power buys nothing
        per_bandwidth = 1.0 / lane.bandwidth[t]
        per_rate = per_nat * per_bandwidth * _LN2
        supplied = rows.mean[t] + (0.0 if bound else by_power * per_rate)
        at_bound, at_energy = (supplied if bound else 0.0), (supplied if energy else 0.0)
        # the power that carries S where S does not move: p = (e^(S/b) - 1) / eta
        carried = by_power if sends & (not bound) else 0.0
        reached = nats * (at_bound * snr * filled + at_energy) - carried * power
        by.gain[t] = reached * signal.inverse_gain
        by.noise[t] = -reached * per_noise
        by.max_power[t] = (at_bound * nats * filled * signal.eta + by_power) if bound else 0.0
        weight = lane.energy_weight[t]
        moved = at_energy * nats
        by.energy_weight[t] = -moved / (weight if weight > 0.0 else 1.0)
        rate = at_bound * signal.remainder + at_energy * signal.exponent
        by.bandwidth[t] = rate * _PER_LN2 - carried * per_nat * per_bandwidth * signal.remainder
        rows.per_weight[t] = moved / ((threshold if energy else 1.0) * (group if partly else 1.0))
        rows.mean[t] = rows.mean[t] if partly else -by_power * per_rate


@lane_loop
def _clear(rows, by, count):
    for t in range(count):
        by.gain[t] = by.bandwidth[t] = by.max_power[t] = by.energy_weight[t] = by.noise[t] = 0.0
        rows.per_weight[t] = 0.0


@lane_loop
def _add_envelope(rows, lane, by, noise, count):
    """Add the derivatives of the loss by way of the optimal value."""
    per_noise = 1.0 / noise
    for t in range(count):
        signal = _signal(lane, t, noise)
        power, snr, nats, filled = lane.power[t], signal.snr, signal.nats, signal.filled
        nu, tau, value, weight = rows.multiplier[t], rows.tau[t], rows.value[t], lane.energy_weight[t]
        scale = value * tau
        full = (power >= lane.max_power[t]) & (signal.inverse_gain > 0.0)
        per_nat = weight * signal.noise_power * (1.0 + snr)
        excess = nu - per_nat / nats
        excess = excess if full & (excess > 0.0) else 0.0
        reached = scale * nu * nats * snr * filled
        waits = (signal.inverse_gain == 0.0) & (weight == 0.0)
        first = scale * nu * lane.max_power[t] * per_noise * _PER_LN2 if waits else 0.0
        by.gain[t] -= reached * signal.inverse_gain + first
        by.noise[t] += reached * per_noise
        by.max_power[t] -= scale * excess * nats * filled * signal.eta
        by.energy_weight[t] += scale * power
        by.bandwidth[t] -= scale * nu * signal.remainder * _PER_LN2
        rows.by_tau[t] = -value * (per_nat * signal.remainder + excess * nats * signal.exponent)


@lane_loop
def _price_first_bit(rows, lane, noise, count):
    """Raise nu to what the first bit costs where none is sent: what one more bit of a limit gains is less."""
    for t in range(count):
        gain, nu = lane.gain[t], rows.multiplier[t]
        able = (gain > 0.0) & (lane.max_power[t] > 0.0)
        cost = lane.energy_weight[t] * noise * _LN2 / (gain if able else 1.0)
        cost = cost if able else math.inf
        rows.multiplier[t] = cost if (rows.total[t] == 0.0) & (cost > nu) else nu


@helper
def _supply_measured(problem, multiplier, lanes, rows, lane, by):
    """Put right what the loops above set for devices whose radio is measured."""
    lane_count = problem.weights.shape[1]
    for t in range(lanes.count):
        by.radio_rate[t] = by.radio_power[t] = 0.0
        place = lanes.start + t
        if of_lane(problem.measured, place, lane_count) == 0:
            continue
        rate, full, nu = problem.radio_rate[place], problem.radio_power[place], multiplier[place]
        by.gain[t] = by.bandwidth[t] = by.max_power[t] = by.noise[t] = rows.per_weight[t] = 0.0
        total, tau, value = rows.total[t], rows.tau[t], rows.value[t]
        weight, by_power = lane.energy_weight[t], rows.lane[t]
        used = min(total / rate, 1.0) if rate > 0.0 else 0.0
        per_bit = full / rate if rate > 0.0 else 0.0
        # a radio without rate waits for one, if that costs nothing
        bound = used >= 1.0 - _ROUNDING if rate > 0.0 else weight * full == 0.0
        partly = rows.threshold[t] >= 0.0
        worth = max(nu - weight * per_bit, 0.0) if bound else 0.0
        supplied = rows.mean[t] + by_power * per_bit if partly & bound else 0.0
        by.radio_rate[t] = (
            supplied - by_power * per_bit * used - value * tau * (weight * per_bit * used + worth)
        )
        by.radio_power[t] = by_power * used + value * tau * weight * used
        by.energy_weight[t] = value * tau * full * used
        rows.mean[t] = rows.mean[t] if partly else -by_power * per_bit
        rows.by_tau[t] = value * (weight * full * used - nu * total)
        first = weight * per_bit if rate > 0.0 else math.inf
        rows.multiplier[t] = max(nu, first) if total == 0.0 else nu


def _transmit_gradient(problem, allocation, cotangents, gradient):
    lane_count = problem.weights.shape[1]
    width = min(BLOCK_WIDTH, lane_count)
    rows, lane, by = new_rows(width), _new_lane(width), _new_by(width)
    for start in range(0, lane_count, BLOCK_WIDTH):
        lanes = block_range(start, lane_count)
        find_active_set(problem, allocation.rate, allocation.multiplier, cotangents, lanes, rows)
        _spread(problem, allocation, lanes, lane)
        _supply_all(problem, allocation.multiplier, cotangents, lanes, rows, lane, by)
        write_items(problem, allocation.rate, cotangents, gradient, lanes, rows)
        _write(rows, by, lanes, gradient)


@helper
def _spread(problem, allocation, lanes, lane):
    lane_count = problem.weights.shape[1]
    spread_lanes(problem.gain, lane_count, lanes, lane.gain)
    spread_lanes(problem.bandwidth, lane_count, lanes, lane.bandwidth)
    spread_lanes(problem.max_power, lane_count, lanes, lane.max_power)
    spread_lanes(problem.energy_weight, lane_count, lanes, lane.energy_weight)
    spread_lanes(allocation.power, lane_count, lanes, lane.power)


@helper
def _supply_all(problem, multiplier, cotangents, lanes, rows, lane, by):
    if cotangents.items.size > 0:
        _supply(rows, lane, by, problem.noise, lanes.count)
    else:
        _clear(rows, by, lanes.count)
    if through_value(cotangents):
        _add_envelope(rows, lane, by, problem.noise, lanes.count)
    _price_first_bit(rows, lane, problem.noise, lanes.count)
    if problem.radio_rate.size > 0:
        _supply_measured(problem, multiplier, lanes, rows, lane, by)


@helper
def _write(rows, by, lanes, gradient):
    write_parameter(by.gain, lanes, gradient.gain)
    write_parameter(by.bandwidth, lanes, gradient.bandwidth)
    write_parameter(by.max_power, lanes, gradient.max_power)
    write_parameter(by.energy_weight, lanes, gradient.energy_weight)
    write_parameter(by.noise, lanes, gradient.noise)
    write_parameter(by.radio_rate, lanes, gradient.radio_rate)
    write_parameter(by.radio_power, lanes, gradient.radio_power)
    write_parameter(rows.by_tau, lanes, gradient.tau)


transmit_gradient = Kernel(
    "transmit_gradient",
    functools.partial(gradient_signature, GeneralTransmitProblem, TransmitAllocation, TransmitGradient),
    _transmit_gradient,
)
