"""Intrinsics of Numba that are made when a caller is compiled: Numba takes long to import."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class LateIntrinsic:
    """An intrinsic in the eyes of Numba; `make` returns it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    @functools.cached_property
    def _numba_type_(self) -> Any:
        from numba.core.registry import cpu_target

        context = cpu_target.typing_context
        intrinsic = self._make()
        context.refresh()
        return context.resolve_value_type(intrinsic)
