"""Sorting networks on tuples of 2, 4 or 8 weights that carry the limits along.

They are those of sorting_networks.py, where weight and limit are one number, with other functions where
limits come in: `load(items, first item, lane)` returns weights and limits, `sort(weights, limits)` both,
heaviest first, and `store(loaded, (threshold, rest, on_threshold, tau), first item, lane, rate)` writes the
rates. Lanes of fewer items are padded with items of weight and limit 0.
"""

from lyaopt._kernels.slot import sorting_networks as plain
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


TWO = plain.TWO._replace(load=_load2, sort=_sort2, store=_store2)
FOUR = plain.FOUR._replace(load=_load4, sort=_sort4, store=_store4)
EIGHT = plain.EIGHT._replace(load=_load8, sort=_sort8)
