"""Types and checks of arrays and numbers."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lyaopt.errors import ProblemError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Order = Literal["C", "F"]
_FLOAT64 = np.dtype(np.float64)


def shape_of(values: ArrayLike, name: str, axes: str) -> tuple[int, ...]:
    """Shape of an array with one dimension for each letter of `axes`.

    Parameters
    ----------
    values : array_like
        The values.
    name : str
        Name of the field, for the error.
    axes : str
        One letter a dimension, such as "MN".

    Raises
    ------
    ProblemError
        If it has another number of dimensions, or its rows differ in length.
    """
    shape = known_shape(values) or ()
    if len(shape) != len(axes):
        got = f"shape {shape}" if shape else "a number, or rows of different lengths"
        raise ProblemError(f"$.{name}", f"expected an array of shape ({', '.join(axes)}), got {got}")
    return shape


def known_shape(values: Any) -> tuple[int, ...] | None:
    """Return the shape of what may become an array; None if its rows differ in length.

    Parameters
    ----------
    values : object
        A number, sequence or array, or something else, whose shape is ().
    """
    try:
        return np.shape(values)
    except ValueError:
        return None


def shown(value: Any) -> str:
    """Return a value for an error: its representation cut short, on one line, where NumPy writes several.

    Parameters
    ----------
    value : object
        The value that was refused.
    """
    return f"{' '.join(repr(value).split()):.60}"


def check_type(value: Any, kind: type, name: str, source: str) -> None:
    """Check what a function is given in place of an object of lyaopt, a name for example.

    Parameters
    ----------
    value : object
        The argument.
    kind : type
        What it must be.
    name : str
        Name of the argument, for the error.
    source : str
        Where such objects come from, in the words of the error.

    Raises
    ------
    ProblemError
        If it is something else.
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        expected = f"{article} {kind.__name__}, {source}"
        raise ProblemError(f"$.{name}", f"expected {expected}, got {shown(value)}")


def check_choice(value: Any, choices: Sequence[str], name: str) -> None:
    """Refuse what is not one of a few words.

    Parameters
    ----------
    value : object
        The argument.
    choices : sequence of str
        The words.
    name : str
        Name of the argument, for the error.

    Raises
    ------
    ProblemError
    """
    if not isinstance(value, str) or value not in choices:
        raise ProblemError(f"$.{name}", f"expected one of {', '.join(choices)}, got {shown(value)}")


def as_floats(values: ArrayLike, name: str, shape: tuple[int, ...], order: Order = "C") -> Floats:
    """Return the values as a writeable, contiguous float64 array.

    Read-only arrays are copied: kernels are compiled for arrays that can be written.

    Parameters
    ----------
    values : array_like
        Used without a copy if it is such an array already.
    name : str
        Name of the field, for the error.
    shape : tuple of int
        The shape that it must have.
    order : {"C", "F"}
        Memory order: the last ("C") or the first ("F") axis is contiguous.

    Raises
    ------
    ProblemError
        If the values are masked, not numbers, or of another shape.
    """
    if type(values) is np.ndarray and values.dtype is _FLOAT64 and values.shape == shape:  # the usual case
        array = np.asarray(values, order=order)
        return array if array.flags.behaved else array.copy(order)
    if is_masked(values):
        raise ProblemError(f"$.{name}", "expected an array without a mask")
    try:
        unconverted = np.asarray(values)
        # complex numbers, text, dates and booleans would be converted silently
        if unconverted.dtype.kind not in "iufO":
            raise TypeError(unconverted.dtype)
        array = np.asarray(unconverted, dtype=np.float64, order=order)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(f"$.{name}", f"expected numbers, got {shown(values)}") from error
    if array.shape != shape:
        raise ProblemError(f"$.{name}", f"expected shape {shape}, got {array.shape}")
    return array if array.flags.behaved else array.copy(order)  # aligned and writeable


def is_masked(values: Any) -> bool:
    """Return whether a value is an array with a mask, which conversions would drop.

    Parameters
    ----------
    values : object
        Any object.
    """
    return "numpy.ma" in sys.modules and isinstance(values, np.ma.MaskedArray)


def is_real(value: Any) -> bool:
    """Return whether a value is a real number, not a boolean."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the range of floats
        return False


def check_scalar(value: Any, name: str, *, positive: bool = False) -> None:
    """Refuse what is not a finite number >= 0.

    Parameters
    ----------
    value : object
        The value to check.
    name : str
        Name of the field, for the error.
    positive : bool
        Refuse zero too.

    Raises
    ------
    ProblemError
    """
    if type(value) is float and 0.0 < value < math.inf:  # the usual case
        return
    bound = "> 0" if positive else ">= 0"
    if not is_real(value) or not _is_finite(value) or value < 0 or (positive and value == 0):
        raise ProblemError(f"$.{name}", f"expected a finite number {bound}, got {shown(value)}")


def check_array(array: Floats, path: Any, *, positive: bool = False) -> None:
    """Refuse an array with an entry that is not a finite number >= 0.

    Parameters
    ----------
    array : ndarray
        Of any shape.
    path : callable
        Maps the index of the first such entry, a tuple of int, to its path.
    positive : bool
        Refuse zeros too.

    Raises
    ------
    ProblemError
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
