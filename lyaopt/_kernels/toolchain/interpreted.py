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
        # NumPy's floats divide by zero as compiled ones do; Python's raise
        args = tuple(np.float64(arg) if isinstance(arg, float) else arg for arg in args)
        with np.errstate(all="ignore"):
            return function(*args)

    return call
