"""The exact solver for lanes of some more items: row by row through a block in the cache.

The same steps as in sort_registers.py (sort, prefix sums, level), with the items in rows of scratch memory,
since they no longer fit into registers. Sums are compensated: hundreds of equal items round the same way each
time, which plain sums would let exceed a capacity by 1e-14 of it.
"""

from lyaopt._kernels.numerics.compensated import two_sum
from lyaopt._kernels.slot.block_rows import EFFORT, FLOOR, INVERSE, LEVEL, LIMIT, PART, TOTAL
from lyaopt._kernels.toolchain.jit import helper, lane_loop


@lane_loop
def _load(q, start, count, v):
    for k in range(q.shape[0]):
        for t in range(count):
            v[k, t] = q[k, start + t]


@lane_loop
def _exchange(a, b, count):
    for t in range(count):
        x = a[t]
        y = b[t]
        a[t] = x if x > y else y
        b[t] = y if x > y else x


@helper
def _sort(v, items, count):
    """Sort every column, largest first, by merge exchange (Knuth, volume 3, 5.2.2, algorithm M)."""
    top = 1
    while 2 * top < items:
        top *= 2
    p = top
    while p > 0:
        q = top
        r = 0
        d = p
        while d > 0:
            for i in range(items - d):
                if (i & p) == r:
                    _exchange(v[i], v[i + d], count)
            d = q - p
            q //= 2
            r = p
        p //= 2


@lane_loop
def _prefix(v, c, total, lost, count):
    for t in range(count):
        total[t], error = two_sum(total[t], v[t])
        lost[t] += error
        c[t] = total[t] + lost[t]


@lane_loop
def _split(v, c, level, total, members, count):
    for t in range(count):
        backlog = v[t]
        before = total[t]
        reached = c[t]
        total[t] = reached if backlog > level[t] else before
        members[t] += 1.0 if backlog == level[t] else 0.0


@lane_loop
def _times(row, level, count):
    for t in range(count):
        row[t] *= level[t]


def rows_solver(cost):
    """Return ``solve(q, start, count, given, found, v, c)`` for the problem with this cost.

    `v` and `c` are scratch, a row an item; `found` is left as `lane_finisher` expects.
    """
    effort, price, _, _ = cost

    @lane_loop
    def reject(v, c, given, level, count):
        for t in range(count):
            backlog = v[t]
            best = level[t]
            e = effort(c[t], given[INVERSE, t])
            whole = (e <= given[LIMIT, t]) & (price(e, given[INVERSE, t], given[FLOOR, t]) <= backlog)
            level[t] = best if whole | (backlog < best) else backlog

    @lane_loop
    def least_effort(before, given, out, count):
        for t in range(count):
            out[t] = effort(before[t], given[INVERSE, t])

    @helper
    def solve(q, start, count, given, found, v, c):
        items = q.shape[0]
        _load(q, start, count, v)
        _sort(v, items, count)
        found[:, :count] = 0.0
        for k in range(items):
            _prefix(v[k], c[k], found[TOTAL], found[PART], count)
        for k in range(items):
            reject(v[k], c[k], given, found[LEVEL], count)
        found[TOTAL, :count] = 0.0
        found[PART, :count] = 0.0
        for k in range(items):
            _split(v[k], c[k], found[LEVEL], found[TOTAL], found[PART], count)
        _times(found[PART], found[LEVEL], count)
        least_effort(found[TOTAL], given, found[EFFORT], count)

    return solve
