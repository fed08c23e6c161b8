"""Views of contiguous arrays in another shape, compiled and interpreted."""

import sys
from typing import Any, NamedTuple

import numba
import numpy as np

from lyaopt._kernels.toolchain.contiguous_views import _view, borrowed, view_as

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


class Pair(NamedTuple):
    """Arrays within tuples, as kernels take them."""

    table: Any
    inner: Any


@numba.njit
def add_to_rows(pair, amount):
    pair, amount = borrowed((pair, amount))
    table, (row, _) = pair
    for i in range(table.shape[0]):
        mine = table[i]
        mine += row * amount
    return table.sum()


@numba.njit
def add_to_own(rows):
    pair = Pair(np.zeros((rows, 2)), (np.ones(2), rows))
    return add_to_rows(pair, 3.0), pair.table


def test_borrowed_arrays_are_those_of_the_owner_and_count_nothing():
    pair = Pair(np.zeros((4, 2)), (np.array([1.0, 2.0]), 7))
    before = sys.getrefcount(pair.table), sys.getrefcount(pair.inner[0])
    assert [add_to_rows(pair, 1.0) for _ in range(3)] == [12.0, 24.0, 36.0]
    np.testing.assert_array_equal(pair.table, [[3.0, 6.0]] * 4)
    assert (sys.getrefcount(pair.table), sys.getrefcount(pair.inner[0])) == before


def test_arrays_of_a_caller_live_on_while_they_are_borrowed():
    for _ in range(100):
        total, table = add_to_own(1000)
        assert total == 6000.0
        assert (table == 3.0).all()
