"""Calls of functions that are compiled after their caller, by address."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lyaopt._kernels.toolchain.core_choice import CHOICE
from lyaopt._kernels.toolchain.jit import CORE, FLAGS


class _LateCall:
    """`call_by_address` as Numba compiles it, made when a caller is compiled: Numba takes long to import."""

    @functools.cached_property
    def _numba_type_(self) -> Any:
        from numba.core.registry import cpu_target

        context = cpu_target.typing_context
        intrinsic = _make_intrinsic()
        context.refresh()
        return context.resolve_value_type(intrinsic)


def _make_intrinsic() -> Any:
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic
    def call(typingctx, address, first, second):
        def build(context, builder, signature, arguments):
            kinds = [context.get_value_type(kind) for kind in signature.args[1:]]
            function = ir.FunctionType(context.get_value_type(signature.return_type), kinds)
            return builder.call(builder.inttoptr(arguments[0], function.as_pointer()), arguments[1:])

        return types.int64(address, first, second), build

    return call


def _call(function, first, second):
    return function(first, second)


call_by_address: Any = _call if CORE == "python" else _LateCall()
"""``call_by_address(address, first, second)`` calls a `Callback`; 1, or 0 where the function raised."""


class Callback:
    """A function that kernels call by its address.

    Parameters
    ----------
    function : function
        Compiled by Numba, or interpreted where kernels are; it returns 1.
    kinds : functions
        Each returns the Numba type of an argument.

    Attributes
    ----------
    address : int
        Valid as long as this object lives; where kernels are interpreted, the function itself.
    """

    def __init__(self, function: Callable[..., Any], *kinds: Callable[[], Any]) -> None:
        self.address: Any = function
        if CORE != "python":
            import numba

            options = {name: value for name, value in FLAGS.items() if name != "nogil"}
            signature = numba.types.int64(*(kind() for kind in kinds))
            self._compiled = numba.cfunc(signature, **options)(function)
            self.address = self._compiled.address


def built_with_this_numba() -> bool:
    """Return whether the kernels that run take arrays as the installed Numba passes them by address."""
    if CORE != "aot":
        return True
    import numba

    return bool(CHOICE.about["numba"] == numba.__version__)
