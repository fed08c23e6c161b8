"""Checks dtype, ndim and layout of arguments, because the ahead-of-time extension does not.

Numba's dispatcher looks at the types of all arguments. The extension does not: an array of another type,
layout or dimension would make it read and write beyond the array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Kind = Any
"""An argument's kind: (dtype, dimensions) of an array, a list of kinds of a tuple, None of a scalar."""


def kinds_of(described: Sequence[Any]) -> list[Kind]:
    """Kinds from ``_core.json``: "f8:2" for an array, "f8" for a scalar, a list for a tuple."""
    return [kinds_of(kind) if isinstance(kind, list) else _kind_of(kind) for kind in described]


def _kind_of(described: str) -> Kind:
    dtype, _, dimensions = described.partition(":")
    return (np.dtype(dtype), int(dimensions)) if dimensions else None


def guarded(
    function: Callable[..., Any],
    described: Sequence[Any],
    check_shapes: Callable[[Sequence[Any], tuple[tuple[int, ...], ...]], None] | None = None,
) -> Callable[..., Any]:
    """Wrap a function so that its arguments are checked first; by `check_shapes` too, see argument_shapes.py.

    Raises
    ------
    TypeError
        When called with an array of another type or number of dimensions, or one that is not writeable,
        aligned and contiguous.
    """
    kinds = kinds_of(described)

    def call(*args: Any) -> Any:
        shapes: list[tuple[int, ...]] = []
        _check(kinds, args, shapes)
        if check_shapes is not None:
            check_shapes(args, tuple(shapes))
        return function(*args)

    call.unguarded = function  # type: ignore[attr-defined]
    return call


def _check(kinds: Sequence[Kind], args: Sequence[Any], shapes: list[tuple[int, ...]]) -> None:
    """Check the arguments, and note the shapes of the arrays among them."""
    for kind, value in zip(kinds, args, strict=False):  # the function itself counts its arguments
        if kind is None:
            continue
        if type(kind) is list:
            if not isinstance(value, tuple) or len(value) != len(kind):
                raise TypeError(f"expected a tuple of {len(kind)}, got {value!r}")
            _check(kind, value, shapes)
            continue
        dtype, dimensions = kind
        if (
            type(value) is np.ndarray
            and (value.dtype is dtype or value.dtype == dtype)
            and value.flags.carray
        ):
            shape = value.shape
            if len(shape) == dimensions:
                shapes.append(shape)
                continue
        raise TypeError(f"expected a contiguous writeable array of {dtype} in {dimensions} dimensions")
