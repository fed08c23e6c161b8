"""Duality gaps of many slots at once: those of certificate.py, lanes side by side.

The statement is the same, and the terms are. What differs is how they are computed:

- Problem 4 works with the signal-to-noise ratio x = p eta that is used, and the one that nu asks for,
  x_nu = clip((nu - q0) / q0, 0, pmax eta), rather than with their logarithms y and y_nu. With z = (x - x_nu)
  / (1 + x_nu), y - y_nu = ln(1 + z), and the bracket e^d - 1 - d is z - ln(1 + z): no exponential is taken.
  At an optimum z is 0 but for rounding, and the logarithm a short series; where a lane is farther away, its
  neighbours are certified once more by the whole one.
- The logarithms are those of elementary.py, products and sums round once where they can, and what a device
  has in common in all slots is worked out once.

Gaps therefore differ from those of certificate.py by their own rounding, and where both are the square of
what rounding left of zero. tests/verify/test_fast_certificates.py holds by how much.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.numerics.elementary import log1p, log_and_less
from lyaopt._kernels.slot.blocks import LaneRange
from lyaopt._kernels.slot.certificate import excess, is_marginal, relative, worse
from lyaopt._kernels.slot.certificate_sums import (
    BY_EIGHT,
    BY_FOUR,
    BY_TWO,
    SUM_ROWS,
    Rule,
    Served,
    certify_lanes,
)
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
from lyaopt._kernels.toolchain.aligned_room import aligned_room
from lyaopt._kernels.toolchain.contiguous_views import view_as
from lyaopt._kernels.toolchain.jit import fused, inline

_NEAR = 2.0**-20  # up to here three terms of a series are a logarithm to the last digit
_WIDTH = 256  # lanes at a time: their sums stay in the first-level cache


class LocalNumbers(NamedTuple):
    """Numbers of one device in Problem 3, with k = U delta.

    F, 1 / F, k, 1 / sqrt(3 k), and the marginal cost 3 k F^2 at F.
    """

    capacity: Any
    inverse_capacity: Any
    k: Any
    inverse_root: Any
    steepest: Any


@inline
def local_numbers(capacity, weight, delta):
    """Return the `LocalNumbers` of a device."""
    k = weight * delta
    steepest = 3.0 * k * capacity * capacity
    inverse_root = 1.0 / np.sqrt(3.0 * k)  # NumPy's root, by which interpreted kernels divide even if it is 0
    return LocalNumbers(capacity, 1.0 / capacity, k, inverse_root, steepest)


@inline
def _beyond(value, bound, inverse):
    """Return by how much a value exceeds its bound, relative to it, given 1 / bound, infinite for 0."""
    return 0.0 if value <= bound else (value - bound) * inverse


@inline
def _positive(value):
    return value if value > 0.0 else 0.0


@fused
def finish_local(given, lane, sums, nu):
    """Return (relative gap, violation, True) of Problem 3 in one lane."""
    capacity = given.capacity
    total = sums.total + sums.lost
    # The root of every lane: a call in a branch would keep lanes from being vectors.
    wanted = math.sqrt(nu) * given.inverse_root
    best = wanted if given.steepest > nu else capacity
    short = total - best
    curve = given.k * short * short  # k first: the square alone may overflow, as twice the capacity may
    gap = sums.gap + curve * total + 2.0 * curve * best
    gap += _positive(nu - given.steepest) * _positive(capacity - total)
    return relative(gap, sums), _beyond(total, capacity, given.inverse_capacity), True


class TransmitNumbers(NamedTuple):
    """Numbers of one device in Problem 4, and the gains and powers (L,) of all lanes, or those of one.

    U, b = b_w / ln 2, U / b and its inverse, b_w N_0, pmax and its inverse.
    """

    weight: Any
    b: Any
    price: Any
    inverse_price: Any
    noise_power: Any
    max_power: Any
    inverse_power: Any
    gain: Any
    power: Any


@inline
def transmit_numbers(radio, common, gain, power):
    """Return the `TransmitNumbers` of a device of (b_w, pmax); `common` is (U, N_0)."""
    bandwidth, max_power = radio
    weight, noise = common
    b = bandwidth / math.log(2.0)
    price, inverse_price = weight / b, b / weight
    inverse_power = 1.0 / max_power
    noise_power = bandwidth * noise
    return TransmitNumbers(
        weight, b, price, inverse_price, noise_power, max_power, inverse_power, gain, power
    )


@inline
def _rate_exponent(snr):
    """Return ln(1 + snr), NaN for what is no signal-to-noise ratio."""
    logarithm = log1p(snr)
    return logarithm if (snr > -1.0) & (snr < math.inf) else math.nan


@fused
def _wanted_snr(given, sums, nu, snr, eta):
    """Return (what nu asks for, q0 = U / (b eta), what full power gives)."""
    floor = given.price / eta
    most = given.max_power * eta
    # a difference first: it keeps the digits where nu is near q0
    wanted = (nu - floor) * (given.inverse_price * eta) if nu > floor else 0.0
    wanted = wanted if (wanted < most) & (given.weight > 0.0) else most
    near = (given.weight > 0.0) & is_marginal(sums.largest_open, nu, floor * (1.0 + snr))
    return (snr if near else wanted), floor, most


@fused
def nearby(ratio, change):
    """Return ln(1 + z), what it is less than z by, and whether z is small enough for that."""
    less = change * change * (1 / 2 - change * (1 / 3 - change * (1 / 4)))
    return change - less, less, abs(change) <= _NEAR


@inline
def anywhere(ratio, change):
    """Return ln(1 + z), what it is less than z by, and True."""
    distance, less = log_and_less(ratio, change)
    return distance, less, True


@fused
def _spending(logarithm, given, sums, nu, snr, eta):
    """Return the bracket of Problem 4 without its slack: what the power costs beyond its worth at nu."""
    wanted, floor, most = _wanted_snr(given, sums, nu, snr, eta)
    inverse = 1.0 / (1.0 + wanted)
    change = (snr - wanted) * inverse
    distance, less, known = logarithm((1.0 + snr) * inverse, change)
    slope = floor * given.b * (1.0 + wanted)
    at_end = _positive((slope - nu * given.b) * distance)
    at_end = at_end if (wanted == 0.0) | (wanted == most) else 0.0
    return (slope * less + at_end if change != 0.0 else 0.0), known


@fused
def transmit_gap_of(logarithm, given, sums, nu):
    """Return (relative gap, violation, whether the gap is known) of Problem 4 in one lane.

    `given` has the gain and the power of the lane. `logarithm` is `anywhere`, or `nearby`, which takes none
    and knows the gap near an optimum only.
    """
    power = given.power
    eta = given.gain / given.noise_power
    snr = power * eta
    total = sums.total + sums.lost
    rate = given.b * _rate_exponent(snr)
    unused = rate - total
    spent, known = _spending(logarithm, given, sums, nu, snr, eta)
    spent = spent if eta != 0.0 else given.weight * power  # no channel: power buys nothing
    gap = sums.gap + nu * (0.0 if unused < 0.0 else unused) + spent
    out = _beyond(power, given.max_power, given.inverse_power) + _beyond(-power, 0.0, given.inverse_power)
    return relative(gap, sums), worse(excess(total, rate), out), known | (eta == 0.0)


@inline
def _of_lane(given, lane):
    """Return the numbers with the gain and the power of one lane."""
    return TransmitNumbers(
        given.weight,
        given.b,
        given.price,
        given.inverse_price,
        given.noise_power,
        given.max_power,
        given.inverse_power,
        given.gain[lane],
        given.power[lane],
    )


@inline
def _finish_transmit_nearby(given, lane, sums, nu):
    return transmit_gap_of(nearby, _of_lane(given, lane), sums, nu)


@inline
def _finish_transmit(given, lane, sums, nu):
    return transmit_gap_of(anywhere, _of_lane(given, lane), sums, nu)


class EdgeNumbers(NamedTuple):
    """F^e and its inverse."""

    capacity: Any
    inverse_capacity: Any


@fused
def finish_edge(given, lane, sums, nu):
    """Return (relative gap, violation, True) of Problem 5 in one lane."""
    total = sums.total + sums.lost
    gap = sums.gap + nu * _positive(given.capacity - total)
    return relative(gap, sums), _beyond(total, given.capacity, given.inverse_capacity), True


_LOCAL = Rule(BY_TWO, BY_FOUR, finish_local, finish_local)
_TRANSMIT = Rule(BY_TWO, BY_FOUR, _finish_transmit_nearby, _finish_transmit)
_EDGE = Rule(BY_FOUR, BY_EIGHT, finish_edge, finish_edge)


@inline
def _new_rows():
    return view_as(aligned_room(SUM_ROWS * _WIDTH), (SUM_ROWS, _WIDTH))


@inline
def _certify_slots(rule, given, served, first_lane, rows, worst, part):
    """Certify one lane of every slot of a part, from a first lane on."""
    first, last = lanes_of_part(worst.shape[1], _WIDTH, part)
    for slot in range(first, last, _WIDTH):
        lanes = LaneRange(first_lane + slot, min(_WIDTH, last - slot))
        certify_lanes(rule, given, served, lanes, slot, rows, worst)


def _local_gaps(problem, allocation, worst, part):
    rows = _new_rows()
    served = Served(problem.queue, allocation.cpu, allocation.multiplier, problem.tau)
    for m in range(problem.capacity.size):
        given = local_numbers(problem.capacity[m], problem.weight, problem.delta)
        _certify_slots(_LOCAL, given, served, m * worst.shape[1], rows, worst, part)


def _transmit_gaps(problem, allocation, worst, part):
    rows = _new_rows()
    served = Served(problem.queue, allocation.rate, allocation.multiplier, problem.tau)
    for m in range(problem.bandwidth.size):
        given = transmit_numbers(
            (problem.bandwidth[m], problem.max_power[m]),
            (problem.weight, problem.noise),
            problem.gain,
            allocation.power,
        )
        _certify_slots(_TRANSMIT, given, served, m * worst.shape[1], rows, worst, part)


def _edge_gaps(problem, allocation, worst, part):
    rows = _new_rows()
    served = Served(problem.queue, allocation.cpu, allocation.multiplier, problem.tau)
    given = EdgeNumbers(problem.capacity, 1.0 / problem.capacity)
    _certify_slots(_EDGE, given, served, 0, rows, worst, part)


# `worst` (2, B): relative gap and violation of every slot, raised to the worst of the problem's lanes in it.
# Equal parts of the three problems are the same slots.
_WORST = "f8[:,::1]", PART
local_gaps = PartKernel(
    "local_gaps", functools.partial(solver_signature, LocalProblem, LocalAllocation, *_WORST), _local_gaps
)
transmit_gaps = PartKernel(
    "transmit_gaps",
    functools.partial(solver_signature, TransmitProblem, TransmitAllocation, *_WORST),
    _transmit_gaps,
)
edge_gaps = PartKernel(
    "edge_gaps", functools.partial(solver_signature, EdgeProblem, EdgeAllocation, *_WORST), _edge_gaps
)
