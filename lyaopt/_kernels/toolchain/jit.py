"""The decorators that hold every compile flag."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

# The hash of the sources is taken while the kernels are imported, not when the first one is compiled: an edit
# in between would put the old code into the cache under the new hash.
from lyaopt._kernels.toolchain.core_choice import CHOICE

CORE = CHOICE.core

# No fastmath: certificates need every NaN and every rounding as written.
# error_model="numpy": a division by zero gives inf, as the formulas assume, and costs no branch.
FLAGS: dict[str, Any] = {"error_model": "numpy", "nogil": True}
if os.environ.get("LYAOPT_BOUNDSCHECK") == "1":
    FLAGS["boundscheck"] = True

KERNELS: dict[str, Kernel] = {}
"""Every kernel that was imported, by name."""

C_ENTRIES: dict[str, tuple[str, Callable[..., Any]]] = {}
"""Functions of the library for C, by symbol: the signature, and the function that is compiled for it."""


def _jitted(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    import numba

    if options.pop("no_alias", False):
        from lyaopt._kernels.toolchain.no_alias import NoAliasCompiler

        options["pipeline_class"] = NoAliasCompiler
    return numba.njit(**options, **FLAGS)(function)


class Late:
    """A helper while the ahead-of-time core runs: compiled only if a user's jitted code calls it."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self._function, self._options = function, options

    @functools.cached_property
    def dispatcher(self) -> Any:
        """The function that Numba compiles."""
        return _jitted(self._function, dict(self._options))

    @property
    def _numba_type_(self) -> Any:
        return self.dispatcher._numba_type_

    def __call__(self, *args: Any) -> Any:
        return self.dispatcher(*args)


def _decorated(function: Callable[..., Any], **options: Any) -> Any:
    if CORE == "python":
        return function
    return Late(function, options) if CORE == "aot" else _jitted(function, options)


def inline(function: Callable[..., Any]) -> Any:
    """Decorate a scalar helper that is compiled into its callers."""
    return _decorated(function, forceinline=True)


def fused(function: Callable[..., Any]) -> Any:
    """Decorate an inline helper in which a product and a sum may round once, where the processor can.

    It makes polynomials a third shorter. Results may differ in the last place between processors.
    """
    return _decorated(function, forceinline=True, fastmath={"contract"})


def helper(function: Callable[..., Any]) -> Any:
    """Decorate a helper that may stay a call: LLVM decides.

    Said to Numba in so many words: without it a helper inherits ``forceinline`` from whichever caller is
    compiled first, so that the code of one kernel would depend on which others there are.
    """
    return _decorated(function, forceinline=False)


def lane_loop(function: Callable[..., Any]) -> Any:
    """Decorate a loop over lanes: its array arguments must not overlap, so that it vectorises.

    It is compiled into its callers, as `inline` is.
    """
    return _decorated(function, no_alias=True, forceinline=True)


class Kernel:
    """An entry point that Python calls: built ahead, or compiled at the first call and cached on disk.

    Attributes
    ----------
    compiled
        The function as Numba compiles it. Jitted code calls it through a global; Python calls the kernel.
    """

    def __init__(self, name: str, signature: str | Callable[[], Any], function: Callable[..., Any]) -> None:
        self.name = name
        self.signature = signature
        self.function = function
        KERNELS[name] = self

    @functools.cached_property
    def compiled(self) -> Any:
        if CORE == "python":
            from lyaopt._kernels.toolchain.interpreted import quiet

            return quiet(self.function)
        from lyaopt._kernels.toolchain.cache import compile_cached

        # Types of tuples can be named only with Numba at hand.
        signature = self.signature() if callable(self.signature) else self.signature
        return compile_cached(
            self.function, self.name, signature, FLAGS, CHOICE.sources, CHOICE.why_not_built
        )

    @functools.cached_property
    def _entry(self) -> Callable[..., Any]:
        from lyaopt._kernels.toolchain.argument_check import guarded
        from lyaopt._kernels.toolchain.argument_shapes import fitting, shape_check

        if CHOICE.extension is None:
            return fitting(self.compiled, self.name)
        function, described = getattr(CHOICE.extension, self.name), CHOICE.about["kernels"][self.name]
        return guarded(function, described, shape_check(self.name))

    @functools.cached_property
    def trusting(self) -> Callable[..., Any]:
        """The kernel without a look at the arguments, which takes longer than many a kernel.

        Only for callers that have made every array themselves, contiguous and of the right type and shape: a
        wrong one would be read and written beyond its end.
        """
        entry: Callable[..., Any] = getattr(self._entry, "unguarded", self._entry)
        return entry

    def __call__(self, *args: Any) -> Any:
        return self._entry(*args)
