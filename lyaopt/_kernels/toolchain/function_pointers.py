"""Calls of functions that are compiled after their caller, by address."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lyaopt._kernels.toolchain.core_choice import CHOICE
from lyaopt._kernels.toolchain.jit import CORE, FLAGS
from lyaopt._kernels.toolchain.late_intrinsic import LateIntrinsic


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


class _Listening(threading.local):
    """Where each thread collects what its `Callback`s raise; None while nothing listens."""

    errors: list[BaseException] | None = None


class _Hook:
    """Stands in for `sys.unraisablehook` while any thread listens: there Numba tells what callbacks raise."""

    def __init__(self) -> None:
        self.lock, self.listeners = threading.Lock(), 0
        self.replaced: Callable[[Any], Any] = sys.unraisablehook

    def __call__(self, told: Any) -> None:
        errors = _LISTENING.errors
        # Numba gives no object but a text, which names its context
        if errors is not None and isinstance(told.object, str) and told.exc_value is not None:
            errors.append(told.exc_value)
        else:
            self.replaced(told)

    def listen(self, change: int) -> None:
        with self.lock:
            if self.listeners == 0:
                self.replaced = sys.unraisablehook
            self.listeners += change
            sys.unraisablehook = self if self.listeners else self.replaced


_LISTENING, _HOOK = _Listening(), _Hook()


@contextmanager
def heard_errors() -> Iterator[list[BaseException]]:
    """Collect what `Callback`s raise in this thread, which Numba prints and ignores."""
    earlier, _LISTENING.errors = _LISTENING.errors, []
    _HOOK.listen(1)
    try:
        yield _LISTENING.errors
    finally:
        _HOOK.listen(-1)
        _LISTENING.errors = earlier


def _call(function, first, second):
    try:
        return function(first, second)
    except Exception as error:
        if _LISTENING.errors is None:
            raise
        _LISTENING.errors.append(error)
        return 0


call_by_address: Any = _call if CORE == "python" else LateIntrinsic(_make_intrinsic)
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
