"""Sorting networks on tuples of 2, 4 or 8 weights that carry the limits along.

As in sorting_networks.py, where weight and limit are one number; what does not depend on that is taken from
there. Lanes of fewer items are padded with items of weight and limit 0.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.slot import sorting_networks as plain
from lyaopt._kernels.slot.blocks import NONE
from lyaopt._kernels.slot.weighted_recovery import work_served
from lyaopt._kernels.toolchain.jit import inline

_load_two, _load_four, _load_eight = plain.TWO.load, plain.FOUR.load, plain.EIGHT.load


@inline
def _exchange(w, u, i, j):
    """Return the weights and limits of the items i < j of two tuples, the heavier item first."""
    swap = w[j] > w[i]
    first = w[j] if swap else w[i]
    second = w[i] if swap else w[j]
    return first, second, (u[j] if swap else u[i]), (u[i] if swap else u[j])


@inline
def _load2(items, k, lane):
    return _load_two(items.weights, k, lane), _load_two(items.limits, k, lane)


@inline
def _load4(items, k, lane):
    return _load_four(items.weights, k, lane), _load_four(items.limits, k, lane)


@inline
def _load8(items, k, lane):
    return _load_eight(items.weights, k, lane), _load_eight(items.limits, k, lane)


@inline
def _sort2(w, u):
    a, b, c, d = _exchange(w, u, 0, 1)
    return (a, b), (c, d)


@inline
def _sort4(w, u):
    """Sort two pairs, then merge: five comparisons."""
    (a, b), (p, q) = _sort2(w[:2], u[:2])
    (c, d), (r, s) = _sort2(w[2:], u[2:])
    (a, c), (p, r) = _sort2((a, c), (p, r))
    (b, d), (q, s) = _sort2((b, d), (q, s))
    (b, c), (q, r) = _sort2((b, c), (q, r))
    return (a, b, c, d), (p, q, r, s)


@inline
def _sort8(w, u):
    """Sort two fours, then merge them odd with even: nineteen comparisons."""
    (a, b, c, d), (i, j, k, m) = _sort4(w[:4], u[:4])
    (e, f, g, h), (n, o, p, q) = _sort4(w[4:], u[4:])
    (a, e), (i, n) = _sort2((a, e), (i, n))
    (c, g), (k, p) = _sort2((c, g), (k, p))
    (c, e), (k, n) = _sort2((c, e), (k, n))
    (b, f), (j, o) = _sort2((b, f), (j, o))
    (d, h), (m, q) = _sort2((d, h), (m, q))
    (d, f), (m, o) = _sort2((d, f), (m, o))
    (b, c), (j, k) = _sort2((b, c), (j, k))
    (d, e), (m, n) = _sort2((d, e), (m, n))
    (f, g), (o, p) = _sort2((f, g), (o, p))
    return (a, b, c, d, e, f, g, h), (i, j, k, m, n, o, p, q)


@inline
def _larger(a, b):
    return a if a > b else b


@inline
def _rejected(cost, lane_cost, effort, weight):
    """Return the weight of an item that is not served whole, `NONE` for one that is."""
    limit, inverse, floor = lane_cost
    return weight if (effort > limit) | (cost.marginal_cost(effort, inverse, floor) > weight) else NONE


@inline
def _threshold2(cost, lane_cost, efforts, weights):
    """Return the largest weight that is not served whole, `NONE` if all are."""
    return _larger(
        _rejected(cost, lane_cost, efforts[0], weights[0]),
        _rejected(cost, lane_cost, efforts[1], weights[1]),
    )


@inline
def _threshold4(cost, lane_cost, efforts, weights):
    return _larger(
        _threshold2(cost, lane_cost, efforts[:2], weights[:2]),
        _threshold2(cost, lane_cost, efforts[2:], weights[2:]),
    )


@inline
def _threshold8(cost, lane_cost, efforts, weights):
    return _larger(
        _threshold4(cost, lane_cost, efforts[:4], weights[:4]),
        _threshold4(cost, lane_cost, efforts[4:], weights[4:]),
    )


@inline
def _sum_on2(weights, limits, threshold):
    """Return the sum of the limits of the items on the threshold."""
    first = limits[0] if weights[0] == threshold else 0.0
    second = limits[1] if weights[1] == threshold else 0.0
    return first + second


@inline
def _sum_on4(weights, limits, threshold):
    return _sum_on2(weights[:2], limits[:2], threshold) + _sum_on2(weights[2:], limits[2:], threshold)


@inline
def _sum_on8(weights, limits, threshold):
    return _sum_on4(weights[:4], limits[:4], threshold) + _sum_on4(weights[4:], limits[4:], threshold)


@inline
def _store2(loaded, served, k, lane, rate):
    (a, b), (u, v) = loaded
    threshold, rest, on_threshold, tau = served
    rate[k, lane] = work_served(a, u, threshold, rest, on_threshold) / tau
    rate[k + 1, lane] = work_served(b, v, threshold, rest, on_threshold) / tau


@inline
def _store4(loaded, served, k, lane, rate):
    w, u = loaded
    _store2((w[:2], u[:2]), served, k, lane, rate)
    _store2((w[2:], u[2:]), served, k + 2, lane, rate)


class WeightedNetwork(NamedTuple):
    """The functions of tuples of `size` items.

    Attributes
    ----------
    size : int
    load : function of (items, first item, lane)
        Weights and limits of a lane, zeros beyond the last item.
    sort : function of (weights, limits)
        Heaviest first.
    prefix, efforts, largest_above : functions
        As of `sorting_networks.Network`.
    threshold : function of (cost, lane_cost, efforts, weights)
        Largest weight that is not served whole; `lane_cost` is (limit, inverse, floor).
    sum_on : function of (weights, limits, threshold)
    store : function of (loaded, (threshold, rest, on_threshold, tau), first item, lane, rate), or None
        Writes the rates; None where no solver serves in registers.
    """

    size: Any
    load: Any
    sort: Any
    prefix: Any
    efforts: Any
    threshold: Any
    largest_above: Any
    sum_on: Any
    store: Any


def _network(same, load, sort, threshold, sum_on, store):
    shared = same.prefix, same.efforts, threshold, same.largest_above
    return WeightedNetwork(same.size, load, sort, *shared, sum_on, store)


TWO = _network(plain.TWO, _load2, _sort2, _threshold2, _sum_on2, _store2)
FOUR = _network(plain.FOUR, _load4, _sort4, _threshold4, _sum_on4, _store4)
EIGHT = _network(plain.EIGHT, _load8, _sort8, _threshold8, _sum_on8, None)
