"""Arrays and numbers as lyaopt takes them, and what each is checked for."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lyaopt.errors import ProblemError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def shape_of(values: ArrayLike, name: str, axes: str) -> tuple[int, ...]:
    """Return the shape of an array with one dimension a letter of `axes`, such as "MN"."""
    try:
        shape = np.shape(values)
    except ValueError:  # rows of different lengths
        shape = ()
    if len(shape) != len(axes):
        raise ProblemError(f"$.{name}", f"expected an array of shape ({', '.join(axes)})")
    return shape


def as_floats(values: ArrayLike, name: str, shape: tuple[int, ...]) -> Floats:
    """Return the values as a contiguous float64 array of this shape, or say which field is not.

    Read-only arrays are copied: kernels are compiled for arrays that can be written.
    """
    if "numpy.ma" in sys.modules and isinstance(values, np.ma.MaskedArray):
        raise ProblemError(f"$.{name}", "expected an array without a mask")
    try:
        given = np.asarray(values)
        # complex numbers, texts, dates and truth values would be converted in silence
        if given.dtype.kind not in "iufO":
            raise TypeError(given.dtype)
        array = np.ascontiguousarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(f"$.{name}", f"expected numbers, got {values!r:.60}") from error
    if array.shape != shape:
        raise ProblemError(f"$.{name}", f"expected shape {shape}, got {array.shape}")
    return array if array.flags.writeable else array.copy()


def is_real(value: Any) -> bool:
    """Return whether a value is a real number; truth values are none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the range of floats
        return False


def check_scalar(value: Any, name: str, *, positive: bool = False) -> None:
    """Refuse what is not a finite number >= 0 (or > 0)."""
    bound = "> 0" if positive else ">= 0"
    if not is_real(value) or not _is_finite(value) or value < 0 or (positive and value == 0):
        raise ProblemError(f"$.{name}", f"expected a finite number {bound}, got {value!r:.60}")


def check_array(array: Floats, path: Any, *, positive: bool = False) -> None:
    """Refuse an array with an entry that is not a finite number >= 0 (or > 0).

    `path` maps the index of the first such entry to its path.
    """
    if array.size == 0:
        return
    low = array.min()  # NaN if any entry is
    if low >= 0.0 and array.max() < math.inf and not (positive and low == 0.0):
        return
    good = np.isfinite(array) & ((array > 0.0) if positive else (array >= 0.0))
    index = tuple(int(i) for i in np.argwhere(~good)[0])
    bound = "> 0" if positive else ">= 0"
    raise ProblemError(path(index), f"expected a finite number {bound}, got {array[index]}")
