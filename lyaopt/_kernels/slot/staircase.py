"""Exact solver for energies that are convex and piecewise linear: two staircases cross.

A CPU with a table of operating points, or a radio of a measured rate, offers work in segments of a constant
marginal energy each, cheapest first (the lower convex hull of the table: a slot may be shared between two
points). Items ask for work, heaviest first. Work is done as long as the weight of the next item is at least
the marginal energy of the next segment, so that

    S* = max_i min(C_i, s_i),   C_i the limits of all items at least as heavy as item i,
                                s_i the ends of the segments that are worth its weight,

as in the other problems. One lane at a time: the segments are few, and differ from device to device.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.slot.blocks import NONE
from lyaopt._kernels.slot.item_order import sort_items
from lyaopt._kernels.slot.weighted_recovery import work_served
from lyaopt._kernels.toolchain.jit import helper, inline

_ROUNDED = 1.0 + 1e-15
_SHORT = 2.0**-51  # of the total: more than the rounding of all rates


class Supply(NamedTuple):
    """What a resource offers in one lane.

    - `ends` (K,): total speed at the end of each segment, increasing, in Hz or bit/s.
    - `slopes` (K,): energy of one more unit of work in each segment, in J; non-decreasing.
    - `capacity`: largest total speed, which may end before the segments do.
    - `tau`, `energy_weight`: slot length in s, and weight of the energy.
    """

    ends: Any
    slopes: Any
    capacity: Any
    tau: Any
    energy_weight: Any


@inline
def hull_power(ends, slopes, speed):
    """Return the power in W at a total speed, within the segments of a hull from (0, 0) on."""
    power = begin = 0.0
    for k in range(ends.size):
        part = min(speed, ends[k]) - begin
        power += slopes[k] * part if part > 0.0 else 0.0
        begin = ends[k]
    return power


@inline
def hull_slope(ends, slopes, speed):
    """Return the slope of the segment that ends at or reaches beyond a total speed; 0 at standstill.

    A speed that was work, and exceeds the end of a segment by its rounding alone, is at that end.
    """
    slope = 0.0
    begin = 0.0
    for k in range(ends.size):
        slope = slopes[k] if (speed > begin * _ROUNDED) & (ends[k] > begin) else slope
        begin = ends[k]
    return slope


@inline
def marginal_power(ends, slopes, speed):
    """Return what one more unit of work costs at a total speed: `hull_slope`, and at standstill the first."""
    return hull_slope(ends, slopes, speed) if speed > 0.0 else slopes[0]


@inline
def _reach(supply, weight):
    """Return the work of the segments that are worth a weight."""
    speed = 0.0
    for k in range(supply.ends.size):
        speed = supply.ends[k] if supply.energy_weight * supply.slopes[k] <= weight else speed
    return min(speed, supply.capacity) * supply.tau


@helper
def _cross(supply, limits, lane, order):
    """Return (threshold, sum of the limits above it, of those on it, total work, least weight above it)."""
    above = lost = 0.0
    lightest = np.inf
    count = order.shape[1]
    i = 0
    while i < count:
        weight = order[0, i]
        group = group_lost = 0.0
        while i < count and order[0, i] == weight:
            group, error = two_sum(group, limits[int(order[1, i]), lane])
            group_lost += error
            i += 1
        group += group_lost
        reach = _reach(supply, weight)
        if not above + lost + group <= reach:
            above += lost
            return weight, above, group, max(above, min(reach, above + group)), lightest
        above, error = two_sum(above, group)
        lost += error
        lightest = weight
    return NONE, above + lost, 0.0, above + lost, lightest


@helper
def solve_staircase(supply, items, lane, order, rate):
    """Solve one lane and write its rates (N, L); return (total speed, multiplier).

    `order` (2, N) is workspace.
    """
    weights, limits = items.weights, items.limits
    sort_items(weights, lane, order)
    threshold, above, on_threshold, total, lightest = _cross(supply, limits, lane, order)
    # a rate beyond the end of a segment by an ulp would pay the next slope, any multiple of what is gained
    rest = max(total * (1.0 - _SHORT) - above, 0.0)
    for k in range(order.shape[1]):
        work = work_served(weights[k, lane], limits[k, lane], threshold, rest, on_threshold)
        rate[k, lane] = work / supply.tau
    full = total >= supply.capacity * supply.tau
    speed = supply.capacity if full & (total > 0.0) else total / supply.tau
    if total > above:
        return speed, threshold
    # at the end of a segment rounding may give the slope of the next one, which is worth no item served
    marginal = min(supply.energy_weight * hull_slope(supply.ends, supply.slopes, speed), lightest)
    return speed, max(marginal, threshold, 0.0)
