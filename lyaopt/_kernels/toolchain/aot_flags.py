"""Compile flags for code that is built ahead of time: those of code compiled at run time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from lyaopt._kernels.toolchain.targets import processor, target


@contextlib.contextmanager
def as_at_run_time() -> Iterator[None]:
    """Have pycc compile with our flags, and for the features of the target rather than those of its name."""
    from unittest import mock

    from numba.core.codegen import AOTCPUCodegen
    from numba.pycc import compiler

    features = processor(target())[1]
    with (
        mock.patch.object(compiler, "Flags", numba_flags),
        mock.patch.object(AOTCPUCodegen, "_customize_tm_features", return_value=features),
    ):
        yield


def numba_flags() -> Any:
    """Numba's flags object with those of the decorators in jit.py."""
    from numba.core.compiler import Flags
    from numba.core.registry import cpu_target

    from lyaopt._kernels.toolchain.jit import FLAGS

    flags = Flags()
    cpu_target.options.parse_as_flags(flags, {"nopython": True, "boundscheck": None, **FLAGS})
    return flags
