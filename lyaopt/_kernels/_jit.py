"""The decorators that hold every compile flag."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

# "jit" compiles with Numba; "python" runs the same source interpreted, without importing Numba,
# which is the faster of the two for one small problem in a fresh process.
CORE = "python" if os.environ.get("NUMBA_DISABLE_JIT") == "1" else os.environ.get("LYAOPT_CORE", "jit")
if CORE not in ("jit", "python"):
    raise ImportError(f"LYAOPT_CORE: expected 'jit' or 'python', got {CORE!r}")

# No fastmath: certificates need every NaN and every rounding as written.
# error_model="numpy": a division by zero gives inf, as the formulas assume, and costs no branch.
FLAGS: dict[str, Any] = {"error_model": "numpy", "nogil": True}
if os.environ.get("LYAOPT_BOUNDSCHECK") == "1":
    FLAGS["boundscheck"] = True


def _hash_of_sources() -> str:
    hasher = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        hasher.update(source.name.encode() + b"\0" + source.read_bytes())
    return hasher.hexdigest()


# Taken while the kernels are imported, not when the first one is compiled: an edit in between would
# put the old code into the cache under the new hash.
SOURCES = _hash_of_sources() if CORE == "jit" else ""


def inline(function: Callable[..., Any]) -> Any:
    """Decorate a scalar helper that is compiled into its callers."""
    if CORE == "python":
        return function
    import numba

    return numba.njit(forceinline=True, **FLAGS)(function)


def fused(function: Callable[..., Any]) -> Any:
    """Decorate an inline helper in which a product and a sum may round once, where the processor can.

    It makes polynomials a third shorter. Results may differ in the last place between processors.
    """
    if CORE == "python":
        return function
    import numba

    return numba.njit(forceinline=True, fastmath={"contract"}, **FLAGS)(function)


def helper(function: Callable[..., Any]) -> Any:
    """Decorate a helper that may stay a call."""
    if CORE == "python":
        return function
    import numba

    return numba.njit(**FLAGS)(function)


def lanes(function: Callable[..., Any]) -> Any:
    """Decorate a loop over lanes: its array arguments must not overlap, so that it vectorises."""
    if CORE == "python":
        return function
    import numba

    from lyaopt._kernels._noalias import NoAliasCompiler

    return numba.njit(pipeline_class=NoAliasCompiler, **FLAGS)(function)


class Kernel:
    """An entry point that Python calls: compiled for one signature at the first call, cached on disk.

    Attributes
    ----------
    compiled
        The compiled function. Jitted code calls this (taken into a global first), Python the kernel.
    """

    def __init__(self, name: str, signature: str | Callable[[], Any], function: Callable[..., Any]) -> None:
        self.name = name
        self.signature = signature
        self._function = function

    @functools.cached_property
    def compiled(self) -> Any:
        if CORE == "python":
            from lyaopt._kernels._interpreted import quiet

            return quiet(self._function)
        from lyaopt._kernels._cache import compile_cached

        # Types of tuples can be named only with Numba at hand.
        signature = self.signature() if callable(self.signature) else self.signature
        return compile_cached(self._function, self.name, signature, FLAGS, SOURCES)

    def __call__(self, *args: Any) -> Any:
        return self.compiled(*args)
