"""How kernels run uncompiled: as compiled ones do, divisions by zero give inf without a warning."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a kernel so that it follows IEEE arithmetic silently."""

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*map(_with_numpy_floats, args))

    return call


def _with_numpy_floats(value: Any) -> Any:
    """Replace Python's floats, also in named tuples: they raise where NumPy's divide by zero to inf."""
    if isinstance(value, float):
        return np.float64(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_with_numpy_floats, value))
    return value
