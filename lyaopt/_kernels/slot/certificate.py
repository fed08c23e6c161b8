"""Duality gaps as sums of non-negative terms, so that they keep their digits down to zero.

For a multiplier nu >= 0 of the shared resource, weak duality bounds how much better any feasible point
can be. Every term below measures one deviation from complementary slackness at nu. Written for one
lane at a time with the library's logarithms: it shares nothing with the solvers but the statement.
"""

import math

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.toolchain.jit import Kernel, helper, inline

_ROUNDING = 2e-15  # of a multiplier


@inline
def _excess(value, bound):
    """Return by how much a value exceeds its bound, relative to it."""
    if value <= bound:
        return 0.0
    return (value - bound) / bound if bound > 0.0 else math.inf


@inline
def _shortfall(value, bound):
    """Return how far a value lies below zero, relative to its upper bound."""
    if value >= 0.0:
        return 0.0
    return -value / bound if bound > 0.0 else math.inf


@inline
def worse(a, b):
    """Return the larger; a NaN, which `max` may drop, counts as largest."""
    return b if (b > a) | (b != b) else a


@helper
def _relative(gap, gross, queue, lane, tau):
    """Return the gap relative to the gross gain or, where nothing is served, to serving everything."""
    waiting = 0.0
    if gross == 0.0:
        for k in range(queue.shape[0]):
            waiting += queue[k, lane]
            gross += queue[k, lane] / tau * queue[k, lane]
    if gross == 0.0:
        # without any backlog whatever is spent is wasted; backlogs whose squares vanish are worth nothing
        return math.inf if (gap > 0.0) & (waiting == 0.0) else 0.0
    return gap / gross if gross < math.inf else math.nan


@helper
def queue_terms(queue, rate, lane, tau, nu):
    """Return (gap, gross gain / tau, sum of rates, violation) of the items of one lane.

    The gap counts what is not served although its backlog exceeds nu, and what is served although it
    does not. The total is compensated, since there may be millions of items.
    """
    gap = 0.0
    gross = 0.0
    violation = 0.0
    total = 0.0
    lost = 0.0
    for k in range(queue.shape[0]):
        backlog = queue[k, lane]
        f = rate[k, lane]
        cap = backlog / tau
        gross += f * backlog
        if backlog > nu:
            gap += max(cap - f, 0.0) * (backlog - nu)
        else:
            gap += f * (nu - backlog)
        violation = worse(violation, worse(_excess(f, cap), _shortfall(f, cap)))
        total, error = two_sum(total, f)
        lost += error
    return gap, gross, total + lost, violation


@helper
def local_gap(queue, cpu, lane, capacity, tau, weight, delta, nu):
    """Return (relative gap, gross gain, violation) of Problem 3 in one lane."""
    terms, gross, total, violation = queue_terms(queue, cpu, lane, tau, nu)
    k = weight * delta
    best = capacity  # the total that nu asks for
    if 3.0 * k * capacity * capacity > nu:
        best = math.sqrt(nu / (3.0 * k))
    short = total - best
    curve = k * short * short  # k first: the square alone may overflow
    gap = terms + curve * total + 2.0 * curve * best
    if best == capacity:
        gap += max(nu - 3.0 * k * capacity * capacity, 0.0) * max(capacity - total, 0.0)
    return _relative(gap, gross, queue, lane, tau), tau * gross, worse(violation, _excess(total, capacity))


@inline
def _exp_remainder(d):
    """Return e^d - 1 - d >= 0; the series has no cancellation near 0."""
    if abs(d) < 0.05:
        return d * d * (1 / 2 + d * (1 / 6 + d * (1 / 24 + d * (1 / 120 + d * (1 / 720 + d / 5040)))))
    return math.expm1(d) - d


@helper
def _largest_open(queue, rate, lane, tau):
    """Return the largest backlog that is not served whole."""
    largest = 0.0
    for k in range(queue.shape[0]):
        backlog = queue[k, lane]
        if rate[k, lane] < backlog / tau and backlog > largest:
            largest = backlog
    return largest


@helper
def transmit_gap(queue, rate, lane, power, max_power, gain, bandwidth, tau, weight, noise, nu):
    """Return (relative gap, gross gain, violation) of Problem 4 in one lane."""
    terms, gross, total, violation = queue_terms(queue, rate, lane, tau, nu)
    violation = worse(violation, worse(_excess(power, max_power), _shortfall(power, max_power)))
    b = bandwidth / math.log(2.0)
    eta = gain / (bandwidth * noise)
    y = math.log1p(power * eta)
    violation = worse(violation, _excess(total, b * y))
    gap = terms + nu * max(b * y - total, 0.0)
    if eta == 0.0:  # no channel: power buys nothing
        return _relative(gap + weight * power, gross, queue, lane, tau), tau * gross, violation
    floor = weight / b / eta  # the product may overflow
    most = math.log1p(max_power * eta)
    best = most
    if weight > 0.0:
        best = min(most, math.log1p((nu - floor) / floor)) if nu > floor else 0.0
        # A multiplier free to move by its rounding is the marginal cost at y; taken back from nu, a y far
        # below an ulp of 1 would be lost.
        marginal = floor * (1.0 + power * eta)
        free = _largest_open(queue, rate, lane, tau) < nu * (1.0 - _ROUNDING)
        if free and abs(nu - marginal) <= _ROUNDING * nu:
            best = y
    if y != best:  # else there is nothing to add, even where U / eta is infinite
        slope = weight / eta * math.exp(best)
        gap += slope * _exp_remainder(y - best)
        if best in (0.0, most):
            gap += max((slope - nu * b) * (y - best), 0.0)
    return _relative(gap, gross, queue, lane, tau), tau * gross, violation


@helper
def edge_gap(queue, cpu, lane, capacity, tau, nu):
    """Return (relative gap, gross gain, violation) of Problem 5 in one lane."""
    terms, gross, total, violation = queue_terms(queue, cpu, lane, tau, nu)
    gap = terms + nu * max(capacity - total, 0.0)
    return _relative(gap, gross, queue, lane, tau), tau * gross, worse(violation, _excess(total, capacity))


def _local_certificate(queue, capacity, tau, weight, delta, cpu, multiplier, report):
    lanes = queue.shape[1]
    for lane in range(lanes):
        device = lane // (lanes // capacity.size)
        report[0, lane], report[1, lane], report[2, lane] = local_gap(
            queue, cpu, lane, capacity[device], tau, weight, delta, multiplier[lane]
        )


def _transmit_certificate(
    queue, gain, bandwidth, max_power, tau, weight, noise, rate, power, multiplier, report
):
    lanes = queue.shape[1]
    for lane in range(lanes):
        device = lane // (lanes // bandwidth.size)
        report[0, lane], report[1, lane], report[2, lane] = transmit_gap(
            queue,
            rate,
            lane,
            power[lane],
            max_power[device],
            gain[lane],
            bandwidth[device],
            tau,
            weight,
            noise,
            multiplier[lane],
        )


def _edge_certificate(queue, capacity, tau, cpu, multiplier, report):
    for lane in range(queue.shape[1]):
        report[0, lane], report[1, lane], report[2, lane] = edge_gap(
            queue, cpu, lane, capacity, tau, multiplier[lane]
        )


# `report` (3, L) receives relative gap, gross gain tau sum f Q and relative violation of every lane.
_local = "void(f8[:,::1], f8[::1], f8, f8, f8, f8[:,::1], f8[::1], f8[:,::1])"
_transmit = "void(f8[:,::1], f8[::1], f8[::1], f8[::1], f8, f8, f8, f8[:,::1], f8[::1], f8[::1], f8[:,::1])"
_edge = "void(f8[:,::1], f8, f8, f8[:,::1], f8[::1], f8[:,::1])"
local_certificate = Kernel("local_certificate", _local, _local_certificate)
transmit_certificate = Kernel("transmit_certificate", _transmit, _transmit_certificate)
edge_certificate = Kernel("edge_certificate", _edge, _edge_certificate)
