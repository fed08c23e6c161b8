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
_PLAIN = {float, int}
_BITS: dict[int, np.dtype[Any]] = {4: np.dtype(np.int32), 8: np.dtype(np.int64)}


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
    numbers = as_numbers(values, name)
    try:
        array = np.asarray(numbers, dtype=np.float64, order=order)
    except (TypeError, ValueError, OverflowError) as error:
        raise ProblemError(f"$.{name}", f"expected numbers, got {shown(values)}") from error
    if array.shape != shape:
        raise ProblemError(f"$.{name}", f"expected shape {shape}, got {array.shape}")
    return array if array.flags.behaved else array.copy(order)  # aligned and writeable


def as_numbers(values: Any, name: str) -> NDArray[Any]:
    """Return an array of real numbers of any type and shape; what NumPy would convert silently is refused.

    That is text, booleans, complex numbers, dates, and masked arrays, alone or in a list.

    Parameters
    ----------
    values : array_like
        The values.
    name : str
        Name of the field, for the error.

    Raises
    ------
    ProblemError
    """
    if _has_mask(values):
        raise ProblemError(f"$.{name}", "expected an array without a mask")
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError):  # rows of different lengths too
        array = np.asarray(None)
    kind = array.dtype.kind
    if kind not in "iufO" or (kind == "O" and not all(map(is_real, array.flat))) or _has_booleans(values):
        raise ProblemError(f"$.{name}", f"expected numbers, got {shown(values)}")
    return array


def _has_mask(values: Any) -> bool:
    """Whether the values, or arrays in a list of them, have a mask; no such type, no search."""
    if type(values) is np.ndarray or "numpy.ma" not in sys.modules:
        return False
    return is_masked(values) or any(map(_has_mask, _parts(values)))


def _has_booleans(values: Any) -> bool:
    """Whether there are booleans among the numbers of a list, which NumPy would take for 1 and 0."""
    if isinstance(values, np.ndarray):
        return values.dtype.kind == "b"
    return isinstance(values, (bool, np.bool_)) or any(map(_has_booleans, _parts(values)))


def _parts(values: Any) -> Sequence[Any]:
    """The entries of a list, or nothing if all are plain numbers."""
    if not isinstance(values, (list, tuple)) or {*map(type, values)} <= _PLAIN:
        return ()
    return values


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


def is_whole(value: Any) -> bool:
    """Return whether a value is an integer, not a boolean."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def as_scalar(value: Any, name: str, *, positive: bool = False) -> float:
    """Return a finite number >= 0 as a Python float, -0.0 as 0.0; refuse all else.

    NumPy's numbers would compute in their own precision, and a division by -0.0 gives -inf.

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
        return value
    number = _as_float(value)
    if not (0.0 <= number < math.inf) or (positive and number == 0.0):
        bound = "> 0" if positive else ">= 0"
        raise ProblemError(f"$.{name}", f"expected a finite number {bound}, got {shown(value)}")
    return number + 0.0


def _as_float(value: Any) -> float:
    """The value as a float; NaN if it is no real number, or an int beyond the range of floats."""
    try:
        return float(value) if is_real(value) else math.nan
    except OverflowError:
        return math.nan


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Forbid writing to an array, and return it.

    Parameters
    ----------
    array : ndarray
        Of any type and shape.
    """
    array.flags.writeable = False
    return array


def restore_read_only(instance: Any, state: dict[str, Any]) -> None:
    """Restore an object from a copy or pickle, which forget that arrays are read-only; a `__setstate__`.

    Parameters
    ----------
    instance : object
        Whose arrays are all read-only, those in its tuples too.
    state : dict
        Its attributes.
    """
    vars(instance).update(state)
    for value in state.values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, np.ndarray):
                read_only(part)


def least_bits(array: Floats) -> int:
    """Return the least entry as an integer of the same bits: negative for any sign, also that of -0.0.

    It takes one look at the array, where comparisons alone would not tell -0.0 from 0.0.

    Parameters
    ----------
    array : ndarray of floats
        Not empty.
    """
    return int(array.view(_BITS[array.itemsize]).min())


def check_array(array: Floats, path: Any, *, positive: bool = False) -> Floats:
    """Return an array of finite numbers >= 0 without -0.0; refuse any other.

    Parameters
    ----------
    array : ndarray of floats
        Of any shape. Returned as it is, unless it holds a -0.0: then a copy.
    path : callable
        Maps the index of the first such entry, a tuple of int, to its path.
    positive : bool
        Refuse zeros too.

    Raises
    ------
    ProblemError
    """
    if array.size == 0:
        return array
    least = least_bits(array)
    if least < 0:
        array = array + 0.0
        least = least_bits(array)
    if least >= positive and array.max() < math.inf:  # false for NaN
        return array
    good = np.isfinite(array) & ((array > 0.0) if positive else (array >= 0.0))
    index = tuple(int(i) for i in np.argwhere(~good)[0])
    bound = "> 0" if positive else ">= 0"
    raise ProblemError(path(index), f"expected a finite number {bound}, got {array[index]}")
