"""Duality gaps as sums of non-negative terms, so that they keep their digits down to zero.

For a multiplier nu >= 0 of the shared resource, weak duality bounds how much better any feasible point can
be. Every term below measures one deviation from complementary slackness at nu; docs/explanation/solvers.md
derives them. The code works on one lane at a time with the library's logarithms, and shares only the
problems' statement with the solvers. Weights w and limits Q of the items are both the backlog here;
general_certificate.py gives other ones to the same terms.

`report` (3, L) receives relative gap, gross gain tau sum f Q and relative violation of every lane.
"""

import functools
import math
from typing import Any, NamedTuple

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.slot.parts import PART, PartKernel, lanes_of_part
from lyaopt._kernels.slot.problems import (
    EdgeAllocation,
    EdgeProblem,
    LocalAllocation,
    LocalProblem,
    TransmitAllocation,
    TransmitProblem,
    solver_signature,
)
from lyaopt._kernels.toolchain.jit import inline

_ROUNDING = 2e-15  # of a multiplier


class Terms(NamedTuple):
    """What the items of one lane contribute: gap, gross gain / tau, sum of rates and violation.

    `serving_all` is the gain of serving everything / tau, `waiting` the sum of the weights and `largest_open`
    the largest weight that is not served whole. They are found in one loop: a second one, where it is needed,
    would keep Numba from dropping the counts of references of its arrays.
    """

    gap: Any
    gross: Any
    total: Any
    violation: Any
    serving_all: Any
    waiting: Any
    largest_open: Any


class LocalLane(NamedTuple):
    """What Problem 3 takes of one lane: slot length, k = U delta, and F."""

    tau: Any
    k: Any
    capacity: Any


class TransmitLane(NamedTuple):
    """What Problem 4 takes of one lane: slot length, U, b_w, pmax, h and N_0."""

    tau: Any
    weight: Any
    bandwidth: Any
    max_power: Any
    gain: Any
    noise: Any


@inline
def excess(value, bound):
    """Return by how much a value exceeds its bound, relative to it."""
    beyond = (value - bound) / bound if bound > 0.0 else math.inf
    return 0.0 if value <= bound else beyond


@inline
def shortfall(value, bound):
    """Return how far a value lies below zero, relative to its upper bound."""
    if value >= 0.0:
        return 0.0
    return -value / bound if bound > 0.0 else math.inf


@inline
def worse(a, b):
    """Return the larger; a NaN, which `max` may drop, counts as largest."""
    return b if (b > a) | (b != b) else a


@inline
def outside(value, bound):
    """Return how far a value lies outside [0, bound], relative to the bound."""
    return worse(excess(value, bound), shortfall(value, bound))


@inline
def relative(gap, terms):
    """Return the gap relative to the gross gain or, where nothing is served, to serving everything."""
    scale = terms.gross if terms.gross != 0.0 else terms.serving_all
    share = gap / scale if scale < math.inf else math.nan
    # without any weight whatever is spent is wasted; weights whose gains vanish are worth nothing
    wasted = math.inf if (gap > 0.0) & (terms.waiting == 0.0) else 0.0
    return wasted if scale == 0.0 else share


@inline
def queue_terms(weights, limits, rate, lane, tau, nu):
    """Return the `Terms` of the items of one lane.

    The gap counts what is not served although its weight exceeds nu, and what is served although it
    does not. The total is compensated, since there may be millions of items.
    """
    gap = 0.0
    gross = 0.0
    violation = 0.0
    total = 0.0
    lost = 0.0
    serving_all = 0.0
    waiting = 0.0
    largest_open = 0.0
    for k in range(rate.shape[0]):
        weight = weights[k, lane]
        f = rate[k, lane]
        cap = limits[k, lane] / tau
        gross += f * weight
        serving_all += cap * weight
        waiting += weight
        largest_open = weight if (f < cap) & (weight > largest_open) else largest_open
        if weight > nu:
            gap += max(cap - f, 0.0) * (weight - nu)
        else:
            gap += f * (nu - weight)
        violation = worse(violation, outside(f, cap))
        total, error = two_sum(total, f)
        lost += error
    return Terms(gap, gross, total + lost, violation, serving_all, waiting, largest_open)


@inline
def local_lane_gap(terms, given, nu):
    """Return (relative gap, gross gain, violation) of Problem 3 in one lane; `given` is a `LocalLane`."""
    k, capacity, total = given.k, given.capacity, terms.total
    best = capacity  # the total that nu asks for
    if 3.0 * k * capacity * capacity > nu:
        best = math.sqrt(nu / (3.0 * k))
    short = total - best
    curve = k * short * short  # k first: the square alone may overflow
    gap = terms.gap + curve * total + 2.0 * curve * best
    if best == capacity:
        gap += max(nu - 3.0 * k * capacity * capacity, 0.0) * max(capacity - total, 0.0)
    violation = worse(terms.violation, excess(total, capacity))
    return relative(gap, terms), given.tau * terms.gross, violation


@inline
def local_gap(problem, allocation, lane, device):
    """Return (relative gap, gross gain, violation) of Problem 3 in one lane, which belongs to `device`."""
    nu = allocation.multiplier[lane]
    terms = queue_terms(problem.queue, problem.queue, allocation.cpu, lane, problem.tau, nu)
    given = LocalLane(problem.tau, problem.weight * problem.delta, problem.capacity[device])
    return local_lane_gap(terms, given, nu)


@inline
def exp_remainder(d):
    """Return e^d - 1 - d >= 0; the series has no cancellation near 0."""
    if abs(d) < 0.05:
        return d * d * (1 / 2 + d * (1 / 6 + d * (1 / 24 + d * (1 / 120 + d * (1 / 720 + d / 5040)))))
    return math.expm1(d) - d


@inline
def _best_exponent(weight, nu, most, floor):
    """Return the y = ln(1 + p eta) that nu asks for, up to `most`; `floor` is q0 = U / (b eta)."""
    if weight <= 0.0:
        return most
    return min(most, math.log1p((nu - floor) / floor)) if nu > floor else 0.0


@inline
def is_marginal(largest_open, nu, marginal):
    """Return whether nu is the marginal cost up to its rounding, and free to move by that.

    It is free where no item at nu is served in part. Taken back from nu, a y far below an ulp of 1 would be
    lost.
    """
    free = largest_open < nu * (1.0 - _ROUNDING)
    return free & (abs(nu - marginal) <= _ROUNDING * nu)


@inline
def transmit_lane_gap(terms, given, power, nu):
    """Return (relative gap, gross gain, violation) of Problem 4 in one lane; `given` is a `TransmitLane`."""
    weight, bandwidth, max_power = given.weight, given.bandwidth, given.max_power
    total, gain = terms.total, given.tau * terms.gross
    violation = worse(terms.violation, outside(power, max_power))
    b = bandwidth / math.log(2.0)
    eta = given.gain / (bandwidth * given.noise)
    y = math.log1p(power * eta)
    violation = worse(violation, excess(total, b * y))
    gap = terms.gap + nu * max(b * y - total, 0.0)
    if eta == 0.0:  # no channel: power buys nothing
        return relative(gap + weight * power, terms), gain, violation
    floor = weight / b / eta  # the product may overflow
    most = math.log1p(max_power * eta)
    best = _best_exponent(weight, nu, most, floor)
    marginal = floor * (1.0 + power * eta)
    if weight > 0.0 and is_marginal(terms.largest_open, nu, marginal):
        best = y
    if y != best:  # else there is nothing to add, even where U / eta is infinite
        slope = weight / eta * math.exp(best)
        gap += slope * exp_remainder(y - best)
        if best in (0.0, most):
            gap += max((slope - nu * b) * (y - best), 0.0)
    return relative(gap, terms), gain, violation


@inline
def transmit_gap(problem, allocation, lane, device):
    """Return (relative gap, gross gain, violation) of Problem 4 in one lane, which belongs to `device`."""
    bandwidth, max_power = problem.bandwidth[device], problem.max_power[device]
    given = TransmitLane(problem.tau, problem.weight, bandwidth, max_power, problem.gain[lane], problem.noise)
    nu = allocation.multiplier[lane]
    terms = queue_terms(problem.queue, problem.queue, allocation.rate, lane, problem.tau, nu)
    return transmit_lane_gap(terms, given, allocation.power[lane], nu)


@inline
def edge_lane_gap(terms, tau, capacity, nu):
    """Return (relative gap, gross gain, violation) of Problem 5 in one lane."""
    gap = terms.gap + nu * max(capacity - terms.total, 0.0)
    violation = worse(terms.violation, excess(terms.total, capacity))
    return relative(gap, terms), tau * terms.gross, violation


@inline
def edge_gap(problem, allocation, lane):
    """Return (relative gap, gross gain, violation) of Problem 5 in one lane."""
    nu = allocation.multiplier[lane]
    terms = queue_terms(problem.queue, problem.queue, allocation.cpu, lane, problem.tau, nu)
    return edge_lane_gap(terms, problem.tau, problem.capacity, nu)


@inline
def write_reports(gap, problem, allocation, devices, report, part):
    """Write what ``gap(problem, allocation, lane, device)`` returns of a part of the lanes."""
    lanes_per_device = report.shape[1] // devices
    first, last = lanes_of_part(report.shape[1], 1, part)
    for lane in range(first, last):
        relative_gap, gain, violation = gap(problem, allocation, lane, lane // lanes_per_device)
        report[0, lane], report[1, lane], report[2, lane] = relative_gap, gain, violation


def _local_certificate(problem, allocation, report, part):
    write_reports(local_gap, problem, allocation, problem.capacity.size, report, part)


def _transmit_certificate(problem, allocation, report, part):
    write_reports(transmit_gap, problem, allocation, problem.bandwidth.size, report, part)


def _edge_certificate(problem, allocation, report, part):
    first, last = lanes_of_part(report.shape[1], 1, part)
    for lane in range(first, last):
        report[0, lane], report[1, lane], report[2, lane] = edge_gap(problem, allocation, lane)


_REPORT = "f8[:,::1]", PART
local_certificate = PartKernel(
    "local_certificate",
    functools.partial(solver_signature, LocalProblem, LocalAllocation, *_REPORT),
    _local_certificate,
)
transmit_certificate = PartKernel(
    "transmit_certificate",
    functools.partial(solver_signature, TransmitProblem, TransmitAllocation, *_REPORT),
    _transmit_certificate,
)
edge_certificate = PartKernel(
    "edge_certificate",
    functools.partial(solver_signature, EdgeProblem, EdgeAllocation, *_REPORT),
    _edge_certificate,
)
