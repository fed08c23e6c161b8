"""Products of matrices in single precision, in plain loops that vectorise.

Six rows of the result and four of the right factor meet in one loop over columns: 24 products for each ten
numbers loaded and six stored. The right factor is taken in panels that stay in the first cache, and all rows
are whole lanes, so that no loop has a rest. On the small matrices of our networks that is up to twice as fast
as a general BLAS where vectors have 512 bits. Every number of a result is summed in the same order whatever
rows are beside it.
"""

import numpy as np

from lyaopt._kernels.toolchain.jit import fused, helper, lane_loop

LANES = 16
"""Columns of right factors and results are a multiple of this."""
_PANEL = 8192  # numbers of the right factor: 32 kB
_DEEP, _ROWS = 4, 6


@fused
def _plus(total, x, y):
    return total + x * y


@lane_loop
def _six_rows(a, b, c, d, e, f, g, h):
    """Add a (6, k) times b (k, n) to the rows `c` to `h` (n,), for whole fours of k."""
    for deep in range(b.shape[0] // _DEEP):
        p = np.uint64(_DEEP * deep)
        for j in range(c.size // LANES * LANES):
            x, y, z, u, v, w = c[j], d[j], e[j], f[j], g[j], h[j]
            for q in range(_DEEP):
                k = p + np.uint64(q)
                x, y, z = _plus(x, a[0, k], b[k, j]), _plus(y, a[1, k], b[k, j]), _plus(z, a[2, k], b[k, j])
                u, v, w = _plus(u, a[3, k], b[k, j]), _plus(v, a[4, k], b[k, j]), _plus(w, a[5, k], b[k, j])
            c[j], d[j], e[j], f[j], g[j], h[j] = x, y, z, u, v, w


@lane_loop
def _one_row(a, b, c):
    """Add a (1, k) times b (k, n) to `c` (n,), for whole fours of k."""
    for deep in range(b.shape[0] // _DEEP):
        p = np.uint64(_DEEP * deep)
        for j in range(c.size // LANES * LANES):
            x = c[j]
            for q in range(_DEEP):
                k = p + np.uint64(q)
                x = _plus(x, a[0, k], b[k, j])
            c[j] = x


@lane_loop
def _one_product(x, row, out):
    """Add x times `row` (n,) to `out` (n,)."""
    for j in range(out.size // LANES * LANES):
        out[j] = _plus(out[j], x, row[j])


@helper
def _add_panel(a, b, out):
    """Add a (m, k) times b (k, n) to `out` (m, n)."""
    rows, depth = a.shape
    whole = rows // _ROWS * _ROWS
    for i in range(0, whole, _ROWS):
        c, d, e, f, g, h = out[i], out[i + 1], out[i + 2], out[i + 3], out[i + 4], out[i + 5]
        _six_rows(a[i : i + _ROWS], b, c, d, e, f, g, h)
    for i in range(whole, rows):
        _one_row(a[i : i + 1], b, out[i])
    for i in range(rows):
        for k in range(depth // _DEEP * _DEEP, depth):
            _one_product(a[i, k], b[k], out[i])


@helper
def add_product(a, b, out):
    """Add a (m, k) times b (k, n) to `out` (m, n), n in whole lanes.

    `a` may be transposed; `b` and `out` are contiguous.
    """
    depth = a.shape[1]
    panel = max(_DEEP, _PANEL // b.shape[1] // _DEEP * _DEEP)
    for first in range(0, depth, panel):
        last = min(first + panel, depth)
        _add_panel(a[:, first:last], b[first:last], out)


@helper
def in_lanes(columns):
    """Return the least multiple of `LANES` that is not less."""
    return -(-columns // LANES) * LANES


@helper
def filled_up(matrix):
    """Return `matrix` (m, n), or a copy whose columns are filled up to whole lanes with zeros."""
    rows, columns = matrix.shape
    if columns % LANES == 0:
        return matrix
    copy = np.zeros((rows, in_lanes(columns)), np.float32)
    copy[:, :columns] = matrix
    return copy


@lane_loop
def _transpose_lanes(matrix, first, copy):
    """Write rows `first` to `first` + LANES of `matrix` (m, n) as columns of `copy` (n, m or more)."""
    for k in range(matrix.shape[1]):
        for i in range(LANES):
            copy[k, first + np.uint64(i)] = matrix[first + np.uint64(i), k]


@helper
def transposed(matrix):
    """Return the transpose (n, m) of `matrix` (m, n), with columns filled up to whole lanes with zeros."""
    rows, columns = matrix.shape
    whole = rows // LANES * LANES
    copy = np.zeros((columns, in_lanes(rows)), np.float32)
    for first in range(0, whole, LANES):
        _transpose_lanes(matrix, np.uint64(first), copy)
    for i in range(whole, rows):
        for k in range(columns):
            copy[k, i] = matrix[i, k]
    return copy
