"""Views of contiguous arrays for the price of a multiplication, and views that count no references.

Numba's ``reshape`` calls a function that finds out whether a copy is needed. For contiguous arrays none is.
Each view of an array that Numba counts references of is counted too, row by row in a loop.
"""

from __future__ import annotations

import functools
from typing import Any

from lyaopt._kernels.toolchain.jit import CORE
from lyaopt._kernels.toolchain.late_intrinsic import LateIntrinsic


def _make_intrinsic(borrowed: bool) -> Any:
    from numba.core import cgutils, types
    from numba.core.imputils import impl_ret_borrowed
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array, populate_array

    @intrinsic
    def view(typingctx, array, shape):
        if array.layout != "C":
            return None
        result = array.copy(ndim=len(shape))

        def build(context, builder, signature, arguments):
            old = make_array(array)(context, builder, arguments[0])
            new = make_array(result)(context, builder)
            sizes = [
                context.cast(builder, size, kind, types.intp)
                for size, kind in zip(cgutils.unpack_tuple(builder, arguments[1]), shape, strict=True)
            ]
            strides = [old.itemsize]
            for size in reversed(sizes[1:]):
                strides.insert(0, builder.mul(strides[0], size))
            owner = cgutils.get_null_value(old.meminfo.type) if borrowed else old.meminfo
            populate_array(new, old.data, sizes, strides, old.itemsize, owner, old.parent)
            return impl_ret_borrowed(context, builder, result, new._getvalue())

        return result(array, shape), build

    return view


def _make_borrowed() -> Any:
    from numba.core import cgutils, types
    from numba.core.imputils import impl_ret_untracked
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array, populate_array

    def copied(context, builder, kind, value):
        if isinstance(kind, types.BaseTuple):
            members = zip(kind.types, cgutils.unpack_tuple(builder, value), strict=True)
            copies = [copied(context, builder, *member) for member in members]
            return context.make_tuple(builder, kind, copies)
        if not isinstance(kind, types.Array):
            return value
        old, new = make_array(kind)(context, builder, value), make_array(kind)(context, builder)
        populate_array(new, old.data, old.shape, old.strides, old.itemsize, None)
        return new._getvalue()

    @intrinsic
    def borrowed(typingctx, value):
        def build(context, builder, signature, arguments):
            return impl_ret_untracked(context, builder, value, copied(context, builder, value, arguments[0]))

        return value(value), build

    return borrowed


def _view(array, shape):
    return array.reshape(shape)


def _same(value):
    return value


view_as: Any = _view if CORE == "python" else LateIntrinsic(functools.partial(_make_intrinsic, False))
"""``view_as(array, shape)`` returns a view of a contiguous array; nothing checks that the sizes agree."""

borrowed_as: Any = _view if CORE == "python" else LateIntrinsic(functools.partial(_make_intrinsic, True))
"""As `view_as`, of an array that the caller keeps alive: no references to the view are counted.

For kernels that would count for longer than they compute.
"""

borrowed: Any = _same if CORE == "python" else LateIntrinsic(_make_borrowed)
"""``borrowed(value)`` returns an array, or a tuple of arrays and scalars, whose references are not counted.

The owners must outlive it: arguments of the function, not its own variables, which end with their last use.
It must not be returned.
"""
