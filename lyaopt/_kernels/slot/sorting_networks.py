"""Sorting networks and sums on tuples of 2, 4 or 8 values that stay in registers.

The larger ones work by halves. There is no branch, so that a loop over lanes becomes vector instructions. A
`Network` holds the functions of one size; lanes of fewer items are padded with empty queues, which are served
nothing.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.slot.primal_recovery import work_served
from lyaopt._kernels.toolchain.jit import inline


@inline
def _backlog(queue, k, lane):
    """Return the backlog of item k of a lane, 0 beyond the last item."""
    items = queue.shape[0]
    backlog = queue[k if k < items else items - 1, lane]
    return backlog if k < items else 0.0


@inline
def _load2(queue, k, lane):
    return _backlog(queue, k, lane), _backlog(queue, k + 1, lane)


@inline
def _load4(queue, k, lane):
    return _load2(queue, k, lane) + _load2(queue, k + 2, lane)


@inline
def _load8(queue, k, lane):
    return _load4(queue, k, lane) + _load4(queue, k + 4, lane)


@inline
def _larger(a, b):
    return a if a > b else b


@inline
def _sort2(v):
    a, b = v
    return (a if a > b else b), (b if a > b else a)


@inline
def _sort4(v):
    """Sort two pairs, then merge: five comparisons."""
    a, b = _sort2(v[:2])
    c, d = _sort2(v[2:])
    a, c = _sort2((a, c))
    b, d = _sort2((b, d))
    b, c = _sort2((b, c))
    return a, b, c, d


@inline
def _sort8(v):
    """Sort two fours, then merge them odd with even: nineteen comparisons."""
    a, b, c, d = _sort4(v[:4])
    e, f, g, h = _sort4(v[4:])
    a, e = _sort2((a, e))
    c, g = _sort2((c, g))
    c, e = _sort2((c, e))
    b, f = _sort2((b, f))
    d, h = _sort2((d, h))
    d, f = _sort2((d, f))
    b, c = _sort2((b, c))
    d, e = _sort2((d, e))
    f, g = _sort2((f, g))
    return a, b, c, d, e, f, g, h


@inline
def _prefix2(v, before):
    first = before + v[0]
    return first, first + v[1]


@inline
def _prefix4(v, before):
    c = _prefix2(v[:2], before)
    return c + _prefix2(v[2:], c[1])


@inline
def _prefix8(v, before):
    c = _prefix4(v[:4], before)
    return c + _prefix4(v[4:], c[3])


@inline
def _efforts2(cost, sums, inverse):
    return cost.effort(sums[0], inverse), cost.effort(sums[1], inverse)


@inline
def _efforts4(cost, sums, inverse):
    return _efforts2(cost, sums[:2], inverse) + _efforts2(cost, sums[2:], inverse)


@inline
def _efforts8(cost, sums, inverse):
    return _efforts4(cost, sums[:4], inverse) + _efforts4(cost, sums[4:], inverse)


@inline
def _rejected(cost, lane_cost, effort, backlog):
    """Return the backlog of an item that is not served whole, `none` of the lane for one that is."""
    limit, inverse, floor, none = lane_cost
    return backlog if (effort > limit) | (cost.marginal_cost(effort, inverse, floor) > backlog) else none


@inline
def _threshold2(cost, lane_cost, efforts, backlogs):
    """Return the largest backlog that is not served whole, `none` of the lane if all are."""
    return _larger(
        _rejected(cost, lane_cost, efforts[0], backlogs[0]),
        _rejected(cost, lane_cost, efforts[1], backlogs[1]),
    )


@inline
def _threshold4(cost, lane_cost, efforts, backlogs):
    return _larger(
        _threshold2(cost, lane_cost, efforts[:2], backlogs[:2]),
        _threshold2(cost, lane_cost, efforts[2:], backlogs[2:]),
    )


@inline
def _threshold8(cost, lane_cost, efforts, backlogs):
    return _larger(
        _threshold4(cost, lane_cost, efforts[:4], backlogs[:4]),
        _threshold4(cost, lane_cost, efforts[4:], backlogs[4:]),
    )


@inline
def _largest_above2(values, backlogs, threshold):
    """Return the largest of the values whose backlogs are above the threshold, 0 without any."""
    return _larger(
        values[0] if backlogs[0] > threshold else 0.0,
        values[1] if backlogs[1] > threshold else 0.0,
    )


@inline
def _largest_above4(values, backlogs, threshold):
    return _larger(
        _largest_above2(values[:2], backlogs[:2], threshold),
        _largest_above2(values[2:], backlogs[2:], threshold),
    )


@inline
def _largest_above8(values, backlogs, threshold):
    return _larger(
        _largest_above4(values[:4], backlogs[:4], threshold),
        _largest_above4(values[4:], backlogs[4:], threshold),
    )


@inline
def _sum_on2(backlogs, limits, threshold):
    """Return the sum of the limits of the items whose backlogs are on the threshold."""
    first = limits[0] if backlogs[0] == threshold else 0.0
    second = limits[1] if backlogs[1] == threshold else 0.0
    return first + second


@inline
def _sum_on4(backlogs, limits, threshold):
    return _sum_on2(backlogs[:2], limits[:2], threshold) + _sum_on2(backlogs[2:], limits[2:], threshold)


@inline
def _sum_on8(backlogs, limits, threshold):
    return _sum_on4(backlogs[:4], limits[:4], threshold) + _sum_on4(backlogs[4:], limits[4:], threshold)


@inline
def _store2(backlogs, threshold, part, tau, k, lane, rate):
    """Write the rates of the items k and k + 1 of a lane."""
    rate[k, lane] = work_served(backlogs[0], threshold, part) / tau
    rate[k + 1, lane] = work_served(backlogs[1], threshold, part) / tau


@inline
def _store4(backlogs, threshold, part, tau, k, lane, rate):
    _store2(backlogs[:2], threshold, part, tau, k, lane, rate)
    _store2(backlogs[2:], threshold, part, tau, k + 2, lane, rate)


class Network(NamedTuple):
    """The functions of tuples of `size` values, of which all but `load` and `store` take the tuple.

    Attributes
    ----------
    size : int
    load : function of (queue, first item, lane)
        Backlogs of a lane, zeros beyond the last item.
    sort : function of (values,)
        Largest first.
    prefix : function of (values, sum before)
        Running sums.
    efforts : function of (cost, sums, inverse)
    threshold : function of (cost, lane_cost, efforts, backlogs)
        Largest backlog that is not served whole; `lane_cost` is (limit, inverse, floor, none), and the last
        stands for all being served whole.
    largest_above : function of (values, backlogs, threshold)
    sum_on : function of (backlogs, limits, threshold)
        Weighted items have limits of their own, others their backlogs.
    store : function of (backlogs, threshold, part, tau, first item, lane, rate), or None
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


TWO = Network(2, _load2, _sort2, _prefix2, _efforts2, _threshold2, _largest_above2, _sum_on2, _store2)
FOUR = Network(4, _load4, _sort4, _prefix4, _efforts4, _threshold4, _largest_above4, _sum_on4, _store4)
EIGHT = Network(8, _load8, _sort8, _prefix8, _efforts8, _threshold8, _largest_above8, _sum_on8, None)
