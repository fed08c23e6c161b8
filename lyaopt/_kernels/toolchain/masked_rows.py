"""Copies between a few places of an array and a row of `LANES` doubles, each in one masked
instruction; and comparisons of them.

Loops over rows of a constant length have no remainder. A loop that copies fewer numbers than fill a vector
would be one, number by number, and the wide loads that follow would wait for its narrow stores.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from lyaopt._kernels.toolchain.jit import CORE
from lyaopt._kernels.toolchain.late_intrinsic import LateIntrinsic

LANES = 8
"""Doubles of the widest vectors; two vectors where they are half as wide."""


def _spread(builder: Any, value: Any) -> Any:
    """Return a vector with one value in all lanes."""
    from llvmlite import ir

    whole = ir.VectorType(value.type, LANES)
    first = builder.insert_element(ir.Constant(whole, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, ir.Constant(whole, ir.Undefined), zeros)


def _vector_at(context: Any, builder: Any, array: Any, value: Any, first: Any = None) -> Any:
    """Return a pointer to a vector that starts at array[first]."""
    from llvmlite import ir
    from numba.np.arrayobj import make_array

    data = make_array(array)(context, builder, value).data
    start = data if first is None else builder.gep(data, [first])
    return builder.bitcast(start, ir.VectorType(ir.DoubleType(), LANES).as_pointer())


def _first_lanes(builder: Any, count: Any) -> Any:
    """Return a mask of the first `count` lanes."""
    from llvmlite import ir

    lanes = ir.Constant(ir.VectorType(ir.IntType(64), LANES), list(range(LANES)))
    return builder.icmp_signed("<", lanes, _spread(builder, count))


def _call_masked(builder: Any, kind: str, result: Any, arguments: list[Any]) -> Any:
    from llvmlite import ir
    from numba.core.cgutils import get_or_insert_function

    form = ir.FunctionType(result, [argument.type for argument in arguments])
    function = get_or_insert_function(builder.module, form, f"llvm.masked.{kind}.v{LANES}f64.p0")
    return builder.call(function, arguments)


def _make_load() -> Any:
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic
    def load(typingctx, values, first, count, otherwise, row):
        def build(context, builder, signature, arguments):
            given, start, number, rest, to = arguments
            source = _vector_at(context, builder, values, given, start)
            align = ir.Constant(ir.IntType(32), 8)
            others = _spread(builder, rest)
            mask = _first_lanes(builder, number)
            loaded = _call_masked(builder, "load", others.type, [source, align, mask, others])
            builder.store(loaded, _vector_at(context, builder, row, to), align=8)
            return context.get_dummy_value()

        return types.void(values, types.int64, types.int64, types.float64, row), build

    return load


def _make_store() -> Any:
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic
    def store(typingctx, row, first, count, values):
        def build(context, builder, signature, arguments):
            given, start, number, to = arguments
            loaded = builder.load(_vector_at(context, builder, row, given), align=8)
            target = _vector_at(context, builder, values, to, start)
            align = ir.Constant(ir.IntType(32), 8)
            mask = _first_lanes(builder, number)
            _call_masked(builder, "store", ir.VoidType(), [loaded, target, align, mask])
            return context.get_dummy_value()

        return types.void(row, types.int64, types.int64, values), build

    return store


def _make_outside(zero: bool) -> Any:
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic
    def outside(typingctx, values, first, count, least, most):
        def build(context, builder, signature, arguments):
            given, start, number, low, high = arguments
            bounds = _spread(builder, low), _spread(builder, high)
            source = _vector_at(context, builder, values, given, start)
            align = ir.Constant(ir.IntType(32), 8)
            mask = _first_lanes(builder, number)
            loaded = _call_masked(builder, "load", bounds[0].type, [source, align, mask, bounds[0]])
            above = builder.fcmp_ordered(">=", loaded, bounds[0])
            good = builder.and_(above, builder.fcmp_ordered("<=", loaded, bounds[1]))
            if zero:
                bits = builder.bitcast(loaded, ir.VectorType(ir.IntType(64), LANES))
                good = builder.or_(good, builder.icmp_unsigned("==", bits, ir.Constant(bits.type, None)))
            return builder.zext(builder.bitcast(builder.not_(good), ir.IntType(LANES)), ir.IntType(64))

        kinds = types.int64, types.int64, types.float64, types.float64
        return types.int64(values, *kinds), build

    return outside


def _load(values, first, count, otherwise, row):
    row[:LANES] = otherwise
    row[:count] = values[first : first + count]


def _store(row, first, count, values):
    values[first : first + count] = row[:count]


def _outside(values, first, count, least, most, zero):
    taken = values[first : first + count]
    good = ((taken >= least) & (taken <= most)) | (zero & (taken.view(np.int64) == 0))
    return sum(1 << t for t in range(count) if not good[t])


load_row: Any = _load if CORE == "python" else LateIntrinsic(_make_load)
"""``load_row(values, first, count, otherwise, row)``: ``row[t] = values[first + t]``, `otherwise` beyond."""
store_row: Any = _store if CORE == "python" else LateIntrinsic(_make_store)
"""``store_row(row, first, count, values)``: ``values[first + t] = row[t]`` for the first `count` t."""


def _outside_maker(zero: bool) -> Any:
    if CORE == "python":
        return functools.partial(_outside, zero=zero)
    return LateIntrinsic(functools.partial(_make_outside, zero))


outside: Any = _outside_maker(False)
"""``outside(values, first, count, least, most)``: bit t is set where values[first + t] is out of bounds."""
outside_or_not_zero: Any = _outside_maker(True)
"""As `outside`; 0.0 is good too, but not -0.0."""
