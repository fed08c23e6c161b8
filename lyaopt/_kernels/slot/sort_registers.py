"""The exact solver for lanes of up to eight items, everything in registers.

A lane is one problem: one device in one slot, or one slot at the edge. Its items are sorted by a
network of minima and maxima, so the body has no branch and the loop over lanes becomes vector
instructions. The functions below work on tuples of 2, 4 or 8 values and are put together by halves;
fewer items are padded with empty queues, which are served nothing.
"""

import numpy as np

from lyaopt._kernels.slot.block_rows import EFFORT, FLOOR, INVERSE, LEVEL, LIMIT, PART, SCALE, TOTAL
from lyaopt._kernels.slot.primal_recovery import part_served, work_served
from lyaopt._kernels.toolchain.jit import inline, lane_loop


@inline
def _row(q, k, lane):
    items = q.shape[0]
    backlog = q[k if k < items else items - 1, lane]
    return backlog if k < items else 0.0


@inline
def _load2(q, k, lane):
    return _row(q, k, lane), _row(q, k + 1, lane)


@inline
def _load4(q, k, lane):
    return _load2(q, k, lane) + _load2(q, k + 2, lane)


@inline
def _load8(q, k, lane):
    return _load4(q, k, lane) + _load4(q, k + 4, lane)


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


def _by_halves(one, join):
    """Return `join` of `one(a[i], b[i], x, y, z)` over the items, for 2, 4 and 8 of them."""

    @inline
    def two(a, b, x, y, z):
        return join(one(a[0], b[0], x, y, z), one(a[1], b[1], x, y, z))

    @inline
    def four(a, b, x, y, z):
        return join(two(a[:2], b[:2], x, y, z), two(a[2:], b[2:], x, y, z))

    @inline
    def eight(a, b, x, y, z):
        return join(four(a[:4], b[:4], x, y, z), four(a[4:], b[4:], x, y, z))

    return {2: two, 4: four, 8: eight}


def _each(one):
    """Return the tuple of `one(a[i], b[i], x, y, z)` over the items, for 2, 4 and 8 of them."""

    @inline
    def two(a, b, x, y, z):
        return one(a[0], b[0], x, y, z), one(a[1], b[1], x, y, z)

    @inline
    def four(a, b, x, y, z):
        return two(a[:2], b[:2], x, y, z) + two(a[2:], b[2:], x, y, z)

    @inline
    def eight(a, b, x, y, z):
        return four(a[:4], b[:4], x, y, z) + four(a[4:], b[4:], x, y, z)

    return {2: two, 4: four, 8: eight}


@inline
def _sum(a, b):
    return a + b


@inline
def _if_above(value, v, level, y, z):
    return value if v > level else 0.0


@inline
def _if_equal(value, v, level, y, z):
    return value if v == level else 0.0


_above = _by_halves(_if_above, _larger)
_group = _by_halves(_if_equal, _sum)
_load = {2: _load2, 4: _load4, 8: _load8}
_sort = {2: _sort2, 4: _sort4, 8: _sort8}
_prefix = {2: _prefix2, 4: _prefix4, 8: _prefix8}


@inline
def _work(backlog, _, level, part, z):
    return work_served(backlog, level, part)


@inline
def _store2(rate, k, lane, work, tau):
    rate[k, lane] = work[0] / tau
    rate[k + 1, lane] = work[1] / tau


@inline
def _store4(rate, k, lane, work, tau):
    _store2(rate, k, lane, work[:2], tau)
    _store2(rate, k + 2, lane, work[2:], tau)


_works = _each(_work)
_store = {2: _store2, 4: _store4}


def _level_finder(cost, size):
    """Return ``find(q, lane, limit, inverse, floor)``: (level, sum above, its effort, sum on the level)."""
    effort, price, _, _ = cost
    load, sort, prefix, above, group = (f[size] for f in (_load, _sort, _prefix, _above, _group))

    @inline
    def effort_of(c, v, inverse, y, z):
        return effort(c, inverse)

    @inline
    def if_not_whole(e, v, limit, inverse, floor):
        return v if (e > limit) | (price(e, inverse, floor) > v) else 0.0

    efforts = _each(effort_of)[size]
    rejected = _by_halves(if_not_whole, _larger)[size]

    @inline
    def find(q, lane, limit, inverse, floor):
        v = sort(load(q, 0, lane))
        c = prefix(v, 0.0)
        e = efforts(c, v, inverse, 0.0, 0.0)
        level = rejected(e, v, limit, inverse, floor)
        before = above(c, v, level, 0.0, 0.0)
        return level, before, above(e, v, level, 0.0, 0.0), group(v, v, level, 0.0, 0.0)

    return find


def lane_solver(cost, size):
    """Return the solver for up to `size` (2, 4 or 8) items of the problem with this cost.

    ``solve(q, start, count, given, found)`` reads the lanes q[:, start:start + count] and the rows of
    `given`, and leaves in `found` what primal_recovery.py starts from.
    """
    find = _level_finder(cost, size)

    @lane_loop
    def solve(q, start, count, given, found):
        for t in range(count):
            level, before, least, group = find(
                q, start + t, given[LIMIT, t], given[INVERSE, t], given[FLOOR, t]
            )
            found[TOTAL, t] = before
            found[EFFORT, t] = least
            found[LEVEL, t] = level
            found[PART, t] = group

    return solve


def lane_server(cost, size):
    """Return the solver for exactly `size` (2 or 4) items that serves them in the same loop.

    It pays where nothing in the loop takes long; a logarithm is better kept in a loop of its own.
    ``serve(q, start, count, given, found, tau, rate)`` sets TOTAL, EFFORT and LEVEL, and the rates.
    """
    _, _, worth, served = cost
    find = _level_finder(cost, size)
    load, works, store = _load[size], _works[size], _store[size]

    @lane_loop
    def serve(q, start, count, given, found, tau, rate):
        for t in range(count):
            # unsigned: a test for a negative index would hide from the compiler that the rows are apart
            lane = np.uint64(start + t)
            limit = given[LIMIT, t]
            scale = given[SCALE, t]
            floor = given[FLOOR, t]
            level, before, least, group = find(q, lane, limit, given[INVERSE, t], floor)
            reach = worth(level, scale, floor)
            reach = reach if reach < limit else limit
            supply = served(reach, scale)
            total, effort, part = part_served(level, before, least, group, reach, supply)
            found[TOTAL, t] = total
            found[EFFORT, t] = effort
            found[LEVEL, t] = level
            backlogs = load(q, 0, lane)
            store(rate, 0, lane, works(backlogs, backlogs, level, part, 0.0), tau)

    return serve
