"""Derivatives through the active set of an optimal allocation: what the three problems share.

Let v be the weight of the items that are served in part, A the sum of u_i = Q_i / tau above v, B that of the
items on v, and S the supply. The optimum is f_i = u_i above v, f_i = u_i c on v with c = (S - A) / B, and 0
below. For a loss with derivatives g_i by f_i, and their mean on v, h = sum g_i u_i / B, this gives

    by u_i    g_i - h above v,  c (g_i - h) on v,  0 below
    by S      h

What S depends on is up to the problem. Where no item is served in part S is the sum of what is served whole,
f_i = u_i: an item is whole where f_i >= Q_i / tau. Where S follows the weight v of several items, the
derivative by each of their weights is its share u_i / B: there f is not differentiable, and this is the
derivative along the direction that moves all of them.

The optimal value V has derivatives -tau f_i by a weight and -max(w_i - nu, 0) by a limit, by the envelope
theorem. Where V has a kink each derivative is that of one side, or lies between both. By a limit of 0 it is
that to larger ones: where nothing is served, the problems raise nu in the rows to what the first unit of work
costs.
"""

from typing import Any, NamedTuple

import numpy as np

from lyaopt._kernels.slot.blocks import LaneRange, fill
from lyaopt._kernels.slot.general_blocks import spread_lanes
from lyaopt._kernels.toolchain.jit import helper, inline, lane_loop

BLOCK_WIDTH = 1024  # lanes: rows stay in the second-level cache, and the cost of a call is spread
WHOLE_ONLY = -1.0  # threshold of a lane in which no item is served in part
_ROWS = 12


class Rows(NamedTuple):
    """What is known of the lanes of a block; each row is an array (W,).

    Attributes
    ----------
    tau, multiplier, value, lane : arrays
        Slot length, nu, and the cotangents of V and of the lane.
    threshold : array
        v, or WHOLE_ONLY.
    group, share, mean, total : arrays
        B; c; h; and the sum of the f_i. `mean` is subtracted from g where no item is served in part, too.
    per_weight : array
        Derivative by the weight of an item on the threshold, for each unit of its u_i.
    by_tau, inverse_tau : arrays
        Derivative by the slot length, and its inverse.
    """

    tau: Any
    multiplier: Any
    value: Any
    lane: Any
    threshold: Any
    group: Any
    share: Any
    mean: Any
    total: Any
    per_weight: Any
    by_tau: Any
    inverse_tau: Any


class _Item(NamedTuple):
    """One item of the lanes of a block: weights, limits, what is served, and its cotangent; (W,) each."""

    weight: Any
    limit: Any
    served: Any
    cotangent: Any


@inline
def new_rows(width):
    """Return rows for blocks of up to `width` lanes."""
    rows = np.empty((_ROWS, width))
    return Rows(
        rows[0],
        rows[1],
        rows[2],
        rows[3],
        rows[4],
        rows[5],
        rows[6],
        rows[7],
        rows[8],
        rows[9],
        rows[10],
        rows[11],
    )


@inline
def block_range(start, lane_count):
    """Return the block of lanes from `start` on."""
    return LaneRange(start, min(BLOCK_WIDTH, lane_count - start))


@lane_loop
def _begin(rows, count):
    for t in range(count):
        rows.threshold[t] = WHOLE_ONLY
        rows.group[t] = 0.0
        rows.share[t] = 0.0
        rows.mean[t] = 0.0
        rows.total[t] = 0.0
        rows.per_weight[t] = 0.0
        rows.by_tau[t] = 0.0
        rows.inverse_tau[t] = 1.0 / rows.tau[t]


@lane_loop
def _find_threshold(item, rows, count):
    for t in range(count):
        served, weight, threshold = item.served[t], item.weight[t], rows.threshold[t]
        partly = (served > 0.0) & (served < item.limit[t] / rows.tau[t])
        rows.threshold[t] = weight if partly & (weight > threshold) else threshold
        rows.total[t] += served


@lane_loop
def _add_to_group(item, rows, count):
    for t in range(count):
        on = 1.0 if item.weight[t] == rows.threshold[t] else 0.0
        most = on * (item.limit[t] * rows.inverse_tau[t])
        rows.group[t] += most
        rows.mean[t] += most * item.cotangent[t]
        rows.share[t] += on * item.served[t]


@lane_loop
def _divide_by_group(rows, count):
    for t in range(count):
        inverse = 1.0 / (rows.group[t] if rows.threshold[t] >= 0.0 else 1.0)
        rows.mean[t] *= inverse
        rows.share[t] *= inverse


@inline
def _item(problem, served, cotangents, k, lanes):
    stop = lanes.start + lanes.count
    # where there are no cotangents of items, their row is not read
    cotangent = cotangents.items[k, lanes.start : stop] if cotangents.items.size > 0 else served[k, :0]
    return _Item(
        problem.weights[k, lanes.start : stop],
        problem.limits[k, lanes.start : stop],
        served[k, lanes.start : stop],
        cotangent,
    )


@inline
def through_value(cotangents):
    """Return whether the loss depends on V."""
    return (cotangents.value.size > 1) | (cotangents.value[0] != 0.0)


@helper
def find_active_set(problem, served, multiplier, cotangents, lanes, rows):
    """Set the rows of a block; without cotangents of items only those that the envelope needs."""
    lane_count = problem.weights.shape[1]
    spread_lanes(problem.tau, lane_count, lanes, rows.tau)
    spread_lanes(multiplier, lane_count, lanes, rows.multiplier)
    spread_lanes(cotangents.value, lane_count, lanes, rows.value)
    if cotangents.lane.size > 0:
        spread_lanes(cotangents.lane, lane_count, lanes, rows.lane)
    else:
        fill(rows.lane, lanes.count, 0.0)
    _begin(rows, lanes.count)
    for k in range(problem.weights.shape[0]):
        _find_threshold(_item(problem, served, cotangents, k, lanes), rows, lanes.count)
    if cotangents.items.size == 0:
        return
    for k in range(problem.weights.shape[0]):
        _add_to_group(_item(problem, served, cotangents, k, lanes), rows, lanes.count)
    _divide_by_group(rows, lanes.count)


@lane_loop
def _write_items(item, by_weight, by_limit, rows, count):
    for t in range(count):
        weight, served, tau, threshold = item.weight[t], item.served[t], rows.tau[t], rows.threshold[t]
        most = item.limit[t] / tau
        whole = (served >= most) & ((most > 0.0) | (weight > rows.multiplier[t]))
        whole = (weight > threshold) if threshold >= 0.0 else whole
        on = weight == threshold
        share = 1.0 if whole else (rows.share[t] if on else 0.0)
        slope = share * (item.cotangent[t] - rows.mean[t]) * rows.inverse_tau[t]
        above = weight - rows.multiplier[t]
        above = above if above > 0.0 else 0.0
        by_weight[t] = (rows.per_weight[t] * most if on else 0.0) - rows.value[t] * tau * served
        by_limit[t] = slope - rows.value[t] * above
        rows.by_tau[t] -= slope * most


@lane_loop
def _write_envelope(item, by_weight, by_limit, rows, count):
    for t in range(count):
        above = item.weight[t] - rows.multiplier[t]
        above = above if above > 0.0 else 0.0
        by_weight[t] = -rows.value[t] * rows.tau[t] * item.served[t]
        by_limit[t] = -rows.value[t] * above


@helper
def write_items(problem, served, cotangents, gradient, lanes, rows):
    """Write the derivatives by weights and limits, and add to that by the slot length."""
    stop = lanes.start + lanes.count
    for k in range(problem.weights.shape[0]):
        item = _item(problem, served, cotangents, k, lanes)
        by_weight, by_limit = gradient.weights[k, lanes.start : stop], gradient.limits[k, lanes.start : stop]
        if cotangents.items.size > 0:
            _write_items(item, by_weight, by_limit, rows, lanes.count)
        else:
            _write_envelope(item, by_weight, by_limit, rows, lanes.count)
