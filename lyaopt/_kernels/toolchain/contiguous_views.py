"""Views of contiguous arrays in another shape, for the price of a multiplication.

Numba's ``reshape`` calls a function that finds out whether a copy is needed. For contiguous arrays none is.
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


def _view(array, shape):
    return array.reshape(shape)


view_as: Any = _view if CORE == "python" else LateIntrinsic(functools.partial(_make_intrinsic, False))
"""``view_as(array, shape)`` returns a view of a contiguous array; nothing checks that the sizes agree."""

borrowed_as: Any = _view if CORE == "python" else LateIntrinsic(functools.partial(_make_intrinsic, True))
"""As `view_as`, of an array that the caller keeps alive: no references to the view are counted.

For kernels that would count for longer than they compute.
"""
