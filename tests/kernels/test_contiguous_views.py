"""Views of contiguous arrays in another shape, compiled and interpreted."""

import sys

import numba
import numpy as np

from lyaopt._kernels.toolchain.contiguous_views import _view, view_as

ROWS = 3


@numba.njit
def views(array, columns):
    table = view_as(array[: ROWS * columns], (ROWS, columns))
    table[1, 1] = -1.0
    flat = view_as(table, (table.size,))
    cube = view_as(flat, (1, columns, ROWS))
    return table, flat, cube, view_as(array[:0], (0, 1))


def test_views_are_those_of_numpy():
    array = np.arange(9.0)
    found = views(array, 2)
    expected = [array[:6].reshape(shape) for shape in ((3, 2), (6,), (1, 2, 3))]
    for mine, numpys in zip(found, [*expected, array[:0].reshape(0, 1)], strict=True):
        np.testing.assert_array_equal(mine, numpys)
        assert (mine.shape, mine.strides) == (numpys.shape, numpys.strides)
        assert mine.ctypes.data == numpys.ctypes.data
    assert array[3] == -1.0


def test_views_hold_their_array_as_long_as_they_live():
    array = np.arange(9.0)
    before = sys.getrefcount(array)
    kept = [views(array, 2) for _ in range(100)]
    assert sys.getrefcount(array) > before
    del kept
    assert sys.getrefcount(array) == before


def test_interpreted_kernels_view_alike():
    array = np.arange(6.0)
    assert np.shares_memory(_view(array, (2, 3)), array)
